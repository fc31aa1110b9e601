/*
 * foreign_key.c
 *		Foreign keys as hops, and those that point at a table.
 *
 * Invariant: a foreign key of a partitioned table counts once, as declared on
 * its root, not once for each partition.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "policy/foreign_key.h"

RetentionJoin *
retention_foreign_key_join(Oid relid, ForeignKeyCacheInfo *fk)
{
	RetentionJoin *join = palloc0(sizeof(RetentionJoin));
	HeapTuple	tuple;
	Form_pg_constraint form;

	join->relid = fk->confrelid;
	join->constraint = fk->conoid;
	join->nkeys = fk->nkeys;
	join->from_columns = palloc(sizeof(AttrNumber) * fk->nkeys);
	join->to_columns = palloc(sizeof(AttrNumber) * fk->nkeys);
	join->operators = palloc(sizeof(Oid) * fk->nkeys);

	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(fk->conoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", fk->conoid);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	join->may_lose = !form->convalidated ||
		form->confdeltype == FKCONSTR_ACTION_SETNULL ||
		form->confdeltype == FKCONSTR_ACTION_SETDEFAULT;
	ReleaseSysCache(tuple);

	for (int i = 0; i < fk->nkeys; i++)
	{
		HeapTuple	attribute;

		join->from_columns[i] = fk->conkey[i];
		join->to_columns[i] = fk->confkey[i];
		join->operators[i] = fk->conpfeqop[i];
		attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
									Int16GetDatum(fk->conkey[i]));
		if (!HeapTupleIsValid(attribute))
			elog(ERROR, "cache lookup failed for attribute %d of relation %u",
				 fk->conkey[i], relid);
		if (!((Form_pg_attribute) GETSTRUCT(attribute))->attnotnull)
			join->may_lose = true;
		ReleaseSysCache(attribute);
	}
	return join;
}

/* The table that has the foreign key knows its columns and operators. */
static RetentionJoin *
load_join(Oid relid, Oid constraint)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	RetentionJoin *join = NULL;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		if (fk->conoid == constraint)
			join = retention_foreign_key_join(relid, fk);
	}
	relation_close(rel, AccessShareLock);
	if (join == NULL)
		elog(ERROR, "constraint %u is not a foreign key of relation %u",
			 constraint, relid);
	return join;
}

List *
retention_foreign_key_to(Oid relid)
{
	List	   *result = NIL;
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_confrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		enforced = retention_compat_is_enforced(form);
		RetentionForeignKey *found;

		if (form->contype != CONSTRAINT_FOREIGN || OidIsValid(form->conparentid))
			continue;
		found = palloc(sizeof(RetentionForeignKey));
		found->relid = form->conrelid;
		found->on_delete = enforced ? form->confdeltype : FKCONSTR_ACTION_NOACTION;
		found->on_update = enforced ? form->confupdtype : FKCONSTR_ACTION_NOACTION;
		found->join = load_join(form->conrelid, form->oid);
		result = lappend(result, found);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return result;
}
