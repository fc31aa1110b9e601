/*
 * told.c
 *		What was last told of a rule, or of a table's erasure, and telling what is new.
 *
 * Invariant: "ok" and "watched" are well, and a change between these two is not worth
 * a word; any other is told once, without any value of a row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/settings.h"
#include "report/told.h"

#define CHANNEL "privacy_retention"

/* Lines in the log at a time; notifications are as many as there are changes. */
#define MOST_LINES 20
/* Bytes; a payload must stay below 8000. */
#define MOST_TEXT 1000
#define MOST_PAYLOAD 7900

/* A rule that is not there any more. */
#define GONE "gone"

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

bool
retention_told_is_known(void)
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
run(const char *query, int nargs, Oid *types, Datum *values)
{
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(query, nargs, types, values, NULL, false, 0) < 0)
		elog(ERROR, "retention.told_state could not be used");
	retention_identity_restore(&saved);
}

/* As RetentionTold *, in the caller's memory context.  relation: $1; NULL = none. */
static List *
recall(const char *condition, const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[1];
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	List	   *result = NIL;

	SPI_connect();
	if (relation != NULL)
		values[0] = CStringGetTextDatum(relation);
	run(psprintf("SELECT relation, column_name, stage, state FROM retention.told_state WHERE %s",
				 condition),
		relation != NULL ? 1 : 0, types, values);
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		RetentionTold *told = palloc0(sizeof(RetentionTold));
		bool		isnull;

		told->relation = SPI_getvalue(row, desc, 1);
		told->column_name = SPI_getvalue(row, desc, 2);
		told->stage = DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull));
		told->state = SPI_getvalue(row, desc, 4);
		result = lappend(result, told);
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}

List *
retention_told_of_rules(const char *relation)
{
	return recall("relation = $1 AND stage >= 0", relation);
}

List *
retention_told_of_erasure(void)
{
	return recall("stage < 0", NULL);
}

List *
retention_told_relations(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *names = NIL;

	SPI_connect();
	run("SELECT DISTINCT relation FROM retention.told_state WHERE stage >= 0", 0, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(context);

		names = lappend(names, makeString(pstrdup(name)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return names;
}

/* What is gone is forgotten, and so is an erasure that is well. */
static bool
is_to_be_forgotten(const Change *change)
{
	return strcmp(change->state, GONE) == 0 ||
		(change->stage == RETENTION_TOLD_ERASURE && is_well(change->state));
}

static void
remember(const Change *change)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(change->relation),
		CStringGetTextDatum(change->column_name), Int32GetDatum(change->stage),
	CStringGetTextDatum(change->state), TimestampTzGetDatum(change->since)};

	SPI_connect();
	if (is_to_be_forgotten(change))
		run("DELETE FROM retention.told_state"
			" WHERE relation = $1 AND column_name = $2 AND stage = $3",
			3, types, values);
	else
		run("INSERT INTO retention.told_state (relation, column_name, stage, state, since)"
			" VALUES ($1, $2, $3, $4, $5)"
			" ON CONFLICT (relation, column_name, stage)"
			" DO UPDATE SET state = excluded.state, since = excluded.since",
			5, types, values);
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

static const char *
what_is(const Change *change)
{
	return change->stage == RETENTION_TOLD_ERASURE ? "erasure" : "rule";
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
	append_member(&json, "what", what_is(change));
	append_member(&json, "relation", change->relation);
	append_member(&json, "column", change->column_name[0] ? change->column_name : NULL);
	if (change->stage == RETENTION_TOLD_ERASURE)
		append_member(&json, "stage", NULL);
	else
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
write_line(const Change *change)
{
	ereport(LOG,
			(errmsg("privacy_retention: the %s of %s%s%s is %s, was %s", what_is(change),
					change->relation, change->column_name[0] ? "." : "",
					change->column_name[0] ? quote_identifier(change->column_name) : "",
					change->state, change->was ? change->was : "unknown"),
			 change->reason ? errdetail_log("%s", change->reason) : 0,
			 change->remedy ? errhint("%s", change->remedy) : 0));
}

static void
tell(const Change *change, RetentionTelling *telling)
{
	char	   *text;

	remember(change);
	if (is_well(change->was) && is_well(change->state))
		return;
	text = payload(change, true);
	if (strlen(text) > MOST_PAYLOAD)
		text = payload(change, false);
	Async_Notify(CHANNEL, text);
	if (telling->changes++ < MOST_LINES)
		write_line(change);
}

void
retention_told_compare(List *told_states, const char *relation, const char *column_name,
					   int stage, const RetentionHealth *health, RetentionTelling *telling)
{
	Change		change = {relation, column_name, stage, NULL, health->state,
	health->reason, health->remedy, telling->now};
	ListCell   *lc;

	foreach(lc, told_states)
	{
		RetentionTold *told = (RetentionTold *) lfirst(lc);

		if (told->stage != stage || strcmp(told->column_name, column_name) != 0 ||
			strcmp(told->relation, relation) != 0)
			continue;
		told->seen = true;
		if (strcmp(told->state, health->state) == 0)
			return;
		change.was = told->state;
	}
	tell(&change, telling);
}

void
retention_told_rest(List *told_states, RetentionTelling *telling)
{
	ListCell   *lc;

	foreach(lc, told_states)
	{
		RetentionTold *told = (RetentionTold *) lfirst(lc);
		Change		change = {told->relation, told->column_name, told->stage, told->state,
			told->stage == RETENTION_TOLD_ERASURE && retention_settings_erase_within > 0 ? "ok" : GONE,
		NULL, NULL, telling->now};

		if (!told->seen)
			tell(&change, telling);
	}
}

void
retention_told_end(const RetentionTelling *telling)
{
	if (telling->changes > MOST_LINES)
		ereport(LOG,
				(errmsg("privacy_retention: %d more states have changed",
						telling->changes - MOST_LINES),
				 errhint("SELECT * FROM retention.status;")));
}
