/*
 * sweeping.h
 *		A sweep that is under way: shared by sweep.c and window.c.
 *
 * Invariant: context lives as long as the sweep, batch_context as long as a batch.
 */
#ifndef RETENTION_SWEEPING_H
#define RETENTION_SWEEPING_H

#include "postgres.h"

#include "due/due.h"
#include "enforce/batch.h"
#include "enforce/brake.h"
#include "enforce/find.h"
#include "enforce/state.h"
#include "enforce/sweep.h"

/* Rows that are found in one go; their places are kept in memory. */
#define RETENTION_WINDOW_ROWS 250000

typedef struct RetentionSweeping
{
	RetentionSweep *sweep;
	RetentionRule *rule;
	RetentionDue *due;
	RetentionBatch batch;
	RetentionState state;
	RetentionBrake brake;
	MemoryContext context;		/* lives as long as the sweep */
	MemoryContext batch_context;
	RetentionRow *rows;
	const RetentionArm *arm;
	const RetentionRange *range;	/* NULL = the whole table */
	TimestampTz after;
	int			found;
	int			batch_rows;
	bool		backward;		/* later rows first: they may reference
								 * earlier ones */
	int			search_ms;
	uint64		generation;		/* of the policy that it follows */
	bool		stopped;
} RetentionSweeping;

/* All due rows of one way to the clock; those that fail are isolated. */
extern void retention_window_sweep(RetentionSweeping *s, const RetentionArm *arm);

/* Has the sweep used up its time? */
extern bool retention_window_out_of_time(const RetentionSweeping *s);

/* Ends the sweep with an error that is not of one row. */
extern void retention_window_fail(RetentionSweeping *s, const char *what,
								  const ErrorData *error);

/*
 * Stops the sweep if more rows would go than a pass may take unconfirmed.  "found":
 * so many were found, -1 = nobody has looked; "all": no others are due.  Commits.
 */
extern void retention_sweep_weigh(RetentionSweeping *s, int found, bool all);

/* Somebody changed the policy: what the sweep knows is no longer true. */
extern bool retention_sweep_policy_changed(RetentionSweeping *s);

#endif							/* RETENTION_SWEEPING_H */
