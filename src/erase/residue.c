/*
 * residue.c
 *		Where bytes of deleted values are left, and what removes them.
 *
 * Invariant: reading only; nothing of a value is shown.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/identity.h"
#include "erase/page.h"
#include "erase/residue.h"
#include "erase/residue_heap.h"
#include "erase/residue_judge.h"
#include "erase/residue_sample.h"
#include "erase/residue_statistic.h"
#include "erase/residue_trace.h"
#include "erase/round.h"
#include "erase/storage.h"
#include "guard/lineage.h"
#include "policy/start.h"

#define RESIDUE_COLUMNS 7

/* Of an index, in one transaction: 8 MB, and what their judgement reads beside. */
#define DEMAND_PAGES 1024

PG_FUNCTION_INFO_V1(retention_residue_rows_sql);

typedef struct Search
{
	bool		exact;
	RetentionStatistics *statistics;	/* of the tables; NULL of a catalog */
	List	   *traces;
} Search;

/* What lies in the free space of pages. */
typedef struct FreeSpace
{
	RetentionPageFormat format;
	RetentionTally hole;
	RetentionTally gap;
	RetentionTally dead_items;
	RetentionTally skipped;
} FreeSpace;

static void
tally_free(FreeSpace *space, Page page)
{
	RetentionPageFree free;

	retention_page_judge((const char *) page, space->format, &free);
	if (free.verdict == RETENTION_PAGE_INSANE)
		space->skipped.pages++;
	if (free.verdict != RETENTION_PAGE_JUDGED)
		return;
	if (free.hole_bytes > 0)
	{
		space->hole.pages++;
		space->hole.bytes += free.hole_bytes;
	}
	if (free.bytes > free.hole_bytes)
	{
		space->gap.pages++;
		space->gap.bytes += free.bytes - free.hole_bytes;
	}
	if (free.dead_items > 0)
	{
		space->dead_items.pages++;
		space->dead_items.items += free.dead_items;
	}
}

static void
add(Search *search, Relation relation, Oid table, RetentionTracePlace place,
	const RetentionTally *found, bool counted, double share)
{
	search->traces = retention_residue_trace_add(search->traces, RelationGetRelid(relation),
												 table, place, found, counted, share, NULL);
}

static void
add_free(Search *search, Relation relation, Oid table, const FreeSpace *space, double share)
{
	add(search, relation, table, RETENTION_TRACE_SKIPPED, &space->skipped, false, share);
	add(search, relation, table, RETENTION_TRACE_DEAD_ITEMS, &space->dead_items, true, share);
	add(search, relation, table, RETENTION_TRACE_HOLE, &space->hole, false, share);
	add(search, relation, table, RETENTION_TRACE_GAP, &space->gap, false, share);
}

/* Pages that cannot be read here: of another access method, or without a file. */
static bool
is_closed(Search *search, Relation relation, Oid table, const FreeSpace *space)
{
	RetentionTally all = {0};

	if (RecoveryInProgress() && !RelationIsPermanent(relation))
		return true;
	if (space->format != RETENTION_PAGE_UNKNOWN)
		return false;
	all.pages = RelationGetNumberOfBlocks(relation);
	add(search, relation, table, RETENTION_TRACE_SKIPPED, &all, false, 1.0);
	return true;
}

/* A table, a TOAST table or a catalog; statistics: NULL unless its rows are to be shown. */
static void
search_heap(Search *search, Relation heap, Oid table, RetentionStatistics *statistics)
{
	FreeSpace	space = {.format = retention_storage_format(heap)};
	RetentionSample sample;
	RetentionHeapJudge judge;
	BlockNumber block;
	double		share;

	if (is_closed(search, heap, table, &space))
		return;
	retention_residue_sample_begin(&sample, heap, search->exact);
	share = retention_residue_sample_share(&sample);
	retention_residue_heap_begin(&judge, heap, sample.strategy, share < 1 ? NULL : statistics);
	while (retention_residue_sample_next(&sample, &block))
		tally_free(&space, retention_residue_heap_page(&judge, block));
	if (statistics != NULL)
		retention_residue_statistic_seen(statistics, table, share == 1, judge.rows);
	add_free(search, heap, table, &space, share);
	add(search, heap, table, RETENTION_TRACE_DROPPED_COLUMN, &judge.dropped, true, share);
	add(search, heap, table, RETENTION_TRACE_RECENTLY_DEAD, &judge.recently_dead, true, share);
	add(search, heap, table, RETENTION_TRACE_DEAD, &judge.dead, true, share);
	retention_residue_heap_end(&judge);
	retention_residue_sample_end(&sample);
}

/*
 * Was the index made after the last recorded deletions of its table?  Its columns
 * are as old as it is, except where it was made anew in its place: then it counts
 * as older than it is.
 */
static bool
is_younger_than_deletions(Relation index, Relation heap)
{
	Oid			root = retention_lineage_labelled(RelationGetRelid(heap));
	RetentionRound *round;
	HeapTuple	column;
	bool		younger = false;

	if (!OidIsValid(root))
		return false;
	round = retention_round_last(retention_start_relation_name(root));
	if (round == NULL)
		return false;
	column = SearchSysCache2(ATTNUM, ObjectIdGetDatum(RelationGetRelid(index)), Int16GetDatum(1));
	if (HeapTupleIsValid(column))
	{
		younger = TransactionIdFollowsOrEquals(HeapTupleHeaderGetRawXmin(column->t_data),
											   XidFromFullTransactionId(round->horizon));
		ReleaseSysCache(column);
	}
	return younger;
}

static void
search_index(Search *search, Relation index, Relation heap, Oid table, bool has_values)
{
	FreeSpace	space = {.format = retention_storage_format(index)};
	RetentionSample sample;
	RetentionJudge judge;
	bool		judged;
	BlockNumber block;
	double		share;
	Page		page;

	if (is_closed(search, index, table, &space))
		return;
	if (retention_storage_unfinished(index))
	{
		RetentionTally all = {.pages = RelationGetNumberOfBlocks(index)};

		add(search, index, table, RETENTION_TRACE_UNFINISHED, &all, false, 1.0);
		return;
	}
	retention_residue_sample_begin(&sample, index, search->exact);
	share = retention_residue_sample_share(&sample);
	page = retention_residue_sample_page();
	judged = has_values && retention_residue_judge_begin(&judge, index, heap, sample.strategy,
														 search->exact);
	while (retention_residue_sample_next(&sample, &block))
	{
		bool		readable = retention_residue_sample_copy(index, block, sample.strategy, page);

		tally_free(&space, page);
		if (judged && readable)
			retention_residue_judge_page(&judge, block, page);
	}
	if (judged)
	{
		retention_residue_judge_end(&judge);
		add(search, index, table, judge.place, &judge.found, true, share * judge.part);
		if (judge.unjudged.items > 0 && !is_younger_than_deletions(index, heap))
			add(search, index, table, judge.place, &judge.unjudged, false, share * judge.part);
	}
	add_free(search, index, table, &space, share);
	pfree(page);
	retention_residue_sample_end(&sample);
}

static void
search_indexes(Search *search, Relation heap, Oid table, bool has_values)
{
	ListCell   *lc;

	foreach(lc, retention_storage_indexes(RelationGetRelid(heap)))
	{
		Relation	index = try_relation_open(lfirst_oid(lc), AccessShareLock);

		if (index == NULL)
			continue;			/* dropped meanwhile */
		search_index(search, index, heap, table, has_values);
		relation_close(index, AccessShareLock);
	}
}

/* A TOAST table's index holds numbers: nothing to judge, but bytes in holes. */
static void
search_toast(Search *search, Relation table)
{
	Relation	toast;

	if (!OidIsValid(table->rd_rel->reltoastrelid))
		return;
	toast = relation_open(table->rd_rel->reltoastrelid, AccessShareLock);
	search_heap(search, toast, RelationGetRelid(table), NULL);
	search_indexes(search, toast, RelationGetRelid(table), false);
	relation_close(toast, AccessShareLock);
}

/* A table with all that belongs to it; a catalog's indexes hold numbers only. */
static void
search_table(Search *search, Oid relid, bool is_catalog)
{
	Relation	table = try_relation_open(relid, AccessShareLock);
	RetentionTally unknown = {.items = 1};

	if (table == NULL)
		return;					/* dropped meanwhile */
	if (table->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		add(search, table, relid, RETENTION_TRACE_ELSEWHERE, &unknown, false, 1.0);
	if (RELKIND_HAS_TABLE_AM(table->rd_rel->relkind))
	{
		if (!is_catalog)
			retention_residue_statistic_table(search->statistics, table);
		search_heap(search, table, relid, is_catalog ? NULL : search->statistics);
		search_toast(search, table);
		search_indexes(search, table, relid, !is_catalog);
	}
	relation_close(table, AccessShareLock);
}

static void
search_one_index(Search *search, Oid relid)
{
	Oid			table = IndexGetRelation(relid, true);
	Relation	heap = OidIsValid(table) ? try_relation_open(table, AccessShareLock) : NULL;
	Relation	index;

	if (heap == NULL)
		return;
	index = try_relation_open(relid, AccessShareLock);
	if (index != NULL)
	{
		search_index(search, index, heap, table,
					 !IsToastRelation(heap) && !IsCatalogRelation(heap));
		relation_close(index, AccessShareLock);
	}
	relation_close(heap, AccessShareLock);
}

static void
search_all(Search *search, Oid relid)
{
	List	   *tables = find_all_inheritors(relid, NoLock, NULL);
	bool		is_catalog = IsCatalogRelationOid(relid);
	ListCell   *lc;

	if (!is_catalog)
		search->statistics = retention_residue_statistic_begin(tables);
	foreach(lc, tables)
		search_table(search, lfirst_oid(lc), is_catalog);
	if (is_catalog)
		return;
	search->traces = retention_residue_statistic_report(search->statistics, search->traces);
	search_table(search, StatisticRelationId, true);
	search_table(search, StatisticExtDataRelationId, true);
}

static void
require_reader(Oid relid)
{
	if (retention_compat_owns_relation(relid, GetUserId()) ||
		retention_identity_is_officer(GetUserId()) ||
		has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to look for residue of %s",
					retention_start_relation_name(relid)),
			 errdetail("Only its owner, officers and members of pg_monitor may.")));
}

/* The relation's kind, if there can be residue in it. */
static char
require_kind(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	char		relkind = relation->rd_rel->relkind;

	if (!RELKIND_HAS_TABLE_AM(relkind) && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" has no pages of its own", RelationGetRelationName(relation)),
				 errhint("Name a table, a materialized view, a TOAST table or an index.")));
	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot look into temporary tables of other sessions")));
	relation_close(relation, AccessShareLock);
	return relkind;
}

static void
put_count(Datum *values, bool *nulls, int column, double count, bool known)
{
	values[column] = Int64GetDatum((int64) rint(count));
	nulls[column] = !known;
}

static void
put(ReturnSetInfo *result, const RetentionTrace *trace)
{
	Datum		values[RESIDUE_COLUMNS];
	bool		nulls[RESIDUE_COLUMNS] = {false};
	int			column = 0;

	values[column++] = ObjectIdGetDatum(trace->relation);
	values[column++] = CStringGetTextDatum(retention_residue_trace_name(trace->place));
	put_count(values, nulls, column++, trace->found.pages, trace->found.pages > 0);
	put_count(values, nulls, column++, trace->found.bytes,
			  trace->found.bytes > 0);
	put_count(values, nulls, column++, trace->found.items, trace->counted);
	values[column++] = Float8GetDatum(trace->share);
	nulls[column] = trace->remedy == NULL;
	values[column] = trace->remedy == NULL ? (Datum) 0 : CStringGetTextDatum(trace->remedy);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
retention_residue_rows_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Search		search = {.exact = PG_GETARG_BOOL(1)};
	ListCell   *lc;

	if (require_kind(relid) == RELKIND_INDEX)
	{
		require_reader(IndexGetRelation(relid, false));
		search_one_index(&search, relid);
	}
	else
	{
		require_reader(relid);
		search_all(&search, relid);
	}
	InitMaterializedSRF(fcinfo, 0);
	retention_residue_trace_sort(search.traces);
	foreach(lc, search.traces)
		put((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc));
	return (Datum) 0;
}

/* Looks at the next pages of an index, until something is found. */
static RetentionResidueDemand
demands(Relation index, Relation heap, BlockNumber *next)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber blocks = RelationGetNumberOfBlocks(index);
	BlockNumber end = Min((uint64) *next + DEMAND_PAGES, blocks);
	RetentionJudge judge;
	BlockNumber block = *next;
	Page		page;

	*next = InvalidBlockNumber;
	if (!retention_residue_judge_begin(&judge, index, heap, strategy, true))
		return RETENTION_RESIDUE_NONE;
	page = retention_residue_sample_page();
	for (; block < end && judge.found.items == 0; block++)
	{
		CHECK_FOR_INTERRUPTS();
		if (retention_residue_sample_copy(index, block, strategy, page))
			retention_residue_judge_page(&judge, block, page);
	}
	retention_residue_judge_end(&judge);
	pfree(page);
	FreeAccessStrategy(strategy);
	if (judge.found.items > 0)
		return RETENTION_RESIDUE_REINDEX;
	if (block < blocks)
		*next = block;
	return judge.unjudged.items > 0 && !is_younger_than_deletions(index, heap) ?
		RETENTION_RESIDUE_UNKNOWN : RETENTION_RESIDUE_NONE;
}

RetentionResidueDemand
retention_residue_index_demands(Oid relid, BlockNumber *next)
{
	Oid			table = IndexGetRelation(relid, true);
	Relation	heap = OidIsValid(table) ? try_relation_open(table, AccessShareLock) : NULL;
	Relation	index;
	RetentionResidueDemand demand = RETENTION_RESIDUE_NONE;

	if (heap == NULL)
	{
		*next = InvalidBlockNumber;
		return demand;
	}
	index = try_relation_open(relid, AccessShareLock);
	if (index != NULL)
	{
		demand = demands(index, heap, next);
		relation_close(index, AccessShareLock);
	}
	else
		*next = InvalidBlockNumber;
	relation_close(heap, AccessShareLock);
	return demand;
}
