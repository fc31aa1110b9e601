/*
 * scrub_block.c
 *		One block of a relation: is anything left in what is free, and away with it.
 *
 * Invariant: what is wiped was judged under the same exclusive lock.  Generic WAL
 * as a delta: the server's redo zeroes the hole even where the delta is empty, and
 * so does writing it, so that a page costs some tens of bytes.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "miscadmin.h"

#include "erase/scrub_block.h"

/* Was it deleted (or never there) by a transaction before the horizon? */
static bool
is_dead(RetentionScrubBlocks *blocks, HeapTuple tuple, Buffer buffer)
{
	TransactionId dead_after = InvalidTransactionId;

	switch (HeapTupleSatisfiesVacuumHorizon(tuple, buffer, &dead_after))
	{
		case HEAPTUPLE_DEAD:
			return TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data),
										 blocks->horizon);
		case HEAPTUPLE_RECENTLY_DEAD:
			return TransactionIdPrecedes(dead_after, blocks->horizon);
		default:
			return false;
	}
}

static void
count_dead_tuples(RetentionScrubBlocks *blocks, Buffer buffer, BlockNumber block)
{
	Page		page = BufferGetPage(buffer);
	HeapTupleData tuple;

	tuple.t_tableOid = RelationGetRelid(blocks->rel);
	for (OffsetNumber i = FirstOffsetNumber; i <= PageGetMaxOffsetNumber(page); i++)
	{
		ItemId		item = PageGetItemId(page, i);

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, i);
		blocks->dead_tuples += is_dead(blocks, &tuple, buffer);
	}
}

static bool
is_wanted(const RetentionScrubBlocks *blocks, const RetentionPageFree *free)
{
	return free->verdict == RETENTION_PAGE_JUDGED &&
		(free->extents > 0 || free->left || (blocks->force && free->room > 0));
}

static void
wipe(RetentionScrubBlocks *blocks, Buffer buffer, const RetentionPageFree *free)
{
	if (RelationNeedsWAL(blocks->rel))
	{
		GenericXLogState *state = GenericXLogStart(blocks->rel);
		Page		page = GenericXLogRegisterBuffer(state, buffer,
													 blocks->force ? GENERIC_XLOG_FULL_IMAGE : 0);

		retention_page_wipe(page, free);
		(void) GenericXLogFinish(state);
	}
	else
	{
		START_CRIT_SECTION();
		retention_page_wipe(BufferGetPage(buffer), free);
		MarkBufferDirty(buffer);
		END_CRIT_SECTION();
	}
	blocks->pages_wiped++;
	blocks->bytes_wiped += free->bytes;
}

void
retention_scrub_block(RetentionScrubBlocks *blocks, BlockNumber block)
{
	Buffer		buffer = ReadBufferExtended(blocks->rel, MAIN_FORKNUM, block,
											RBM_NORMAL, blocks->strategy);
	RetentionPageFree free;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	retention_page_judge(BufferGetPage(buffer), blocks->format, &free);
	blocks->pages++;
	blocks->insane += free.verdict == RETENTION_PAGE_INSANE;
	blocks->closed += free.verdict == RETENTION_PAGE_PRIVATE;
	blocks->dead_items += free.dead_items;
	if (blocks->format == RETENTION_PAGE_HEAP && free.items > 0 &&
		!PageIsAllVisible(BufferGetPage(buffer)))
		count_dead_tuples(blocks, buffer, block);
	if (is_wanted(blocks, &free))
	{
		if (blocks->check_only)
		{
			blocks->pages_wiped++;
			blocks->bytes_wiped += free.bytes;
		}
		else
		{
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
			LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
			retention_page_judge(BufferGetPage(buffer), blocks->format, &free);
			if (is_wanted(blocks, &free))
				wipe(blocks, buffer, &free);
		}
	}
	UnlockReleaseBuffer(buffer);
}
