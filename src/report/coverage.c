/*
 * coverage.c
 *		How far the tables of the governed schemas are labelled and protected.
 *
 * Invariant: each table that can hold rows of users counts once: a partition
 * counts with its root. Only catalogs are read; no table is locked.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "base/settings.h"
#include "due/cover.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "report/coverage.h"
#include "report/personal.h"

#define COVERAGE_COLUMNS 6

PG_FUNCTION_INFO_V1(retention_coverage_rows_sql);

/* OIDs of the schemas that privacy_retention.governed_schemas names. */
static List *
governed_schemas(void)
{
	List	   *names = NIL;
	List	   *schemas = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(retention_settings_governed_schemas), ',', &names))
		elog(ERROR, "privacy_retention.governed_schemas holds what its check refuses");
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid((char *) lfirst(lc), true);

		if (OidIsValid(schema))
			schemas = lappend_oid(schemas, schema);
	}
	return schemas;
}

static bool
is_governed(Oid schema, const List *schemas)
{
	if (retention_settings_governed_schemas[0] != '\0')
		return list_member_oid(schemas, schema);
	if (IsCatalogNamespace(schema) || IsToastNamespace(schema) ||
		isAnyTempNamespace(schema) || schema == get_namespace_oid("information_schema", true))
		return false;
	return !OidIsValid(getExtensionOfObject(NamespaceRelationId, schema));
}

typedef struct Named
{
	char	   *name;
	Oid			relid;
} Named;

static int
by_name(const ListCell *a, const ListCell *b)
{
	return strcmp(((Named *) lfirst(a))->name, ((Named *) lfirst(b))->name);
}

List *
retention_coverage_relations(bool with_foreign)
{
	List	   *schemas = governed_schemas();
	List	   *found = NIL;
	List	   *result = NIL;
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		Named	   *named;

		if (form->relispartition || form->relpersistence == RELPERSISTENCE_TEMP ||
			form->oid < FirstNormalObjectId)
			continue;
		if (form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE &&
			!(with_foreign && form->relkind == RELKIND_FOREIGN_TABLE))
			continue;
		if (!is_governed(form->relnamespace, schemas) ||
			OidIsValid(getExtensionOfObject(RelationRelationId, form->oid)))
			continue;
		named = palloc(sizeof(Named));
		named->relid = form->oid;
		named->name = retention_start_relation_name(form->oid);
		found = lappend(found, named);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	list_sort(found, by_name);
	foreach(lc, found)
		result = lappend_oid(result, ((Named *) lfirst(lc))->relid);
	return result;
}

static RetentionCoverageState
judge(const RetentionCoverage *coverage, Oid root, bool personal)
{
	if (!OidIsValid(root))
		return RETENTION_COVERAGE_UNLABELLED;
	if (coverage->uncovered != NIL)
		return RETENTION_COVERAGE_PARTIAL;
	if (!personal)
		return RETENTION_COVERAGE_NOT_PERSONAL;
	return retention_guard_state(root) == RETENTION_PROTECTED ?
		RETENTION_COVERAGE_PROTECTED : RETENTION_COVERAGE_WATCHED;
}

bool
retention_coverage_read(RetentionCoverage *coverage)
{
	Oid			relid = coverage->relid;
	Oid			root = retention_lineage_labelled(relid);
	RetentionCoverKind table = OidIsValid(root) ? retention_cover_table(root) :
	RETENTION_COVER_NONE;
	char	   *table_name = get_rel_name(relid);
	bool		personal = false;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts;

	if (!HeapTupleIsValid(tuple))
		return false;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	coverage->relkind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	coverage->relation = retention_start_relation_name(relid);

	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		char	   *name;
		Oid			type;
		RetentionCoverKind kind;
		const char *meaning;

		tuple = SearchSysCacheAttNum(relid, attnum);	/* none if dropped */
		if (!HeapTupleIsValid(tuple))
			continue;
		name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		type = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
		ReleaseSysCache(tuple);

		coverage->columns++;
		if (retention_labelled_text(relid, attnum) != NULL)
			coverage->labelled++;
		kind = OidIsValid(root) ? retention_cover_column(root, name, table) : table;
		personal |= kind == RETENTION_COVER_PERSONAL;
		if (kind != RETENTION_COVER_NONE)
			continue;
		coverage->uncovered = lappend(coverage->uncovered, name);
		meaning = retention_personal_judge(table_name, name, type);
		if (meaning != NULL)
		{
			RetentionCoverageSuspect *suspect = palloc(sizeof(RetentionCoverageSuspect));

			suspect->column = name;
			suspect->meaning = meaning;
			coverage->suspects = lappend(coverage->suspects, suspect);
		}
	}
	coverage->state = judge(coverage, root, personal || table == RETENTION_COVER_PERSONAL);
	return true;
}

static const char *
state_name(RetentionCoverageState state)
{
	switch (state)
	{
		case RETENTION_COVERAGE_UNLABELLED:
			return "unlabelled";
		case RETENTION_COVERAGE_PARTIAL:
			return "partial";
		case RETENTION_COVERAGE_NOT_PERSONAL:
			return "no personal data";
		case RETENTION_COVERAGE_WATCHED:
			return "watched";
		case RETENTION_COVERAGE_PROTECTED:
			return "protected";
	}
	return "unknown";
}

static Datum
name_array(List *names)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(names) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, names)
		elements[count++] = DirectFunctionCall1(namein, CStringGetDatum((char *) lfirst(lc)));
	return PointerGetDatum(construct_array(elements, count, NAMEOID, NAMEDATALEN,
										   false, TYPALIGN_CHAR));
}

Datum
retention_coverage_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, retention_coverage_relations(false))
	{
		RetentionCoverage coverage = {.relid = lfirst_oid(lc)};
		Datum		values[COVERAGE_COLUMNS];
		bool		nulls[COVERAGE_COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		if (!retention_coverage_read(&coverage))
			continue;			/* dropped meanwhile */
		values[0] = ObjectIdGetDatum(coverage.relid);
		values[1] = CStringGetTextDatum(state_name(coverage.state));
		values[2] = Int32GetDatum(coverage.columns);
		values[3] = Int32GetDatum(coverage.labelled);
		values[4] = name_array(coverage.uncovered);
		values[5] = Int32GetDatum(list_length(coverage.suspects));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
