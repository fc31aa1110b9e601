/*
 * digest.c
 *		SHA-256 by the server's own means, with or without OpenSSL.
 *
 * Invariant: a digest that fails is an ERROR, never a wrong hash.  One that is
 * begun and not ended because of another error is freed by its resource owner.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "evidence/digest.h"

StaticAssertDecl(RETENTION_DIGEST_LENGTH == PG_SHA256_DIGEST_LENGTH,
				 "a digest is SHA-256");

static void
check(pg_cryptohash_ctx *context, int result)
{
	if (result < 0)
		elog(ERROR, "could not compute SHA-256: %s",
			 pg_cryptohash_error(context));
}

RetentionDigest *
retention_digest_begin(void)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	check(context, pg_cryptohash_init(context));
	return (RetentionDigest *) context;
}

void
retention_digest_add(RetentionDigest *digest, const void *data, size_t length)
{
	pg_cryptohash_ctx *context = (pg_cryptohash_ctx *) digest;

	check(context, pg_cryptohash_update(context, data, length));
}

void
retention_digest_end(RetentionDigest *digest, uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	pg_cryptohash_ctx *context = (pg_cryptohash_ctx *) digest;

	check(context, pg_cryptohash_final(context, hash, RETENTION_DIGEST_LENGTH));
	pg_cryptohash_free(context);
}
