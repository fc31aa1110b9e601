/*
 * scrub_block.h
 *		One block of a relation: is anything left in what is free, and away with it.
 *
 * Invariant: only bytes that page.h calls free change, under an exclusive lock of
 * the buffer, and by a record of the WAL that does the same on a standby.
 */
#ifndef RETENTION_SCRUB_BLOCK_H
#define RETENTION_SCRUB_BLOCK_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "erase/page.h"

typedef struct RetentionScrubBlocks
{
	/* What to do */
	Relation	rel;
	RetentionPageFormat format;
	BufferAccessStrategy strategy;	/* NULL = pages stay in memory */
	bool		check_only;
	bool		force;			/* an image of each page that has free room */
	TransactionId horizon;		/* what was deleted by those before it counts */

	/* What was found and done: adds up */
	int64		pages;
	int64		pages_wiped;	/* check_only: that would be */
	int64		bytes_wiped;
	int64		insane;
	int64		damaged;		/* the caller's count: pages that cannot be
								 * read */
	int64		closed;			/* pages that only their access method knows */
	int64		dead_tuples;
	int64		dead_items;
} RetentionScrubBlocks;

/*
 * Caller holds ShareUpdateExclusiveLock on the relation (check_only:
 * AccessShareLock) and no lock of a buffer; needs no snapshot.  ERROR where the
 * page cannot be read.
 */
extern void retention_scrub_block(RetentionScrubBlocks *blocks, BlockNumber block);

#endif							/* RETENTION_SCRUB_BLOCK_H */
