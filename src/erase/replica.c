/*
 * replica.c
 *		Which standbys have not followed yet.
 *
 * Invariant: a standby counts as soon as this server knows of it: it is connected,
 * or has a slot.  Those behind another standby, and those that are away and have no
 * slot, nobody can see from here.
 *
 * Not standbys are what decodes (a logical slot), a base backup that is being taken,
 * and what only receives WAL: it streams, answers, and never replays.  The slot of a
 * standby that is away tells what it has received, not what it has replayed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/pg_lsn.h"

#include "base/identity.h"
#include "erase/replica.h"

#define BEHIND \
	"SELECT format('the standby of walsender %s, which has not replayed the scrub', r.pid)," \
	" 'Let it catch up: SELECT pid, state, replay_lsn FROM pg_stat_replication; SELECT pg_wal_replay_resume() on the standby where its replay is paused'" \
	" FROM pg_stat_replication AS r" \
	" WHERE NOT EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')" \
	" AND r.state <> 'backup'" \
	" AND (r.replay_lsn < $1 OR r.replay_lsn IS NULL AND NOT (r.state = 'streaming' AND r.reply_time IS NOT NULL))" \
	" UNION ALL" \
	" SELECT format('replication slot %I, whose standby is away', s.slot_name)," \
	" format('Start its standby; or SELECT pg_drop_replication_slot(%L) where the standby is gone for good', s.slot_name)" \
	" FROM pg_replication_slots AS s" \
	" WHERE s.slot_type = 'physical' AND NOT s.active AND (s.restart_lsn IS NOT NULL OR s.wal_status = 'lost')" \
	" ORDER BY 1 LIMIT 1"

bool
retention_replica_followed(XLogRecPtr lsn, char **holder, char **remedy)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {LSNOID};
	Datum		values[] = {LSNGetDatum(lsn)};
	RetentionIdentity saved;
	bool		followed;

	*holder = *remedy = NULL;
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(BEHIND, lengthof(types), types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look at the standbys");
	followed = SPI_processed == 0;
	if (!followed)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*holder = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		*remedy = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return followed;
}
