/*
 * residue_judge.c
 *		Which tuples of an index keep values of which no row is left.
 *
 * Invariant: operator classes are asked as the owner of the table, never as
 * whoever calls.
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "utils/memutils.h"

#include "erase/residue_brin.h"
#include "erase/residue_btree.h"
#include "erase/residue_gin.h"
#include "erase/residue_gist.h"
#include "erase/residue_judge.h"
#include "erase/residue_spgist.h"

bool
retention_residue_judge_begin(RetentionJudge *judge, Relation index, Relation heap,
							  BufferAccessStrategy strategy, bool exact)
{
	void		(*begin) (RetentionJudge *judge) = NULL;

	switch (index->rd_rel->relam)
	{
		case BTREE_AM_OID:
			begin = retention_residue_btree_begin;
			break;
		case GIN_AM_OID:
			begin = retention_residue_gin_begin;
			break;
		case GIST_AM_OID:
			begin = retention_residue_gist_begin;
			break;
		case SPGIST_AM_OID:
			begin = retention_residue_spgist_begin;
			break;
		case BRIN_AM_OID:
			begin = retention_residue_brin_begin;
			break;
		default:
			return false;
	}

	memset(judge, 0, sizeof(*judge));
	judge->index = index;
	judge->heap = heap;
	judge->strategy = strategy;
	judge->exact = exact;
	judge->part = 1;
	judge->memory = AllocSetContextCreate(CurrentMemoryContext, "residue of a page",
										  ALLOCSET_DEFAULT_SIZES);
	retention_identity_become_owner(&judge->identity, RelationGetRelid(heap));
	begin(judge);
	return true;
}

void
retention_residue_judge_page(RetentionJudge *judge, BlockNumber block, Page page)
{
	MemoryContext caller = MemoryContextSwitchTo(judge->memory);

	judge->page(judge, block, page);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(judge->memory);
}

void
retention_residue_judge_end(RetentionJudge *judge)
{
	retention_identity_restore(&judge->identity);
	MemoryContextDelete(judge->memory);
}
