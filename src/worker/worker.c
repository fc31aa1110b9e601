/*
 * worker.c
 *		The short-lived process that visits one database: one pass, then the seal
 *		of the ledger.
 *
 * Invariant: a visit ends by itself within moments, and always leaves a report in
 * the shared table.  Its settings are its own, whatever database and role say.
 *
 * During the visit it holds a lock on the extension, as DROP EXTENSION does
 * before all others: neither can wait for the other with locks half taken.  Not
 * while it waits for a vault; each step then looks whether the extension is there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "enforce/pass.h"
#include "evidence/ledger.h"
#include "report/alarm.h"
#include "worker/keys.h"
#include "worker/ledger_period.h"
#include "worker/rounds.h"
#include "worker/visit.h"
#include "worker/worker.h"

#define VISIT_MS 500			/* after which a pass stops at the next batch */
#define REST_MS 1000			/* between two visits, where the pass is done */
#define TELL_SHARE 50			/* of the time may go into telling states */
#define TELL_MS 1200			/* but no more at once: who drops the database
								 * waits */
#define ABSENT_MS (3600 * 1000) /* until a look for the extension, unasked */

typedef void (*Step) (RetentionScheduleReport *report);

static TimestampTz
after(TimestampTz when, int64 ms)
{
	return TimestampTzPlusMilliseconds(when, ms);
}

static void
examine(RetentionScheduleReport *report)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		busy;

	retention_visit_start("privacy_retention: looking for the extension");
	if (retention_extension_lock(&busy))
	{
		TimestampTz opens = retention_settings_next_opening(now);

		report->state = !retention_settings_enabled ? RETENTION_OFF :
			opens > now ? RETENTION_CLOSED : RETENTION_IDLE;
		/* The settings may change meanwhile. */
		report->next_wake = Min(after(now, retention_settings_naptime * (int64) 1000),
								opens > now ? opens : DT_NOEND);
	}
	else
	{
		report->state = RETENTION_ABSENT;
		report->next_wake = after(now, busy ? REST_MS : ABSENT_MS);
	}
	retention_visit_commit();
}

static void
enforce(RetentionScheduleReport *report)
{
	Portal		portal;
	TimestampTz began = GetCurrentTimestamp();
	TimestampTz ended;
	TimestampTz naptime;
	RetentionPassResult result = {0};
	int64		rest;

	retention_visit_start("privacy_retention: enforcing the deletion rules");
	portal = retention_visit_open_portal();
	retention_pass_run(InvalidOid, began, false, VISIT_MS, &result);
	retention_visit_close_portal(portal);
	retention_visit_commit();

	ended = GetCurrentTimestamp();
	rest = TimestampDifferenceMilliseconds(began, ended) *
		(100 - retention_settings_duty_cycle) / retention_settings_duty_cycle;
	if (!result.more)
		rest = Max(rest, REST_MS);
	naptime = after(ended, retention_settings_naptime * (int64) 1000);
	report->rows = result.rows;
	report->not_before = after(ended, rest);
	report->next_wake = result.more ? ended : Min(result.next_due, naptime);
}

/*
 * Keys whose date has come; after the pass, which a slow vault must not delay.  While
 * it is asked, nothing is held, and who drops the database ends this process.
 */
static void
look_after_keys(RetentionScheduleReport *report)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionKeysCare *care = palloc0(sizeof(RetentionKeysCare));
	bool		busy;

	retention_visit_start("privacy_retention: looking for keys");
	care->now = GetCurrentTimestamp();
	if (retention_extension_lock(&busy))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		retention_keys_look(care);
		PopActiveSnapshot();
	}
	retention_visit_commit();
	MemoryContextSwitchTo(context);
	if (!care->wanted)
		return;

	retention_extension_release();
	pgstat_report_activity(STATE_RUNNING, "privacy_retention: looking after the keys");
	retention_visit_give_way(true);
	PG_TRY();
	{
		retention_keys_tend(care);
	}
	PG_FINALLY();
	{
		retention_visit_give_way(false);
	}
	PG_END_TRY();
	report->next_wake = Min(report->next_wake, care->next);

	retention_visit_start("privacy_retention: recording keys");
	if (retention_extension_lock(&busy))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		retention_keys_record(care);
		PopActiveSnapshot();
	}
	retention_visit_commit();
}

static void
seal(RetentionScheduleReport *report)
{
	bool		busy;

	retention_visit_start("privacy_retention: sealing the ledger");
	if (retention_extension_lock(&busy))
		(void) retention_ledger_seal();
	retention_visit_commit();
}

static void
shorten_ledger(RetentionScheduleReport *report)
{
	bool		busy;

	retention_visit_start("privacy_retention: shortening the ledger");
	if (retention_extension_lock(&busy))
		retention_ledger_period_look_after(GetCurrentTimestamp());
	retention_visit_commit();
}

/* Erasure goes on beside the visits: here only what takes moments. */
static void
look_after_rounds(RetentionScheduleReport *report)
{
	report->next_wake = Min(report->next_wake, retention_rounds_look_after());
}

/*
 * The states of rules, once a naptime; where there are many, of some of them, and
 * of the others at a visit that comes soon.
 */
static void
tell(RetentionScheduleReport *report)
{
	TimestampTz now = GetCurrentTimestamp();
	int			budget = Max(Min(retention_settings_naptime * 1000 / TELL_SHARE, TELL_MS), 100);
	int			again = Min(retention_settings_naptime, budget * TELL_SHARE / 1000);
	bool		busy;
	Oid			after;
	Oid			last;

	if (!retention_schedule_tell(MyDatabaseId, now, retention_settings_naptime - 1,
								 again - 1, &after))
		return;
	retention_visit_start("privacy_retention: telling the states of the rules");
	if (retention_extension_lock(&busy))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		last = retention_alarm_tell(InvalidOid, after, now, budget);
		PopActiveSnapshot();
		retention_schedule_told(MyDatabaseId, now, last);
		if (OidIsValid(last))
			report->next_wake = Min(report->next_wake,
									TimestampTzPlusMilliseconds(now, again * INT64CONST(1000)));
	}
	retention_visit_commit();
}

typedef struct Attempt
{
	Step		step;
	RetentionScheduleReport *report;
} Attempt;

static void
run_step(void *arg)
{
	Attempt    *attempt = (Attempt *) arg;

	attempt->step(attempt->report);
}

/* Takes one step of the visit.  False if it failed: then the report says so. */
static bool
take(Step step, RetentionScheduleReport *report)
{
	Attempt		attempt = {step, report};
	int			sqlerrcode;
	char	   *problem = retention_visit_attempt(run_step, &attempt, &sqlerrcode);

	if (problem == NULL)
		return true;
	if (report->state != RETENTION_FAILED)
		report->error = problem;
	report->state = RETENTION_FAILED;
	return false;
}

void
retention_worker_main(Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);
	RetentionScheduleReport report = {
		.state = RETENTION_IDLE,
		.next_wake = DT_NOEND
	};

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!retention_schedule_begin(dbid, GetCurrentTimestamp()))
		proc_exit(0);
	retention_visit_connect(dbid);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext,
												"privacy_retention worker",
												ALLOCSET_DEFAULT_SIZES));

	if (take(examine, &report) && report.state == RETENTION_IDLE)
	{
		/* What a pass did before it failed is sealed all the same. */
		(void) take(enforce, &report);
		(void) take(look_after_keys, &report);
		(void) take(seal, &report);
		(void) take(look_after_rounds, &report);
		/* by what is known of the rounds now, on this server */
		(void) take(shorten_ledger, &report);
	}
	/* Where nothing is enforced that is told, too. */
	if (report.state != RETENTION_ABSENT)
		(void) take(tell, &report);
	retention_schedule_end(dbid, &report, GetCurrentTimestamp());
	proc_exit(0);
}
