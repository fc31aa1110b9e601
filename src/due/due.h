/*
 * due.h
 *		Which rows are due: rules as SQL conditions.
 *
 * Invariant: find, preview, status and the statement that changes the row all
 * build their conditions here, so that none of them can disagree.
 *
 * In every text below the labelled table (or one partition of it) is "t". The
 * cut-off stands in it as a constant. The statements must run under
 * retention_identity_become_owner(): intervals are added in
 * privacy_retention.timezone.
 */
#ifndef RETENTION_DUE_H
#define RETENTION_DUE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "policy/rule.h"

/*
 * One way to the clock: a path of the START and, where rows have periods of their
 * own, one of these. A row belongs to at most one arm (an arm's "path" excludes
 * rows that an earlier path of "or" finds).
 *
 *		SELECT ... FROM relation AS t [, from] WHERE path AND ...
 *		DELETE FROM ONLY leaf AS t [USING from] WHERE path AND ...
 */
typedef struct RetentionArm
{
	char	   *from;			/* the hops' tables, "a AS h1, b AS h2"; NULL
								 * = none */
	char	   *path;			/* joins and exclusions; "true" if none */
	char	   *clock;			/* timestamptz; NULL = not started */
	char	   *due;			/* clock is plausible and clock + period <=
								 * cut-off */
	char	   *due_at;			/* when the row falls due; overflows for
								 * clocks near the end of time */
	char	   *order;			/* the earlier, the earlier due: mostly the
								 * clock */
	char	   *bound;			/* SQL constant: the greatest clock that can
								 * be due */
	TimestampTz greatest;		/* "bound" as a value; DT_NOBEGIN = never due */
	bool		exact;			/* it moves with as_of, and decides alone */
	bool		in_order;		/* indexes give its rows in the order of
								 * "order", without others between them */
	char	   *implausible;	/* clock before privacy_retention.earliest */
	char	   *range;			/* an indexable necessary condition of due */
} RetentionArm;

typedef struct RetentionDue
{
	const RetentionRule *rule;
	TimestampTz as_of;
	List	   *arms;			/* of RetentionArm * */
	char	   *applies;		/* this stage decides for the row: "where",
								 * other stages */
	char	   *pending;		/* NOT done: the action would change the row;
								 * "true" for delete */
	char	   *free;			/* no dependent row still needs this one as
								 * its clock */
	char	   *unheld;			/* nothing under suspension would be touched;
								 * "true" where nothing is */
	char	   *orphaned;		/* no path finds a row, a hop lost its clock;
								 * "false" if it cannot be */
	bool		indexed;		/* indexes lead to the due rows */
	TimestampTz surely_due;		/* plausible clocks before it are due */
} RetentionDue;

/*
 * "rules" are all rules of the rule's table (retention_rule_compile). The rule
 * must be valid and have an action. Due rows that the engine changes:
 *		path AND due AND applies AND pending AND free AND unheld
 * Due rows that a person would count as due: the same without "free".  A row that
 * is held is not due: it is counted as held.
 */
extern RetentionDue *retention_due_build(const RetentionRule *rule, List *rules,
										 TimestampTz as_of);

/*
 * As above for questions about single rows, with one arm a path: own periods
 * ("for") are then read of the row, not searched for one by one.
 */
extern RetentionDue *retention_due_build_for_row(const RetentionRule *rule, List *rules,
												 TimestampTz as_of);

/*
 * When a clock falls due by its category; caller acts as the table's owner, for its
 * TimeZone.
 */
extern TimestampTz retention_due_at(const RetentionRule *rule, TimestampTz clock);

/* SQL text: the row t is due by one of the arms; joins nothing outside. */
extern char *retention_due_condition(List *arms);

/* "schema.table", quoted */
extern char *retention_due_relation(Oid relid);

#endif							/* RETENTION_DUE_H */
