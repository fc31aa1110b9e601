/*
 * scrub.c
 *		Freed bytes of a table's pages are overwritten, in all that stores the table.
 *
 * Invariant: a chunk is a transaction, without a snapshot, so that the scrub holds
 * nobody's horizon back; between chunks it holds no lock of any relation.  What was
 * rewritten or came meanwhile (REINDEX, a new partition) is looked at, too.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/spccache.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/extension.h"
#include "base/procedure.h"
#include "erase/scrub.h"
#include "erase/scrub_block.h"
#include "erase/scrub_pace.h"
#include "erase/scrub_shortfall.h"
#include "erase/scrub_state.h"
#include "erase/storage.h"
#include "policy/start.h"

/* Blocks a transaction: some 10 ms. */
#define CHUNK 256

/* us between two notes of progress, and between two looks at how large it all is. */
#define NOTE_EVERY (2 * INT64CONST(1000000))

/* A relation that is rewritten again and again is not chased for ever. */
#define MOST_REWRITES 10

typedef struct Scrub
{
	const RetentionScrubOrder *order;
	RetentionScrubResult *result;
	RetentionScrubBlocks blocks;	/* of the relation that is being scrubbed */
	RetentionScrubPace pace;
	MemoryContext context;		/* until the scrub ends */
	char	   *name;			/* the table's, as retention.scrubbed has it */
	bool		is_index;		/* an index alone, without its table */
	List	   *done;			/* OIDs */
	int64		pages_total;
	TimestampTz noted;
	bool		locked_extension;
} Scrub;

/* How far one relation is. */
typedef struct Progress
{
	Oid			relid;
	bool		statistics;		/* of the catalogs with statistics */
	Oid			file;			/* InvalidOid = not begun */
	BlockNumber next;
	BlockNumber end;
	int			rewrites;
} Progress;

static bool
lock_table(Oid table)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, table, 0, RETENTION_SCRUB_LOCK_CLASS);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
unlock_table(Oid table)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, table, 0, RETENTION_SCRUB_LOCK_CLASS);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* Progress, at times, in a transaction of its own. */
static void
note_progress(Scrub *scrub, bool now)
{
	TimestampTz clock = GetCurrentTimestamp();

	if (scrub->order->check_only || (!now && clock - scrub->noted < NOTE_EVERY))
		return;
	EnsurePortalSnapshotExists();
	retention_scrub_state_note(scrub->name, scrub->pages_total, scrub->result);
	retention_procedure_commit();
	scrub->noted = clock;
}

/*
 * Pages of what fits easily into memory stay there.  Of others, clean ones make room
 * for each other; dirty ones stay until they are written, so that nobody waits for
 * the WAL in between.
 */
static BufferAccessStrategy
strategy_for(Relation rel, BlockNumber blocks)
{
	if (RelationUsesLocalBuffers(rel) || blocks <= NBuffers / 4)
		return NULL;
	return GetAccessStrategy(BAS_BULKREAD);
}

/* Begins with the relation, or again if it lies in another file now. */
static bool
settle(Scrub *scrub, Progress *progress, Relation rel)
{
	MemoryContext old;

	if (progress->file == retention_compat_file(rel))
		return true;
	if (OidIsValid(progress->file))
		scrub->pages_total -= progress->end - progress->next;
	if (progress->rewrites++ >= MOST_REWRITES)
	{
		retention_scrub_shortfall_note(scrub->result, RelationGetRelationName(rel), "is rewritten again and again");
		return false;
	}
	progress->file = retention_compat_file(rel);
	progress->next = 0;
	progress->end = RelationGetNumberOfBlocks(rel);
	if (scrub->blocks.strategy != NULL)
		FreeAccessStrategy(scrub->blocks.strategy);
	old = MemoryContextSwitchTo(scrub->context);
	scrub->blocks.strategy = strategy_for(rel, progress->end);
	MemoryContextSwitchTo(old);
	scrub->pages_total += progress->end;
	return true;
}

static void
add_up(Scrub *scrub, const Progress *progress)
{
	RetentionScrubResult *result = scrub->result;
	RetentionScrubBlocks *blocks = &scrub->blocks;

	result->pages += blocks->pages;
	result->pages_wiped += blocks->pages_wiped;
	result->bytes_wiped += blocks->bytes_wiped;

	/*
	 * No entry of an index is there longer than the line pointer that it
	 * leads to: where no such is dead, those of indexes are of rows that were
	 * deleted since.
	 */
	if (!scrub->is_index && blocks->format != RETENTION_PAGE_HEAP)
		blocks->dead_items = 0;
	if (progress->statistics)
		result->dead_statistics += blocks->dead_tuples + blocks->dead_items;
	else
	{
		result->dead_tuples += blocks->dead_tuples;
		result->dead_items += blocks->dead_items;
	}
	blocks->pages = blocks->pages_wiped = blocks->bytes_wiped = 0;
	blocks->dead_tuples = blocks->dead_items = 0;
}

/* A run of blocks. */
typedef struct Run
{
	RetentionScrubBlocks *blocks;
	BlockNumber next;
	BlockNumber end;
	int			ahead;			/* blocks to read ahead of need */
} Run;

static void
scrub_blocks(void *arg)
{
	Run		   *run = arg;

	while (run->next < run->end)
	{
		BlockNumber block = run->next++;

		CHECK_FOR_INTERRUPTS();
		if (run->ahead > 0 && block + run->ahead < run->end)
			(void) PrefetchBuffer(run->blocks->rel, MAIN_FORKNUM, block + run->ahead);
		retention_scrub_block(run->blocks, block);
	}
}

/* A page that cannot be read, or that names what is not there, stops no others. */
static bool
is_of_page(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_DATA_CORRUPTED ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR);
}

static void
scrub_run(RetentionScrubBlocks *blocks, BlockNumber next, BlockNumber end, int ahead)
{
	Run			run = {.blocks = blocks,.next = next,.end = end,.ahead = ahead};

	while (run.next < run.end)
	{
		ErrorData  *error = retention_attempt_run(scrub_blocks, &run);

		if (error == NULL)
			continue;
		if (!is_of_page(error))
			ReThrowError(error);
		FreeErrorData(error);
		blocks->damaged++;
	}
}

/* Some blocks of it, in this transaction; false when it is done. */
static bool
scrub_chunk(Scrub *scrub, Progress *progress)
{
	RetentionScrubBlocks *blocks = &scrub->blocks;
	Relation	rel = retention_storage_open(progress->relid,
											 scrub->order->check_only ? AccessShareLock :
											 ShareUpdateExclusiveLock);
	BlockNumber end;
	int			ahead;
	bool		more;

	if (rel == NULL)
		return false;
	blocks->rel = rel;
	blocks->format = retention_storage_format(rel);
	if (blocks->format == RETENTION_PAGE_UNKNOWN)
	{
		retention_scrub_shortfall_note(scrub->result, RelationGetRelationName(rel), "the pages of its access method are not known");
		relation_close(rel, NoLock);
		return false;
	}
	if (!settle(scrub, progress, rel))
	{
		relation_close(rel, NoLock);
		return false;
	}
	if (progress->next == 0 && progress->end > 0 && retention_storage_unfinished(rel))
		retention_scrub_shortfall_note(scrub->result, RelationGetRelationName(rel),
									   "is not finished, and VACUUM passes it by: drop it, or REINDEX it");
	blocks->force = scrub->result->forced && RelationNeedsWAL(rel);
	ahead = RelationUsesLocalBuffers(rel) ? 0 :
		get_tablespace_maintenance_io_concurrency(rel->rd_rel->reltablespace);
	end = Min(progress->end, RelationGetNumberOfBlocks(rel));
	if (end - Min(end, progress->next) > CHUNK)
		end = progress->next + CHUNK;

	/*
	 * Whatever was asked of catalogs: it must not hold back what VACUUM
	 * removes.
	 */
	InvalidateCatalogSnapshot();
	more = end < progress->end && end > progress->next;
	scrub_run(blocks, progress->next, end, ahead);
	progress->next = end;

	/*
	 * No checkpoint but that of a shutdown writes what is not logged; the
	 * next one still waits until the file is on disk.
	 */
	if (!more && !scrub->order->check_only &&
		rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED)
		FlushRelationBuffers(rel);
	relation_close(rel, NoLock);
	return more;
}

/* Rests; whoever drops the extension need not wait for the end of it all. */
static void
let_others(Scrub *scrub, int64 pages)
{
	retention_extension_unlock();
	scrub->locked_extension = false;
	if (scrub->order->pace)
		retention_scrub_pace_rest(&scrub->pace, pages);
	CHECK_FOR_INTERRUPTS();
	retention_extension_require("scrubbed");
	scrub->locked_extension = true;
	retention_procedure_commit();
}

/* The rest is left to the next scrub. */
static bool
is_stopped(Scrub *scrub)
{
	RetentionScrubResult *result = scrub->result;

	if (!result->stopped && scrub->order->wanted != NULL && !scrub->order->wanted())
	{
		result->stopped = true;
		retention_scrub_shortfall_note(scrub->result, scrub->name, "it was stopped before its end");
	}
	return result->stopped;
}

static void
scrub_relation(Scrub *scrub, Oid relid, bool statistics)
{
	Progress	progress = {.relid = relid,.statistics = statistics};
	bool		more = true;

	scrub->blocks.insane = scrub->blocks.closed = scrub->blocks.damaged = 0;
	while (more && !is_stopped(scrub))
	{
		int64		pages = scrub->result->pages;

		more = scrub_chunk(scrub, &progress);
		retention_procedure_commit();
		add_up(scrub, &progress);
		let_others(scrub, scrub->result->pages - pages);
		note_progress(scrub, false);
	}
	retention_scrub_shortfall_pages(scrub->result, &scrub->blocks, relid);
	retention_procedure_commit();
}

/* Until nothing is there that was not scrubbed: some of it may have come meanwhile. */
static void
scrub_storage(Scrub *scrub, Oid table, bool statistics)
{
	bool		found = true;

	while (found)
	{
		MemoryContext old = MemoryContextSwitchTo(scrub->context);
		List	   *storage = statistics ? retention_storage_of_statistics() :
		retention_storage_of(table);
		ListCell   *lc;

		MemoryContextSwitchTo(old);
		retention_procedure_commit();
		found = false;
		foreach(lc, storage)
		{
			if (list_member_oid(scrub->done, lfirst_oid(lc)))
				continue;
			found = true;
			scrub_relation(scrub, lfirst_oid(lc), statistics);
			old = MemoryContextSwitchTo(scrub->context);
			scrub->done = lappend_oid(scrub->done, lfirst_oid(lc));
			MemoryContextSwitchTo(old);
		}
	}
}

static void
begin(Scrub *scrub, Oid table)
{
	const RetentionScrubOrder *order = scrub->order;
	FullTransactionId horizon = FullTransactionIdIsValid(order->horizon) ?
	order->horizon : ReadNextFullTransactionId();
	MemoryContext old = MemoryContextSwitchTo(scrub->context);
	TimeLineID	last;

	scrub->name = retention_start_relation_name(table);
	MemoryContextSwitchTo(old);
	scrub->is_index = get_rel_relkind(table) == RELKIND_INDEX ||
		get_rel_relkind(table) == RELKIND_PARTITIONED_INDEX;
	scrub->blocks.check_only = order->check_only;
	scrub->result->forced = order->force;
	scrub->blocks.horizon = XidFromFullTransactionId(horizon);
	if (!order->check_only)
	{
		scrub->result->timeline = GetWALInsertionTimeLine();
		EnsurePortalSnapshotExists();

		/*
		 * Without a scrub on this timeline, other nodes may have what is
		 * clean here.
		 */
		last = retention_scrub_state_timeline(scrub->name);
		scrub->result->forced |= scrub->result->timeline != (last > 0 ? last : 1);
		retention_scrub_state_begin(scrub->name);
	}
	retention_procedure_commit();
	retention_scrub_pace_begin(&scrub->pace);
	scrub->noted = GetCurrentTimestamp();
}

/* The commit of what it writes also flushes whatever was wiped, by whomever. */
static void
end(Scrub *scrub)
{
	if (scrub->order->check_only)
		return;
	note_progress(scrub, true);
	scrub->result->lsn = GetXLogInsertRecPtr();
	EnsurePortalSnapshotExists();
	(void) set_config_option("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	retention_scrub_state_end(scrub->name, scrub->result,
							  retention_scrub_shortfall_statement(scrub->name, scrub->result));
	retention_procedure_commit();
}

void
retention_scrub_table(Oid table, const RetentionScrubOrder *order,
					  RetentionScrubResult *result)
{
	MemoryContext old = CurrentMemoryContext;
	Scrub		scrub = {.order = order,.result = result};
	volatile bool locked = false;

	memset(result, 0, sizeof(*result));
	result->complete = true;
	retention_extension_require("scrubbed");
	scrub.locked_extension = true;
	retention_procedure_connect();
	scrub.context = AllocSetContextCreate(TopMemoryContext, "privacy_retention scrub",
										  ALLOCSET_SMALL_SIZES);
	PG_TRY();
	{
		if (!order->check_only)
			locked = lock_table(table);
		if (order->check_only || locked)
		{
			begin(&scrub, table);
			retention_scrub_shortfall_elsewhere(result, table);
			retention_procedure_commit();
			scrub_storage(&scrub, table, false);
			if (order->statistics)
				scrub_storage(&scrub, table, true);
			end(&scrub);
		}
		else
		{
			result->busy = true;
			result->complete = false;
		}
	}
	PG_FINALLY();
	{
		if (locked)
			unlock_table(table);
		if (scrub.locked_extension)
			retention_extension_unlock();
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scrub.context);
	}
	PG_END_TRY();
	SPI_finish();
}
