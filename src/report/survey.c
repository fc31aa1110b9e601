/*
 * survey.c
 *		What is known of a rule: counts made now, and what passes left behind.
 *
 * Invariant: all statements are read only and run as the owner of what they read;
 * one that costs much, by the planner's estimate, is not run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/identity.h"
#include "base/settings.h"
#include "due/due.h"
#include "due/index.h"
#include "due/rewrite.h"
#include "due/tally.h"
#include "enforce/blocked.h"
#include "enforce/pass.h"
#include "enforce/subscription.h"
#include "enforce/sweep.h"
#include "guard/hold_text.h"
#include "policy/rule_key.h"
#include "policy/start.h"
#include "report/survey.h"

#define CAP 10000
/* The planner's cost up to which rows are counted by whoever looks. */
#define CHEAP 50000.0
/* So long after a pass nobody need look again at what it has seen done. */
#define FRESH (60 * USECS_PER_SEC)
#define UNKNOWN RETENTION_SURVEY_UNKNOWN

typedef struct Counting
{
	RetentionSurvey *survey;
	bool		brief;
} Counting;

static void
read_table(void *arg)
{
	RetentionSurveyTable *table = (RetentionSurveyTable *) arg;

	retention_settings_limit_lock_waits();
	table->protection = retention_guard_state(table->relid);
	if (table->protection == RETENTION_PROTECTED)
		table->gap = retention_guard_gap(table->relid);
	table->subscription = retention_subscription_name(table->relid);
	table->suspensions = retention_hold_text_numbers(table->relid);
	table->rewriting = retention_rewrite_remedy(table->relid);
	table->rules = retention_rule_compile(table->relid);
}

RetentionSurveyTable *
retention_survey_table(Oid relid, TimestampTz as_of,
					   const RetentionCircumstances *circumstances)
{
	RetentionSurveyTable *table = palloc0(sizeof(RetentionSurveyTable));

	table->relid = relid;
	table->name = retention_start_relation_name(relid);
	table->as_of = as_of;
	table->circumstances = circumstances;
	table->error = retention_tally_try(read_table, table);
	return table;
}

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
recall(RetentionSurvey *survey)
{
	const RetentionRule *rule = survey->rule;
	Oid			types[RETENTION_RULE_KEY_ARGS + 1];
	Datum		values[RETENTION_RULE_KEY_ARGS + 1];
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;

	retention_rule_key_bind(rule, types, values);
	types[3] = BYTEAOID;
	values[3] = retention_rule_key_digest(rule);
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT last_success, rate, due, counted_at, oldest_due,"
							  " CASE WHEN last_success IS NULL OR last_error_at > last_success"
							  " THEN last_error END, running, rows_done,"
							  " CASE WHEN digest = $4 THEN swept_to END,"
							  " CASE WHEN digest = $4 AND last_success >= pass_started THEN cutoff END"
							  " FROM retention.rule_state" RETENTION_RULE_KEY_WHERE,
							  RETENTION_RULE_KEY_ARGS + 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.rule_state could not be read");
	if (SPI_processed == 1)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		Datum		value;
		char	   *error = SPI_getvalue(row, desc, 6);

		(void) fetch_time(1, &survey->last_success);
		value = SPI_getbinval(row, desc, 2, &isnull);
		if (!isnull)
			survey->rate = DatumGetFloat8(value);
		value = SPI_getbinval(row, desc, 3, &isnull);
		if (!isnull)
			survey->due = DatumGetInt64(value);
		(void) fetch_time(4, &survey->counted_at);
		if (!fetch_time(5, &survey->oldest_due) && survey->due == 0)
			survey->oldest_due = DT_NOEND;
		if (error)
			survey->last_error = MemoryContextStrdup(context, error);
		survey->running = DatumGetBool(SPI_getbinval(row, desc, 7, &isnull));
		survey->rows_done = DatumGetInt64(SPI_getbinval(row, desc, 8, &isnull));
		(void) fetch_time(9, &survey->swept_to);
		(void) fetch_time(10, &survey->cutoff);
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

/* Why most of the blocked rows of the rule cannot go. */
static void
explain_blocked(RetentionSurvey *survey)
{
	const RetentionRule *rule = survey->rule;
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
			survey->blocked_why = MemoryContextStrdup(context, why);
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

/* What the owner, as whom the engine acts, has lost by REVOKE. */
static void
find_missing_privilege(RetentionSurvey *survey)
{
	const RetentionRule *rule = survey->rule;
	Oid			relid = rule->relid;
	Oid			schema = get_rel_namespace(relid);
	Oid			owner = retention_identity_owner(relid);
	AclMode		mode = rule->attnum ? ACL_UPDATE : ACL_DELETE;
	const char *on = rule->relation;

	if (retention_compat_schema_aclcheck(schema, owner, ACL_USAGE) != ACLCHECK_OK)
	{
		survey->privilege = "USAGE on its schema";
		on = psprintf("SCHEMA %s", quote_identifier(get_namespace_name(schema)));
	}
	else if (pg_class_aclcheck(relid, owner, ACL_SELECT) != ACLCHECK_OK)
		survey->privilege = "SELECT";
	else if (pg_class_aclcheck(relid, owner, mode) != ACLCHECK_OK &&
			 (rule->attnum == 0 ||
			  pg_attribute_aclcheck(relid, rule->attnum, owner, mode) != ACLCHECK_OK))
		survey->privilege = rule->attnum ? "UPDATE" : "DELETE";
	if (survey->privilege)
		survey->grant = psprintf("GRANT %s ON %s TO %s",
								 on == rule->relation ? survey->privilege : "USAGE", on,
								 quote_identifier(GetUserNameFromId(owner, false)));
}

/* Counts one kind where that is cheap; otherwise the value stays as it was. */
static void
count_kind(RetentionSurvey *survey, const RetentionDue *due,
		   RetentionTallyKind kind, int64 *rows)
{
	int64		counted;
	bool		exact;

	if (retention_tally_count(due, kind, CAP, CHEAP, &counted, &exact))
		*rows = counted;
	survey->exact = survey->exact && exact;
}

static void
count_oldest(RetentionSurvey *survey, const RetentionDue *due)
{
	TimestampTz oldest;
	bool		exact;

	if (survey->live && survey->due == 0)
		survey->oldest_due = DT_NOEND;
	else if (retention_tally_oldest(due, CAP, CHEAP, &oldest, &exact))
	{
		/* of some rows only: one that the last pass left may be older */
		if (exact || survey->oldest_due == DT_NOBEGIN || oldest < survey->oldest_due)
			survey->oldest_due = oldest;
		survey->exact = survey->exact && exact;
	}
	else
		survey->exact = false;
}

/*
 * Up to where a sweep has seen that nothing is left but what is held or recorded as
 * blocked.  Held rows stay there for long, and are many; others are not worth
 * another look when a pass has only just ended.  DT_NOBEGIN = nowhere.
 */
static TimestampTz
seen_to(const RetentionSurvey *survey, const RetentionDue *due)
{
	const RetentionSurveyTable *table = survey->table;
	TimestampTz mark = strcmp(due->unheld, "true") != 0 ? survey->swept_to : DT_NOBEGIN;

	if (strcmp(due->free, "true") != 0)
		return DT_NOBEGIN;
	if (survey->cutoff != DT_NOBEGIN && survey->cutoff <= table->as_of &&
		table->as_of - survey->last_success < FRESH)
		mark = Max(mark, retention_sweep_mark(retention_due_build(survey->rule, table->rules,
																  survey->cutoff)));
	return mark;
}

static void
look_from(RetentionDue *due, TimestampTz swept_to)
{
	ListCell   *lc;

	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);

		arm->due = psprintf("%s AND %s > %s::timestamp with time zone", arm->due, arm->clock,
							quote_literal_cstr(timestamptz_to_str(swept_to)));
	}
}

static void
count(void *arg)
{
	Counting   *counting = (Counting *) arg;
	RetentionSurvey *survey = counting->survey;
	RetentionDue *due = retention_due_build(survey->rule, survey->table->rules,
											survey->table->as_of);
	int64		remembered = survey->due;
	TimestampTz mark = counting->brief ? seen_to(survey, due) : DT_NOBEGIN;

	if (mark != DT_NOBEGIN)
		look_from(due, mark);
	survey->due = UNKNOWN;
	count_kind(survey, due, RETENTION_TALLY_DUE, &survey->due);
	survey->live = survey->due != UNKNOWN;
	if (survey->live)
		survey->counted_at = survey->table->as_of;
	else
		survey->due = remembered;
	count_oldest(survey, due);
	if (!counting->brief || !survey->live || survey->due > 0)
		count_kind(survey, due, RETENTION_TALLY_KEPT, &survey->kept);
	if (!counting->brief)
	{
		count_kind(survey, due, RETENTION_TALLY_NOT_STARTED, &survey->not_started);
		count_kind(survey, due, RETENTION_TALLY_ORPHANED, &survey->orphaned);
		count_kind(survey, due, RETENTION_TALLY_IMPLAUSIBLE, &survey->implausible);
	}
	if (strcmp(due->unheld, "true") != 0)
	{
		survey->held = UNKNOWN;
		if (!counting->brief)
			count_kind(survey, due, RETENTION_TALLY_HELD, &survey->held);
	}
	survey->blocked = retention_blocked_count(survey->rule);
	if (survey->blocked > 0)
		explain_blocked(survey);
	if (!due->indexed)
		survey->index = retention_index_missing(survey->rule);
}

RetentionSurvey *
retention_survey_begin(const RetentionSurveyTable *table, const RetentionRule *rule)
{
	RetentionSurvey *survey = palloc0(sizeof(RetentionSurvey));

	survey->table = table;
	survey->rule = rule;
	survey->due = survey->kept = UNKNOWN;
	survey->not_started = survey->orphaned = survey->implausible = UNKNOWN;
	survey->oldest_due = survey->counted_at = survey->last_success = DT_NOBEGIN;
	survey->swept_to = survey->cutoff = DT_NOBEGIN;
	survey->rate = UNKNOWN;
	if (rule == NULL)
		return survey;
	recall(survey);
	survey->exact = rule->valid;
	if (rule->valid && rule->action)
		find_missing_privilege(survey);
	return survey;
}

RetentionSurvey *
retention_survey_rule(const RetentionSurveyTable *table, const RetentionRule *rule,
					  bool brief)
{
	RetentionSurvey *survey = retention_survey_begin(table, rule);
	Counting	counting = {survey, brief};

	if (rule && rule->valid && rule->action)
		survey->count_error = retention_tally_try(count, &counting);
	if (survey->count_error)
		survey->exact = false;
	return survey;
}

int64
retention_survey_overdue(const RetentionSurvey *survey)
{
	if (survey->oldest_due == DT_NOBEGIN)
		return UNKNOWN;
	if (survey->oldest_due >= survey->table->as_of)
		return 0;
	return (survey->table->as_of - survey->oldest_due) / USECS_PER_SEC;
}

bool
retention_survey_is_busy(Oid relid)
{
	Oid			types[] = {OIDOID, OIDOID, INT4OID};
	Datum		values[] = {ObjectIdGetDatum(MyDatabaseId), ObjectIdGetDatum(relid),
	Int32GetDatum(RETENTION_PASS_LOCK_CLASS)};
	RetentionIdentity saved;
	bool		busy;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT FROM pg_catalog.pg_locks"
							  " WHERE locktype = 'advisory' AND database = $1"
							  " AND classid = $2 AND objid = 0"
							  " AND objsubid = $3 AND granted",
							  3, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "pg_locks could not be read");
	busy = SPI_processed > 0;
	retention_identity_restore(&saved);
	SPI_finish();
	return busy;
}
