/*
 * lineage.c
 *		From a partition or an inheritance child to the table that is labelled.
 *
 * Invariant: a table has the labels of at most one ancestor: the nearest.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "guard/lineage.h"
#include "policy/rule.h"

bool
retention_lineage_has_label(Oid relid)
{
	AttrNumber	natts = retention_labelled_natts(relid);

	for (AttrNumber attnum = 0; attnum <= natts; attnum++)
		if (retention_labelled_text(relid, attnum) != NULL)
			return true;
	return false;
}

List *
retention_lineage_lock(Oid relid, LOCKMODE mode)
{
	/* The server's own function locks those below only. */
	LockRelationOid(relid, mode);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return NIL;
	return find_all_inheritors(relid, mode, NULL);
}

List *
retention_lineage_parents(Oid relid)
{
	List	   *result = NIL;
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result,
							 ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* Breadth first, so that the nearest ancestor wins. */
Oid
retention_lineage_labelled(Oid relid)
{
	List	   *queue = list_make1_oid(relid);

	for (int i = 0; i < list_length(queue); i++)
	{
		Oid			candidate = list_nth_oid(queue, i);

		if (retention_lineage_has_label(candidate))
			return candidate;
		queue = list_concat_unique_oid(queue, retention_lineage_parents(candidate));
	}
	return InvalidOid;
}
