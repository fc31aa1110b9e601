/*
 * declared.c
 *		The columns that labels declare to hold personal data.
 *
 * Invariant: a column is declared, or declared to hold none, or neither; labels
 * alone decide, not how a column looks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "due/cover.h"
#include "policy/labelled.h"

#define DECLARED_COLUMNS 4

PG_FUNCTION_INFO_V1(retention_declared_rows_sql);

static void
put_table(ReturnSetInfo *result, Oid relid)
{
	RetentionCoverKind table = retention_cover_table(relid);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts;

	if (!HeapTupleIsValid(tuple))
		return;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);

	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		Datum		values[DECLARED_COLUMNS];
		bool		nulls[DECLARED_COLUMNS] = {false};
		NameData	name;
		RetentionCoverKind kind;

		tuple = SearchSysCacheAttNum(relid, attnum);	/* none if dropped */
		if (!HeapTupleIsValid(tuple))
			continue;
		name = ((Form_pg_attribute) GETSTRUCT(tuple))->attname;
		ReleaseSysCache(tuple);
		kind = retention_cover_column(relid, NameStr(name), table);
		if (kind == RETENTION_COVER_NONE)
			continue;
		values[0] = ObjectIdGetDatum(relid);
		values[1] = NameGetDatum(&name);
		values[2] = Int16GetDatum(attnum);
		values[3] = BoolGetDatum(kind == RETENTION_COVER_PERSONAL);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
retention_declared_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, retention_labelled_relations())
	{
		CHECK_FOR_INTERRUPTS();
		put_table(result, lfirst_oid(lc));
	}
	return (Datum) 0;
}
