/*
 * status.c
 *		How each rule is doing.
 *
 * Invariant: whatever is not enforced as promised is not "ok" here, and says why
 * and what helps. Reading it changes nothing, works on a standby, and one table
 * that cannot be read does not hide the others.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/identity.h"
#include "base/settings.h"
#include "commands/dbcommands.h"
#include "enforce/blocked.h"
#include "enforce/due.h"
#include "enforce/guard.h"
#include "enforce/remedy.h"
#include "enforce/rewrite.h"
#include "enforce/subscription.h"
#include "enforce/tally.h"
#include "policy/rule.h"
#include "policy/start.h"

#define CAP 10000
/* The planner's cost up to which rows are counted by whoever looks. */
#define CHEAP 50000.0
#define UNKNOWN (-1)
#define STATUS_COLUMNS 22

/* What holds for all rules of a table. */
typedef struct Table
{
	Oid			relid;
	char	   *name;			/* qualified, quoted */
	TimestampTz as_of;
	RetentionProtection protection;
	Oid			gap;			/* a partition without guard */
	char	   *rewriting;		/* the statement that drops a rule */
	char	   *subscription;	/* that fills it */
	List	   *rules;
} Table;

typedef struct Line
{
	const Table *table;
	const RetentionRule *rule;
	const char *state;
	char	   *reason;
	char	   *remedy;
	int64		due;			/* UNKNOWN = not counted, also below */
	int64		kept;
	int64		blocked;
	int64		not_started;
	int64		orphaned;
	int64		implausible;
	TimestampTz oldest_due;		/* DT_NOEND = none, DT_NOBEGIN = unknown */
	TimestampTz counted_at;		/* DT_NOBEGIN = never */
	bool		exact;
	bool		live;			/* "due" was counted now */
	TimestampTz last_success;	/* DT_NOBEGIN = never */
	char	   *last_error;
	double		rate;			/* UNKNOWN */
	char	   *blocked_why;
	char	   *count_error;	/* SQLSTATE */
} Line;

PG_FUNCTION_INFO_V1(retention_status_rows_sql);

static bool
fetch_time(int column, TimestampTz *result)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, column, &isnull);

	if (!isnull)
		*result = DatumGetTimestampTz(value);
	return !isnull;
}

/* What the last pass over the rule left behind. */
static void
recall(Line *line)
{
	const RetentionRule *rule = line->rule;
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(rule->relation),
		CStringGetTextDatum(rule->attnum ? rule->column_name : ""),
	Int32GetDatum(rule->stage)};
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT last_success, rate, due, counted_at, oldest_due,"
							  " CASE WHEN last_success IS NULL OR last_error_at > last_success"
							  " THEN last_error END"
							  " FROM retention.rule_state"
							  " WHERE relation = $1 AND column_name = $2 AND stage = $3",
							  3, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.rule_state could not be read");
	if (SPI_processed == 1)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		Datum		value;
		char	   *error = SPI_getvalue(row, desc, 6);

		(void) fetch_time(1, &line->last_success);
		value = SPI_getbinval(row, desc, 2, &isnull);
		if (!isnull)
			line->rate = DatumGetFloat8(value);
		value = SPI_getbinval(row, desc, 3, &isnull);
		if (!isnull)
			line->due = DatumGetInt64(value);
		(void) fetch_time(4, &line->counted_at);
		if (!fetch_time(5, &line->oldest_due) && line->due == 0)
			line->oldest_due = DT_NOEND;
		if (error)
			line->last_error = MemoryContextStrdup(context, error);
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

/* Why most of the blocked rows of the rule cannot go. */
static void
explain_blocked(Line *line)
{
	const RetentionRule *rule = line->rule;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(rule->relation),
	CStringGetTextDatum(rule->attnum ? rule->column_name : "")};
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT pg_catalog.concat_ws(', ', reason,"
							  " 'SQLSTATE ' || sqlstate, 'constraint ' || constraint_name)"
							  " FROM retention.blocked"
							  " WHERE relation = $1 AND coalesce(column_name, '') = $2"
							  " GROUP BY reason, sqlstate, constraint_name"
							  " ORDER BY pg_catalog.count(*) DESC, 1 LIMIT 1",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.blocked could not be read");
	if (SPI_processed == 1)
	{
		char	   *why = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		if (why)
			line->blocked_why = MemoryContextStrdup(context, why);
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

/* Counts one kind where that is cheap; otherwise the value stays as it was. */
static void
count_kind(Line *line, const RetentionDue *due, RetentionTallyKind kind,
		   int64 *rows)
{
	int64		counted;
	bool		exact;

	if (retention_tally_count(due, kind, CAP, CHEAP, &counted, &exact))
		*rows = counted;
	line->exact = line->exact && exact;
}

static void
count_line(void *arg)
{
	Line	   *line = (Line *) arg;
	RetentionDue *due = retention_due_build(line->rule, line->table->rules,
											line->table->as_of);
	int64		remembered = line->due;
	TimestampTz oldest;
	bool		exact;

	line->due = UNKNOWN;
	count_kind(line, due, RETENTION_TALLY_DUE, &line->due);
	line->live = line->due != UNKNOWN;
	if (line->live)
		line->counted_at = line->table->as_of;
	else
		line->due = remembered;
	if (line->live && line->due == 0)
		line->oldest_due = DT_NOEND;
	else if (retention_tally_oldest(due, CAP, CHEAP, &oldest, &exact))
	{
		/* of some rows only: one that the last pass left may be older */
		if (exact || line->oldest_due == DT_NOBEGIN || oldest < line->oldest_due)
			line->oldest_due = oldest;
		line->exact = line->exact && exact;
	}
	else
		line->exact = false;
	count_kind(line, due, RETENTION_TALLY_KEPT, &line->kept);
	count_kind(line, due, RETENTION_TALLY_NOT_STARTED, &line->not_started);
	count_kind(line, due, RETENTION_TALLY_ORPHANED, &line->orphaned);
	count_kind(line, due, RETENTION_TALLY_IMPLAUSIBLE, &line->implausible);
	line->blocked = retention_blocked_count(line->rule);
	if (line->blocked > 0)
		explain_blocked(line);
}

/* Seconds since the oldest due row fell due, 0 if there is none. */
static int64
overdue_seconds(const Line *line)
{
	if (line->oldest_due == DT_NOBEGIN)
		return UNKNOWN;
	if (line->oldest_due >= line->table->as_of)
		return 0;
	return (line->table->as_of - line->oldest_due) / USECS_PER_SEC;
}

static char *
call(const Line *line, const char *format)
{
	return psprintf(format, quote_literal_cstr(line->table->name));
}

static void
set_state(Line *line, const char *state, char *reason, char *remedy)
{
	line->state = state;
	line->reason = reason;
	line->remedy = remedy;
}

/* The protection of the table says it already: true. */
static bool
judge_protection(Line *line)
{
	const Table *table = line->table;

	switch (table->protection)
	{
		case RETENTION_COPIED:
			set_state(line, "waiting",
					  "the table was copied here by a restore or from a template; its guard names another",
					  call(line, "SELECT retention.adopt(%s)"));
			return true;
		case RETENTION_DISABLED:
			set_state(line, "invalid", "the guard of the table is disabled",
					  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_privacy_retention",
							   table->name));
			return true;
		case RETENTION_WATCHED:
			set_state(line, "watched",
					  line->count_error ?
					  psprintf("the table is not protected; rows could not be counted: SQLSTATE %s",
							   line->count_error) :
					  "the table is not protected",
					  call(line, "SELECT retention.protect(%s)"));
			return true;
		case RETENTION_PROTECTED:
			break;
	}
	if (table->subscription)
		set_state(line, "waiting", retention_subscription_reason(table->subscription),
				  retention_subscription_remedy());
	return table->subscription != NULL;
}

/*
 * Late: the oldest due row is, or nobody knows, because nothing was counted for
 * longer than rows may be late.
 */
static void
judge_lateness(Line *line)
{
	int64		overdue = overdue_seconds(line);
	bool		stale = !line->live &&
	(line->counted_at == DT_NOBEGIN ||
	 (line->table->as_of - line->counted_at) / USECS_PER_SEC > retention_settings_promised_lateness);
	bool		late = line->due != 0 && overdue > retention_settings_promised_lateness;
	StringInfoData reason;

	initStringInfo(&reason);
	if (late)
		appendStringInfo(&reason, "rows have been due for " INT64_FORMAT " s", overdue);
	else if (stale)
		appendStringInfoString(&reason, line->counted_at == DT_NOBEGIN ?
							   "due rows were never counted: no pass has finished the rule" :
							   "due rows were not counted for longer than they may be late");
	if (line->kept > 0)
		appendStringInfo(&reason, "%sdue rows that stay as the clock of others, which are not done yet: " INT64_FORMAT,
						 reason.len > 0 ? "; " : "", line->kept);
	else if (line->kept == UNKNOWN && line->due != 0)
		appendStringInfo(&reason, "%ssome due rows may stay as the clock of others, which are not done yet",
						 reason.len > 0 ? "; " : "");
	if (reason.len > 0)
		line->reason = reason.data;
	if (!late && !stale)
		return;

	if (line->last_error)
		appendStringInfo(&reason, "; the last pass failed: %s", line->last_error);
	if (!retention_settings_enabled)
		appendStringInfoString(&reason, "; privacy_retention.enabled is off");
	line->state = "late";
	line->reason = reason.data;
	if (!retention_settings_enabled)
		line->remedy = psprintf("ALTER DATABASE %s SET privacy_retention.enabled = on",
								quote_identifier(get_database_name(MyDatabaseId)));
	else if (stale || line->kept < line->due)
		line->remedy = call(line, "CALL retention.enforce(%s)");
}

static void
judge(Line *line)
{
	const RetentionRule *rule = line->rule;

	set_state(line, "ok", NULL, NULL);
	if (OidIsValid(line->table->gap))
		set_state(line, "ok",
				  psprintf("%s came without its guards: the next pass raises them",
						   retention_start_relation_name(line->table->gap)),
				  call(line, "SELECT retention.protect(%s)"));
	if (!rule->valid)
		set_state(line, "invalid", rule->problem, retention_remedy_find(rule));
	else if (line->table->rewriting)
		set_state(line, "invalid",
				  "a rule ON UPDATE or ON DELETE turns the statements of the engine into others",
				  line->table->rewriting);
	else if (judge_protection(line))
		 /* that is it */ ;
	else if (line->count_error)
		set_state(line, "blocked",
				  psprintf("rows could not be counted: SQLSTATE %s", line->count_error),
				  call(line, "CALL retention.enforce(%s)"));
	else if (line->blocked > 0)
	{
		char	   *reason = psprintf("rows that cannot go: " INT64_FORMAT, line->blocked);

		if (line->blocked_why)
			reason = psprintf("%s (%s)", reason, line->blocked_why);
		if (line->kept > 0)
			reason = psprintf("%s; due rows that stay as the clock of others, which are not done yet: " INT64_FORMAT,
							  reason, line->kept);
		set_state(line, "blocked", reason, call(line, "CALL retention.enforce(%s)"));
	}
	else if (rule->action == NULL)
		line->reason = "goes with the row";
	else
		judge_lateness(line);
}

static void
put_line(ReturnSetInfo *rsinfo, const Line *line)
{
	Datum		values[STATUS_COLUMNS] = {0};
	bool		nulls[STATUS_COLUMNS] = {0};
	const RetentionRule *rule = line->rule;
	int			i = 0;
	int64		overdue = line->due == UNKNOWN ? UNKNOWN : overdue_seconds(line);
	bool		clears = line->due == 0 || (line->due > 0 && line->rate > 0);
	Interval	promised = {0};

#define PUT(known, value) \
	do { \
		nulls[i] = !(known); \
		if (!nulls[i]) \
			values[i] = (value); \
		i++; \
	} while (0)
#define PUT_TEXT(text) PUT((text) != NULL, CStringGetTextDatum(text))
#define PUT_COUNT(count) PUT((count) != UNKNOWN, Int64GetDatum(count))

	promised.time = retention_settings_promised_lateness * USECS_PER_SEC;
	PUT(true, ObjectIdGetDatum(line->table->relid));
	PUT(rule && rule->attnum, DirectFunctionCall1(namein, CStringGetDatum(rule->column_name)));
	PUT_TEXT(rule ? rule->category : NULL);
	PUT_TEXT(rule ? rule->action_text : NULL);
	PUT_TEXT(line->state);
	PUT_TEXT(line->reason);
	PUT_TEXT(line->remedy);
	PUT_COUNT(line->due);
	PUT_COUNT(overdue);
	PUT(line->oldest_due != DT_NOBEGIN && line->oldest_due != DT_NOEND,
		TimestampTzGetDatum(line->oldest_due));
	/* There are no suspensions in this release, hence no held rows. */
	PUT(true, Int64GetDatum(0));
	PUT_COUNT(line->blocked);
	PUT_COUNT(line->not_started);
	PUT_COUNT(line->orphaned);
	PUT_COUNT(line->implausible);
	PUT(line->counted_at != DT_NOBEGIN, TimestampTzGetDatum(line->counted_at));
	PUT(true, BoolGetDatum(line->exact));
	PUT(true, IntervalPGetDatum(&promised));
	PUT(line->last_success != DT_NOBEGIN, TimestampTzGetDatum(line->last_success));
	PUT_TEXT(line->last_error);
	PUT(line->rate >= 0, Float8GetDatum(line->rate));
	PUT(clears, Float8GetDatum(line->due == 0 ? 0 : line->due / line->rate));
	Assert(i == STATUS_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static Line
new_line(const Table *table, const RetentionRule *rule)
{
	Line		line = {0};

	line.table = table;
	line.rule = rule;
	line.due = line.kept = line.not_started = line.orphaned = line.implausible = UNKNOWN;
	line.oldest_due = line.counted_at = line.last_success = DT_NOBEGIN;
	line.rate = UNKNOWN;
	return line;
}

/* Reads what is to be known of a table; a lock on it must not hang the reader. */
static void
read_table(void *arg)
{
	Table	   *table = (Table *) arg;

	(void) set_config_option("lock_timeout",
							 psprintf("%d", retention_settings_lock_timeout),
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	table->protection = retention_guard_state(table->relid);
	if (table->protection == RETENTION_PROTECTED)
		table->gap = retention_guard_gap(table->relid);
	table->subscription = retention_subscription_name(table->relid);
	table->rewriting = retention_rewrite_remedy(table->relid);
	table->rules = retention_rule_compile(table->relid);
}

static void
put_table(ReturnSetInfo *rsinfo, Oid relid, TimestampTz as_of)
{
	Table		table = {0};
	char	   *error;
	ListCell   *lc;

	table.relid = relid;
	table.name = retention_start_relation_name(relid);
	table.as_of = as_of;
	error = retention_tally_try(read_table, &table);
	if (error)
	{
		Line		line = new_line(&table, NULL);

		set_state(&line, "blocked",
				  psprintf("the rules of the table could not be read: SQLSTATE %s", error),
				  NULL);
		put_line(rsinfo, &line);
		return;
	}

	foreach(lc, table.rules)
	{
		Line		line = new_line(&table, (RetentionRule *) lfirst(lc));

		CHECK_FOR_INTERRUPTS();
		recall(&line);
		line.exact = line.rule->valid;
		if (line.rule->valid && line.rule->action)
			line.count_error = retention_tally_try(count_line, &line);
		if (line.count_error)
			line.exact = false;
		judge(&line);
		put_line(rsinfo, &line);
	}
}

Datum
retention_status_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz as_of = PG_ARGISNULL(0) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(0);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, retention_labelled_relations())
		put_table(rsinfo, lfirst_oid(lc), as_of);
	return (Datum) 0;
}
