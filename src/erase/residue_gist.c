/*
 * residue_gist.c
 *		Union keys of a GiST index that are wider than what is below them.
 *
 * Invariant: a key that is as wide as the union of its children is none.
 *
 * A key above the leaves grows with each row that comes and never shrinks when
 * rows go.  What it should be is asked of the operator class, as it is when a
 * page is split.
 */
#include "postgres.h"

#include "access/gist_private.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "erase/residue_gist.h"
#include "erase/residue_sample.h"

typedef struct Tree
{
	GISTSTATE  *state;
	bool		judged[INDEX_MAX_KEYS]; /* by column */
	bool		all_judged;
} Tree;

static int
collect(Page page, IndexTuple *items)
{
	int			count = 0;

	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		ItemId		item = PageGetItemId(page, offset);

		if (ItemIdHasStorage(item))
			items[count++] = (IndexTuple) PageGetItem(page, item);
	}
	return count;
}

/* Is the key more than the union of the items below? */
static bool
is_wider(RetentionJudge *judge, IndexTuple key, Page child)
{
	Tree	   *tree = judge->state;
	GISTSTATE  *state = tree->state;
	IndexTuple	items[MaxIndexTuplesPerPage];
	int			count = collect(child, items);
	Datum		united[INDEX_MAX_KEYS];
	bool		united_null[INDEX_MAX_KEYS];

	if (count == 0)
		return true;
	gistMakeUnionItVec(state, items, count, united, united_null);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(judge->index); i++)
	{
		bool		isnull;
		Datum		datum = index_getattr(key, i + 1, state->nonLeafTupdesc, &isnull);
		GISTENTRY	entry;

		if (!tree->judged[i])
			continue;
		if (isnull != united_null[i])
			return true;
		if (isnull)
			continue;
		gistdentryinit(state, i, &entry, datum, judge->index, NULL, (OffsetNumber) 0,
					   false, isnull);
		if (!gistKeyIsEQ(state, i, entry.key, united[i]))
			return true;
	}
	return false;
}

/* Was the child split after its parent was read?  Then the key is another one now. */
static bool
is_split(Page parent, Page child)
{
	return GistFollowRight(child) || PageGetLSN(parent) < GistPageGetNSN(child);
}

static void
judge_keys(RetentionJudge *judge, BlockNumber block, Page page)
{
	Page		child = retention_residue_sample_page();
	Tree	   *tree = judge->state;
	double		before = judge->found.items;
	double		unjudged = judge->unjudged.items;

	if (GistPageIsLeaf(page) || GistPageIsDeleted(page))
		return;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		IndexTuple	key = (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));

		CHECK_FOR_INTERRUPTS();
		if (!retention_residue_sample_copy(judge->index, ItemPointerGetBlockNumber(&key->t_tid),
										   judge->strategy, child) ||
			GistPageIsDeleted(child) || is_split(page, child))
			continue;
		if (is_wider(judge, key, child))
		{
			judge->found.items++;
			judge->found.bytes += IndexTupleSize(key);
		}
		else if (!tree->all_judged)
		{
			judge->unjudged.items++;
			judge->unjudged.bytes += IndexTupleSize(key);
		}
	}
	if (judge->found.items > before)
		judge->found.pages++;
	if (judge->unjudged.items > unjudged)
		judge->unjudged.pages++;
}

/*
 * Are the column's keys bounds, so that a union is the same however it comes about?
 * Signatures are not: splitting a page may set bits in them that no union sets.
 */
static bool
is_bound(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	const char *name;
	bool		bound;

	if (!HeapTupleIsValid(tuple))
		return false;
	name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);
	bound = type_is_range(type) || type_is_multirange(type) ||
		type == BOXOID || type == INETOID ||
		strncmp(name, "gbtreekey", strlen("gbtreekey")) == 0 ||
		strcmp(name, "cube") == 0 || strcmp(name, "seg") == 0;
	ReleaseSysCache(tuple);
	return bound;
}

void
retention_residue_gist_begin(RetentionJudge *judge)
{
	Tree	   *tree = palloc0(sizeof(Tree));

	judge->place = RETENTION_TRACE_SUMMARIES;
	judge->page = judge_keys;
	judge->state = tree;
	tree->state = initGISTstate(judge->index);
	tree->all_judged = true;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(judge->index); i++)
	{
		tree->judged[i] = is_bound(TupleDescAttr(RelationGetDescr(judge->index), i)->atttypid);
		tree->all_judged &= tree->judged[i];
	}
}
