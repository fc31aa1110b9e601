/*
 * eraser.c
 *		The process that brings the bytes of deleted rows to their end, in one
 *		database at a time: VACUUM, REINDEX where only that helps, ANALYZE, scrub.
 *
 * Invariant: it gives way, as autovacuum does: whoever waits for a lock of its
 * cancels it, whoever drops its database ends it.  Whatever ends it, the next one
 * goes on from what the rounds have reached.
 *
 * Visits of the worker begin rounds and look what holds them (rounds.c);
 * the eraser has only to do what takes long.  No lock on the extension is kept
 * through a command.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "base/turn.h"
#include "enforce/pause.h"
#include "erase/reach.h"
#include "erase/round.h"
#include "policy/start.h"
#include "worker/eraser.h"
#include "worker/maintenance.h"
#include "worker/rounds.h"
#include "worker/visit.h"

/* REINDEX CONCURRENTLY waits for transactions: so long for each (ms). */
#define REINDEX_PATIENCE "30000"

typedef struct Work
{
	List	   *rounds;			/* RetentionRound *, what it is to do */
	RetentionRound *round;		/* the one at hand */
	List	   *tables;			/* that it reaches */
	List	   *heaps;			/* and their parts */
	bool		stop;			/* somebody does not want it to go on */
} Work;

/*
 * As autovacuum, for those who wait: the server cancels whoever has this flag when
 * his lock is in the way, and DROP DATABASE ends him.
 */
static void
give_way(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->statusFlags |= PROC_IS_AUTOVACUUM;
	ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
	LWLockRelease(ProcArrayLock);
}

/* A transaction in which rounds are read and written; end it with leave(). */
static void
begin(const char *activity)
{
	retention_visit_start(activity);
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* May it go on?  If so the extension is locked until leave(). */
static bool
enter(const char *relation)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		busy;

	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (!retention_settings_enabled || retention_settings_erase_within == 0 ||
		retention_settings_next_opening(now) > now)
		return false;
	if (!retention_extension_lock(&busy))
		return false;
	if (relation == NULL || !retention_pause_find(relation, now, NULL))
		return true;
	retention_extension_unlock();
	return false;
}

static void
leave(void)
{
	PopActiveSnapshot();
	retention_visit_commit();
	retention_extension_unlock();
}

/* The rounds that it is to bring further; in the caller's memory. */
static void
choose(void *arg)
{
	Work	   *work = (Work *) arg;
	MemoryContext context = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	begin("privacy_retention: looking for what is to be erased");
	if (!enter(NULL))
		work->stop = true;
	else
	{
		MemoryContextSwitchTo(context);
		foreach(lc, retention_round_open())
		{
			RetentionRound *round = (RetentionRound *) lfirst(lc);

			if (retention_rounds_wanted_at(round) <= now)
				work->rounds = lappend(work->rounds, round);
		}
	}
	leave();
	MemoryContextSwitchTo(context);
}

/* False if the round is not to go on now. */
static bool
look(Work *work)
{
	MemoryContext context = CurrentMemoryContext;
	ListCell   *lc;

	begin("privacy_retention: looking at the tables of a round");
	work->stop = !enter(work->round->relation);
	if (!work->stop)
	{
		MemoryContextSwitchTo(context);
		work->tables = retention_reach_tables(work->round->table);
		work->heaps = NIL;
		foreach(lc, work->tables)
			work->heaps = list_concat(work->heaps, retention_reach_heaps(lfirst_oid(lc)));
		retention_round_try(work->round, GetCurrentTimestamp());
	}
	leave();
	MemoryContextSwitchTo(context);
	return !work->stop;
}

/* Stamps a level; false if the extension is gone or the round is not to go on. */
static bool
reach(Work *work, RetentionRoundLevel level)
{
	MemoryContext context = CurrentMemoryContext;

	begin("privacy_retention: noting what was erased");
	work->stop = !enter(work->round->relation);
	if (!work->stop)
		(void) retention_round_reach(work->round, level, GetCurrentTimestamp());
	leave();
	MemoryContextSwitchTo(context);
	return !work->stop;
}

static void
vacuum(Work *work)
{
	ListCell   *lc;

	foreach(lc, work->heaps)
	{
		CHECK_FOR_INTERRUPTS();
		retention_maintenance_vacuum(lfirst_oid(lc), false);
	}
}

static void
analyze(Work *work)
{
	ListCell   *lc;

	foreach(lc, work->tables)
	{
		CHECK_FOR_INTERRUPTS();
		retention_maintenance_analyze(lfirst_oid(lc));
	}
}

/* Brings a round as far as it goes. */
static void
advance(void *arg)
{
	Work	   *work = (Work *) arg;
	TimestampTz *reached = work->round->reached;

	if (!look(work))
		return;
	if (reached[RETENTION_ROUND_VACUUMED] == 0)
	{
		vacuum(work);
		if (!reach(work, RETENTION_ROUND_VACUUMED))
			return;
	}
	if (reached[RETENTION_ROUND_ANALYZED] == 0)
	{
		analyze(work);
		if (!reach(work, RETENTION_ROUND_ANALYZED))
			return;
	}
}

typedef struct Hold
{
	RetentionRound *round;
	const char *held_by;
	const char *remedy;
} Hold;

static void
note_hold(void *arg)
{
	Hold	   *hold = (Hold *) arg;
	bool		busy;

	begin("privacy_retention: noting what holds a round");
	if (retention_extension_lock(&busy))
		retention_round_hold(hold->round, hold->held_by, hold->remedy);
	leave();
}

/* What to say of a step that failed. */
static const char *
reason_of(int sqlerrcode, const char *problem)
{
	switch (sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return "a lock on one of its tables";
		case ERRCODE_QUERY_CANCELED:
			return "somebody who waited for one of its tables and was let through";
		default:
			return psprintf("an error: %s", problem);
	}
}

void
retention_eraser_main(Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);
	Work		work = {0};
	const char *delay = GetConfigOption("autovacuum_vacuum_cost_delay", true, false);
	char	   *problem;
	bool		failed = false;
	int			sqlerrcode;
	ListCell   *lc;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!retention_turn_take(dbid))
		proc_exit(0);
	retention_visit_connect(dbid);
	if (delay != NULL && delay[0] != '-')
		SetConfigOption("vacuum_cost_delay", delay, PGC_SUSET, PGC_S_OVERRIDE);
	give_way();
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext,
												"privacy_retention eraser",
												ALLOCSET_DEFAULT_SIZES));
	problem = retention_visit_attempt(choose, &work, &sqlerrcode);
	failed = problem != NULL;
	foreach(lc, work.rounds)
	{
		Hold		hold = {lfirst(lc)};

		if (work.stop)
			break;
		work.round = hold.round;
		problem = retention_visit_attempt(advance, &work, &sqlerrcode);
		retention_extension_unlock();
		if (problem == NULL)
			continue;
		failed = true;
		retention_schedule_note_error(dbid, problem, GetCurrentTimestamp());
		hold.held_by = reason_of(sqlerrcode, problem);
		(void) retention_visit_attempt(note_hold, &hold, &sqlerrcode);
		retention_extension_unlock();
	}
	/* The worker's next visit sees what is left. */
	retention_turn_end(dbid, DT_NOEND, failed, GetCurrentTimestamp());
	proc_exit(0);
}
