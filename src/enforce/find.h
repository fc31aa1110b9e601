/*
 * find.h
 *		Finds due rows.
 *
 * Invariant: only finds; whoever changes a row asks the same conditions again.
 */
#ifndef RETENTION_FIND_H
#define RETENTION_FIND_H

#include "postgres.h"

#include "enforce/due.h"
#include "enforce/row.h"

/*
 * Up to "limit" rows of one arm that the engine may change and that are not in
 * "skipped"; returns how many.  "after": only clocks later than that
 * (DT_NOBEGIN = all).  ERROR as a user's expressions may raise it: call it in an
 * attempt.  Caller has SPI connected.
 */
extern int	retention_find_rows(const RetentionDue *due, const RetentionArm *arm,
								TimestampTz after, HTAB *skipped,
								RetentionRow *rows, int limit);

/*
 * The time at which the next row falls due, DT_NOEND if none is known or it
 * would cost too much to know.
 */
extern TimestampTz retention_find_next_due(const RetentionDue *due);

#endif							/* RETENTION_FIND_H */
