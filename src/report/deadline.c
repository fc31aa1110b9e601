/*
 * deadline.c
 *		When a row, or a value in it, falls due.
 *
 * Invariant: the answer is made of the conditions that the engine uses, for the
 * row as it was given, whether or not it is stored; and only for those who may
 * read the table.
 *
 * The clocks of parents are read as the owner of the table, as the engine does:
 * who may read a row is told its deadline, but nothing else of its parents.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "due/due.h"
#include "due/tally.h"
#include "guard/hold_text.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "report/given.h"

/* The statement for one call in a query, kept while the query runs. */
typedef struct Deadline
{
	Oid			type;			/* of the row */
	Oid			relid;			/* the labelled table */
	char	   *column_name;	/* NULL = the row */
	SPIPlanPtr	plan;			/* NULL = no rule: never due */
	MemoryContextCallback callback;
} Deadline;

PG_FUNCTION_INFO_V1(retention_deadline_find_sql);

static void
free_plan(void *arg)
{
	Deadline   *deadline = (Deadline *) arg;

	if (deadline->plan)
		SPI_freeplan(deadline->plan);
	deadline->plan = NULL;
}

/*
 * Appends "SELECT due time" of one stage, a branch an arm.  The stage is built
 * alone where its label's other stages shall not be asked.
 */
static void
append_stage(StringInfo sql, const RetentionRule *rule, List *rules,
			 const char *row, TimestampTz as_of)
{
	RetentionDue *due = retention_due_build_for_row(rule, rules, as_of);
	ListCell   *lc;

	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);
		char	   *deadline = retention_tally_deadline(due, arm);

		appendStringInfo(sql,
						 "%sSELECT CASE WHEN (%s) THEN NULL ELSE %s END AS due_at"
						 " FROM %s AS t%s%s WHERE (%s) AND (%s)",
						 sql->len > 0 ? " UNION ALL " : "",
						 arm->implausible, deadline, row,
						 arm->from ? ", " : "", arm->from ? arm->from : "",
						 arm->path, due->applies);
	}
}

/*
 * The statement that finds the deadline, or NULL if no rule is for the row or the
 * column. $1 is the row, $2 the present time.
 */
static char *
build_statement(Oid relid, Oid type, const char *column_name)
{
	List	   *rules = retention_rule_compile(relid);
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	char	   *row = retention_given_row(relid);
	bool		staged = false;
	char	   *held;
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	if (column_name != NULL)
	{
		AttrNumber	attnum = get_attnum(relid, column_name);
		char	   *text;

		/* what only a child has goes with the row */
		if (attnum <= 0 &&
			get_attnum(retention_given_relation(type), column_name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table %s does not exist", column_name,
							retention_start_relation_name(relid))));
		text = attnum > 0 ? retention_labelled_text(relid, attnum) : NULL;
		if (text != NULL && retention_label_parse(text, true)->no_personal_data)
			return NULL;
		foreach(lc, rules)
		{
			RetentionRule *rule = (RetentionRule *) lfirst(lc);

			if (attnum <= 0 || rule->attnum != attnum || rule->action == NULL)
				continue;
			staged = true;
			if (rule->valid)
				append_stage(&sql, rule, list_make1(rule), row, now);
		}
	}
	if (!staged)
		foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->attnum == 0 && rule->action != NULL && rule->valid)
			append_stage(&sql, rule, rules, row, now);
	}
	if (sql.len == 0)
		return NULL;
	held = retention_hold_text_held(retention_given_relation(type), "hd");
	return psprintf("SELECT CASE WHEN %s THEN 'infinity'::timestamptz ELSE"
					" coalesce(pg_catalog.min(due_at) FILTER (WHERE due_at > $2),"
					" pg_catalog.max(due_at)) END FROM (%s) AS s",
					held ? psprintf("EXISTS (SELECT 1 FROM pg_catalog.unnest(ARRAY[$1]) AS hd WHERE %s)", held) : "false",
					sql.data);
}

static Deadline *
prepare(FunctionCallInfo fcinfo, Oid type, const char *column_name)
{
	Deadline   *deadline = (Deadline *) fcinfo->flinfo->fn_extra;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	RetentionIdentity saved;
	Oid			types[] = {type, TIMESTAMPTZOID};
	char	   *sql;

	if (deadline == NULL)
	{
		deadline = MemoryContextAllocZero(context, sizeof(Deadline));
		deadline->callback.func = free_plan;
		deadline->callback.arg = deadline;
		MemoryContextRegisterResetCallback(context, &deadline->callback);
		fcinfo->flinfo->fn_extra = deadline;
	}
	else if (deadline->type == type &&
			 (column_name == NULL) == (deadline->column_name == NULL) &&
			 (column_name == NULL || strcmp(column_name, deadline->column_name) == 0))
		return deadline;

	free_plan(deadline);
	deadline->type = InvalidOid;
	deadline->relid = retention_given_labelled(type, "deadline");

	sql = build_statement(deadline->relid, type, column_name);
	if (sql != NULL)
	{
		SPIPlanPtr	plan;

		retention_identity_become_owner(&saved, deadline->relid);
		plan = SPI_prepare(sql, 2, types);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		retention_identity_restore(&saved);
		deadline->plan = plan;
	}
	deadline->column_name = column_name ?
		MemoryContextStrdup(context, column_name) : NULL;
	deadline->type = type;
	return deadline;
}

Datum
retention_deadline_find_sql(PG_FUNCTION_ARGS)
{
	Oid			type = retention_given_type(fcinfo);
	char	   *column_name = PG_ARGISNULL(1) ? NULL : NameStr(*PG_GETARG_NAME(1));
	RetentionIdentity saved;
	Deadline   *deadline;
	Datum		values[2];
	Datum		result = (Datum) 0;
	bool		isnull = true;

	SPI_connect();
	deadline = prepare(fcinfo, type, column_name);
	if (deadline->plan != NULL && !PG_ARGISNULL(0))
	{
		values[0] = PG_GETARG_DATUM(0);
		values[1] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
		retention_identity_become_owner(&saved, deadline->relid);
		if (SPI_execute_plan(deadline->plan, values, NULL, true, 1) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "a deadline gave no row");
		result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		retention_identity_restore(&saved);
	}
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();
	return result;
}
