/*
 * visit.c
 *		What the short-lived processes of the worker have in common: a session with
 *		settings of its own, transactions, and steps that may fail.
 *
 * Invariant: a step that fails is rolled back and said without what could be a
 * row's value; the process goes on.  Its settings are its own, whatever database
 * and role say.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "base/settings.h"
#include "worker/visit.h"

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

	/*
	 * Also whom it acts as; the role falls back to the user that is set
	 * before.
	 */
	set("session_authorization", GetUserNameFromId(BOOTSTRAP_SUPERUSERID, false));
	set("role", "none");
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

void
retention_visit_start(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, activity);
}

void
retention_visit_commit(void)
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

void
retention_visit_connect(Oid dbid)
{
	/* Before the connection, so that it comes after the abort at the exit. */
	before_shmem_exit(release_locks, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
	Assert(!RecoveryInProgress());
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	settle();
	database_name = MemoryContextStrdup(TopMemoryContext,
										get_database_name(MyDatabaseId));
	CommitTransactionCommand();
}

void
retention_visit_give_way(bool yes)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	if (yes)
		MyProc->statusFlags |= PROC_IS_AUTOVACUUM;
	else
		MyProc->statusFlags &= ~PROC_IS_AUTOVACUUM;
	ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
	LWLockRelease(ProcArrayLock);
}

Portal
retention_visit_open_portal(void)
{
	Portal		portal = CreatePortal("privacy_retention", false, false);

	portal->visible = false;
	portal->status = PORTAL_ACTIVE;
	ActivePortal = portal;
	return portal;
}

void
retention_visit_close_portal(Portal portal)
{
	if (portal->portalSnapshot != NULL && ActiveSnapshotSet())
		PopActiveSnapshot();
	portal->portalSnapshot = NULL;
	portal->status = PORTAL_DONE;
	ActivePortal = NULL;
	PortalDrop(portal, false);
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

char *
retention_visit_attempt(void (*step) (void *arg), void *arg, int *sqlerrcode)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *volatile problem = NULL;

	PG_TRY();
	{
		step(arg);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		/* Its message may say more than a log should. */
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		QueryCancelPending = false;
		ActivePortal = NULL;
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		problem = discreet_message(error);
		*sqlerrcode = error->sqlerrcode;
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("privacy_retention worker failed in database \"%s\": %s",
						database_name, problem)));
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return problem;
}
