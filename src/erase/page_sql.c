/*
 * page_sql.c
 *		The judgement of a page, for SQL: the unit tests' way to it.
 *
 * Invariant: works on a copy; no page of a relation is touched.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "erase/page.h"

PG_FUNCTION_INFO_V1(retention_page_judge_sql);

static const char *const formats[] = {
	"unknown", "heap", "btree", "hash", "gin", "gist", "spgist", "brin", "bloom", "standard"
};
static const char *const verdicts[] = {"judged", "new", "insane", "private"};

static RetentionPageFormat
format_of(const char *name)
{
	for (int i = 0; i < lengthof(formats); i++)
		if (strcmp(formats[i], name) == 0)
			return (RetentionPageFormat) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown format of pages: \"%s\"", name)));
}

/* Begin and end of each extent that holds bytes, one after the other. */
static ArrayType *
extents_of(const RetentionPageFree *free)
{
	Datum	   *ends = palloc(sizeof(Datum) * 2 * (free->extents + 1));

	for (int i = 0; i < free->extents; i++)
	{
		ends[2 * i] = Int32GetDatum(free->extent[i].begin);
		ends[2 * i + 1] = Int32GetDatum(free->extent[i].end);
	}
	return construct_array(ends, 2 * free->extents, INT4OID, sizeof(int32), true,
						   TYPALIGN_INT);
}

/* retention.page_judge(page, format) */
Datum
retention_page_judge_sql(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	RetentionPageFormat format = format_of(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	RetentionPageFree *free = palloc(sizeof(RetentionPageFree));
	bytea	   *wiped = palloc(VARHDRSZ + BLCKSZ);
	char	   *page = palloc(BLCKSZ);
	Datum		values[8];
	bool		nulls[8] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "retention.page_judge() returns a record");
	if (VARSIZE_ANY_EXHDR(bytes) != BLCKSZ)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a page has %d bytes", BLCKSZ)));
	memcpy(page, VARDATA_ANY(bytes), BLCKSZ);
	retention_page_judge(page, format, free);
	retention_page_wipe(page, free);
	SET_VARSIZE(wiped, VARHDRSZ + BLCKSZ);
	memcpy(VARDATA(wiped), page, BLCKSZ);

	values[0] = CStringGetTextDatum(verdicts[free->verdict]);
	values[1] = Int32GetDatum(free->room);
	values[2] = Int32GetDatum(free->bytes);
	values[3] = Int32GetDatum(free->hole_bytes);
	values[4] = Int32GetDatum(free->items);
	values[5] = Int32GetDatum(free->dead_items);
	values[6] = PointerGetDatum(extents_of(free));
	values[7] = PointerGetDatum(wiped);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
