/*
 * residue_btree.c
 *		Separators of a B-tree of which no row is left.
 *
 * Invariant: values are compared as images: no operator is called.
 *
 * A leaf's high key was the first item of its right sibling when the page was
 * split, with the attributes that were needed to tell it from the last item on
 * the left.  While that row lives the high key equals one of its neighbours.
 * Each separator above the leaves is a copy of a leaf's high key (a page's
 * deletion takes both away), so the leaves are all that has to be looked at.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "miscadmin.h"
#include "utils/datum.h"

#include "erase/residue_btree.h"
#include "erase/residue_sample.h"

/* Do the attributes that the separator has equal those of the item? */
static bool
is_of_item(Relation index, IndexTuple separator, IndexTuple item)
{
	TupleDesc	desc = RelationGetDescr(index);
	int			natts = Min(BTreeTupleGetNAtts(separator, index),
							IndexRelationGetNumberOfKeyAttributes(index));

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		left_null;
		bool		right_null;
		Datum		left = index_getattr(separator, i + 1, desc, &left_null);
		Datum		right = index_getattr(item, i + 1, desc, &right_null);

		if (left_null != right_null)
			return false;
		if (!left_null && !datum_image_eq(left, right, att->attbyval, att->attlen))
			return false;
	}
	return true;
}

static bool
has_values(Relation index, IndexTuple separator)
{
	int			natts = Min(BTreeTupleGetNAtts(separator, index),
							IndexRelationGetNumberOfKeyAttributes(index));

	for (int i = 0; i < natts; i++)
	{
		bool		isnull;

		index_getattr(separator, i + 1, RelationGetDescr(index), &isnull);
		if (!isnull)
			return true;
	}
	return false;
}

static IndexTuple
item_at(Page page, OffsetNumber offset)
{
	return (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));
}

/*
 * Is one of a leaf's items equal to the separator?  From the end next to it, but
 * all of them: between, there may be values that the operator class takes for equal.
 */
static bool
is_on_page(Relation index, IndexTuple separator, Page page, bool from_end)
{
	OffsetNumber first = P_FIRSTDATAKEY(BTPageGetOpaque(page));
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (int i = 0; i <= (int) last - (int) first; i++)
		if (is_of_item(index, separator, item_at(page, from_end ? last - i : first + i)))
			return true;
	return false;
}

static bool
is_empty(Page page)
{
	BTPageOpaque opaque = BTPageGetOpaque(page);

	return P_IGNORE(opaque) || PageGetMaxOffsetNumber(page) < P_FIRSTDATAKEY(opaque);
}

/* A page may be empty and stay: what equals the separator is then further right. */
static bool
is_to_the_right(RetentionJudge *judge, IndexTuple separator, BlockNumber block)
{
	Page		page = retention_residue_sample_page();

	while (block != P_NONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (!retention_residue_sample_copy(judge->index, block, judge->strategy, page) ||
			!P_ISLEAF(BTPageGetOpaque(page)))
			return true;		/* given away meanwhile: not judged */
		if (!is_empty(page))
			return is_on_page(judge->index, separator, page, false);
		block = BTPageGetOpaque(page)->btpo_next;
	}
	return false;
}

/* An empty page's separator counts where its like is the left sibling's, too. */
static bool
is_of_left_sibling(RetentionJudge *judge, IndexTuple separator, BlockNumber left)
{
	Page		page;

	if (left == P_NONE)
		return false;
	page = retention_residue_sample_page();
	return retention_residue_sample_copy(judge->index, left, judge->strategy, page) &&
		P_ISLEAF(BTPageGetOpaque(page)) &&
		!P_IGNORE(BTPageGetOpaque(page)) && !P_RIGHTMOST(BTPageGetOpaque(page)) &&
		is_of_item(judge->index, separator, item_at(page, P_HIKEY));
}

/* A copy is as old as it is: a row may have come or gone before the other was read. */
static bool
is_unchanged(RetentionJudge *judge, BlockNumber block, Page page)
{
	Page		now = retention_residue_sample_page();

	(void) retention_residue_sample_copy(judge->index, block, judge->strategy, now);
	return memcmp(now, page, BLCKSZ) == 0;
}

static void
judge_leaf(RetentionJudge *judge, BlockNumber block, Page page)
{
	BTPageOpaque opaque = BTPageGetOpaque(page);
	IndexTuple	separator;

	if (block == BTREE_METAPAGE || !P_ISLEAF(opaque) || P_IGNORE(opaque) ||
		P_RIGHTMOST(opaque))
		return;
	separator = item_at(page, P_HIKEY);
	if (!has_values(judge->index, separator))
		return;
	if (is_empty(page))
	{
		if (is_of_left_sibling(judge, separator, opaque->btpo_prev))
			return;
	}
	else if (is_of_item(judge->index, separator, item_at(page, PageGetMaxOffsetNumber(page))))
		return;
	if (is_to_the_right(judge, separator, opaque->btpo_next))
		return;
	if (!is_empty(page) && is_on_page(judge->index, separator, page, true))
		return;
	if (!is_unchanged(judge, block, page))
		return;					/* next time */
	judge->found.pages++;
	judge->found.items++;
	judge->found.bytes += IndexTupleSize(separator);
}

void
retention_residue_btree_begin(RetentionJudge *judge)
{
	judge->place = RETENTION_TRACE_SEPARATORS;
	judge->page = judge_leaf;
}
