/*
 * reach.c
 *		Which tables the deletions of a protected table reach.
 *
 * Invariant: no table in which a deletion leaves bytes is missing; one too many
 * does no harm.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"

#include "base/identity.h"
#include "erase/reach.h"

List *
retention_reach_tables(Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(relid)};
	RetentionIdentity saved;
	List	   *tables = NIL;

	if (get_rel_name(relid) == NULL)
		return NIL;
	SPI_connect();
	retention_identity_become_extension(&saved);

	/*
	 * A key from a partition counts as one from its root, and so does one to
	 * it.  Rows are deleted, or changed in some columns: what refers to those
	 * follows as the key says.
	 */
	if (SPI_execute_with_args("WITH RECURSIVE k AS MATERIALIZED ("
							  " SELECT coalesce(pg_catalog.pg_partition_root(conrelid)::oid, conrelid) AS child,"
							  " coalesce(pg_catalog.pg_partition_root(confrelid)::oid, confrelid) AS parent,"
							  " confdeltype, confupdtype"
							  " FROM pg_catalog.pg_constraint WHERE contype = 'f'),"
							  " t (oid, deleted) AS ("
							  " SELECT $1, d FROM (VALUES (true), (false)) AS v (d)"
							  " UNION SELECT k.child, t.deleted AND k.confdeltype = 'c'"
							  " FROM t JOIN k ON k.parent = t.oid"
							  " WHERE CASE WHEN t.deleted THEN k.confdeltype ELSE k.confupdtype END IN ('c', 'n', 'd'))"
							  " SELECT oid FROM t GROUP BY oid ORDER BY oid <> $1, oid",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the foreign keys to relation %u could not be read", relid);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			table = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
														   SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);

		tables = lappend_oid(tables, table);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return tables;
}

List *
retention_reach_heaps(Oid relid)
{
	List	   *heaps = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Oid			member = lfirst_oid(lc);
		char		relkind = get_rel_relkind(member);

		if ((relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW) &&
			get_rel_persistence(member) != RELPERSISTENCE_TEMP)
			heaps = lappend_oid(heaps, member);
	}
	return heaps;
}
