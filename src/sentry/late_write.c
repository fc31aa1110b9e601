/*
 * late_write.c
 *		What users' transactions have made due behind a pass's back.
 *
 * Invariant: before a rule skips what an earlier sweep has seen done, all that
 * was recorded by committed transactions has moved that mark back.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "policy/start.h"
#include "sentry/late_write.h"

#define COLUMNS 2

/* Clocks are compared with what was swept by "later than". */
#define BEFORE USECS_PER_SEC

/*
 * Straight into the heap: at the end of a transaction there is no statement any
 * more, and whoever wrote the row has no right to the table.
 */
void
retention_late_write_append(Oid relid, TimestampTz clock)
{
	Oid			table = retention_identity_find_own("late_write");
	Relation	rel;
	TupleTableSlot *slot;

	if (!OidIsValid(table))
		return;
	rel = table_open(table, RowExclusiveLock);
	slot = table_slot_create(rel, NULL);
	ExecClearTuple(slot);
	Assert(RelationGetNumberOfAttributes(rel) == COLUMNS);
	slot->tts_values[0] = ObjectIdGetDatum(relid);
	slot->tts_isnull[0] = false;
	slot->tts_values[1] = TimestampTzGetDatum(clock);
	slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(rel, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
}

static bool
is_empty(Oid table)
{
	Relation	rel = table_open(table, AccessShareLock);
	bool		empty = RelationGetNumberOfBlocks(rel) == 0;

	table_close(rel, NoLock);
	return empty;
}

void
retention_late_write_consume(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			table = retention_identity_find_own("late_write");
	RetentionIdentity saved;
	Oid			types[] = {OIDOID, TEXTOID, INTERVALOID};
	Datum		values[3];
	Interval	before = {.time = BEFORE};

	if (!OidIsValid(table) || is_empty(table))
		return;
	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(retention_start_relation_name(relid));
	values[2] = IntervalPGetDatum(&before);
	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare("WITH late AS (DELETE FROM retention.late_write AS w WHERE w.relid = $1"
						   " OR NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = w.relid)"
						   " RETURNING w.relid, w.clock)"
						   " UPDATE retention.rule_state AS s SET swept_to = late.clock - $3"
						   " FROM (SELECT pg_catalog.min(clock) AS clock FROM late WHERE relid = $1) AS late"
						   " WHERE s.relation = $2 AND s.swept_to >= late.clock", 3, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.late_write could not be read");
	}
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "retention.late_write could not be read");
	retention_identity_restore(&saved);
}
