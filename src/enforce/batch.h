/*
 * batch.h
 *		Applies a rule to found rows, a transaction a batch.
 *
 * Invariant: no change without evidence and none the other way: rows, ledger
 * entry, blocked rows and progress commit together.
 */
#ifndef RETENTION_BATCH_H
#define RETENTION_BATCH_H

#include "postgres.h"

#include "due/due.h"
#include "due/row.h"
#include "enforce/change.h"

typedef struct RetentionBatch
{
	const RetentionDue *due;
	HTAB	   *skipped;
	TimestampTz now;
	int64		rows;			/* changed until now, in this pass */
	int64		stuck;			/* could not go, in this pass */
	int64		locked;			/* others had locked them */
	bool		contended;		/* others are at work here: do not wait for
								 * them */
	List	   *changes;		/* of RetentionChange *, private */
	MemoryContext context;		/* of the changes */
} RetentionBatch;

/*
 * Applies the rule to the rows of one leaf that an arm found, in the current
 * transaction, which the caller commits next.  A row that cannot go is isolated,
 * recorded and skipped.  Returns how many went; *error: why none could even be
 * tried, or NULL.
 */
extern int64 retention_batch_apply(RetentionBatch *batch, const RetentionArm *arm,
								   const RetentionRow *rows, int count,
								   ErrorData **error);

/* Tries a row that was blocked again, by itself. */
extern int64 retention_batch_retry(RetentionBatch *batch, const RetentionRow *row);

/* Records a row that cannot go, and why. */
extern void retention_batch_stuck(RetentionBatch *batch, const RetentionRow *row,
								  const ErrorData *error);

/* Writes the ledger entry of rows that went; lateness in us, -1 = not known. */
extern void retention_batch_enter(const RetentionDue *due, int64 rows,
								  int64 lateness, const char *detail);

/* Writes ledger entry and progress of rows that went; lateness in us. */
extern void retention_batch_testify(const RetentionBatch *batch, int64 rows,
									int64 lateness, const char *detail);

/* Frees the statements. */
extern void retention_batch_end(RetentionBatch *batch);

#endif							/* RETENTION_BATCH_H */
