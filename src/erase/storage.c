/*
 * storage.c
 *		The relations that store a table's values, and how their pages are laid out.
 *
 * Invariant: sequences, and forks but the main one, are never among them.  The
 * catalogs are asked without locking what they tell of, so that nobody waits here
 * with a snapshot.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/settings_scrub.h"
#include "erase/storage.h"

static bool
is_vouched_for(const char *method)
{
	char	   *names = pstrdup(retention_settings_scrub_access_methods);
	List	   *list = NIL;
	ListCell   *lc;

	if (SplitIdentifierString(names, ',', &list))
		foreach(lc, list)
			if (strcmp((const char *) lfirst(lc), method) == 0)
			return true;
	return false;
}

static RetentionPageFormat
other_format(Oid method)
{
	char	   *name = get_am_name(method);

	if (name == NULL)
		return RETENTION_PAGE_UNKNOWN;

	/* contrib/bloom: its pages identify themselves, too. */
	if (strcmp(name, "bloom") == 0)
		return RETENTION_PAGE_BLOOM;
	return is_vouched_for(name) ? RETENTION_PAGE_STANDARD : RETENTION_PAGE_UNKNOWN;
}

RetentionPageFormat
retention_storage_format(Relation rel)
{
	switch (rel->rd_rel->relam)
	{
		case HEAP_TABLE_AM_OID:
			return RETENTION_PAGE_HEAP;
		case BTREE_AM_OID:
			return RETENTION_PAGE_BTREE;
		case HASH_AM_OID:
			return RETENTION_PAGE_HASH;
		case GIN_AM_OID:
			return RETENTION_PAGE_GIN;
		case GIST_AM_OID:
			return RETENTION_PAGE_GIST;
		case SPGIST_AM_OID:
			return RETENTION_PAGE_SPGIST;
		case BRIN_AM_OID:
			return RETENTION_PAGE_BRIN;
		default:
			return other_format(rel->rd_rel->relam);
	}
}

static bool
has_pages(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW ||
		relkind == RELKIND_TOASTVALUE || relkind == RELKIND_INDEX;
}

/* Also those that are not valid (yet, or any more): they have entries, too. */
static List *
add_indexes(List *list, Oid relid)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
		list = lappend_oid(list, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return list;
}

/* Adds a table, its TOAST table, and the indexes of both. */
static List *
add_table(List *list, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	Oid			toast;

	if (!HeapTupleIsValid(tuple))
		return list;
	class = (Form_pg_class) GETSTRUCT(tuple);
	toast = class->reltoastrelid;
	if (has_pages(class->relkind))
	{
		list = lappend_oid(list, relid);

		/*
		 * Whatever relhasindex says: VACUUM clears it where only unfinished
		 * ones are left.
		 */
		list = add_indexes(list, relid);
	}
	ReleaseSysCache(tuple);
	return OidIsValid(toast) ? add_table(list, toast) : list;
}

List *
retention_storage_of(Oid table)
{
	List	   *result = NIL;
	List	   *tables;
	ListCell   *lc;

	switch (get_rel_relkind(table))
	{
		case RELKIND_INDEX:
			return list_make1_oid(table);
		case RELKIND_PARTITIONED_INDEX:
			tables = find_all_inheritors(table, NoLock, NULL);
			foreach(lc, tables)
				if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_INDEX)
				result = lappend_oid(result, lfirst_oid(lc));
			return result;
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_TOASTVALUE:
			tables = find_all_inheritors(table, NoLock, NULL);
			foreach(lc, tables)
				result = add_table(result, lfirst_oid(lc));
			return result;
		default:
			return NIL;
	}
}

List *
retention_storage_elsewhere(Oid table)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
		result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

List *
retention_storage_indexes(Oid table)
{
	return add_indexes(NIL, table);
}

bool
retention_storage_unfinished(Relation rel)
{
	return rel->rd_index != NULL &&
		!(rel->rd_index->indisready && rel->rd_index->indislive) &&
		!IsToastNamespace(RelationGetNamespace(rel));
}

List *
retention_storage_of_statistics(void)
{
	return add_table(add_table(NIL, StatisticRelationId), StatisticExtDataRelationId);
}

Relation
retention_storage_open(Oid relid, LOCKMODE mode)
{
	Relation	rel = try_relation_open(relid, mode);

	if (rel == NULL)
		return NULL;
	if (has_pages(rel->rd_rel->relkind) && !RELATION_IS_OTHER_TEMP(rel) &&
		(rel->rd_rel->relpersistence != RELPERSISTENCE_UNLOGGED || !RecoveryInProgress()))
		return rel;
	relation_close(rel, mode);
	return NULL;
}
