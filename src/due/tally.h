/*
 * tally.h
 *		How many rows are due, and how many wait for something.
 *
 * Invariant: counts are made of the conditions of enforce/due, as the table's
 * owner, and say whether they are exact.
 */
#ifndef RETENTION_TALLY_H
#define RETENTION_TALLY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "due/due.h"
#include "nodes/pg_list.h"

typedef enum RetentionTallyKind
{
	RETENTION_TALLY_DUE,		/* due and not held, whether or not something
								 * still needs it */
	RETENTION_TALLY_READY,		/* due, not held nor needed: the engine takes
								 * it */
	RETENTION_TALLY_KEPT,		/* due, kept as the clock of rows not done yet */
	RETENTION_TALLY_HELD,		/* would be due, but for a suspension */
	RETENTION_TALLY_NOT_STARTED,	/* the clock is NULL */
	RETENTION_TALLY_IMPLAUSIBLE,	/* the clock is before any that can be */
	RETENTION_TALLY_ORPHANED	/* no path leads to a clock */
} RetentionTallyKind;

/*
 * SELECT of "columns" (over t and the hops) of all rows of a kind: one branch an
 * arm, joined by UNION ALL.  NULL if there can be no such row.
 */
extern char *retention_tally_select(const RetentionDue *due,
									RetentionTallyKind kind,
									const char *columns);

/*
 * Counts rows of a kind, up to cap (0 = all of them; *exact says whether the cap
 * was not reached).  Unless the planner expects it to cost more than max_cost
 * (0 = whatever it costs): then false.
 */
extern bool retention_tally_count(const RetentionDue *due,
								  RetentionTallyKind kind,
								  int64 cap, double max_cost,
								  int64 *rows, bool *exact);

/* SQL text: when a row of the arm falls due; NULL while the clock has not started. */
extern char *retention_tally_deadline(const RetentionDue *due,
									  const RetentionArm *arm);

/*
 * The earliest time at which a due row fell due, DT_NOEND if none did.  Where
 * that would cost more than max_cost it is the earliest of some due rows (up to
 * cap) and *exact is false; where even that would, false.
 */
extern bool retention_tally_oldest(const RetentionDue *due, int64 cap,
								   double max_cost, TimestampTz *oldest,
								   bool *exact);

/* How many different rows are due by at least one of the RetentionDue. */
extern int64 retention_tally_distinct(Oid relid, List *dues);

/*
 * Does the table have fewer rows than that?  Reads no more of them than needed.
 */
extern bool retention_tally_fewer_than(Oid relid, int64 rows);

/*
 * Runs the work in a subtransaction. NULL if it went well; else the SQLSTATE,
 * palloc'd: never the message, which may hold a row's value. A cancelled query is
 * not caught.
 */
extern char *retention_tally_try(void (*work) (void *), void *arg);

#endif							/* RETENTION_TALLY_H */
