/*
 * sweep.h
 *		One rule, from its first due row to its last.
 *
 * Invariant: each row that is found due is changed, recorded as blocked, or left
 * because another has it locked: a sweep ends.
 */
#ifndef RETENTION_SWEEP_H
#define RETENTION_SWEEP_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "due/due.h"
#include "policy/rule.h"

typedef struct RetentionSweep
{
	/* in */
	TimestampTz as_of;
	TimestampTz now;			/* when the pass began */
	TimestampTz stop_at;		/* end at the next batch after it; DT_NOEND =
								 * never */
	bool		retry;			/* also rows whose back-off has not ended */
	bool		full;			/* also clocks that an earlier sweep has seen
								 * done */
	/* out */
	bool		complete;		/* nothing due is left but what is explained */
	int64		rows;			/* that went */
	int64		stuck;			/* that could not */
	int64		locked;			/* that others had locked */
	bool		waits;			/* for somebody to confirm a number of rows */
	bool		kept;			/* rows are due but kept as the clock of
								 * others */
	TimestampTz next_due;
} RetentionSweep;

/*
 * Caller is between transactions' work: in a transaction that has done nothing,
 * connected to SPI, not atomic. Commits many times; an error of the rule is
 * recorded in its state and ends its sweep, not the pass.
 */
extern void retention_sweep_rule(Oid relid, AttrNumber attnum, int stage,
								 RetentionSweep *sweep);

/* Clocks up to it were seen by a sweep with that cut-off; DT_NOBEGIN = none. */
extern TimestampTz retention_sweep_mark(const RetentionDue *due);

/*
 * Commits, and begins the next READ COMMITTED transaction. Nobody waits for the
 * disk: the seal at the end of the pass does, for all.
 */
extern void retention_sweep_commit(void);

#endif							/* RETENTION_SWEEP_H */
