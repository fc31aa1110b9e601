/*
 * erasure.c
 *		The steps of a round that take long: VACUUM, REINDEX where only that helps,
 *		ANALYZE, scrub.
 *
 * Invariant: a level is stamped when its step is done for all tables that the round
 * reaches; whoever comes next goes on behind it.  No lock on the extension is kept
 * through a command.  Before each command it asks whether it may go on.
 *
 * The scrub follows the VACUUM as soon as it can: in the same checkpoint cycle it
 * writes no page images.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "erase/holder.h"
#include "erase/reach.h"
#include "erase/remains.h"
#include "erase/residue.h"
#include "erase/residue_trace.h"
#include "erase/scrub.h"
#include "erase/storage.h"
#include "policy/start.h"
#include "worker/erasure.h"
#include "worker/maintenance.h"
#include "worker/moment.h"
#include "worker/rounds.h"
#include "worker/visit.h"

/* How long it waits for old statistics to be removable, and between two looks (ms). */
#define HORIZON_LOOKS 50
#define HORIZON_PAUSE 100L

/* How often a VACUUM is made until nothing is left, and the pause between two (ms). */
#define VACUUM_TRIES 3
#define VACUUM_PAUSE 300L

/* REINDEX CONCURRENTLY waits for transactions: so long for each (ms). */
#define REINDEX_PATIENCE "30000"

static void
hold(RetentionErasure *work, const char *held_by, const char *remedy)
{
	if (work->held_by != NULL)
		return;
	work->held_by = held_by;
	work->remedy = remedy;
}

/* A table's name, in the caller's memory; it may be gone. */
static const char *
name_of(Oid table)
{
	MemoryContext context = CurrentMemoryContext;
	const char *name = "a table";

	retention_moment_begin("privacy_retention: naming a table");
	if (get_rel_name(table) != NULL)
		name = MemoryContextStrdup(context, retention_start_relation_name(table));
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return name;
}

static void
hold_remains(RetentionErasure *work, Oid table, int64 rows)
{
	hold(work, psprintf(INT64_FORMAT " deleted rows of %s that VACUUM could not remove: their pages are in use", rows, name_of(table)),
		 psprintf("VACUUM (FREEZE, " RETENTION_SCRUB_VACUUM ") %s", name_of(table)));
}

/* Asked before what takes long: somebody may have switched it off meanwhile. */
static bool
may_go_on(RetentionErasure *work)
{
	MemoryContext context = CurrentMemoryContext;

	CHECK_FOR_INTERRUPTS();
	if (work->stop)
		return false;
	retention_moment_begin("privacy_retention: asking whether erasure may go on");
	work->stop = !retention_moment_enter(work->round->relation);
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return !work->stop;
}

/* False if the round is not to go on now. */
static bool
look(RetentionErasure *work)
{
	MemoryContext context = CurrentMemoryContext;
	ListCell   *lc;

	retention_moment_begin("privacy_retention: looking at the tables of a round");
	work->stop = !retention_moment_enter(work->round->relation);
	if (!work->stop)
	{
		MemoryContextSwitchTo(context);
		work->tables = retention_reach_tables(work->round->table);
		work->heaps = NIL;
		foreach(lc, work->tables)
			work->heaps = list_concat(work->heaps, retention_reach_heaps(lfirst_oid(lc)));
		if (work->tables == NIL && !retention_round_table_is_gone(work->round))
			hold(work, "its table, which is not there under that name",
				 "VACUUM (" RETENTION_SCRUB_VACUUM ") the table, then CALL retention.scrub()");
		retention_round_try(work->round, GetCurrentTimestamp());
	}
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return !work->stop;
}

/* Stamps a level, of rounds before it, too; false if the extension is gone or the round is not to go on. */
static bool
reach(RetentionErasure *work, RetentionRoundLevel level)
{
	MemoryContext context = CurrentMemoryContext;
	ListCell   *lc;

	retention_moment_begin("privacy_retention: noting what was erased");
	work->stop = !retention_moment_enter(work->round->relation);
	if (!work->stop)
	{
		(void) retention_round_reach(work->round, level, GetCurrentTimestamp());
		foreach(lc, retention_rounds_before(work->round))
		{
			RetentionRound *before = (RetentionRound *) lfirst(lc);

			before->scrub_lsn = work->round->scrub_lsn;
			before->timeline = work->round->timeline;
			(void) retention_round_reach(before, level, GetCurrentTimestamp());
		}
	}
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return !work->stop;
}

static void
count_remains(Oid heap, FullTransactionId horizon, int64 *rows, int64 *pointers)
{
	MemoryContext context = CurrentMemoryContext;

	retention_visit_start("privacy_retention: looking for what VACUUM left");
	retention_remains_count(heap, horizon, rows, pointers);
	retention_visit_commit();
	MemoryContextSwitchTo(context);
}

static void
rest(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

/*
 * VACUUM skips what it may not prune: a page that somebody has pinned.  Waiting for
 * the pin could take as long as he likes, and all other tables would wait, too.
 * Where only line pointers are left, the next VACUUM removes them and their entries
 * in indexes, pinned or not; those that are there after it are of later deletions.
 */
static void
vacuum(RetentionErasure *work, Oid heap, FullTransactionId horizon)
{
	bool		pruned = false;
	int64		rows = 0;
	int64		pointers;

	for (int tries = 0; pruned || tries < VACUUM_TRIES; tries++)
	{
		if (tries > 0 && !pruned)
			rest(VACUUM_PAUSE);
		if (!may_go_on(work))
			return;
		retention_maintenance_vacuum(heap);
		if (pruned)
			return;
		count_remains(heap, horizon, &rows, &pointers);
		if (rows == 0 && pointers == 0)
			return;
		pruned = rows == 0;
	}
	hold_remains(work, heap, rows);
}

/* An index of one of the tables. */
typedef struct Suspect
{
	Oid			oid;
	char	   *name;
	bool		unfinished;		/* VACUUM passes it by */
	RetentionResidueDemand demand;
} Suspect;

/* In the caller's memory. */
static List *
find_indexes(RetentionErasure *work)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *indexes = NIL;
	ListCell   *heap;

	retention_moment_begin("privacy_retention: looking at indexes");
	foreach(heap, work->heaps)
	{
		ListCell   *lc;

		foreach(lc, retention_storage_indexes(lfirst_oid(heap)))
		{
			Relation	relation = try_relation_open(lfirst_oid(lc), AccessShareLock);
			MemoryContext old;
			Suspect    *index;

			if (relation == NULL)
				continue;
			old = MemoryContextSwitchTo(context);
			index = palloc0(sizeof(Suspect));
			index->oid = lfirst_oid(lc);
			index->name = pstrdup(retention_start_relation_name(index->oid));
			index->unfinished = retention_storage_unfinished(relation);
			indexes = lappend(indexes, index);
			MemoryContextSwitchTo(old);
			relation_close(relation, AccessShareLock);
		}
	}
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return indexes;
}

static void
ask_index(RetentionErasure *work, Suspect *index)
{
	MemoryContext context = CurrentMemoryContext;
	BlockNumber next = 0;

	while (next != InvalidBlockNumber && may_go_on(work))
	{
		RetentionResidueDemand demand;

		retention_moment_begin("privacy_retention: looking for deleted values in an index");
		demand = retention_residue_index_demands(index->oid, &next);
		index->demand = Max(index->demand, demand);
		retention_moment_leave();
		MemoryContextSwitchTo(context);
	}
}

/* What helps where it is not ours to rebuild it; NULL if it is gone. */
static char *
rebuild_statement(const Suspect *index)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *statement = NULL;

	retention_moment_begin("privacy_retention: looking at an index");
	if (get_rel_name(index->oid) != NULL)
		statement = MemoryContextStrdup(context,
										retention_residue_trace_rebuild(index->oid,
																		index->demand == RETENTION_RESIDUE_REINDEX));
	retention_moment_leave();
	MemoryContextSwitchTo(context);
	return statement;
}

static void
drop_leftover(void *arg)
{
	retention_maintenance_drop_leftovers(*(Oid *) arg);
}

/* What an interrupted REINDEX left; what cannot be dropped holds the round later. */
static void
drop_leftovers(RetentionErasure *work)
{
	ListCell   *lc;
	int			sqlerrcode;

	foreach(lc, work->heaps)
		if (may_go_on(work))
		(void) retention_visit_attempt(drop_leftover, &lfirst_oid(lc), &sqlerrcode);
}

static void
rebuild(void *arg)
{
	retention_maintenance_reindex(((Suspect *) arg)->oid);
}

/* Builds anew what keeps values; one that cannot be does not stop the others. */
static void
reindex(RetentionErasure *work)
{
	ListCell   *lc;

	foreach(lc, find_indexes(work))
	{
		Suspect    *index = (Suspect *) lfirst(lc);
		char	   *problem;
		int			sqlerrcode;

		if (index->unfinished)
		{
			hold(work, psprintf("index %s, which was not finished: VACUUM passes it by", index->name),
				 psprintf("DROP INDEX CONCURRENTLY %s; or REINDEX INDEX CONCURRENTLY %s", index->name, index->name));
			continue;
		}
		ask_index(work, index);
		if (work->stop)
			return;
		if (index->demand == RETENTION_RESIDUE_NONE)
			continue;
		if (!retention_settings_reindex)
		{
			hold(work, psprintf("index %s, which %s deleted values, while privacy_retention.reindex is off",
								index->name,
								index->demand == RETENTION_RESIDUE_REINDEX ? "keeps" : "may keep"),
				 rebuild_statement(index));
			continue;
		}
		SetConfigOption("lock_timeout", REINDEX_PATIENCE, PGC_SUSET, PGC_S_OVERRIDE);
		problem = retention_visit_attempt(rebuild, index, &sqlerrcode);
		SetConfigOption("lock_timeout", psprintf("%d", retention_settings_lock_timeout),
						PGC_SUSET, PGC_S_OVERRIDE);
		if (problem == NULL)
			continue;
		if (sqlerrcode == ERRCODE_QUERY_CANCELED)
			ereport(ERROR,
					(errcode(sqlerrcode),
					 errmsg("index %s was not rebuilt: somebody waited", index->name)));
		hold(work, psprintf("index %s, which %s deleted values and could not be rebuilt: %s", index->name,
							index->demand == RETENTION_RESIDUE_REINDEX ? "keeps" : "may keep", problem),
			 rebuild_statement(index));
	}
}

static void
analyze(RetentionErasure *work)
{
	ListCell   *lc;

	foreach(lc, work->tables)
		if (may_go_on(work))
		retention_maintenance_analyze(lfirst_oid(lc));
}

static void
scrub(Oid relation, FullTransactionId horizon, RetentionScrubResult *result)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionScrubOrder order = {.pace = true,.horizon = horizon,.wanted = retention_moment_wanted};
	Portal		portal;

	retention_visit_start("privacy_retention: scrubbing");
	portal = retention_visit_open_portal();
	retention_scrub_table(relation, &order, result);
	retention_visit_close_portal(portal);
	retention_visit_commit();
	MemoryContextSwitchTo(context);
}

/* What was scrubbed is where the round's claim ends. */
static void
note_scrub(RetentionErasure *work, Oid relation, const RetentionScrubResult *result)
{
	if (result->stopped)
	{
		work->stop = true;
		return;
	}
	work->round->scrub_lsn = Max(work->round->scrub_lsn, result->lsn);
	work->round->timeline = result->timeline;
	if (result->dead_tuples > 0)
		hold_remains(work, relation, result->dead_tuples);
	if (result->complete && !result->elsewhere)
		return;
	hold(work, result->busy ? psprintf("another session that scrubs %s", name_of(relation)) :
		 psprintf("what could not be scrubbed: %s", result->skipped), NULL);
}

/* Dead items that it meets are of later deletions. */
static void
scrub_tables(RetentionErasure *work)
{
	ListCell   *lc;

	foreach(lc, work->tables)
	{
		RetentionScrubResult result;

		if (!may_go_on(work))
			return;
		scrub(lfirst_oid(lc), work->round->horizon, &result);
		note_scrub(work, lfirst_oid(lc), &result);
	}
}

/* May nobody see any more what was there before now?  Waits a little. */
static bool
wait_for_horizon(RetentionErasure *work, Oid relation, FullTransactionId horizon)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *holder = NULL;
	char	   *remedy = NULL;
	bool		removable = false;

	for (int i = 0; !removable && i < HORIZON_LOOKS; i++)
	{
		if (i > 0)
			rest(HORIZON_PAUSE);
		CHECK_FOR_INTERRUPTS();
		retention_moment_begin("privacy_retention: waiting for old statistics to be removable");
		MemoryContextSwitchTo(context);
		removable = retention_holder_removable(relation, horizon, &holder, &remedy);
		retention_moment_leave();
		MemoryContextSwitchTo(context);
	}
	if (!removable)
		hold(work, holder, remedy);
	return removable;
}

/* The catalogs hold values as statistics; ANALYZE has replaced them just now. */
static void
scrub_statistics(RetentionErasure *work)
{
	static const Oid catalogs[] = {StatisticRelationId, StatisticExtDataRelationId};
	FullTransactionId horizon = ReadNextFullTransactionId();

	for (int i = 0; i < lengthof(catalogs); i++)
	{
		RetentionScrubResult result;

		if (!may_go_on(work) || !wait_for_horizon(work, catalogs[i], horizon))
			return;
		vacuum(work, catalogs[i], horizon);
		if (work->stop)
			return;
		scrub(catalogs[i], horizon, &result);
		note_scrub(work, catalogs[i], &result);
	}
}

void
retention_erasure_advance(void *arg)
{
	RetentionErasure *work = (RetentionErasure *) arg;
	TimestampTz *reached = work->round->reached;
	ListCell   *lc;

	work->held_by = work->remedy = NULL;
	if (!look(work) || work->held_by != NULL)
		return;
	drop_leftovers(work);
	if (work->stop)
		return;
	if (reached[RETENTION_ROUND_VACUUMED] == 0)
	{
		foreach(lc, work->heaps)
			vacuum(work, lfirst_oid(lc), work->round->horizon);
		if (work->stop || (work->held_by == NULL && !reach(work, RETENTION_ROUND_VACUUMED)))
			return;
	}
	if (reached[RETENTION_ROUND_REINDEXED] == 0)
	{
		/* What VACUUM has not removed yet may leave values in an index later. */
		if (reached[RETENTION_ROUND_VACUUMED] != 0)
			reindex(work);
		if (work->stop || (work->held_by == NULL && !reach(work, RETENTION_ROUND_REINDEXED)))
			return;
	}
	if (reached[RETENTION_ROUND_ANALYZED] == 0)
	{
		analyze(work);
		if (work->stop || !reach(work, RETENTION_ROUND_ANALYZED))
			return;
	}
	/* Even where something holds the round: what can be wiped is wiped soon. */
	scrub_tables(work);
	scrub_statistics(work);
	if (!work->stop && work->held_by == NULL)
		(void) reach(work, RETENTION_ROUND_SCRUBBED);
}
