/*
 * residue_brin.c
 *		Ranges of a BRIN index whose bounds no row has.
 *
 * Invariant: only the bounds of minmax classes over plain columns are judged, as
 * images: no operator is called.
 *
 * A range's bounds grow with each row that comes and never shrink when rows go.
 */
#include "postgres.h"

#include "access/brin.h"
#include "access/brin_internal.h"
#include "access/brin_page.h"
#include "access/brin_tuple.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"

#include "base/compat.h"
#include "erase/residue_brin.h"
#include "erase/residue_sample.h"

#define BOUNDS 2				/* what a minmax class stores of a column */

typedef struct Ranges
{
	BrinDesc   *desc;
	BlockNumber pages_per_range;
	bool	   *judged;			/* by column of the index */
} Ranges;

/* The bounds of one range that no row was seen to have. */
typedef struct Bounds
{
	int			wanted;
	bool	   *seen;			/* BOUNDS a column */
} Bounds;

static void
see_value(const RetentionJudge *judge, const BrinMemTuple *range, int column,
		  Datum value, Bounds *bounds)
{
	Form_pg_attribute att = TupleDescAttr(((Ranges *) judge->state)->desc->bd_tupdesc, column);

	for (int i = 0; i < BOUNDS; i++)
	{
		bool	   *seen = &bounds->seen[column * BOUNDS + i];

		if (!*seen && datum_image_eq(value, range->bt_columns[column].bv_values[i],
									 att->attbyval, att->attlen))
		{
			*seen = true;
			bounds->wanted--;
		}
	}
}

/* A version that VACUUM has not removed counts: before that it is not the range's turn. */
static void
see_page(const RetentionJudge *judge, const BrinMemTuple *range, BlockNumber block,
		 Page page, Bounds *bounds)
{
	Ranges	   *ranges = judge->state;
	TupleDesc	desc = RelationGetDescr(judge->heap);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_tableOid = RelationGetRelid(judge->heap);
		ItemPointerSet(&tuple.t_self, block, offset);
		for (int column = 0; column < ranges->desc->bd_tupdesc->natts && bounds->wanted > 0; column++)
		{
			AttrNumber	attnum = judge->index->rd_index->indkey.values[column];
			bool		isnull;
			Datum		value;

			if (!ranges->judged[column] ||
				(bounds->seen[column * BOUNDS] && bounds->seen[column * BOUNDS + 1]))
				continue;
			value = heap_getattr(&tuple, attnum, desc, &isnull);
			if (isnull)
				continue;

			/*
			 * What lies in the TOAST table may be gone with a dead version:
			 * it is taken for the bound.
			 */
			if (TupleDescAttr(desc, attnum - 1)->attlen == -1 &&
				VARATT_IS_EXTERNAL(DatumGetPointer(value)))
			{
				for (int i = 0; i < BOUNDS; i++)
				{
					bounds->wanted -= !bounds->seen[column * BOUNDS + i];
					bounds->seen[column * BOUNDS + i] = true;
				}
				continue;
			}
			see_value(judge, range, column, value, bounds);
		}
		if (bounds->wanted == 0)
			return;
	}
}

/* Bounds of the range that no row has. */
static int
lost_bounds(RetentionJudge *judge, const BrinMemTuple *range)
{
	Ranges	   *ranges = judge->state;
	int			natts = ranges->desc->bd_tupdesc->natts;
	Bounds		bounds = {.seen = palloc0(sizeof(bool) * BOUNDS * natts)};
	BlockNumber end = Min((uint64) range->bt_blkno + ranges->pages_per_range,
						  RelationGetNumberOfBlocks(judge->heap));
	Page		page = retention_residue_sample_page();

	for (int column = 0; column < natts; column++)
	{
		bool		has = ranges->judged[column] && !range->bt_columns[column].bv_allnulls;

		bounds.seen[column * BOUNDS] = bounds.seen[column * BOUNDS + 1] = !has;
		bounds.wanted += has ? BOUNDS : 0;
	}
	for (BlockNumber block = range->bt_blkno; block < end && bounds.wanted > 0; block++)
	{
		CHECK_FOR_INTERRUPTS();
		if (retention_residue_sample_copy(judge->heap, block, judge->strategy, page))
			see_page(judge, range, block, page, &bounds);
	}
	return bounds.wanted;
}

/* Has it a column that is summarised in a way that nobody can judge? */
static bool
has_unjudged(const RetentionJudge *judge, const BrinMemTuple *range)
{
	Ranges	   *ranges = judge->state;

	for (int column = 0; column < ranges->desc->bd_tupdesc->natts; column++)
		if (!ranges->judged[column] && !range->bt_columns[column].bv_allnulls)
			return true;
	return false;
}

static void
judge_ranges(RetentionJudge *judge, BlockNumber block, Page page)
{
	Ranges	   *ranges = judge->state;
	double		before = judge->found.items;
	double		unjudged = judge->unjudged.items;

	if (!BRIN_IS_REGULAR_PAGE(page))
		return;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		BrinTuple  *tuple;
		BrinMemTuple *range;
		int			lost;

		if (!ItemIdIsUsed(item))
			continue;
		tuple = (BrinTuple *) PageGetItem(page, item);
		if (BrinTupleIsPlaceholder(tuple) ||
			(judge->part < 1 && pg_prng_double(&pg_global_prng_state) > judge->part))
			continue;
		range = brin_deform_tuple(ranges->desc, tuple, NULL);
		lost = lost_bounds(judge, range);
		if (lost > 0)
		{
			judge->found.items += lost;
			judge->found.bytes += ItemIdGetLength(item);
		}
		else if (has_unjudged(judge, range))
		{
			judge->unjudged.items++;
			judge->unjudged.bytes += ItemIdGetLength(item);
		}
	}
	if (judge->found.items > before)
		judge->found.pages++;
	if (judge->unjudged.items > unjudged)
		judge->unjudged.pages++;
}

void
retention_residue_brin_begin(RetentionJudge *judge)
{
	Ranges	   *ranges = palloc0(sizeof(Ranges));
	int			natts = RelationGetNumberOfAttributes(judge->index);
	const BrinOptions *options = (const BrinOptions *) judge->index->rd_options;

	ranges->desc = brin_build_desc(judge->index);

	/*
	 * Not the macro: with assertions armed it does not compile without
	 * warnings.
	 */
	ranges->pages_per_range = options != NULL ? options->pagesPerRange : BRIN_DEFAULT_PAGES_PER_RANGE;
	ranges->judged = palloc0(sizeof(bool) * natts);
	for (int column = 0; column < natts; column++)
		ranges->judged[column] = judge->index->rd_index->indkey.values[column] != 0 &&
			index_getprocid(judge->index, column + 1, BRIN_PROCNUM_OPCINFO) == F_BRIN_MINMAX_OPCINFO;
	if (!judge->exact)
		judge->part = Min(1.0, (double) RETENTION_SAMPLE_PAGES /
						  Max(RelationGetNumberOfBlocks(judge->heap), 1));
	judge->place = RETENTION_TRACE_SUMMARIES;
	judge->page = judge_ranges;
	judge->state = ranges;
}
