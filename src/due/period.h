/*
 * period.h
 *		Periods of a row's own ("for"): a tenant's, a contract's, a row's.
 *
 * Invariant: a row's own period only ever shortens its category's. What is NULL,
 * negative or longer does not count.
 */
#ifndef RETENTION_PERIOD_H
#define RETENTION_PERIOD_H

#include "postgres.h"

#include "policy/rule.h"

/*
 * A way to rows that have one and the same own period, or none: what is joined and
 * asked in addition to the way to the clock, and the period as an SQL expression
 * over it.
 */
typedef struct RetentionPeriodArm
{
	char	   *from;			/* the hops' tables; NULL = none */
	char	   *path;			/* which rows */
	char	   *period;			/* NULL = the category's */
	bool		varies;			/* from row to row, not known before */
	Interval	value;			/* otherwise: all of them, by the server's "=" */
} RetentionPeriodArm;

/*
 * The ways to all rows t, of a rule that has own periods: one a distinct period, so
 * that an index on the clock serves each, and one for the rest.  Where the periods
 * are too many, or too dear to be listed, a single one that varies.  "single": that
 * in any case, for questions about one row.  Caller acts as the table's owner.
 */
extern List *retention_period_arms(const RetentionRule *rule, const char *prefix,
								   bool single);

/*
 * The server takes different intervals for equal: 30 days and a month.  Those of
 * them of which, for any clock, one is due first; a List of Interval *.
 */
extern List *retention_period_equals(const Interval *period);

/* Is there an own period that is longer than the category's, and does not count? */
extern bool retention_period_is_capped(const RetentionRule *rule);

#endif							/* RETENTION_PERIOD_H */
