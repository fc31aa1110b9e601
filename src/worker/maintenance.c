/*
 * maintenance.c
 *		VACUUM, REINDEX and ANALYZE, as a background worker gives them.
 *
 * Invariant: each is a top-level command outside a transaction block, as a client
 * would send it; the server runs the code in users' indexes as their owner.
 *
 * A command goes through a portal, so that what hooks ProcessUtility sees it as any
 * other.  The portal's memory outlives the transactions that the command makes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "erase/scrub.h"
#include "erase/storage.h"
#include "policy/start.h"
#include "worker/maintenance.h"
#include "worker/visit.h"

/* Runs one utility command, as at the top of a session. */
static void
run_command(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	PlannedStmt *statement;
	Portal		portal;
	RawStmt    *raw;

	retention_visit_start(sql);
	portal = CreatePortal("privacy_retention maintenance", true, true);
	portal->visible = false;
	MemoryContextSwitchTo(portal->portalContext);
	sql = pstrdup(sql);
	raw = linitial_node(RawStmt, pg_parse_query(sql));
	statement = makeNode(PlannedStmt);
	statement->commandType = CMD_UTILITY;
	statement->canSetTag = true;
	statement->utilityStmt = raw->stmt;
	statement->stmt_location = raw->stmt_location;
	statement->stmt_len = raw->stmt_len;
	PortalDefineQuery(portal, NULL, sql, CreateCommandTag(raw->stmt),
					  list_make1(statement), NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	retention_compat_portal_run(portal, None_Receiver);
	/* a command that has committed leaves us in the portal's memory */
	MemoryContextSwitchTo(context);
	PortalDrop(portal, false);
	retention_visit_commit();
	MemoryContextSwitchTo(context);
}

/* The name of a relation, which may be gone; in the caller's memory. */
static char *
name_of(Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *name = NULL;

	retention_visit_start("privacy_retention: looking at a table");
	if (get_rel_name(relid) != NULL)
		name = MemoryContextStrdup(context, retention_start_relation_name(relid));
	retention_visit_commit();
	MemoryContextSwitchTo(context);
	return name;
}

void
retention_maintenance_vacuum(Oid relid)
{
	char	   *name = name_of(relid);

	if (name != NULL)
		run_command(psprintf("VACUUM (" RETENTION_SCRUB_VACUUM ") " RETENTION_COMPAT_ONLY "%s", name));
}

/*
 * Deletes what a catalog of statistics has of an object, and what no transaction
 * from "since" on wrote.
 */
static void
delete_stale(Oid catalog, Oid index, AttrNumber column, Oid object, TransactionId since)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(relation, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data), since))
			CatalogTupleDelete(relation, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
}

/* The table is locked as ANALYZE locks it: nobody else's is at work meanwhile. */
static void
drop_stale_statistics(Oid relid, TransactionId since)
{
	Relation	relation = try_relation_open(relid, ShareUpdateExclusiveLock);
	List	   *objects;
	ListCell   *lc;

	if (relation == NULL)
		return;
	objects = lcons_oid(relid, RelationGetIndexList(relation));
	foreach(lc, objects)
		delete_stale(StatisticRelationId, StatisticRelidAttnumInhIndexId,
					 Anum_pg_statistic_starelid, lfirst_oid(lc), since);
	foreach(lc, RelationGetStatExtList(relation))
		delete_stale(StatisticExtDataRelationId, StatisticExtDataStxoidInhIndexId,
					 Anum_pg_statistic_ext_data_stxoid, lfirst_oid(lc), since);
	relation_close(relation, NoLock);
}

/*
 * A table with its partitions and heirs, as far as ANALYZE of ours makes their
 * statistics anew: not what another server, or another session, stores.  In the
 * caller's memory.
 */
static List *
find_own(Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *members;
	List	   *own = NIL;
	ListCell   *lc;

	retention_visit_start("privacy_retention: looking at the parts of a table");
	members = find_all_inheritors(relid, NoLock, NULL);
	MemoryContextSwitchTo(context);
	foreach(lc, members)
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));

		if (relkind != '\0' && relkind != RELKIND_FOREIGN_TABLE &&
			get_rel_persistence(lfirst_oid(lc)) != RELPERSISTENCE_TEMP)
			own = lappend_oid(own, lfirst_oid(lc));
	}
	retention_visit_commit();
	MemoryContextSwitchTo(context);
	return own;
}

static bool
is_partitioned(Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	bool		partitioned;

	retention_visit_start("privacy_retention: looking at a table");
	partitioned = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	retention_visit_commit();
	MemoryContextSwitchTo(context);
	return partitioned;
}

static void
run_analyze(const char *command, Oid relid)
{
	char	   *name = name_of(relid);

	if (name != NULL)
		run_command(psprintf("%s%s", command, name));
}

/* ANALYZE goes through partitions by itself, but not, in all releases, through heirs. */
void
retention_maintenance_analyze(Oid relid)
{
	TransactionId since = ReadNextTransactionId();
	List	   *own = find_own(relid);
	bool		partitioned = is_partitioned(relid);
	ListCell   *lc;

	if (partitioned)
		run_analyze("ANALYZE ", relid);
	foreach(lc, own)
	{
		if (!partitioned)
			run_analyze("ANALYZE " RETENTION_COMPAT_ONLY, lfirst_oid(lc));
		retention_visit_start("privacy_retention: dropping old statistics");
		PushActiveSnapshot(GetTransactionSnapshot());
		drop_stale_statistics(lfirst_oid(lc), since);
		PopActiveSnapshot();
		retention_visit_commit();
	}
}

/*
 * Is it called as REINDEX CONCURRENTLY calls its second copy of the other: the whole
 * name, or what there is room for, the suffix, and a number where that was taken?
 */
static bool
is_copy_of(const char *name, const char *own)
{
	const char *suffix = NULL;
	const char *next = name;
	Size		length;

	while ((next = strstr(next, "_cc")) != NULL)
		suffix = next++;
	if (suffix == NULL || (strncmp(suffix, "_ccnew", 6) != 0 && strncmp(suffix, "_ccold", 6) != 0) ||
		suffix[6 + strspn(suffix + 6, "0123456789")] != '\0')
		return false;
	length = suffix - name;
	/* It is shortened at the end of a character. */
	return strcmp(name, own) != 0 && strncmp(name, own, length) == 0 &&
		(own[length] == '\0' || strlen(name) >= NAMEDATALEN - MAX_MULTIBYTE_CHAR_LEN);
}

/*
 * Names of what interrupted REINDEX CONCURRENTLY left of the indexes of a table: not
 * valid, and beside the one that it is of.  One that is at work holds the table's lock.
 */
static List *
find_leftovers(Oid table)
{
	List	   *indexes;
	List	   *leftovers = NIL;
	ListCell   *lc;

	if (!ConditionalLockRelationOid(table, ShareUpdateExclusiveLock))
		return NIL;
	indexes = retention_storage_indexes(table);
	foreach(lc, indexes)
	{
		char	   *name = get_rel_name(lfirst_oid(lc));
		bool		found = false;
		ListCell   *other;

		foreach(other, indexes)
		{
			char	   *own = get_rel_name(lfirst_oid(other));

			found |= name != NULL && own != NULL && is_copy_of(name, own);
		}
		if (found && !get_index_isvalid(lfirst_oid(lc)))
			leftovers = lappend(leftovers, retention_start_relation_name(lfirst_oid(lc)));
	}
	return leftovers;
}

void
retention_maintenance_drop_leftovers(Oid table)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *leftovers = NIL;
	ListCell   *lc;

	retention_visit_start("privacy_retention: looking for unfinished indexes");
	foreach(lc, find_leftovers(table))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		leftovers = lappend(leftovers, pstrdup(lfirst(lc)));
		MemoryContextSwitchTo(old);
	}
	retention_visit_commit();
	MemoryContextSwitchTo(context);
	foreach(lc, leftovers)
		run_command(psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s", (char *) lfirst(lc)));
}

void
retention_maintenance_reindex(Oid index)
{
	char	   *name = name_of(index);

	if (name != NULL)
		run_command(psprintf("REINDEX INDEX CONCURRENTLY %s", name));
}
