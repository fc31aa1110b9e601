/*
 * roster.c
 *		What the operator sees of launcher and workers.
 *
 * Invariant: there is always a row for the database that is asked: where no
 * worker looks after it, its state says why.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/schedule.h"
#include "base/settings.h"

#define COLUMNS 13

PG_FUNCTION_INFO_V1(retention_roster_databases_sql);
PG_FUNCTION_INFO_V1(retention_roster_wake_sql);
PG_FUNCTION_INFO_V1(retention_roster_next_opening_sql);

static const char *
state_name(const RetentionScheduleEntry *entry, int launcher, TimestampTz starved)
{
	if (entry->pid != 0)
		return "running";
	if (launcher == 0)
		return RecoveryInProgress() ? "standby" : "no launcher";
	if (entry->starting)
		return "starting";
	if (starved != 0 && entry->next_wake <= GetCurrentTimestamp())
		return "no slot";
	switch (entry->state)
	{
		case RETENTION_NEW:
			return "new";
		case RETENTION_ABSENT:
			return "absent";
		case RETENTION_OFF:
			return "off";
		case RETENTION_CLOSED:
			return "closed";
		case RETENTION_IDLE:
			return "idle";
		case RETENTION_FAILED:
			return "failed";
	}
	return "unknown";
}

static Datum
instant(TimestampTz value, bool *isnull)
{
	*isnull = value == 0 || TIMESTAMP_NOT_FINITE(value);
	return TimestampTzGetDatum(value);
}

static void
put_entry(ReturnSetInfo *result, const RetentionScheduleEntry *entry,
		  const char *state, int launcher)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[0] = Int32GetDatum(launcher);
	nulls[0] = launcher == 0;
	values[1] = ObjectIdGetDatum(entry->dbid);
	values[2] = CStringGetTextDatum(state);
	values[3] = Int32GetDatum(entry->pid);
	nulls[3] = entry->pid == 0;
	values[4] = instant(entry->last_start, &nulls[4]);
	values[5] = instant(entry->last_end, &nulls[5]);
	values[6] = instant(entry->last_success, &nulls[6]);
	values[7] = CStringGetTextDatum(entry->last_error);
	nulls[7] = entry->last_error[0] == '\0';
	values[8] = instant(entry->last_error_at, &nulls[8]);
	values[9] = Int32GetDatum(entry->failures);
	values[10] = instant(Max(entry->next_wake, entry->not_before), &nulls[10]);
	values[11] = Int64GetDatum(entry->passes);
	values[12] = Int64GetDatum(entry->rows);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
retention_roster_databases_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionScheduleEntry *entries;
	TimestampTz starved;
	int			launcher;
	int			count;
	bool		found = false;

	InitMaterializedSRF(fcinfo, 0);
	count = retention_schedule_copy(&entries, &launcher, &starved);
	for (int i = 0; i < count; i++)
	{
		put_entry(result, &entries[i],
				  state_name(&entries[i], launcher, starved), launcher);
		found = found || entries[i].dbid == MyDatabaseId;
	}
	if (!found)
	{
		RetentionScheduleEntry none = {.dbid = MyDatabaseId};

		put_entry(result, &none,
				  retention_schedule_attached() ?
				  state_name(&none, launcher, 0) : "not preloaded", launcher);
	}
	return (Datum) 0;
}

Datum
retention_roster_wake_sql(PG_FUNCTION_ARGS)
{
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_VOID();
}

Datum
retention_roster_next_opening_sql(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);

	if (TIMESTAMP_NOT_FINITE(at))
		PG_RETURN_TIMESTAMPTZ(at);
	PG_RETURN_TIMESTAMPTZ(retention_settings_next_opening(at));
}
