/*
 * residue_heap.c
 *		Row versions of a table that nobody should see any more, and what rows
 *		keep of dropped columns.
 *
 * Invariant: nothing is removed or marked; a version is what VACUUM takes it for.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupmacs.h"
#include "storage/procarray.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "erase/page.h"
#include "erase/residue_heap.h"
#include "erase/residue_sample.h"

typedef enum Version
{
	VERSION_NONE,				/* no row here */
	VERSION_LIVE,
	VERSION_CHANGING,			/* somebody is at it */
	VERSION_RECENTLY_DEAD,
	VERSION_DEAD
} Version;

void
retention_residue_heap_begin(RetentionHeapJudge *judge, Relation heap,
							 BufferAccessStrategy strategy, RetentionStatistics *statistics)
{
	TupleDesc	desc = RelationGetDescr(heap);

	memset(judge, 0, sizeof(*judge));
	judge->heap = heap;
	judge->strategy = strategy;
	judge->statistics = statistics;
	judge->horizon = GetOldestNonRemovableTransactionId(heap);
	judge->page = retention_residue_sample_page();
	judge->memory = AllocSetContextCreate(CurrentMemoryContext, "residue of a page",
										  ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < desc->natts; i++)
		judge->has_dropped |= TupleDescAttr(desc, i)->attisdropped;
}

static Version
version(const RetentionHeapJudge *judge, HeapTuple tuple, Buffer buffer)
{
	TransactionId dead_after;

	switch (HeapTupleSatisfiesVacuumHorizon(tuple, buffer, &dead_after))
	{
		case HEAPTUPLE_DEAD:
			return VERSION_DEAD;
		case HEAPTUPLE_RECENTLY_DEAD:
			return TransactionIdPrecedes(dead_after, judge->horizon) ?
				VERSION_DEAD : VERSION_RECENTLY_DEAD;
		case HEAPTUPLE_LIVE:
			return VERSION_LIVE;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			return VERSION_CHANGING;
	}
	return VERSION_CHANGING;
}

static HeapTupleData
tuple_at(const RetentionHeapJudge *judge, Page page, BlockNumber block, OffsetNumber offset)
{
	ItemId		item = PageGetItemId(page, offset);
	HeapTupleData tuple;

	tuple.t_len = ItemIdGetLength(item);
	tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
	tuple.t_tableOid = RelationGetRelid(judge->heap);
	ItemPointerSet(&tuple.t_self, block, offset);
	return tuple;
}

/*
 * Copies the page, and says of each line pointer what VACUUM would of its row.
 * False if the page's rows cannot be read.
 */
static bool
copy_page(RetentionHeapJudge *judge, BlockNumber block, Version *versions)
{
	Buffer		buffer = ReadBufferExtended(judge->heap, MAIN_FORKNUM, block, RBM_NORMAL,
											judge->strategy);
	Page		page = BufferGetPage(buffer);
	RetentionPageFree free;
	bool		readable;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(judge->page, page, BLCKSZ);
	retention_page_judge((const char *) judge->page, RETENTION_PAGE_HEAP, &free);
	readable = free.verdict == RETENTION_PAGE_JUDGED;
	if (readable)
		for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
			 offset++)
		{
			HeapTupleData tuple;

			versions[offset] = VERSION_NONE;
			if (!ItemIdIsNormal(PageGetItemId(page, offset)))
				continue;
			tuple = tuple_at(judge, page, block, offset);
			versions[offset] = version(judge, &tuple, buffer);
		}
	UnlockReleaseBuffer(buffer);
	return readable;
}

/* Bytes that a value of a dropped column takes, in its TOAST table, too. */
static Size
value_size(Datum value, Form_pg_attribute att)
{
	Size		size;

	if (att->attlen > 0)
		return att->attlen;
	size = att_addlength_datum(0, att->attlen, value);
	if (att->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
	{
		struct varatt_external pointer;

		memcpy(&pointer, VARDATA_EXTERNAL(DatumGetPointer(value)), sizeof(pointer));
		size += VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	}
	return size;
}

static void
tally_dropped(RetentionHeapJudge *judge, HeapTuple tuple, Datum *values, bool *nulls)
{
	TupleDesc	desc = RelationGetDescr(judge->heap);
	int			stored = Min(HeapTupleHeaderGetNatts(tuple->t_data), desc->natts);

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < stored; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped || nulls[i])
			continue;
		judge->dropped.items++;
		judge->dropped.bytes += value_size(values[i], att);
	}
}

static void
tally_version(RetentionTally *tally, RetentionTally *page, Size length)
{
	tally->items++;
	tally->bytes += length;
	tally->pages += page->items == 0;
	page->items++;
}

Page
retention_residue_heap_page(RetentionHeapJudge *judge, BlockNumber block)
{
	Version		versions[MaxHeapTuplesPerPage + 1];
	MemoryContext caller = MemoryContextSwitchTo(judge->memory);
	Datum	   *values = palloc(sizeof(Datum) * RelationGetDescr(judge->heap)->natts);
	bool	   *nulls = palloc(sizeof(bool) * RelationGetDescr(judge->heap)->natts);
	RetentionTally dead = {0};
	RetentionTally recently_dead = {0};
	double		dropped = judge->dropped.items;
	bool		readable = copy_page(judge, block, versions);

	for (OffsetNumber offset = FirstOffsetNumber;
		 readable && offset <= PageGetMaxOffsetNumber(judge->page); offset++)
	{
		HeapTupleData tuple;

		if (versions[offset] == VERSION_NONE)
			continue;
		tuple = tuple_at(judge, judge->page, block, offset);
		if (versions[offset] == VERSION_DEAD)
			tally_version(&judge->dead, &dead, tuple.t_len);
		else if (versions[offset] == VERSION_RECENTLY_DEAD)
			tally_version(&judge->recently_dead, &recently_dead, tuple.t_len);
		else
		{
			judge->rows++;
			if (judge->has_dropped)
				tally_dropped(judge, &tuple, values, nulls);
			if (judge->statistics != NULL)
				retention_residue_statistic_see(judge->statistics, &tuple);
		}
	}
	if (judge->dropped.items > dropped)
		judge->dropped.pages++;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(judge->memory);
	return judge->page;
}

void
retention_residue_heap_end(RetentionHeapJudge *judge)
{
	MemoryContextDelete(judge->memory);
	pfree(judge->page);
}
