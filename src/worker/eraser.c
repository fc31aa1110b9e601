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
 * the eraser has only to do what takes long (erasure.c).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/schedule.h"
#include "base/turn.h"
#include "worker/eraser.h"
#include "worker/erasure.h"
#include "worker/moment.h"
#include "worker/rounds.h"
#include "worker/visit.h"

/* The rounds that it is to bring further; in the caller's memory. */
static void
choose(void *arg)
{
	RetentionErasure *work = (RetentionErasure *) arg;
	MemoryContext context = CurrentMemoryContext;
	TimestampTz wanted;

	retention_moment_begin("privacy_retention: looking for what is to be erased");
	if (!retention_moment_enter(NULL))
		work->stop = true;
	else
	{
		MemoryContextSwitchTo(context);
		work->rounds = retention_rounds_for_eraser(GetCurrentTimestamp(), &wanted);
	}
	retention_moment_leave();
	MemoryContextSwitchTo(context);
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
	ListCell   *lc;
	bool		busy;

	retention_moment_begin("privacy_retention: noting what holds a round");
	if (retention_extension_lock(&busy))
	{
		retention_round_hold(hold->round, hold->held_by, hold->remedy);
		foreach(lc, retention_rounds_before(hold->round))
			retention_round_hold(lfirst(lc), hold->held_by, hold->remedy);
	}
	retention_moment_leave();
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
	RetentionErasure work = {0};
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
	/* what a number's text lies in is overwritten by the next question */
	if (delay != NULL)
		delay = MemoryContextStrdup(TopMemoryContext, delay);
	retention_visit_connect(dbid);
	if (delay != NULL && delay[0] != '-')
		SetConfigOption("vacuum_cost_delay", delay, PGC_SUSET, PGC_S_OVERRIDE);
	/* Near a wraparound VACUUM would leave entries in indexes. */
	SetConfigOption("vacuum_failsafe_age", "2100000000", PGC_SUSET, PGC_S_OVERRIDE);
	retention_visit_give_way(true);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext,
												"privacy_retention eraser",
												ALLOCSET_DEFAULT_SIZES));
	problem = retention_visit_attempt(choose, &work, &sqlerrcode);
	failed = problem != NULL;
	foreach(lc, work.rounds)
	{
		Hold		hold = {lfirst(lc)};

		/* What stops one, a pause, does not stop the others. */
		work.stop = false;
		work.round = hold.round;
		problem = retention_visit_attempt(retention_erasure_advance, &work, &sqlerrcode);
		if (problem != NULL)
		{
			failed = true;
			retention_schedule_note_error(dbid, problem, GetCurrentTimestamp());
			work.held_by = reason_of(sqlerrcode, problem);
			work.remedy = NULL;
		}
		if (work.held_by == NULL)
			continue;
		hold.held_by = work.held_by;
		hold.remedy = work.remedy;
		(void) retention_visit_attempt(note_hold, &hold, &sqlerrcode);
	}
	/* The worker's next visit sees what is left. */
	retention_turn_end(dbid, DT_NOEND, failed, GetCurrentTimestamp());
	proc_exit(0);
}
