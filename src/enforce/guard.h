/*
 * guard.h
 *		Protection: the triggers that mark a table as enforced.
 *
 * Invariant: protected = the guard is there, enabled, and its arguments name
 * this database and this table.
 */
#ifndef RETENTION_GUARD_H
#define RETENTION_GUARD_H

#include "postgres.h"

typedef enum RetentionProtection
{
	RETENTION_WATCHED,			/* labelled, no guard */
	RETENTION_PROTECTED,
	RETENTION_DISABLED,			/* the guard is there, but disabled */
	RETENTION_COPIED			/* the guard names another database or table */
} RetentionProtection;

extern RetentionProtection retention_guard_state(Oid relid);

/*
 * The engine's own TRUNCATE or DROP of a protected partition passes the guard
 * while this is true; cleared when a transaction ends.
 */
extern void retention_guard_permit(bool permitted);

#endif							/* RETENTION_GUARD_H */
