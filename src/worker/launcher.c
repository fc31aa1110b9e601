/*
 * launcher.c
 *		The process that decides which database is looked at next.
 *
 * Invariant: it sits on no database and reads pg_database only, so that no DROP
 * DATABASE or CREATE DATABASE ... TEMPLATE meets it; whatever happens to a worker
 * or in a database, it goes on.
 *
 * The postmaster starts it when recovery is over, never on a standby, and again
 * 5 s after it ended.  It scans pg_database, keeps the shared table of databases
 * (base/schedule.c), sleeps until the first of them wants a look, and has the
 * postmaster start a short-lived worker there, at most WORKERS at a time, and beside
 * them one eraser (base/turn.c), so that deletion goes on while tables are vacuumed.
 *
 *		  found in pg_database, or woken by a session
 *							|
 *							v
 *		+----------------> NEW
 *		|					| due		 no free slot: LOG once, again in 5 s
 *		|					v		   +------------------------------+
 *		|	+---------> starting ------+ <----------------------------+
 *		|	|				|
 *		|	|				| worker is there (pid)
 *		|	|				v
 *		|	|			 running --- terminated, no such database ---+
 *		|	|				|										 |
 *		|	|		+-------+-------+--------------+				 |
 *		|	|		v				v			   v				 v
 *		|	|	 ABSENT			   OFF, CLOSED	  IDLE			   FAILED
 *		|	|	 no extension	   not wanted now all well		   error
 *		|	|		|				|			   |				 |
 *		|	|		| CREATE		| naptime	   | next row due,	 | 5 s, 10 s,
 *		|	|		| EXTENSION,	|			   | naptime; rests  | ... 300 s
 *		|	|		| an hour		|			   | before that	 |
 *		|	+-------+---------------+--------------+-----------------+
 *		|
 *		+--- crash of the server: the table starts empty
 *
 *		From anywhere: out of the table when the database is gone.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/schedule.h"
#include "base/settings.h"
#include "base/turn.h"
#include "worker/eraser.h"
#include "worker/launcher.h"
#include "worker/worker.h"

#define WORKERS 2				/* at a time, in different databases */
#define RESTART_SECONDS 5
#define STARVED_SECONDS 5		/* until a free slot is looked for again */
#define SCAN_SECONDS 1			/* between two scans, where anything happens */

typedef struct Slot
{
	BackgroundWorkerHandle *handle; /* NULL = free */
	Oid			dbid;
} Slot;

/* What is started in a database. */
typedef struct Kind
{
	const char *name;
	const char *function;
} Kind;

static const Kind worker_kind = {"worker", "retention_worker_main"};
static const Kind eraser_kind = {"eraser", "retention_eraser_main"};

PGDLLEXPORT void retention_launcher_main(Datum arg);

void
retention_launcher_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, "privacy_retention", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "retention_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "privacy_retention launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "privacy_retention launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* Reads pg_database into the schedule. */
static void
scan_databases(TimestampTz now)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	Oid		   *dbids = palloc(sizeof(Oid) * RETENTION_SCHEDULE_SIZE * 2);
	int			count = 0;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL &&
		   count < RETENTION_SCHEDULE_SIZE * 2)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		/* A limit below -1 marks what an interrupted DROP DATABASE left. */
		if (database->datallowconn && !database->datistemplate &&
			database->datconnlimit >= -1)
			dbids[count++] = database->oid;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	retention_schedule_reconcile(dbids, count, now);
	retention_turn_reconcile(dbids, count);
}

/* Frees the slots of workers that ended.  True if there is a free one. */
static bool
reap(Slot *slots, TimestampTz now)
{
	bool		available = false;

	for (int i = 0; i < WORKERS; i++)
	{
		pid_t		pid;

		if (slots[i].handle != NULL &&
			GetBackgroundWorkerPid(slots[i].handle, &pid) == BGWH_STOPPED)
		{
			retention_schedule_gone(slots[i].dbid, now);
			pfree(slots[i].handle);
			slots[i].handle = NULL;
		}
		if (slots[i].handle == NULL)
			available = true;
	}
	return available;
}

/* Starts a process in a database.  False if the server has no free slot for it. */
static bool
launch(Slot *slot, const Kind *kind, Oid dbid)
{
	BackgroundWorker worker;
	MemoryContext old;
	bool		registered;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "privacy_retention", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, kind->function, BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "privacy_retention %s for database %u", kind->name, dbid);
	snprintf(worker.bgw_type, BGW_MAXLEN, "privacy_retention %s", kind->name);
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;

	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &slot->handle);
	MemoryContextSwitchTo(old);
	if (!registered)
	{
		slot->handle = NULL;
		return false;
	}
	slot->dbid = dbid;
	return true;
}

/* Starts the eraser where there is work for it.  Returns when there will be. */
static TimestampTz
launch_eraser(Slot *slot, TimestampTz now)
{
	TimestampTz wake;
	Oid			dbid;
	pid_t		pid;

	if (slot->handle != NULL)
	{
		/* Its end sets the latch. */
		if (GetBackgroundWorkerPid(slot->handle, &pid) != BGWH_STOPPED)
			return DT_NOEND;
		pfree(slot->handle);
		slot->handle = NULL;
	}
	dbid = retention_turn_next(now, &wake);
	if (!OidIsValid(dbid))
		return wake;
	/* Until it ends without having taken its turn, that counts as a failure. */
	retention_turn_lost(dbid, now);
	if (launch(slot, &eraser_kind, dbid))
		return DT_NOEND;
	return TimestampTzPlusMilliseconds(now, STARVED_SECONDS * 1000);
}

/* Starts what is due.  Returns when something will be, as far as is known. */
static TimestampTz
launch_due(Slot *slots, TimestampTz now)
{
	static bool starved = false;
	TimestampTz wake;

	while (reap(slots, now))
	{
		Slot	   *slot;
		Oid			dbid = retention_schedule_next(now, &wake);

		if (!OidIsValid(dbid))
			return wake;
		slot = slots;
		while (slot->handle != NULL)
			slot++;
		Assert(slot < slots + WORKERS);
		if (!launch(slot, &worker_kind, dbid))
		{
			wake = TimestampTzPlusMilliseconds(now, STARVED_SECONDS * 1000);
			retention_schedule_postpone(dbid, now, wake);
			if (!starved)
				ereport(LOG,
						(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						 errmsg("privacy_retention finds no free slot for its worker: deletion waits"),
						 errhint("You might need to increase max_worker_processes.")));
			starved = true;
			return wake;
		}
		starved = false;
	}
	/* The end of a worker sets the latch. */
	return DT_NOEND;
}

void
retention_launcher_main(Datum arg)
{
	Slot		slots[WORKERS] = {{0}};
	Slot		eraser = {0};
	MemoryContext context;
	TimestampTz scanned = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("application_name", MyBgworkerEntry->bgw_name,
					PGC_USERSET, PGC_S_OVERRIDE);

	if (!retention_schedule_lead())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another privacy_retention launcher is already running")));
	context = AllocSetContextCreate(TopMemoryContext, "privacy_retention launcher",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);

	/* An error ends the process; the postmaster starts another. */
	for (;;)
	{
		TimestampTz now;
		TimestampTz wake;
		TimestampTz rescan;
		long		timeout;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextReset(context);

		now = GetCurrentTimestamp();
		if (TimestampDifferenceExceeds(scanned, now, SCAN_SECONDS * 1000) ||
			now < scanned)
		{
			scan_databases(now);
			MemoryContextSwitchTo(context);
			scanned = now;
		}
		wake = launch_due(slots, now);
		wake = Min(wake, launch_eraser(&eraser, now));
		rescan = TimestampTzPlusMilliseconds(scanned, retention_settings_naptime * (int64) 1000);
		timeout = TimestampDifferenceMilliseconds(now, Min(wake, rescan));
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 timeout, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
