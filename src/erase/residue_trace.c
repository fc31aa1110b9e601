/*
 * residue_trace.c
 *		Traces: where bytes of deleted values lie, and what removes them.
 *
 * Invariant: a remedy is one statement that can be pasted; every name in it is
 * qualified and quoted.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "erase/residue_trace.h"
#include "erase/scrub.h"
#include "policy/start.h"

const char *
retention_residue_trace_name(RetentionTracePlace place)
{
	switch (place)
	{
		case RETENTION_TRACE_SKIPPED:
			return "skipped";
		case RETENTION_TRACE_UNFINISHED:
			return "unfinished index";
		case RETENTION_TRACE_ELSEWHERE:
			return "elsewhere";
		case RETENTION_TRACE_DROPPED_COLUMN:
			return "dropped column";
		case RETENTION_TRACE_RECENTLY_DEAD:
			return "recently dead tuples";
		case RETENTION_TRACE_DEAD:
			return "dead tuples";
		case RETENTION_TRACE_DEAD_ITEMS:
			return "dead items";
		case RETENTION_TRACE_SEPARATORS:
			return "separators";
		case RETENTION_TRACE_EMPTY_ENTRIES:
			return "empty entries";
		case RETENTION_TRACE_SUMMARIES:
			return "summaries";
		case RETENTION_TRACE_STATISTICS:
			return "statistics";
		case RETENTION_TRACE_HOLE:
			return "hole";
		case RETENTION_TRACE_GAP:
			return "gap";
	}
	return "unknown";
}

/*
 * A column that an UPDATE may set to itself: the first that nothing generates.
 * NULL if there is none.
 */
static char *
plain_column(Oid relation)
{
	for (AttrNumber attnum = 1;; attnum++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation),
											Int16GetDatum(attnum));
		Form_pg_attribute att;
		char	   *name = NULL;

		if (!HeapTupleIsValid(tuple))
			return NULL;
		att = (Form_pg_attribute) GETSTRUCT(tuple);
		if (!att->attisdropped && att->attgenerated == '\0' && att->attidentity != 'a')
			name = pstrdup(NameStr(att->attname));
		ReleaseSysCache(tuple);
		if (name != NULL)
			return name;
	}
}

/* An UPDATE writes each row anew, without what dropped columns had. */
static char *
rewrite_statement(Oid relation, const char *name)
{
	char	   *column = plain_column(relation);
	const char *quoted;

	if (column == NULL)
		return psprintf("VACUUM (FULL) %s", name);
	quoted = quote_identifier(column);
	return psprintf("UPDATE ONLY %s SET %s = %s", name, quoted, quoted);
}

/* Of an exclusion constraint it cannot be done beside those who use it. */
static bool
is_exclusive(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		exclusive;

	if (!HeapTupleIsValid(tuple))
		return false;
	exclusive = ((Form_pg_index) GETSTRUCT(tuple))->indisexclusion;
	ReleaseSysCache(tuple);
	return exclusive;
}

char *
retention_residue_trace_rebuild(Oid index, bool judged)
{
	char	   *name = retention_start_relation_name(index);
	Oid			constraint = get_index_constraint(index);
	const char *quoted;

	if (!is_exclusive(index))
		return psprintf("REINDEX INDEX CONCURRENTLY %s", name);
	if (judged || !OidIsValid(constraint))
		return psprintf("REINDEX INDEX %s", name);
	quoted = quote_identifier(get_constraint_name(constraint));
	return psprintf("ALTER TABLE %s DROP CONSTRAINT %s, ADD CONSTRAINT %s %s",
					retention_start_relation_name(IndexGetRelation(index, false)), quoted, quoted,
					TextDatumGetCString(OidFunctionCall1(F_PG_GET_CONSTRAINTDEF_OID,
														 ObjectIdGetDatum(constraint))));
}

static char *
statement(Oid relation, Oid table, RetentionTracePlace place, bool counted)
{
	char	   *name = retention_start_relation_name(table);

	switch (place)
	{
		case RETENTION_TRACE_SKIPPED:
		case RETENTION_TRACE_ELSEWHERE:
			return NULL;
		case RETENTION_TRACE_UNFINISHED:
			return psprintf("DROP INDEX CONCURRENTLY %s",
							retention_start_relation_name(relation));
		case RETENTION_TRACE_DROPPED_COLUMN:
			return rewrite_statement(table, name);
		case RETENTION_TRACE_RECENTLY_DEAD:
		case RETENTION_TRACE_DEAD:
		case RETENTION_TRACE_DEAD_ITEMS:
			return psprintf("VACUUM (" RETENTION_SCRUB_VACUUM ") %s", name);
		case RETENTION_TRACE_SEPARATORS:
		case RETENTION_TRACE_EMPTY_ENTRIES:
		case RETENTION_TRACE_SUMMARIES:
			return retention_residue_trace_rebuild(relation, counted);
		case RETENTION_TRACE_STATISTICS:
			return psprintf("ANALYZE %s", name);
		case RETENTION_TRACE_HOLE:
		case RETENTION_TRACE_GAP:
			return psprintf("CALL retention.scrub(%s)", quote_literal_cstr(name));
	}
	return NULL;
}

List *
retention_residue_trace_add(List *traces, Oid relation, Oid table,
							RetentionTracePlace place, const RetentionTally *found, bool counted,
							double share, const char *remedy)
{
	RetentionTrace *trace;

	if (found->pages == 0 && found->items == 0 && found->bytes == 0)
		return traces;
	trace = palloc0(sizeof(RetentionTrace));
	trace->relation = relation;
	trace->place = place;
	trace->found.pages = found->pages / share;
	trace->found.bytes = found->bytes / share;
	trace->found.items = found->items / share;
	trace->counted = counted;
	trace->share = share;
	trace->remedy = remedy != NULL ? pstrdup(remedy) : statement(relation, table, place, counted);
	return lappend(traces, trace);
}

static int
by_place(const ListCell *a, const ListCell *b)
{
	const RetentionTrace *left = lfirst(a);
	const RetentionTrace *right = lfirst(b);

	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return left->order - right->order;
}

void
retention_residue_trace_sort(List *traces)
{
	ListCell   *lc;
	int			order = 0;

	/* list_sort does not keep the order of equals by itself. */
	foreach(lc, traces)
		((RetentionTrace *) lfirst(lc))->order = order++;
	list_sort(traces, by_place);
}
