/*
 * action_column.c
 *		What an action must know of a column.
 *
 * Invariant: read from the catalogs under a lock of the table, and a copy: it
 * stays as it is when the lock is gone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "policy/action_column.h"
#include "pseudonym/token.h"

/* Does the domain, or one below it, refuse NULL? */
static bool
domain_not_null(Oid type)
{
	for (;;)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form;
		bool		not_null;
		bool		is_domain;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for type %u", type);
		form = (Form_pg_type) GETSTRUCT(tuple);
		is_domain = form->typtype == TYPTYPE_DOMAIN;
		not_null = form->typnotnull;
		type = form->typbasetype;
		ReleaseSysCache(tuple);
		if (!is_domain)
			return false;
		if (not_null)
			return true;
	}
}

static void
load_indexes(Relation relation, RetentionActionColumn *column)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		HeapTuple	tuple;
		Form_pg_index index;

		tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(cell));
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisunique && index->indnkeyatts == 1 &&
			index->indkey.values[0] == column->attnum &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		{
			column->unique = true;
			column->unique_nulls |= index->indnullsnotdistinct;
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
}

/* Is the column in the partition key of the table, or of a level below? */
static bool
in_partition_key(Relation relation, AttrNumber attnum)
{
	List	   *tables;
	ListCell   *cell;
	bool		found = false;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	tables = find_all_inheritors(RelationGetRelid(relation), AccessShareLock,
								 NULL);
	foreach(cell, tables)
	{
		Relation	table;
		AttrNumber	there;

		if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
			continue;
		table = table_open(lfirst_oid(cell), NoLock);
		there = get_attnum(lfirst_oid(cell),
						   get_attname(RelationGetRelid(relation), attnum, false));
		if (has_partition_attrs(table,
								bms_make_singleton(there - FirstLowInvalidHeapAttributeNumber),
								NULL))
			found = true;
		table_close(table, NoLock);
	}
	return found;
}

RetentionActionColumn *
retention_action_column_load(Oid relid, AttrNumber attnum)
{
	RetentionActionColumn *column = palloc0(sizeof(RetentionActionColumn));
	Relation	relation = table_open(relid, AccessShareLock);
	Form_pg_attribute attribute;

	if (attnum <= 0 || attnum > RelationGetNumberOfAttributes(relation) ||
		TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attisdropped)
		elog(ERROR, "no column %d in relation %u", attnum, relid);
	attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);

	column->relid = relid;
	column->attnum = attnum;
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->base_typmod = attribute->atttypmod;
	column->base = getBaseTypeAndTypmod(column->type, &column->base_typmod);
	column->name = format_type_with_typemod(column->type, column->typmod);
	column->type_text = format_type_extended(column->type, column->typmod,
											 FORMAT_TYPE_TYPEMOD_GIVEN |
											 FORMAT_TYPE_FORCE_QUALIFY);
	column->base_text = format_type_extended(column->base, -1,
											 FORMAT_TYPE_TYPEMOD_GIVEN |
											 FORMAT_TYPE_FORCE_QUALIFY);
	column->is_text =
		retention_token_kind(column->base) == RETENTION_PSEUDONYM_TEXT;
	column->not_null = attribute->attnotnull || domain_not_null(column->type);
	column->generated = attribute->attgenerated != '\0';
	column->identity_always =
		attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
	column->partition_key = in_partition_key(relation, attnum);
	load_indexes(relation, column);
	if (!column->generated)
		column->default_value = copyObject(build_column_default(relation, attnum));
	table_close(relation, AccessShareLock);
	return column;
}

/*
 * Only what is in pg_catalog is found by the path under which the engine's
 * statements run. A row type's equality fails where one of its fields has none.
 */
static bool
has_equality(Oid base)
{
	Oid			operator;

	if (get_typtype(base) == TYPTYPE_COMPOSITE)
		return false;
	operator = lookup_type_cache(base, TYPECACHE_EQ_OPR)->eq_opr;
	return OidIsValid(operator) && operator < FirstNormalObjectId;
}

char *
retention_action_column_same(const RetentionActionColumn *column,
							 const char *a, const char *b)
{
	if (column->is_text)
		return psprintf("((%s)::text COLLATE pg_catalog.\"C\" IS NOT DISTINCT FROM (%s)::text COLLATE pg_catalog.\"C\")",
						a, b);
	if (has_equality(column->base))
		return psprintf("((%s)::%s IS NOT DISTINCT FROM (%s)::%s)",
						a, column->base_text, b, column->base_text);
	return psprintf("((%s)::text IS NOT DISTINCT FROM (%s)::text)", a, b);
}
