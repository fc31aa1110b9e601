/*
 * remains.c
 *		Row versions that VACUUM left: it skips pages that somebody has pinned, and
 *		says so to nobody.
 *
 * Invariant: a page that is not read holds none: the visibility map's bit is set
 * under the page's lock, and gone before anything on the page is deleted.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/visibilitymap.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "erase/remains.h"
#include "erase/scrub_block.h"
#include "erase/storage.h"

/* Returns its TOAST table. */
static Oid
count_in(Oid relid, RetentionScrubBlocks *blocks)
{
	Relation	rel = retention_storage_open(relid, AccessShareLock);
	Buffer		map = InvalidBuffer;
	BlockNumber end;
	Oid			toast;

	if (rel == NULL)
		return InvalidOid;
	toast = rel->rd_rel->reltoastrelid;
	blocks->rel = rel;
	blocks->format = retention_storage_format(rel);
	/* Catalogs were asked; that must hold nothing back meanwhile. */
	InvalidateCatalogSnapshot();
	end = blocks->format == RETENTION_PAGE_HEAP ? RelationGetNumberOfBlocks(rel) : 0;
	for (BlockNumber block = 0; block < end; block++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!VM_ALL_VISIBLE(rel, block, &map))
			retention_scrub_block(blocks, block);
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	relation_close(rel, AccessShareLock);
	return toast;
}

void
retention_remains_count(Oid table, FullTransactionId horizon, int64 *rows, int64 *pointers)
{
	RetentionScrubBlocks blocks = {
		.check_only = true,
		.horizon = XidFromFullTransactionId(horizon),
		.strategy = GetAccessStrategy(BAS_BULKREAD)
	};
	Oid			toast = count_in(table, &blocks);

	if (OidIsValid(toast))
		(void) count_in(toast, &blocks);
	FreeAccessStrategy(blocks.strategy);
	*rows = blocks.dead_tuples;
	*pointers = blocks.dead_items;
}
