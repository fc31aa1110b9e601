/*
 * origin.h
 *		The replication origin that marks what retention changes.
 *
 * Invariant: between take() and release() every transaction of the session
 * carries the origin, with a commit time of its own; none outside does.  An origin
 * that somebody else has set is left alone.
 */
#ifndef RETENTION_ORIGIN_H
#define RETENTION_ORIGIN_H

#include "postgres.h"

/* The first of them; the others are called privacy_retention_2 and so on. */
#define RETENTION_ORIGIN_NAME "privacy_retention"

/*
 * Sets the session's origin, where changes are decoded at all (wal_level =
 * logical).  Caller is in a transaction that has done nothing, and commits it
 * before it changes anything.  An origin that is missing is created; where none
 * can be had, the session goes on without, and the log says so once.
 */
extern void retention_origin_take(void);

/* Undoes take(), also while an error is on its way. */
extern void retention_origin_release(void);

/*
 * Why changes would go out unmarked now, and what helps, palloc'd; false: nothing
 * is in the way.  Caller is in a transaction.
 */
extern bool retention_origin_problem(char **reason, char **remedy);

#endif							/* RETENTION_ORIGIN_H */
