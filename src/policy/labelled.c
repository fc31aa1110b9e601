/*
 * labelled.c
 *		What is labelled: the server's own record of security labels.
 *
 * Invariant: reads the catalogs, keeps nothing of its own.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_seclabel.h"
#include "commands/seclabel.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "policy/label.h"
#include "policy/labelled.h"

char *
retention_labelled_text(Oid relid, AttrNumber attnum)
{
	ObjectAddress object;

	ObjectAddressSubSet(object, RelationRelationId, relid, attnum);
	return GetSecurityLabel(&object, RETENTION_PROVIDER);
}

static uint64 generation = 1;

static void
relation_changed(Datum arg, Oid relid)
{
	generation++;
}

uint64
retention_labelled_generation(void)
{
	static bool registered = false;

	/*
	 * Labels and categories send invalidations of a relation when they
	 * change.
	 */
	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	AcceptInvalidationMessages();
	return generation;
}

bool
retention_labelled_any(void)
{
	Relation	labels = table_open(SecLabelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(labels, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		provider = heap_getattr(tuple, Anum_pg_seclabel_provider,
											RelationGetDescr(labels), &isnull);

		found = !isnull &&
			strcmp(TextDatumGetCString(provider), RETENTION_PROVIDER) == 0;
	}
	systable_endscan(scan);
	table_close(labels, AccessShareLock);
	return found;
}

/* The tables with a label that has the word in it; NULL: any. */
static List *
relations_with(const char *word)
{
	List	   *relations = NIL;
	Relation	labels = table_open(SecLabelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(labels, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormData_pg_seclabel *form = (FormData_pg_seclabel *) GETSTRUCT(tuple);
		TupleDesc	desc = RelationGetDescr(labels);
		bool		isnull;

		if (form->classoid == RelationRelationId &&
			strcmp(TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_provider, desc, &isnull)),
				   RETENTION_PROVIDER) == 0 &&
			(word == NULL ||
			 strstr(TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_label, desc, &isnull)),
					word) != NULL) &&
			get_rel_name(form->objoid) != NULL)
			relations = lappend_oid(relations, form->objoid);
	}
	systable_endscan(scan);
	table_close(labels, AccessShareLock);
	list_sort(relations, list_oid_cmp);
	list_deduplicate_oid(relations);
	return relations;
}

List *
retention_labelled_with(const char *word)
{
	return relations_with(word);
}

List *
retention_labelled_relations(void)
{
	return relations_with(NULL);
}

AttrNumber
retention_labelled_natts(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	result;

	if (!HeapTupleIsValid(tuple))
		return -1;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return result;
}

Oid
retention_labelled_root(Oid relid)
{
	if (get_rel_relispartition(relid))
		return llast_oid(get_partition_ancestors(relid));
	return relid;
}
