/*
 * pause.c
 *		Tables on which nothing is enforced for a while.
 *
 * Invariant: a pause has a reason and an end, and both its begin and its end by
 * hand are in the ledger.  Rows that fall due meanwhile are overdue: a pause
 * excuses nothing.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "enforce/pause.h"
#include "enforce/protection.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "policy/start.h"

/* The owner's pauses end after so many days at the latest; an officer's do not. */
#define LONGEST_DAYS 30

PG_FUNCTION_INFO_V1(retention_pause_pause_sql);
PG_FUNCTION_INFO_V1(retention_pause_unpause_sql);

/* The objects of 1.0 have no pauses. */
static bool
is_known(void)
{
	return OidIsValid(retention_identity_find_own("paused_table"));
}

bool
retention_pause_find(const char *relation, TimestampTz now, RetentionPause *pause)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(relation), TimestampTzGetDatum(now)};
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	bool		found;

	if (!is_known())
		return false;
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare("SELECT until, reason FROM retention.paused_table"
						   " WHERE relation = $1 AND until > $2", 2, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.paused_table could not be read");
	}
	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.paused_table could not be read");
	found = SPI_processed == 1;
	if (found && pause != NULL)
	{
		bool		isnull;
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		pause->until = DatumGetTimestampTz(SPI_getbinval(row, desc, 1, &isnull));
		pause->reason = MemoryContextStrdup(context, SPI_getvalue(row, desc, 2));
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return found;
}

void
retention_pause_refuse(const char *relation)
{
	RetentionPause pause;

	if (retention_pause_find(relation, GetCurrentTimestamp(), &pause))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is paused until %s", relation,
						timestamptz_to_str(pause.until)),
				 errdetail("The reason is: %s", pause.reason),
				 errhint("SELECT retention.unpause(%s);", quote_literal_cstr(relation))));
}

static void
run(const char *query, int nargs, Oid *types, Datum *values)
{
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(query, nargs, types, values, NULL, false, 0) < 0)
		elog(ERROR, "retention.paused_table could not be written");
	retention_identity_restore(&saved);
	SPI_finish();
}

void
retention_pause_drop(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};

	if (is_known())
		run("DELETE FROM retention.paused_table WHERE relation = $1",
			1, types, values);
}

/* In UTC, so that the ledger reads the same everywhere. */
static char *
instant_text(TimestampTz when)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(timestamp_out,
														   TimestampGetDatum(when)));

	return psprintf("%s UTC", text);
}

static void
require_enforced(Oid relid)
{
	const char *name = retention_start_relation_name(relid);

	if (retention_guard_state(relid) == RETENTION_WATCHED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is not protected", name),
				 errdetail("Nothing is enforced on it.")));
}

static void
require_end(TimestampTz until, TimestampTz now)
{
	if (TIMESTAMP_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a pause must end"),
				 errhint("To end the enforcement of a table for good there is retention.unprotect().")));
	if (until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the end of a pause must lie in the future")));
	if (until - now > LONGEST_DAYS * USECS_PER_DAY)
		retention_identity_require_officer(psprintf("pause a table for more than %d days",
													LONGEST_DAYS));
}

Datum
retention_pause_pause_sql(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	Oid			relid;
	TimestampTz until;
	char	   *reason;
	char	   *name;
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, NAMEOID};
	Datum		values[lengthof(types)];

	PreventCommandIfReadOnly("retention.pause()");
	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null",
							i == 0 ? "relation" : i == 1 ? "until" : "reason")));
	relid = PG_GETARG_OID(0);
	until = PG_GETARG_TIMESTAMPTZ(1);
	reason = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a pause needs a reason"),
				 errdetail("It is shown by retention.status and kept in the ledger.")));
	retention_protection_open(relid, "pause", ", until => ..., reason => ...");
	require_enforced(relid);
	require_end(until, now);

	name = retention_start_relation_name(relid);
	values[0] = CStringGetTextDatum(name);
	values[1] = TimestampTzGetDatum(until);
	values[2] = CStringGetTextDatum(reason);
	values[3] = TimestampTzGetDatum(now);
	values[4] = DirectFunctionCall1(namein,
									CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
	run("INSERT INTO retention.paused_table (relation, until, reason, paused_at, paused_by)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (relation) DO UPDATE"
		" SET until = excluded.until, reason = excluded.reason,"
		" paused_at = excluded.paused_at, paused_by = excluded.paused_by",
		lengthof(types), types, values);
	retention_ledger_tell("pause", name, -1, psprintf("until %s: %s", instant_text(until), reason));
	/* a pass that is under way looks again; the worker comes when it ends */
	CacheInvalidateRelcacheByRelid(relid);
	retention_schedule_wake(MyDatabaseId, until);
	PG_RETURN_VOID();
}

Datum
retention_pause_unpause_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *name;

	PreventCommandIfReadOnly("retention.unpause()");
	retention_protection_open(relid, "unpause", "");
	name = retention_start_relation_name(relid);
	if (!retention_pause_find(name, GetCurrentTimestamp(), NULL))
	{
		ereport(NOTICE, (errmsg("table %s is not paused", name)));
		PG_RETURN_VOID();
	}
	retention_pause_drop(name);
	retention_ledger_tell("unpause", name, -1, NULL);
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_VOID();
}
