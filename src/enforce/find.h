/*
 * find.h
 *		Finds due rows.
 *
 * Invariant: only finds; whoever changes a row asks the same conditions again.
 */
#ifndef RETENTION_FIND_H
#define RETENTION_FIND_H

#include "postgres.h"

#include "due/due.h"
#include "due/row.h"
#include "storage/block.h"
#include "storage/off.h"

/* A part of one leaf; looked at row by row, whatever the planner thinks. */
typedef struct RetentionRange
{
	Oid			leaf;
	BlockNumber first_block;
	BlockNumber end_block;		/* the first one that is not looked at */
	OffsetNumber offset;		/* of the only row, or InvalidOffsetNumber */
} RetentionRange;

/*
 * Up to "limit" rows of one arm that the engine may change and that are not in
 * "skipped"; returns how many.  "after": only clocks later than that
 * (DT_NOBEGIN = all).  "range": only there; NULL = everywhere.  ERROR as a user's expressions may raise it: call it in an
 * attempt.  Caller has SPI connected.
 */
extern int	retention_find_rows(const RetentionDue *due, const RetentionArm *arm,
								TimestampTz after, const RetentionRange *range,
								HTAB *skipped,
								RetentionRow *rows, int limit);

/* Plans for single rows only, until the identity is restored. */
extern void retention_find_carefully(void);

/*
 * The time at which the next row falls due, DT_NOEND if none is known or it
 * would cost too much to know.
 */
extern TimestampTz retention_find_next_due(const RetentionDue *due);

#endif							/* RETENTION_FIND_H */
