/*
 * blocked.h
 *		Rows that are due and cannot go, and why.
 *
 * Invariant: an entry names a row version by (leaf table, ctid) and holds no
 * value of the row; when the row is gone or has moved, the entry is dropped by
 * the next pass that looks at it.
 */
#ifndef RETENTION_BLOCKED_H
#define RETENTION_BLOCKED_H

#include "postgres.h"

#include "due/row.h"
#include "policy/rule.h"

/* How many rows of the rule are blocked now (reads the table, capped by nothing). */
extern int64 retention_blocked_count(const RetentionRule *rule);

/* Enters the blocked rows of the rule's column (or row) into a skip table. */
extern void retention_blocked_load(const RetentionRule *rule, HTAB *skipped);

/*
 * Does a row of another table refer to the row?  Releases from 18 on have a code of
 * its own for ON DELETE RESTRICT.
 */
extern bool retention_blocked_is_referenced(const ErrorData *error);

/*
 * Records that a row could not go, or could not again.  "now" is the pass's: a
 * pass counts as one try, however often it comes back to the row.  Returns when
 * to try again.
 */
extern TimestampTz retention_blocked_record(const RetentionRule *rule, Oid leaf,
											const ItemPointerData * tid,
											const ErrorData *error,
											TimestampTz now);

/* Drops the entry of a row. */
extern void retention_blocked_drop(const RetentionRule *rule, Oid leaf,
								   const ItemPointerData * tid);

/* Drops all entries of the table, as unprotect does. */
extern void retention_blocked_drop_all(const char *relation);

#endif							/* RETENTION_BLOCKED_H */
