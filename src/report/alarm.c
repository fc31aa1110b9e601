/*
 * alarm.c
 *		Tells when the state of a rule changes: a line in the server's log, and a
 *		notification for whoever listens.
 *
 * Invariant: told is what retention.status says; "ok" and "watched" are well, and
 * a change between these two is not worth a word.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "enforce/pass.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "report/alarm.h"
#include "report/health.h"
#include "report/survey.h"

/* Lines in the log at a time; notifications are as many as there are changes. */
#define MOST_LINES 20
/* Bytes; a payload must stay below 8000. */
#define MOST_TEXT 1000
#define MOST_PAYLOAD 7900

/* Of all tables, some are told of in one go, which takes about so long. */
#define TRY_MS 200

/* A rule that is not there any more. */
#define GONE "gone"

typedef struct Told
{
	char	   *column_name;	/* "" = the row */
	int			stage;
	char	   *state;
	TimestampTz since;
	bool		seen;
} Told;

typedef struct Change
{
	const char *relation;
	const char *column_name;
	int			stage;
	const char *was;			/* NULL = it is new */
	const char *state;
	const char *reason;
	const char *remedy;
	TimestampTz since;
} Change;

typedef struct Round
{
	TimestampTz now;
	const RetentionCircumstances *circumstances;
	int			lines;
} Round;

static bool
is_known(void)
{
	return OidIsValid(retention_identity_find_own("told_state"));
}

static bool
is_well(const char *state)
{
	return state == NULL || strcmp(state, "ok") == 0 ||
		strcmp(state, "watched") == 0 || strcmp(state, GONE) == 0;
}

static void
run(const char *query, int nargs, Oid *types, Datum *values, bool read_only)
{
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(query, nargs, types, values, NULL, read_only, 0) < 0)
		elog(ERROR, "retention.told_state could not be used");
	retention_identity_restore(&saved);
}

/* What was told of a table, as Told *, in the caller's memory context. */
static List *
recall(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	List	   *result = NIL;

	SPI_connect();
	run("SELECT column_name, stage, state, since FROM retention.told_state"
		" WHERE relation = $1", 1, types, values, false);
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Told	   *told = palloc0(sizeof(Told));
		bool		isnull;

		told->column_name = SPI_getvalue(row, desc, 1);
		told->stage = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
		told->state = SPI_getvalue(row, desc, 3);
		told->since = DatumGetTimestampTz(SPI_getbinval(row, desc, 4, &isnull));
		result = lappend(result, told);
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}

static void
remember(const Change *change)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(change->relation),
		CStringGetTextDatum(change->column_name), Int32GetDatum(change->stage),
	CStringGetTextDatum(change->state), TimestampTzGetDatum(change->since)};

	SPI_connect();
	if (strcmp(change->state, GONE) == 0)
		run("DELETE FROM retention.told_state"
			" WHERE relation = $1 AND column_name = $2 AND stage = $3",
			3, types, values, false);
	else
		run("INSERT INTO retention.told_state (relation, column_name, stage, state, since)"
			" VALUES ($1, $2, $3, $4, $5)"
			" ON CONFLICT (relation, column_name, stage)"
			" DO UPDATE SET state = excluded.state, since = excluded.since",
			5, types, values, false);
	SPI_finish();
}

static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->len > 1 ? ", " : "", name);
	if (value)
		escape_json(json, value);
	else
		appendStringInfoString(json, "null");
}

static const char *
clip(const char *text)
{
	int			length;

	if (text == NULL)
		return NULL;
	length = strlen(text);
	return length <= MOST_TEXT ? text :
		pnstrdup(text, pg_mbcliplen(text, length, MOST_TEXT));
}

static char *
payload(const Change *change, bool in_full)
{
	StringInfoData json;
	char		since[MAXDATELEN + 1];

	JsonEncodeDateTime(since, TimestampTzGetDatum(change->since), TIMESTAMPTZOID, NULL);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_member(&json, "database", get_database_name(MyDatabaseId));
	append_member(&json, "relation", change->relation);
	append_member(&json, "column", change->column_name[0] ? change->column_name : NULL);
	appendStringInfo(&json, ", \"stage\": %d", change->stage);
	append_member(&json, "state", change->state);
	append_member(&json, "was", change->was);
	append_member(&json, "since", since);
	append_member(&json, "reason", in_full ? clip(change->reason) : NULL);
	append_member(&json, "remedy", in_full ? clip(change->remedy) : NULL);
	appendStringInfoChar(&json, '}');
	return json.data;
}

static void
write_line(const Change *change, Round *round)
{
	if (round->lines++ >= MOST_LINES)
		return;
	ereport(LOG,
			(errmsg("privacy_retention: the rule of %s%s%s is %s, was %s",
					change->relation, change->column_name[0] ? "." : "",
					change->column_name[0] ? quote_identifier(change->column_name) : "",
					change->state, change->was ? change->was : "unknown"),
			 change->reason ? errdetail_log("%s", change->reason) : 0,
			 change->remedy ? errhint("%s", change->remedy) : 0));
}

static void
tell(const Change *change, Round *round)
{
	char	   *text;

	remember(change);
	if (is_well(change->was) && is_well(change->state))
		return;
	text = payload(change, true);
	if (strlen(text) > MOST_PAYLOAD)
		text = payload(change, false);
	Async_Notify(RETENTION_ALARM_CHANNEL, text);
	write_line(change, round);
}

/* The rule is in that state; NULL reason and remedy = nothing to say. */
static void
compare(List *told_states, const char *relation, const char *column_name, int stage,
		const RetentionHealth *health, Round *round)
{
	Change		change = {relation, column_name, stage, NULL, health->state,
	health->reason, health->remedy, round->now};
	ListCell   *lc;

	foreach(lc, told_states)
	{
		Told	   *told = (Told *) lfirst(lc);

		if (told->stage != stage || strcmp(told->column_name, column_name) != 0)
			continue;
		told->seen = true;
		if (strcmp(told->state, health->state) == 0)
			return;
		change.was = told->state;
	}
	tell(&change, round);
}

static void
tell_gone(List *told_states, const char *relation, Round *round)
{
	ListCell   *lc;

	foreach(lc, told_states)
	{
		Told	   *told = (Told *) lfirst(lc);
		Change		change = {relation, told->column_name, told->stage, told->state,
		GONE, NULL, NULL, round->now};

		if (!told->seen)
			tell(&change, round);
	}
}

/*
 * Nobody knows more of a table that is locked for a moment; once that has lasted
 * for longer than rows may be late, it is told.
 */
static bool
is_locked_briefly(const char *relation, TimestampTz now)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(relation),
	TimestampTzGetDatum(now - retention_settings_promised_lateness * USECS_PER_SEC)};
	bool		recent;

	SPI_connect();
	run("SELECT FROM retention.rule_state"
		" WHERE relation = $1 AND last_success >= $2 LIMIT 1", 2, types, values, false);
	recent = SPI_processed > 0;
	SPI_finish();
	return recent;
}

static void
tell_table(Oid relid, Round *round)
{
	RetentionSurveyTable *table = retention_survey_table(relid, round->now,
														 round->circumstances);
	List	   *told_states = recall(table->name);
	ListCell   *lc;

	if (table->error)
	{
		RetentionHealth health;

		if (retention_health_is_lock(table->error) &&
			is_locked_briefly(table->name, round->now))
			return;
		/* of its rules nothing is known now: they stay as they were told */
		health = retention_health_judge(retention_survey_rule(table, NULL, true));
		compare(told_states, table->name, "", 0, &health, round);
		return;
	}
	foreach(lc, table->rules)
	{
		const RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionSurvey *survey = retention_survey_rule(table, rule, true);
		RetentionHealth health;

		if (survey->count_error && retention_health_is_lock(survey->count_error) &&
			is_locked_briefly(table->name, round->now))
			return;
		health = retention_health_judge(survey);
		compare(told_states, table->name, rule->attnum ? rule->column_name : "",
				rule->stage, &health, round);
	}
	tell_gone(told_states, table->name, round);
}

/* Tables that were told of, and are labelled no more. */
static void
tell_unlabelled(List *relations, Round *round)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *names = NIL;
	ListCell   *lc;

	SPI_connect();
	run("SELECT DISTINCT relation FROM retention.told_state", 0, NULL, NULL, false);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(context);

		names = lappend(names, makeString(pstrdup(name)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	foreach(lc, relations)
		names = list_delete(names,
							makeString(retention_start_relation_name(lfirst_oid(lc))));
	foreach(lc, names)
		tell_gone(recall(strVal(lfirst(lc))), strVal(lfirst(lc)), round);
}

static void
take_lock(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, InvalidOid, 0, RETENTION_PASS_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

Oid
retention_alarm_tell(Oid relid, Oid after, TimestampTz now, int budget)
{
	Round		round = {now, NULL, 0};
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context;
	TimestampTz began = GetCurrentTimestamp();
	List	   *relations;
	Oid			last = after;
	ListCell   *lc;

	if (RecoveryInProgress() || !is_known())
		return InvalidOid;
	take_lock();
	round.circumstances = retention_circumstance_read(now);
	relations = retention_labelled_relations();
	list_sort(relations, list_oid_cmp);
	context = AllocSetContextCreate(old, "privacy_retention alarm", ALLOCSET_DEFAULT_SIZES);
	foreach(lc, relations)
	{
		Oid			table = lfirst_oid(lc);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(relid) ? table != relid : table <= after)
			continue;
		if (budget > 0 && last != after &&
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), budget))
			break;
		MemoryContextSwitchTo(context);
		tell_table(table, &round);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		last = table;
	}
	if (!OidIsValid(relid) && lc == NULL)
		tell_unlabelled(relations, &round);
	if (round.lines > MOST_LINES)
		ereport(LOG,
				(errmsg("privacy_retention: the state of %d more rules has changed",
						round.lines - MOST_LINES),
				 errhint("SELECT * FROM retention.status;")));
	MemoryContextDelete(context);
	return lc == NULL ? InvalidOid : last;
}

typedef struct Attempt
{
	Oid			relid;
	Oid			after;
	TimestampTz now;
	Oid			last;
} Attempt;

static void
attempt(void *arg)
{
	Attempt    *a = (Attempt *) arg;

	retention_settings_limit_lock_waits();
	a->last = retention_alarm_tell(a->relid, a->after, a->now,
								   OidIsValid(a->relid) ? 0 : TRY_MS);
}

Oid
retention_alarm_try(Oid relid, Oid after, TimestampTz now)
{
	Attempt		a = {relid, after, now, InvalidOid};
	ErrorData  *error = retention_attempt_run(attempt, &a);

	if (error == NULL)
		return a.last;
	ereport(LOG,
			(errmsg("privacy_retention: states of rules could not be told: SQLSTATE %s",
					unpack_sql_state(error->sqlerrcode))));
	return InvalidOid;
}
