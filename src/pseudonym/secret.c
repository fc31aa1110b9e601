/*
 * secret.c
 *		Memory for key material.
 *
 * Invariant: what is in it is in no core dump and in no child process, where the
 * system can be asked for that (Linux), and is wiped before it is given back.
 *
 * Pages of its own, since advice to the system is for whole pages.  They are locked
 * in memory, so that they are not swapped out, as far as RLIMIT_MEMLOCK lets.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "pseudonym/secret.h"

void *
retention_secret_alloc(size_t size)
{
	void	   *secret = mmap(NULL, size, PROT_READ | PROT_WRITE,
							  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	/* Each of these is a wish: without it the key is used all the same. */
#ifdef MADV_DONTDUMP
	(void) madvise(secret, size, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
	(void) madvise(secret, size, MADV_WIPEONFORK);
#endif
	(void) mlock(secret, size);
	return secret;
}

void
retention_secret_free(void *secret, size_t size)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, size);
	(void) munmap(secret, size);
}
