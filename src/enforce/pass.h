/*
 * pass.h
 *		One pass over the rules that are due.
 *
 * Invariant: the cut-off is fixed for a pass; each batch is a transaction.
 */
#ifndef RETENTION_PASS_H
#define RETENTION_PASS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Namespace of the advisory locks of passes, (table, 0): "PR". */
#define RETENTION_PASS_LOCK_CLASS 20562

typedef struct RetentionPassResult
{
	int64		rows;			/* changed or deleted */
	bool		more;			/* stopped by the budget: come again at once */
	TimestampTz next_due;		/* DT_NOEND = nothing known to fall due */
} RetentionPassResult;

/*
 * Runs one pass over one protected table (InvalidOid: all), as of as_of.
 *
 * Caller is in a transaction with nothing done in it, outside any atomic
 * context; the pass connects to SPI by itself, commits many times, and returns
 * in a transaction.  retry: also rows whose back-off has not ended.  budget:
 * ms after which it stops at the next batch, 0 = none.  Superuser's identity or
 * not: rows are changed as their table's owner.
 */
extern void retention_pass_run(Oid relid, TimestampTz as_of, bool retry,
							   int budget, RetentionPassResult *result);

/* ERROR, with what helps, unless a pass over just this table would do its work. */
extern void retention_pass_require_protected(Oid relid);

#endif							/* RETENTION_PASS_H */
