/*
 * schedule.c
 *		The shared table of databases and when each must be looked at next.
 *
 * Invariant: an entry is read and written under the one lock, which is held for
 * moments only: no catalog is read, nothing allocated and no error raised under
 * it.  A wish for a look is never lost: a worker that ends keeps the earlier one
 * of what it found and what was asked while it ran.
 *
 * "now" is an argument; only the end of a worker that cannot say it reads the
 * clock.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "base/schedule.h"
#include "base/shared.h"

#define NAME "privacy_retention"

/* The first failure is tried again after FIRST seconds, then twice that, ... */
#define BACK_OFF_FIRST 5
#define BACK_OFF_LAST 300

typedef struct Schedule
{
	RetentionShared shared;		/* its lock */
	int			launcher_pid;	/* 0 = none */
	PGPROC	   *launcher;		/* for its latch */
	TimestampTz starved;		/* no free slot for a worker since, or 0 */
	bool		unmarked;		/* the last pass had no replication origin */
	int			count;
	RetentionScheduleEntry entries[RETENTION_SCHEDULE_SIZE];
} Schedule;

static Schedule *schedule = NULL;

/* What retention_schedule_wake() asked for in the current transaction. */
static TimestampTz wanted = DT_NOEND;

void
retention_schedule_request(void)
{
	retention_shared_request(NAME, sizeof(Schedule), (void **) &schedule);
}

bool
retention_schedule_attached(void)
{
	return schedule != NULL;
}

/* Caller holds the lock. */
static RetentionScheduleEntry *
find(Oid dbid)
{
	for (int i = 0; i < schedule->count; i++)
	{
		if (schedule->entries[i].dbid == dbid)
			return &schedule->entries[i];
	}
	return NULL;
}

/* Caller holds the lock. Null when the table is full. */
static RetentionScheduleEntry *
add(Oid dbid, TimestampTz now)
{
	RetentionScheduleEntry *entry;

	if (schedule->count >= RETENTION_SCHEDULE_SIZE)
		return NULL;
	entry = &schedule->entries[schedule->count++];
	memset(entry, 0, sizeof(*entry));
	entry->dbid = dbid;
	entry->state = RETENTION_NEW;
	entry->next_wake = now;
	return entry;
}

/* Caller holds the lock. */
static void
wake_launcher(void)
{
	if (schedule->launcher != NULL)
		SetLatch(&schedule->launcher->procLatch);
}

/* A prepared transaction may commit much later: the look comes too early then. */
static void
xact_ended(XactEvent event, void *arg)
{
	RetentionScheduleEntry *entry;
	TimestampTz when = wanted;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE &&
		event != XACT_EVENT_ABORT)
		return;
	wanted = DT_NOEND;
	if (event == XACT_EVENT_ABORT || TIMESTAMP_IS_NOEND(when))
		return;
	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(MyDatabaseId);
	if (entry == NULL)
		entry = add(MyDatabaseId, when);
	if (entry != NULL && when < entry->next_wake)
		entry->next_wake = when;
	wake_launcher();
	LWLockRelease(schedule->shared.lock);
}

void
retention_schedule_wake(Oid dbid, TimestampTz when)
{
	static bool registered = false;

	if (schedule == NULL || RecoveryInProgress())
		return;
	if (dbid != MyDatabaseId)
		elog(ERROR, "a session can wake the worker of its own database only");
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		registered = true;
	}
	wanted = Min(wanted, when);
}

/* The launcher ends: nobody is to set the latch of whoever gets its PGPROC. */
static void
follow(int code, Datum arg)
{
	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	if (schedule->launcher_pid == MyProcPid)
	{
		schedule->launcher_pid = 0;
		schedule->launcher = NULL;
	}
	LWLockRelease(schedule->shared.lock);
}

bool
retention_schedule_lead(void)
{
	bool		leads;

	Assert(schedule != NULL);
	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	leads = schedule->launcher_pid == 0;
	if (leads)
	{
		schedule->launcher_pid = MyProcPid;
		schedule->launcher = MyProc;
		/* A launcher before this one may have asked for these. */
		for (int i = 0; i < schedule->count; i++)
		{
			if (schedule->entries[i].starting)
				schedule->entries[i].next_wake = schedule->entries[i].last_start;
			schedule->entries[i].starting = false;
		}
	}
	LWLockRelease(schedule->shared.lock);
	if (leads)
		before_shmem_exit(follow, (Datum) 0);
	return leads;
}

void
retention_schedule_reconcile(const Oid *dbids, int count, TimestampTz now)
{
	bool		full = false;
	static bool said = false;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	for (int i = schedule->count - 1; i >= 0; i--)
	{
		bool		found = false;

		for (int j = 0; j < count && !found; j++)
			found = dbids[j] == schedule->entries[i].dbid;
		if (!found && schedule->entries[i].pid == 0 &&
			!schedule->entries[i].starting)
			schedule->entries[i] = schedule->entries[--schedule->count];
	}
	for (int j = 0; j < count; j++)
	{
		if (find(dbids[j]) == NULL && add(dbids[j], now) == NULL)
			full = true;
	}
	LWLockRelease(schedule->shared.lock);
	if (full && !said)
		ereport(WARNING,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the privacy_retention worker looks after the first %d databases only",
						RETENTION_SCHEDULE_SIZE),
				 errhint("In the others, let a scheduler of your own CALL retention.enforce().")));
	said = full;
}

Oid
retention_schedule_next(TimestampTz now, TimestampTz *wake)
{
	RetentionScheduleEntry *first = NULL;
	TimestampTz first_at = DT_NOEND;
	Oid			dbid = InvalidOid;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	for (int i = 0; i < schedule->count; i++)
	{
		RetentionScheduleEntry *entry = &schedule->entries[i];
		TimestampTz at = Max(entry->next_wake, entry->not_before);

		if (!entry->starting && entry->pid == 0 && at < first_at)
		{
			first = entry;
			first_at = at;
		}
	}
	*wake = first_at;
	if (first != NULL && first_at <= now)
	{
		first->starting = true;
		first->last_start = now;
		first->next_wake = DT_NOEND;
		dbid = first->dbid;
	}
	LWLockRelease(schedule->shared.lock);
	return dbid;
}

void
retention_schedule_postpone(Oid dbid, TimestampTz now, TimestampTz again)
{
	RetentionScheduleEntry *entry;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	if (schedule->starved == 0)
		schedule->starved = now;
	entry = find(dbid);
	if (entry != NULL && entry->starting)
	{
		entry->starting = false;
		entry->next_wake = now;
		entry->not_before = again;
	}
	LWLockRelease(schedule->shared.lock);
}

/* Caller holds the lock. */
static void
end(RetentionScheduleEntry *entry, const RetentionScheduleReport *report,
	TimestampTz now)
{
	entry->state = report->state;
	entry->starting = false;
	entry->pid = 0;
	entry->last_end = now;
	entry->next_wake = Min(entry->next_wake, report->next_wake);
	entry->not_before = report->not_before;
	if (report->state == RETENTION_FAILED)
	{
		int			delay = BACK_OFF_FIRST << Min(entry->failures, 10);

		entry->failures++;
		entry->last_error_at = now;
		strlcpy(entry->last_error, report->error, sizeof(entry->last_error));
		entry->next_wake = now;
		entry->not_before = TimestampTzPlusMilliseconds(now,
														Min(delay, BACK_OFF_LAST) * (int64) 1000);
		return;
	}
	entry->failures = 0;
	entry->last_success = now;
	if (report->state == RETENTION_IDLE)
		entry->passes++;
	entry->rows += report->rows;
}

void
retention_schedule_gone(Oid dbid, TimestampTz now)
{
	RetentionScheduleEntry *entry;
	RetentionScheduleReport report = {
		.state = RETENTION_FAILED,
		.next_wake = now,
		.error = "the worker ended before it had begun"
	};

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(dbid);
	if (entry != NULL && entry->starting)
		end(entry, &report, now);
	LWLockRelease(schedule->shared.lock);
}

/* The worker is terminated or cannot connect: it has not reported. */
static void
leave(int code, Datum arg)
{
	Oid			dbid = DatumGetObjectId(arg);
	RetentionScheduleEntry *entry;
	RetentionScheduleReport report = {
		.state = RETENTION_FAILED,
		.error = "the worker ended before it was done"
	};

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(dbid);
	if (entry != NULL && entry->pid == MyProcPid)
	{
		report.next_wake = entry->last_start;
		end(entry, &report, GetCurrentTimestamp());
	}
	wake_launcher();
	LWLockRelease(schedule->shared.lock);
}

bool
retention_schedule_begin(Oid dbid, TimestampTz now)
{
	RetentionScheduleEntry *entry;
	bool		begins;

	Assert(schedule != NULL);
	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	schedule->starved = 0;
	entry = find(dbid);
	begins = entry != NULL && entry->pid == 0;
	if (begins)
	{
		entry->starting = false;
		entry->pid = MyProcPid;
		entry->last_start = now;
		entry->next_wake = DT_NOEND;
	}
	LWLockRelease(schedule->shared.lock);
	if (begins)
		before_shmem_exit(leave, ObjectIdGetDatum(dbid));
	return begins;
}

void
retention_schedule_end(Oid dbid, const RetentionScheduleReport *report,
					   TimestampTz now)
{
	RetentionScheduleEntry *entry;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(dbid);
	if (entry != NULL && entry->pid == MyProcPid)
		end(entry, report, now);
	LWLockRelease(schedule->shared.lock);
}

bool
retention_schedule_tell(Oid dbid, TimestampTz now, int seconds, int pause,
						Oid *after)
{
	RetentionScheduleEntry *entry;
	bool		tell = false;

	*after = InvalidOid;
	LWLockAcquire(schedule->shared.lock, LW_SHARED);
	entry = find(dbid);
	if (entry != NULL)
	{
		tell = entry->told_at == 0 || now < entry->told_at ||
			TimestampDifferenceExceeds(entry->told_at, now,
									   (OidIsValid(entry->told_after) ? pause : seconds) * 1000);
		*after = entry->told_after;
	}
	LWLockRelease(schedule->shared.lock);
	return tell;
}

void
retention_schedule_told(Oid dbid, TimestampTz now, Oid last)
{
	RetentionScheduleEntry *entry;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(dbid);
	if (entry != NULL)
	{
		entry->told_at = now;
		entry->told_after = last;
	}
	LWLockRelease(schedule->shared.lock);
}

RetentionScheduleState
retention_schedule_state(Oid dbid)
{
	RetentionScheduleEntry *entry;
	RetentionScheduleState state;

	LWLockAcquire(schedule->shared.lock, LW_SHARED);
	entry = find(dbid);
	state = entry != NULL ? entry->state : RETENTION_NEW;
	LWLockRelease(schedule->shared.lock);
	return state;
}

void
retention_schedule_note_error(Oid dbid, const char *error, TimestampTz now)
{
	RetentionScheduleEntry *entry;

	LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
	entry = find(dbid);
	if (entry != NULL)
	{
		entry->last_error_at = now;
		strlcpy(entry->last_error, error, sizeof(entry->last_error));
	}
	LWLockRelease(schedule->shared.lock);
}

bool
retention_schedule_unmarked(bool unmarked)
{
	static bool here = false;
	bool		before = here;

	here = unmarked;
	if (schedule != NULL)
	{
		LWLockAcquire(schedule->shared.lock, LW_EXCLUSIVE);
		before = schedule->unmarked;
		schedule->unmarked = unmarked;
		LWLockRelease(schedule->shared.lock);
	}
	return unmarked && !before;
}

int
retention_schedule_copy(RetentionScheduleEntry **entries, int *launcher,
						TimestampTz *starved)
{
	int			count;

	*launcher = 0;
	*starved = 0;
	*entries = NULL;
	if (schedule == NULL)
		return 0;
	*entries = palloc(sizeof(RetentionScheduleEntry) * RETENTION_SCHEDULE_SIZE);
	LWLockAcquire(schedule->shared.lock, LW_SHARED);
	count = schedule->count;
	memcpy(*entries, schedule->entries, sizeof(RetentionScheduleEntry) * count);
	*launcher = schedule->launcher_pid;
	*starved = schedule->starved;
	LWLockRelease(schedule->shared.lock);
	return count;
}
