/*
 * residue_gin.c
 *		Keys of a GIN index without a row.
 *
 * Invariant: keys are counted, not compared: nothing of the operator class is called.
 *
 * VACUUM empties posting lists and trees but never removes a key; keys above the
 * leaves are copies of keys in leaves.
 */
#include "postgres.h"

#include "access/gin_private.h"
#include "access/itup.h"
#include "miscadmin.h"

#include "erase/residue_gin.h"
#include "erase/residue_sample.h"

/* A posting tree keeps its first and last page when they are empty. */
static bool
is_tree_empty(RetentionJudge *judge, BlockNumber block)
{
	Page		page = retention_residue_sample_page();

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!retention_residue_sample_copy(judge->index, block, judge->strategy, page) ||
			!GinPageIsData(page))
			return false;		/* given away meanwhile: not judged */
		if (!GinPageIsLeaf(page) && !GinPageIsDeleted(page))
			block = PostingItemGetBlockNumber(GinDataPageGetPostingItem(page, FirstOffsetNumber));
		else if (!GinPageIsDeleted(page) && !GinDataLeafPageIsEmpty(page))
			return false;
		else if (GinPageRightMost(page))
			return true;
		else
			block = GinPageGetOpaque(page)->rightlink;
	}
}

static void
judge_entries(RetentionJudge *judge, BlockNumber block, Page page)
{
	double		before = judge->found.items;

	if (block == GIN_METAPAGE_BLKNO || !GinPageIsLeaf(page) || GinPageIsData(page) ||
		GinPageIsList(page) || GinPageIsDeleted(page))
		return;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		IndexTuple	entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));

		if (IndexTupleHasNulls(entry))
			continue;			/* stands for NULL or for no key: no value */
		if (GinIsPostingTree(entry) ? !is_tree_empty(judge, GinGetPostingTree(entry)) :
			GinGetNPosting(entry) > 0)
			continue;
		judge->found.items++;
		judge->found.bytes += IndexTupleSize(entry);
	}
	if (judge->found.items > before)
		judge->found.pages++;
}

void
retention_residue_gin_begin(RetentionJudge *judge)
{
	judge->place = RETENTION_TRACE_EMPTY_ENTRIES;
	judge->page = judge_entries;
}
