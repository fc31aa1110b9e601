/*
 * told.h
 *		What was last told of a rule, or of a table's erasure, and telling what is new.
 *
 * Invariant: each change from or to a state that is not well is told once, when the
 * transaction commits: a line in the log, and a notification.  Without any value of
 * a row.
 */
#ifndef RETENTION_TOLD_H
#define RETENTION_TOLD_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "report/health.h"

/* In the place of a stage: the table cannot be read; the erasure of what was deleted. */
#define RETENTION_TOLD_TABLE 0
#define RETENTION_TOLD_ERASURE (-1)

typedef struct RetentionTold
{
	char	   *relation;
	char	   *column_name;	/* "" = the row */
	int			stage;
	char	   *state;
	bool		seen;			/* by retention_told_compare() */
} RetentionTold;

/* What is told at once; zero before. */
typedef struct RetentionTelling
{
	TimestampTz now;
	int			changes;
} RetentionTelling;

/* With the SQL objects of 1.0 nothing is told. */
extern bool retention_told_is_known(void);

/* What was told of the rules of a table, RetentionTold *, palloc'd. */
extern List *retention_told_of_rules(const char *relation);

/* The tables of whose rules something was told, String *, palloc'd. */
extern List *retention_told_relations(void);

/* What was told of erasures, of all tables. */
extern List *retention_told_of_erasure(void);

/* A rule, or an erasure, is in that state: tells it if that is new. */
extern void retention_told_compare(List *told_states, const char *relation,
								   const char *column_name, int stage,
								   const RetentionHealth *health, RetentionTelling *telling);

/* What compare() has not seen is not there any more: a rule is gone, an erasure well,
 * or nobody promises it any more. */
extern void retention_told_rest(List *told_states, RetentionTelling *telling);

/* At the end: how many lines of the log were left out. */
extern void retention_told_end(const RetentionTelling *telling);

#endif							/* RETENTION_TOLD_H */
