/*
 * rule.h
 *		Rules: labels and categories, compiled for one table.
 *
 * Invariant: compiling never fails for what a user wrote; a rule that cannot
 * hold is there, invalid, with its problem.
 */
#ifndef RETENTION_RULE_H
#define RETENTION_RULE_H

#include "postgres.h"

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "policy/category.h"
#include "policy/label.h"
#include "policy/labelled.h"
#include "policy/start.h"

/* One stage of a label. */
typedef struct RetentionRule
{
	Oid			relid;			/* the labelled table */
	char	   *relation;		/* schema-qualified, quoted */
	AttrNumber	attnum;			/* 0 = the row */
	char	   *column_name;	/* NULL = the row */
	int			stage;			/* from 1, within the label */
	char	   *category;
	Interval	period;			/* the category's: the longest */
	int			nformer;		/* promises that older clocks keep, see
								 * category.h */
	RetentionFormerPeriod *former;
	RetentionClock *own_period; /* a row's own, an interval; NULL = none has
								 * one */
	char	   *own_period_text;	/* as the label says it */
	List	   *clocks;			/* of RetentionClock *, in the order of "or" */
	char	   *start_text;		/* as the label says it */
	Node	   *condition;		/* analysed, varno 1; NULL = always */
	char	   *condition_text; /* NULL = always */
	RetentionAction *action;	/* NULL: goes with the row */
	char	   *action_text;
	bool		valid;
	char	   *problem;		/* NULL if valid */
	char	   *hint;
	uint8		digest[32];		/* of all that decides what it does */
} RetentionRule;

/*
 * The paths that a row of the rule needs: to its clock, and to its own period.
 * A List of RetentionClock *.
 */
extern List *retention_rule_paths(const RetentionRule *rule);

/* All rules of a labelled table; row stages first, then columns by attnum. */
extern List *retention_rule_compile(Oid relid);

/*
 * As above, with one label replaced by another text (NULL = removed), raising
 * as ERROR what is wrong in that label itself.  For the label provider.
 */
extern void retention_rule_judge(Oid relid, AttrNumber attnum, const char *label);

#endif							/* RETENTION_RULE_H */
