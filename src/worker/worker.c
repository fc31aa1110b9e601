/*
 * worker.c
 *		The short-lived process that visits one database: one pass, then the seal
 *		of the ledger.
 *
 * Invariant: a visit ends by itself within moments, and always leaves a report in
 * the shared table.  Its settings are its own, whatever database and role say.
 *
 * During the visit it holds a lock on the extension, as DROP EXTENSION does
 * before all others: neither can wait for the other with locks half taken.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
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
#include "worker/worker.h"

#define VISIT_MS 500			/* after which a pass stops at the next batch */
#define REST_MS 1000			/* between two visits, where the pass is done */
#define TELL_SHARE 50			/* of the time may go into telling states */
#define TELL_MS 1200			/* but no more at once: who drops the database
								 * waits */
#define ABSENT_MS (3600 * 1000) /* until a look for the extension, unasked */

typedef void (*Step) (RetentionScheduleReport *report);

/* For messages behind a transaction's end, where no catalog can be read. */
static const char *database_name = "?";

static void
set(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* ALTER DATABASE and ALTER ROLE ... SET apply to this session as to any other. */
static void
settle(void)
{
	char		timeout[32];

	snprintf(timeout, sizeof(timeout), "%d", retention_settings_lock_timeout);
	set("application_name", MyBgworkerEntry->bgw_name);
	set("lock_timeout", timeout);
	set("statement_timeout", "0");
	set("idle_in_transaction_session_timeout", "0");
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		set("transaction_timeout", "0");	/* later majors */
	set("session_replication_role", "origin");
	set("default_transaction_isolation", "read committed");
	set("default_transaction_read_only", "off");
	set("default_transaction_deferrable", "off");
	/* durable here; a standby that does not answer must not stop deletion */
	set("synchronous_commit", "local");
	set("search_path", "pg_catalog, pg_temp");
	set("max_parallel_workers_per_gather", "0");
	set("jit", "off");
}

static void
start_transaction(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, activity);
}

static void
commit_transaction(void)
{
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* At the end of a transaction an idle session keeps its locks, even to its exit. */
static void
release_locks(int code, Datum arg)
{
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

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

	start_transaction("privacy_retention: looking for the extension");
	database_name = MemoryContextStrdup(TopMemoryContext,
										get_database_name(MyDatabaseId));
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
	commit_transaction();
}

/*
 * SPI keeps a snapshot for a statement and its commits with the portal in which
 * they run. A client's CALL has one; a worker makes its own.
 */
static Portal
open_portal(void)
{
	Portal		portal = CreatePortal("privacy_retention", false, false);

	portal->visible = false;
	portal->status = PORTAL_ACTIVE;
	ActivePortal = portal;
	return portal;
}

static void
close_portal(Portal portal)
{
	if (portal->portalSnapshot != NULL && ActiveSnapshotSet())
		PopActiveSnapshot();
	portal->portalSnapshot = NULL;
	portal->status = PORTAL_DONE;
	ActivePortal = NULL;
	PortalDrop(portal, false);
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

	start_transaction("privacy_retention: enforcing the deletion rules");
	portal = open_portal();
	retention_pass_run(InvalidOid, began, false, VISIT_MS, &result);
	close_portal(portal);
	commit_transaction();

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

static void
seal(RetentionScheduleReport *report)
{
	bool		busy;

	start_transaction("privacy_retention: sealing the ledger");
	if (retention_extension_lock(&busy))
		(void) retention_ledger_seal();
	commit_transaction();
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
	start_transaction("privacy_retention: telling the states of the rules");
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
	commit_transaction();
}

/*
 * What an error says, without what could be a row's value: the messages of data
 * exceptions and of users' own code are left out.
 */
static char *
discreet_message(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_CONFIG_FILE_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return psprintf("%s (%s)", error->message,
							unpack_sql_state(error->sqlerrcode));
		default:
			return psprintf("SQLSTATE %s", unpack_sql_state(error->sqlerrcode));
	}
}

/* Takes one step of the visit.  False if it failed: then the report says so. */
static bool
take(Step step, RetentionScheduleReport *report)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		step(report);
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;
		char	   *message;

		/* Its message may say more than a log should. */
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ActivePortal = NULL;
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		message = discreet_message(error);
		if (report->state != RETENTION_FAILED)
			report->error = message;
		report->state = RETENTION_FAILED;
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("privacy_retention worker failed in database \"%s\": %s",
						database_name, message)));
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
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
	/* Before the connection, so that it comes after the abort at the exit. */
	before_shmem_exit(release_locks, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
	Assert(!RecoveryInProgress());
	settle();
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext,
												"privacy_retention worker",
												ALLOCSET_DEFAULT_SIZES));

	if (take(examine, &report) && report.state == RETENTION_IDLE)
	{
		/* What a pass did before it failed is sealed all the same. */
		(void) take(enforce, &report);
		(void) take(seal, &report);
	}
	/* Where nothing is enforced that is told, too. */
	if (report.state != RETENTION_ABSENT)
		(void) take(tell, &report);
	retention_schedule_end(dbid, &report, GetCurrentTimestamp());
	proc_exit(0);
}
