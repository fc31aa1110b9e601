/*
 * residue_spgist.c
 *		Prefixes and labels of an SP-GiST index of which no row is left.
 *
 * Invariant: where a prefix is not a part of each value below it, it is not judged.
 *
 * VACUUM removes leaf tuples and never an inner one.  A radix tree's prefixes and
 * labels (text, inet) are parts of all values below: they are residue when nothing
 * is left below.  The centroids of other classes may be values of any row.
 */
#include "postgres.h"

#include "access/spgist_private.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "erase/residue_sample.h"
#include "erase/residue_spgist.h"

/* Redirections and chains lead on; more than this, and it is a race or damage. */
#define MAX_STEPS 100000

typedef struct Tree
{
	bool		radix;			/* prefixes and labels are parts of the values */
} Tree;

static bool has_row(RetentionJudge *judge, ItemPointerData at, int *steps);

/* Are there rows in the chain of leaf tuples that begins there? */
static bool
chain_has_row(RetentionJudge *judge, Page page, OffsetNumber offset, int *steps)
{
	while (offset >= FirstOffsetNumber && offset <= PageGetMaxOffsetNumber(page))
	{
		SpGistLeafTuple leaf = (SpGistLeafTuple) PageGetItem(page, PageGetItemId(page, offset));

		if (leaf->tupstate == SPGIST_LIVE)
			return true;
		if (leaf->tupstate == SPGIST_REDIRECT)
			return has_row(judge, ((SpGistDeadTuple) leaf)->pointer, steps);
		if (leaf->tupstate != SPGIST_DEAD)
			return true;		/* given away meanwhile: not judged */
		offset = SGLT_GET_NEXTOFFSET(leaf);
	}
	return false;
}

/* Is a row left below?  Unknown counts as one. */
static bool
has_row(RetentionJudge *judge, ItemPointerData at, int *steps)
{
	Page		page;
	SpGistInnerTuple inner;
	SpGistNodeTuple node;
	bool		found = false;
	int			i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (++*steps > MAX_STEPS)
		return true;
	page = retention_residue_sample_page();
	if (!retention_residue_sample_copy(judge->index, ItemPointerGetBlockNumber(&at),
									   judge->strategy, page) ||
		ItemPointerGetOffsetNumber(&at) > PageGetMaxOffsetNumber(page))
		found = true;
	else if (SpGistPageIsLeaf(page))
		found = chain_has_row(judge, page, ItemPointerGetOffsetNumber(&at), steps);
	else
	{
		inner = (SpGistInnerTuple) PageGetItem(page, PageGetItemId(page, ItemPointerGetOffsetNumber(&at)));
		if (inner->tupstate == SPGIST_REDIRECT)
			found = has_row(judge, ((SpGistDeadTuple) inner)->pointer, steps);
		else if (inner->tupstate == SPGIST_LIVE)
		{
			SGITITERATE(inner, i, node)
			{
				if (ItemPointerIsValid(&node->t_tid) && has_row(judge, node->t_tid, steps))
				{
					found = true;
					break;
				}
			}
		}
		else
			found = true;		/* given away meanwhile: not judged */
	}
	pfree(page);
	return found;
}

/* What a node without rows keeps: its label, and its tuple's prefix if none has any. */
static void
judge_radix(RetentionJudge *judge, SpGistInnerTuple inner)
{
	SpGistNodeTuple node;
	bool		any = false;
	int			steps = 0;
	int			empty = 0;
	int			i;

	SGITITERATE(inner, i, node)
	{
		if (!ItemPointerIsValid(&node->t_tid))
			continue;
		if (has_row(judge, node->t_tid, &steps))
			any = true;
		else
			empty++;
	}
	if (!inner->allTheSame && empty > 0)
	{
		judge->found.items += empty;
		judge->found.bytes += (double) empty * sizeof(int16);
	}
	if (!any && inner->prefixSize > 0)
	{
		judge->found.items += empty > 0 && !inner->allTheSame ? 0 : 1;
		judge->found.bytes += inner->prefixSize;
	}
}

static void
judge_inner(RetentionJudge *judge, BlockNumber block, Page page)
{
	Tree	   *tree = judge->state;
	double		before = judge->found.items;
	bool		unjudged = false;

	if (block == SPGIST_METAPAGE_BLKNO || SpGistPageIsLeaf(page) || SpGistPageStoresNulls(page))
		return;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		SpGistInnerTuple inner = (SpGistInnerTuple) PageGetItem(page, PageGetItemId(page, offset));

		if (inner->tupstate != SPGIST_LIVE)
			continue;
		if (tree->radix)
			judge_radix(judge, inner);
		else if (inner->prefixSize > 0)
		{
			unjudged = true;
			judge->unjudged.items++;
			judge->unjudged.bytes += inner->prefixSize;
		}
	}
	if (judge->found.items > before)
		judge->found.pages++;
	if (unjudged)
		judge->unjudged.pages++;
}

void
retention_residue_spgist_begin(RetentionJudge *judge)
{
	Tree	   *tree = palloc0(sizeof(Tree));
	SpGistCache *cache = spgGetCache(judge->index);

	tree->radix = cache->config.prefixType == TEXTOID || cache->config.prefixType == CIDROID;
	judge->place = RETENTION_TRACE_SUMMARIES;
	judge->page = judge_inner;
	judge->state = tree;
}
