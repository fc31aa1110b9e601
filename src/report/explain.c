/*
 * explain.c
 *		What the rules make of one row, a line a rule.
 *
 * Invariant: the answer is made of the conditions that the engine uses, and only
 * for those who may read the table.  Whether the row is blocked or kept is a fact
 * of the stored row with its primary key, told to who sees all rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "base/identity.h"
#include "base/settings.h"
#include "due/due.h"
#include "due/row.h"
#include "due/tally.h"
#include "guard/hold.h"
#include "policy/start.h"
#include "report/given.h"
#include "report/health.h"
#include "report/survey.h"

#define EXPLAIN_COLUMNS 10

PG_FUNCTION_INFO_V1(retention_explain_row_sql);

/* The row, and what is known of it whatever the rule. */
typedef struct Given
{
	Oid			type;
	Oid			relid;			/* the table whose row it is */
	Datum		row;
	const RetentionSurveyTable *table;	/* the labelled one */
	bool		is_stored;
	RetentionRow stored;
	ArrayType  *held_by;		/* NULL = nothing holds it */
	char	   *hold_error;		/* SQLSTATE */
} Given;

/* What a rule says of it. */
typedef struct Line
{
	Given	   *given;
	const RetentionRule *rule;
	bool		applies;
	bool		pending;
	bool		orphaned;
	bool		implausible;
	bool		has_start;
	TimestampTz start;
	bool		has_due;
	TimestampTz due;
	bool		kept;
	const char *state;
	char	   *reason;
	char	   *blocked_why;
} Line;

static bool
fetch_time(int column, TimestampTz *result)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
									  column, &isnull);

	if (!isnull)
		*result = DatumGetTimestampTz(value);
	return !isnull;
}

static bool
fetch_bool(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
									  column, &isnull);

	return !isnull && DatumGetBool(value);
}

static char *
equality(Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

	return psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(get_func_namespace(get_opcode(operator)))),
					get_opname(operator));
}

/* "s.a = g.a AND ..." over the primary key; NULL if there is none. */
static char *
key_text(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Bitmapset  *columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	StringInfoData text;
	int			column = -1;

	initStringInfo(&text);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber	attnum = column + FirstLowInvalidHeapAttributeNumber;
		const char *name = quote_identifier(get_attname(relid, attnum, false));

		appendStringInfo(&text, "%ss.%s %s g.%s", text.len > 0 ? " AND " : "",
						 name, equality(get_atttype(relid, attnum)), name);
	}
	table_close(rel, AccessShareLock);
	return text.len > 0 ? text.data : NULL;
}

/* The stored row with the key of the given one, for who may know of it. */
static void
find_stored(void *arg)
{
	Given	   *given = (Given *) arg;
	char	   *key;
	RetentionIdentity saved;

	if (!retention_given_sees_all(given->relid) ||
		(key = key_text(given->relid)) == NULL)
		return;
	SPI_connect();
	retention_identity_become_owner(&saved, given->table->relid);
	if (SPI_execute_with_args(psprintf("SELECT s.tableoid, s.ctid FROM %s AS s, %s AS g WHERE %s",
									   retention_start_relation_name(given->relid),
									   retention_given_row(given->relid), key),
							  1, &given->type, &given->row, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the stored row could not be looked for");
	if (SPI_processed == 1)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		bool		isnull;

		given->is_stored = true;
		given->stored.leaf = DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
		given->stored.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

static void
find_holds(void *arg)
{
	Given	   *given = (Given *) arg;
	HeapTupleHeader header = DatumGetHeapTupleHeader(given->row);
	HeapTupleData tuple = {0};
	Relation	rel = table_open(given->relid, AccessShareLock);

	if (retention_hold_is_suspended(rel))
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
		List	   *suspensions;
		Datum	   *ids;
		int			count = 0;
		ListCell   *lc;

		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_data = header;
		ExecForceStoreHeapTuple(&tuple, slot, false);
		suspensions = retention_hold_of_row(rel, slot);
		ids = palloc(sizeof(Datum) * Max(list_length(suspensions), 1));
		foreach(lc, suspensions)
			ids[count++] = Int64GetDatum(((RetentionSuspension *) lfirst(lc))->id);
		if (count > 0)
			given->held_by = construct_array(ids, count, INT8OID, sizeof(int64),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(rel, NoLock);
}

/* Reads clock and conditions of the row as it was given. */
static void
evaluate(Line *line, const RetentionDue *due)
{
	Given	   *given = line->given;
	StringInfoData arms;
	RetentionIdentity saved;
	ListCell   *lc;

	initStringInfo(&arms);
	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);

		appendStringInfo(&arms, "%sSELECT %s AS clock, CASE WHEN (%s) THEN NULL ELSE %s END AS due_at,"
						 " (%s) AS implausible%s%s WHERE %s",
						 arms.len > 0 ? " UNION ALL " : "", arm->clock,
						 arm->implausible, retention_tally_deadline(due, arm),
						 arm->implausible, arm->from ? " FROM " : "",
						 arm->from ? arm->from : "", arm->path);
	}
	SPI_connect();
	retention_identity_become_owner(&saved, line->rule->relid);
	retention_settings_limit_lock_waits();
	if (SPI_execute_with_args(psprintf("SELECT (%s), (%s), (%s), c.clock, c.due_at, c.implausible"
									   " FROM %s AS t LEFT JOIN LATERAL (%s) AS c ON true",
									   due->applies, due->pending, due->orphaned,
									   retention_given_row(line->rule->relid), arms.data),
							  1, &given->type, &given->row, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "an explanation gave no row");
	line->applies = fetch_bool(1);
	line->pending = fetch_bool(2);
	line->orphaned = fetch_bool(3);
	line->has_start = fetch_time(4, &line->start);
	line->has_due = fetch_time(5, &line->due);
	line->implausible = fetch_bool(6);
	retention_identity_restore(&saved);
	SPI_finish();
}

/* What is known of the stored row: is it kept for others, is it blocked? */
static void
look_at_stored(Line *line, const RetentionDue *due)
{
	const RetentionRule *rule = line->rule;
	Given	   *given = line->given;
	Oid			types[] = {TIDOID, OIDOID, TEXTOID, TEXTOID, INT4OID};
	Datum		values[] = {PointerGetDatum(&given->stored.tid),
		ObjectIdGetDatum(given->stored.leaf), CStringGetTextDatum(rule->relation),
		CStringGetTextDatum(rule->attnum ? rule->column_name : ""),
	Int32GetDatum(rule->stage)};
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_owner(&saved, rule->relid);
	if (SPI_execute_with_args(psprintf("SELECT NOT (%s) OR NOT (%s) FROM %s AS t"
									   " WHERE t.ctid = $1 AND t.tableoid = $2",
									   due->free, due->unheld, rule->relation),
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the stored row could not be read");
	line->kept = SPI_processed == 1 && fetch_bool(1);
	retention_identity_restore(&saved);

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT pg_catalog.concat_ws(', ', reason, 'SQLSTATE ' || sqlstate,"
							  " 'constraint ' || constraint_name)"
							  " FROM retention.blocked_row WHERE row_id = $1 AND leaf = $2"
							  " AND relation = $3 AND column_name = $4 AND stage = $5",
							  5, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.blocked_row could not be read");
	if (SPI_processed == 1)
		line->blocked_why = MemoryContextStrdup(context,
												SPI_getvalue(SPI_tuptable->vals[0],
															 SPI_tuptable->tupdesc, 1));
	retention_identity_restore(&saved);
	SPI_finish();
}

static void
ask(void *arg)
{
	Line	   *line = (Line *) arg;
	List	   *rules = line->given->table->rules;
	TimestampTz now = line->given->table->as_of;

	evaluate(line, retention_due_build_for_row(line->rule, rules, now));
	if (line->given->is_stored && line->has_due && line->due <= now)
		look_at_stored(line, retention_due_build(line->rule, rules, now));
}

static void
judge(Line *line)
{
	const Given *given = line->given;
	RetentionHealth hindrance;

	if (!line->applies)
	{
		line->state = "not applicable";
		line->reason = line->rule->condition_text ?
			"its condition is not true, or another stage decides" : "another stage decides";
	}
	else if (!line->pending)
		line->state = "done";
	else if (line->orphaned)
		line->state = "orphaned";
	else if (line->implausible)
		line->state = "implausible";
	else if (!line->has_start || !line->has_due)
		line->state = "not started";
	else if (line->due > given->table->as_of)
		line->state = "not due";
	else if (given->held_by || given->hold_error)
	{
		line->state = "held";
		if (given->hold_error)
			line->reason = psprintf("suspensions of deletion cannot be asked: SQLSTATE %s",
									given->hold_error);
	}
	else
	{
		hindrance = retention_health_hindrance(retention_survey_begin(given->table, line->rule));
		line->state = "due";
		if (hindrance.state)
		{
			line->state = hindrance.state;
			line->reason = hindrance.reason;
		}
		else if (line->kept)
		{
			line->state = "kept";
			line->reason = "rows that need it as their clock, or that are held, are not done yet";
		}
		else if (line->blocked_why)
			line->state = "blocked";
	}
	/* of the stored row, which may be another than the given one by now */
	if (strcmp(line->state, "blocked") != 0)
		line->blocked_why = NULL;
}

static void
put_line(ReturnSetInfo *rsinfo, const Line *line)
{
	const RetentionRule *rule = line->rule;
	Datum		values[EXPLAIN_COLUMNS] = {0};
	bool		nulls[EXPLAIN_COLUMNS] = {0};

	nulls[0] = rule->attnum == 0;
	if (!nulls[0])
		values[0] = DirectFunctionCall1(namein, CStringGetDatum(rule->column_name));
	values[1] = Int32GetDatum(rule->stage);
	nulls[2] = rule->category == NULL;
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(rule->category);
	nulls[3] = rule->action_text == NULL;
	values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(rule->action_text);
	nulls[4] = !line->has_start;
	values[4] = TimestampTzGetDatum(line->start);
	nulls[5] = !line->has_due;
	values[5] = TimestampTzGetDatum(line->due);
	values[6] = CStringGetTextDatum(line->state);
	nulls[7] = line->reason == NULL;
	values[7] = nulls[7] ? (Datum) 0 : CStringGetTextDatum(line->reason);
	nulls[8] = line->given->held_by == NULL;
	values[8] = PointerGetDatum(line->given->held_by);
	nulls[9] = line->blocked_why == NULL;
	values[9] = nulls[9] ? (Datum) 0 : CStringGetTextDatum(line->blocked_why);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
explain_rule(ReturnSetInfo *rsinfo, Given *given, const RetentionRule *rule)
{
	Line		line = {.given = given,.rule = rule};

	if (!rule->valid)
	{
		line.state = "invalid";
		line.reason = rule->problem;
	}
	else if (rule->action == NULL)
		line.state = "goes with the row";
	else
	{
		char	   *error = retention_tally_try(ask, &line);

		if (error)
		{
			line.state = "unknown";
			line.reason = psprintf("an expression cannot be computed for the row: SQLSTATE %s", error);
		}
		else
			judge(&line);
	}
	put_line(rsinfo, &line);
}

/* retention.explain(row) */
Datum
retention_explain_row_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Given		given = {0};
	Oid			labelled;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	given.type = retention_given_type(fcinfo);
	labelled = retention_given_labelled(given.type, "explain");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	given.relid = retention_given_relation(given.type);
	given.row = PG_GETARG_DATUM(0);
	given.table = retention_survey_table(labelled, GetCurrentTransactionStartTimestamp(),
										 retention_circumstance_read(GetCurrentTimestamp()));
	if (given.table->error)
		ereport(ERROR,
				(errcode(MAKE_SQLSTATE(given.table->error[0], given.table->error[1],
									   given.table->error[2], given.table->error[3],
									   given.table->error[4])),
				 errmsg("the rules of table %s could not be read", given.table->name)));
	/* without it the row is as it was given, no more */
	(void) retention_tally_try(find_stored, &given);
	given.hold_error = retention_tally_try(find_holds, &given);
	foreach(lc, given.table->rules)
		explain_rule(rsinfo, &given, (RetentionRule *) lfirst(lc));
	return (Datum) 0;
}
