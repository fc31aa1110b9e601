/*
 * survey.h
 *		What is known of a rule: counts made now, and what passes left behind.
 *
 * Invariant: reading changes nothing, works on a standby, waits for no lock, and
 * what cannot be counted is unknown, never guessed.
 */
#ifndef RETENTION_SURVEY_H
#define RETENTION_SURVEY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "guard/guard.h"
#include "report/circumstance.h"
#include "nodes/pg_list.h"
#include "policy/rule.h"

#define RETENTION_SURVEY_UNKNOWN (-1)

/* What holds for all rules of a table. */
typedef struct RetentionSurveyTable
{
	Oid			relid;
	char	   *name;			/* qualified, quoted */
	TimestampTz as_of;
	const RetentionCircumstances *circumstances;
	char	   *error;			/* SQLSTATE: the rest could not be read */
	RetentionProtection protection;
	Oid			gap;			/* a partition without guard */
	char	   *rewriting;		/* the statement that drops a rule */
	char	   *subscription;	/* that fills it */
	char	   *suspensions;	/* of its rows, in words */
	List	   *rules;			/* of RetentionRule * */
} RetentionSurveyTable;

typedef struct RetentionSurvey
{
	const RetentionSurveyTable *table;
	const RetentionRule *rule;	/* NULL: of a table that cannot be read */
	int64		due;			/* UNKNOWN = not counted, also below */
	int64		kept;
	int64		held;
	int64		blocked;
	int64		not_started;
	int64		orphaned;
	int64		implausible;
	TimestampTz oldest_due;		/* DT_NOEND = none, DT_NOBEGIN = unknown */
	TimestampTz counted_at;		/* DT_NOBEGIN = never */
	bool		exact;
	bool		live;			/* "due" was counted now */
	char	   *count_error;	/* SQLSTATE */
	char	   *blocked_why;
	const char *privilege;		/* that the table's owner lacks */
	char	   *grant;			/* the statement that gives it */
	char	   *index;			/* the statement that makes the missing index */
	bool		running;		/* a pass is under way, or was cut off */
	int64		rows_done;		/* by it, or by the last one */
	TimestampTz swept_to;		/* DT_NOBEGIN = nowhere */
	TimestampTz cutoff;			/* of the last pass, if it came to the rule's
								 * end; DT_NOBEGIN = it did not */
	TimestampTz last_success;	/* DT_NOBEGIN = never */
	char	   *last_error;
	double		rate;			/* UNKNOWN */
} RetentionSurvey;

/* Reads what is to be known of a labelled table.  Never fails: see "error". */
extern RetentionSurveyTable *retention_survey_table(Oid relid, TimestampTz as_of,
													const RetentionCircumstances *circumstances);

/*
 * The survey of one of its rules.  brief: only what tells the state, not all
 * counts.
 */
extern RetentionSurvey *retention_survey_rule(const RetentionSurveyTable *table,
											  const RetentionRule *rule, bool brief);

/* The same without any counts. */
extern RetentionSurvey *retention_survey_begin(const RetentionSurveyTable *table,
											   const RetentionRule *rule);

/* Seconds since the oldest due row fell due, 0 if there is none; or UNKNOWN. */
extern int64 retention_survey_overdue(const RetentionSurvey *survey);

/* Is a pass at work on the table? */
extern bool retention_survey_is_busy(Oid relid);

#endif							/* RETENTION_SURVEY_H */
