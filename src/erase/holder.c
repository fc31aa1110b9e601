/*
 * holder.c
 *		What keeps deleted versions of rows from being removed.
 *
 * Invariant: the server's own horizon decides whether they may be; who holds it is
 * only looked for to be named, the one that is oldest first, and by its number: a
 * name that a user gave to a transaction or a session may be personal.
 *
 * Sessions of other databases hold only what all databases share.  Of those here a
 * VACUUM holds nothing, whatever its snapshot says.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/identity.h"
#include "erase/holder.h"
#include "erase/reach.h"

/* How far a transaction lies before the next one, $1; what came since is far off. */
#define BACK(xid) "(($1 - " xid "::text::bigint) & 4294967295)"

#define ASK_STANDBY \
	"'On the standby: SELECT pid, xact_start FROM pg_stat_activity" \
	" WHERE backend_xmin IS NOT NULL, and end the oldest; or hot_standby_feedback = off'"

/*
 * The oldest of all that lie further back than $2.  Where several are as old, the
 * one whose own transaction it is comes first: the others' snapshots are old because
 * of it.  $3: do the catalogs that logical slots need count for this table?
 */
#define HOLDERS \
	"WITH held (back, rank, holder, remedy) AS (" \
	" SELECT " BACK("p.transaction") ", 0, format('prepared transaction %s', p.transaction)," \
	" format('COMMIT PREPARED or ROLLBACK PREPARED what SELECT gid FROM pg_prepared_xacts" \
	" WHERE transaction = ''%s'' names', p.transaction)" \
	" FROM pg_prepared_xacts AS p WHERE p.database = current_database()" \
	" UNION ALL" \
	" SELECT greatest(x.own, x.seen)," \
	" CASE WHEN a.pid = pg_backend_pid() THEN 3 WHEN x.own >= coalesce(x.seen, 0) THEN 0 ELSE 1 END," \
	" CASE WHEN a.backend_type = 'walsender'" \
	" THEN format('a query on the standby of walsender %s (hot_standby_feedback)', a.pid)" \
	" ELSE format('session %s (%s)', a.pid, coalesce(a.state, a.backend_type)) END," \
	" CASE WHEN a.backend_type = 'walsender' THEN " ASK_STANDBY \
	" ELSE format('SELECT pg_terminate_backend(%s)', a.pid) END" \
	" FROM pg_stat_activity AS a CROSS JOIN LATERAL (SELECT " BACK("a.backend_xid") " AS own, " \
	BACK("a.backend_xmin") " AS seen) AS x" \
	" WHERE (a.datname = current_database() OR a.datname IS NULL)" \
	" AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum AS v WHERE v.pid = a.pid)" \
	" UNION ALL" \
	" SELECT " BACK("s.xmin") ", 2, format('replication slot %I, %s', s.slot_name," \
	" CASE WHEN s.active THEN 'by a query on its standby (hot_standby_feedback)'" \
	" ELSE 'whose standby is away' END)," \
	" CASE WHEN s.active THEN " ASK_STANDBY \
	" ELSE format('SELECT pg_drop_replication_slot(%L); or start its standby', s.slot_name) END" \
	" FROM pg_replication_slots AS s" \
	" UNION ALL" \
	" SELECT " BACK("s.catalog_xmin") ", 2," \
	" format('replication slot %I, which reads the catalogs of then', s.slot_name)," \
	" CASE WHEN s.active THEN 'Let its consumer catch up.'" \
	" ELSE format('SELECT pg_drop_replication_slot(%L); or start its consumer', s.slot_name) END" \
	" FROM pg_replication_slots AS s WHERE $3)" \
	" SELECT holder, remedy FROM held WHERE back > $2 AND back < 2147483648" \
	" ORDER BY back DESC, rank, holder LIMIT 1"

static void
name_holder(FullTransactionId horizon, bool catalog, char **holder, char **remedy)
{
	MemoryContext context = CurrentMemoryContext;
	FullTransactionId next = ReadNextFullTransactionId();
	Oid			types[] = {INT8OID, INT8OID, BOOLOID};
	Datum		values[] = {Int64GetDatum(XidFromFullTransactionId(next)),
		Int64GetDatum(U64FromFullTransactionId(next) - U64FromFullTransactionId(horizon)),
	BoolGetDatum(catalog)};
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(HOLDERS, lengthof(types), types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look who holds a horizon");
	if (SPI_processed > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*holder = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		*remedy = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
}

/* A horizon lies before the next transaction, and less than half of all numbers. */
static FullTransactionId
full_from_recent(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		back = XidFromFullTransactionId(next) - xid;

	return FullTransactionIdFromU64(U64FromFullTransactionId(next) - back);
}

/*
 * Locks a table for a look: false where somebody has locked it exclusively.  NULL:
 * it is gone.
 */
static bool
try_open(Oid relation, Relation *rel)
{
	*rel = NULL;
	if (!ConditionalLockRelationOid(relation, AccessShareLock))
		return false;
	*rel = try_relation_open(relation, NoLock);
	if (*rel == NULL)
		UnlockRelationOid(relation, AccessShareLock);
	return true;
}

/*
 * The oldest horizon of the tables that have the versions: a table with parts has none
 * of its own.  Returns one that somebody has locked exclusively.
 */
static Oid
look_at(Oid relation, FullTransactionId *oldest, bool *catalog)
{
	Relation	whole;
	Oid			locked = InvalidOid;
	ListCell   *lc;

	if (!try_open(relation, &whole))
		return relation;
	if (whole == NULL)
		return InvalidOid;
	foreach(lc, retention_reach_heaps(relation))
	{
		Relation	rel;
		FullTransactionId own;

		if (!try_open(lfirst_oid(lc), &rel))
		{
			locked = lfirst_oid(lc);
			break;
		}
		if (rel == NULL)
			continue;
		own = full_from_recent(GetOldestNonRemovableTransactionId(rel));
		if (FullTransactionIdPrecedes(own, *oldest))
			*oldest = own;
		*catalog |= RelationIsAccessibleInLogicalDecoding(rel);
		relation_close(rel, AccessShareLock);
	}
	relation_close(whole, AccessShareLock);
	return locked;
}

bool
retention_holder_removable(Oid relation, FullTransactionId horizon, char **holder,
						   char **remedy)
{
	FullTransactionId oldest = horizon;
	bool		catalog = false;
	Oid			locked;

	*holder = *remedy = NULL;
	if (!OidIsValid(relation))
		return true;
	locked = look_at(relation, &oldest, &catalog);
	if (OidIsValid(locked))
	{
		*holder = pstrdup("a session that has locked the table exclusively");
		*remedy = psprintf("SELECT pid, mode FROM pg_locks WHERE relation = %u", locked);
		return false;
	}
	if (FullTransactionIdFollowsOrEquals(oldest, horizon))
		return true;

	name_holder(horizon, catalog, holder, remedy);
	if (*holder == NULL)
	{
		/* It has gone since, or is one of those that have no session. */
		*holder = pstrdup("a transaction, or a standby, that is not to be seen any more");
		*remedy = pstrdup(RETENTION_COMPAT_DEFERRED);
	}
	return false;
}
