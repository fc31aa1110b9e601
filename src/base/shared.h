/*
 * shared.h
 *		Memory that all processes of the server share, under a lock of its own.
 *
 * Invariant: requested while the library is preloaded, and never elsewhere.
 */
#ifndef RETENTION_SHARED_H
#define RETENTION_SHARED_H

#include "postgres.h"

#include "storage/lwlock.h"

/* What each struct of shared memory begins with. */
typedef struct RetentionShared
{
	LWLock	   *lock;
} RetentionShared;

/*
 * Has the server keep "size" bytes under that name, a constant.  *memory points at
 * them, all zero behind the lock at first, once the server or this process has
 * started; it is NULL before.
 */
extern void retention_shared_request(const char *name, Size size, void **memory);

#endif							/* RETENTION_SHARED_H */
