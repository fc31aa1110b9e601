/*
 * residue_statistic.c
 *		Values in the planner's statistics that no row has any more.
 *
 * Invariant: a value is called lost only after all rows were seen; otherwise
 * statistics are judged by what happened to the table since they were made.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "statistics/statistics.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "erase/residue_statistic.h"
#include "erase/residue_value.h"
#include "erase/round.h"
#include "guard/lineage.h"
#include "policy/start.h"

/* A set of values of one column. */
typedef struct Watch
{
	char	   *column;
	RetentionValues *values;
} Watch;

/* A row of pg_statistic or of pg_statistic_ext_data. */
typedef struct Source
{
	Oid			table;			/* whose rows it is of */
	Oid			object;			/* the table, or its index with expressions */
	AttrNumber	attnum;			/* 0: extended */
	bool		inherited;		/* of the table and its children */
	bool		analyzable;		/* ANALYZE makes it anew */
	TransactionId made;
	List	   *watches;
	RetentionTally others;		/* values that cannot be compared with rows */
} Source;

typedef struct Watched
{
	RetentionValues *values;
	AttrNumber	attnum;
} Watched;

typedef struct Seen
{
	Oid			table;
	bool		all;
	double		rows;
} Seen;

struct RetentionStatistics
{
	List	   *sources;
	List	   *seen;
	List	   *watched;		/* of the table whose rows are seen */
	TupleDesc	desc;
};

/* Values of a kind that are the column's own; the others are parts of them, or numbers. */
static bool
is_of_column(int kind)
{
	return kind == STATISTIC_KIND_MCV || kind == STATISTIC_KIND_HISTOGRAM;
}

static void
add_others(Source *source, const AttStatsSlot *slot)
{
	int16		length;
	bool		byval;

	get_typlenbyval(slot->valuetype, &length, &byval);
	source->others.items += slot->nvalues;
	for (int i = 0; i < slot->nvalues; i++)
		source->others.bytes += length > 0 ? length : VARSIZE_ANY(DatumGetPointer(slot->values[i]));
}

static void
collect_slots(Source *source, HeapTuple tuple, char *column, Oid type)
{
	Form_pg_statistic form = (Form_pg_statistic) GETSTRUCT(tuple);

	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		int			kind = (&form->stakind1)[i];
		AttStatsSlot slot;
		bool		isnull;

		(void) SysCacheGetAttr(STATRELATTINH, tuple, Anum_pg_statistic_stavalues1 + i, &isnull);
		if (kind == 0 || isnull ||
			!get_attstatsslot(&slot, tuple, kind, InvalidOid, ATTSTATSSLOT_VALUES))
			continue;
		if (slot.nvalues > 0 && is_of_column(kind) && column != NULL &&
			get_typlen(slot.valuetype) == get_typlen(type))
		{
			Watch	   *watch = palloc(sizeof(Watch));

			watch->column = column;
			watch->values = retention_residue_value_set(slot.valuetype);
			retention_residue_value_add(watch->values, slot.values, slot.nvalues);
			source->watches = lappend(source->watches, watch);
		}
		else if (slot.nvalues > 0)
			add_others(source, &slot);
		free_attstatsslot(&slot);
	}
}

static bool
is_analyzable(HeapTuple attribute)
{
	bool		isnull;
	Datum		target = SysCacheGetAttr(ATTNUM, attribute,
										 Anum_pg_attribute_attstattarget, &isnull);

	return isnull || DatumGetInt16(target) != 0;
}

/* Column statistics of a table, or of an index of its with expressions. */
static void
collect_columns(RetentionStatistics *statistics, Oid table, Oid object)
{
	for (AttrNumber attnum = 1;; attnum++)
	{
		HeapTuple	attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(object),
												Int16GetDatum(attnum));
		Form_pg_attribute att;

		if (!HeapTupleIsValid(attribute))
			return;
		att = (Form_pg_attribute) GETSTRUCT(attribute);
		for (int inherited = 0; inherited <= 1; inherited++)
		{
			HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(object),
												Int16GetDatum(attnum), BoolGetDatum(inherited));
			Source	   *source;

			if (!HeapTupleIsValid(tuple))
				continue;
			source = palloc0(sizeof(Source));
			source->table = table;
			source->object = object;
			source->attnum = attnum;
			source->inherited = inherited;
			source->analyzable = is_analyzable(attribute);
			source->made = HeapTupleHeaderGetRawXmin(tuple->t_data);
			collect_slots(source, tuple,
						  object == table ? pstrdup(NameStr(att->attname)) : NULL, att->atttypid);
			statistics->sources = lappend(statistics->sources, source);
			ReleaseSysCache(tuple);
		}
		ReleaseSysCache(attribute);
	}
}

/* Common values of several columns: those of plain columns can be compared with rows. */
static void
collect_common(Source *source, Form_pg_statistic_ext form, Oid statistics_id)
{
	MCVList    *list = statext_mcv_load(statistics_id, source->inherited);

	if (list == NULL)
		return;
	for (int dimension = 0; dimension < list->ndimensions; dimension++)
	{
		Datum	   *values = palloc(sizeof(Datum) * list->nitems);
		int			count = 0;
		Watch	   *watch;

		for (int i = 0; i < list->nitems; i++)
			if (!list->items[i].isnull[dimension])
				values[count++] = list->items[i].values[dimension];
		if (dimension >= form->stxkeys.dim1)
		{
			source->others.items += count;
			continue;
		}
		watch = palloc(sizeof(Watch));
		watch->column = get_attname(form->stxrelid, form->stxkeys.values[dimension], false);
		watch->values = retention_residue_value_set(list->types[dimension]);
		retention_residue_value_add(watch->values, values, count);
		source->watches = lappend(source->watches, watch);
	}
}

/* Statistics of expressions are rows of pg_statistic in an array. */
static void
collect_expressions(Source *source, HeapTuple data)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(STATEXTDATASTXOID, data,
										Anum_pg_statistic_ext_data_stxdexpr, &isnull);
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), ARR_ELEMTYPE(DatumGetArrayTypeP(value)), -1, false,
					  TYPALIGN_DOUBLE, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		HeapTupleData tuple;

		if (nulls[i])
			continue;
		tuple.t_data = DatumGetHeapTupleHeader(elements[i]);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		tuple.t_tableOid = StatisticRelationId;
		ItemPointerSetInvalid(&tuple.t_self);
		collect_slots(source, &tuple, NULL, InvalidOid);
	}
}

static void
collect_extended(RetentionStatistics *statistics, Relation table)
{
	ListCell   *lc;

	foreach(lc, RelationGetStatExtList(table))
	{
		HeapTuple	object = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(object))
			continue;
		for (int inherited = 0; inherited <= 1; inherited++)
		{
			HeapTuple	data = SearchSysCache2(STATEXTDATASTXOID, ObjectIdGetDatum(lfirst_oid(lc)),
											   BoolGetDatum(inherited));
			Source	   *source;

			if (!HeapTupleIsValid(data))
				continue;
			source = palloc0(sizeof(Source));
			source->table = source->object = RelationGetRelid(table);
			source->inherited = inherited;
			source->analyzable = true;
			source->made = HeapTupleHeaderGetRawXmin(data->t_data);
			if (!heap_attisnull(data, Anum_pg_statistic_ext_data_stxdmcv, NULL))
				collect_common(source, (Form_pg_statistic_ext) GETSTRUCT(object), lfirst_oid(lc));
			collect_expressions(source, data);
			statistics->sources = lappend(statistics->sources, source);
			ReleaseSysCache(data);
		}
		ReleaseSysCache(object);
	}
}

RetentionStatistics *
retention_residue_statistic_begin(List *tables)
{
	RetentionStatistics *statistics = palloc0(sizeof(RetentionStatistics));
	ListCell   *lc;

	foreach(lc, tables)
	{
		Relation	table = try_relation_open(lfirst_oid(lc), AccessShareLock);
		ListCell   *index;

		if (table == NULL)
			continue;			/* dropped meanwhile */
		collect_columns(statistics, lfirst_oid(lc), lfirst_oid(lc));
		foreach(index, RelationGetIndexList(table))
			collect_columns(statistics, lfirst_oid(lc), lfirst_oid(index));
		collect_extended(statistics, table);
		relation_close(table, AccessShareLock);
	}
	return statistics;
}

static bool
covers(const Source *source, Oid table)
{
	if (!source->inherited)
		return source->table == table;
	return list_member_oid(find_all_inheritors(source->table, NoLock, NULL), table);
}

void
retention_residue_statistic_table(RetentionStatistics *statistics, Relation table)
{
	ListCell   *lc;

	statistics->watched = NIL;
	statistics->desc = RelationGetDescr(table);
	foreach(lc, statistics->sources)
	{
		Source	   *source = lfirst(lc);
		ListCell   *cell;

		if (!covers(source, RelationGetRelid(table)))
			continue;
		foreach(cell, source->watches)
		{
			Watch	   *watch = lfirst(cell);
			Watched    *watched = palloc(sizeof(Watched));

			watched->values = watch->values;
			watched->attnum = get_attnum(RelationGetRelid(table), watch->column);
			if (watched->attnum > 0)
				statistics->watched = lappend(statistics->watched, watched);
		}
	}
}

void
retention_residue_statistic_see(RetentionStatistics *statistics, HeapTuple tuple)
{
	ListCell   *lc;

	foreach(lc, statistics->watched)
	{
		Watched    *watched = lfirst(lc);
		bool		isnull;
		Datum		value = heap_getattr(tuple, watched->attnum, statistics->desc, &isnull);

		if (!isnull)
			retention_residue_value_see(watched->values, value);
	}
}

void
retention_residue_statistic_seen(RetentionStatistics *statistics, Oid table, bool all,
								 double rows)
{
	Seen	   *seen = palloc(sizeof(Seen));

	seen->table = table;
	seen->all = all;
	seen->rows = rows;
	statistics->seen = lappend(statistics->seen, seen);
}

/* Were all rows seen that the statistics are of?  And how many there are. */
static bool
all_seen(const RetentionStatistics *statistics, const Source *source, double *rows)
{
	List	   *tables = source->inherited ? find_all_inheritors(source->table, NoLock, NULL) :
	list_make1_oid(source->table);
	ListCell   *lc;
	ListCell   *cell;
	bool		all = true;

	*rows = 0;
	foreach(lc, tables)
	{
		bool		found = get_rel_relkind(lfirst_oid(lc)) == RELKIND_PARTITIONED_TABLE;

		foreach(cell, statistics->seen)
		{
			Seen	   *seen = lfirst(cell);

			if (seen->table != lfirst_oid(lc))
				continue;
			found = seen->all;
			*rows += seen->rows;
		}
		all &= found;
	}
	return all;
}

/* Was anything deleted or changed since? */
static bool
is_outdated(const Source *source)
{
	Oid			root = retention_lineage_labelled(source->table);
	List	   *tables = source->inherited ? find_all_inheritors(source->table, NoLock, NULL) :
	list_make1_oid(source->table);
	ListCell   *lc;

	if (OidIsValid(root))
	{
		char	   *name = retention_start_relation_name(root);
		RetentionRound *round = retention_round_last(name);

		if (round != NULL &&
			TransactionIdPrecedes(source->made, XidFromFullTransactionId(round->horizon)))
			return true;
		foreach(lc, retention_round_waiting())
			if (strcmp(((RetentionRoundWaiting *) lfirst(lc))->relation, name) == 0)
			return true;
	}
	foreach(lc, tables)
		if (DatumGetInt64(DirectFunctionCall1(pg_stat_get_mod_since_analyze,
											  ObjectIdGetDatum(lfirst_oid(lc)))) > 0)
		return true;
	return false;
}

/* What makes them anew; where ANALYZE does not, because there is no row or it is told not to. */
static char *
remedy(const Source *source, bool empty)
{
	char	   *table = retention_start_relation_name(source->table);
	char	   *object = quote_literal_cstr(retention_start_relation_name(source->object));

	if (source->analyzable && !empty)
		return psprintf("ANALYZE %s", table);
	if (source->attnum == 0)
		return psprintf("DELETE FROM pg_catalog.pg_statistic_ext_data WHERE stxoid IN "
						"(SELECT oid FROM pg_catalog.pg_statistic_ext WHERE stxrelid = %s::pg_catalog.regclass)",
						object);
	if (empty)
		return psprintf("DELETE FROM pg_catalog.pg_statistic WHERE starelid = %s::pg_catalog.regclass",
						object);
	return psprintf("DELETE FROM pg_catalog.pg_statistic WHERE starelid = %s::pg_catalog.regclass AND staattnum = %d",
					object, source->attnum);
}

/* One trace an object and remedy, however many columns; what is counted apart. */
static void
merge(List **traces, const Source *source, const RetentionTally *found, bool counted,
	  char *statement)
{
	ListCell   *lc;

	if (found->items == 0)
		return;
	foreach(lc, *traces)
	{
		RetentionTrace *trace = lfirst(lc);

		if (trace->place != RETENTION_TRACE_STATISTICS || trace->relation != source->object ||
			trace->counted != counted || strcmp(trace->remedy, statement) != 0)
			continue;
		trace->found.items += found->items;
		trace->found.bytes += found->bytes;
		return;
	}
	*traces = retention_residue_trace_add(*traces, source->object, source->table,
										  RETENTION_TRACE_STATISTICS, found, counted, 1.0, statement);
}

List *
retention_residue_statistic_report(RetentionStatistics *statistics, List *traces)
{
	ListCell   *lc;

	foreach(lc, statistics->sources)
	{
		Source	   *source = lfirst(lc);
		double		rows;
		bool		all = all_seen(statistics, source, &rows);
		bool		empty = all && rows == 0;
		RetentionTally lost = {0};
		RetentionTally doubtful = {0};
		ListCell   *cell;

		if (empty)
			lost = source->others;
		else if ((!all || source->others.items > 0) && is_outdated(source))
			doubtful = source->others;
		else if (!all)
			continue;
		foreach(cell, source->watches)
			retention_residue_value_lost(((Watch *) lfirst(cell))->values, all ? &lost : &doubtful);
		merge(&traces, source, &lost, true, remedy(source, empty));
		merge(&traces, source, &doubtful, false, remedy(source, empty));
	}
	return traces;
}
