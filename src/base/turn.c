/*
 * turn.c
 *		Whose turn it is to be erased: the databases that have work for an eraser.
 *
 * Invariant: one eraser on the server at a time, whoever started it; one that ends
 * without a word has failed, and its database waits.  Under the lock no catalog is
 * read, nothing allocated and no error raised.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "base/schedule.h"
#include "base/shared.h"
#include "base/turn.h"

#define NAME "privacy_retention erasure"

/* The first failure is tried again after FIRST seconds, then twice that, ... */
#define BACK_OFF_FIRST 2
#define BACK_OFF_LAST 300

typedef struct Want
{
	Oid			dbid;			/* InvalidOid = a free place */
	TimestampTz at;				/* DT_NOEND = nothing to do */
	TimestampTz not_before;
	int			failures;		/* since one went well */
} Want;

typedef struct Turn
{
	RetentionShared shared;		/* its lock */
	int			pid;			/* of the eraser; 0 = none */
	Oid			dbid;			/* its database */
	Want		wants[RETENTION_SCHEDULE_SIZE];
} Turn;

static Turn *turn = NULL;

void
retention_turn_request(void)
{
	retention_shared_request(NAME, sizeof(Turn), (void **) &turn);
}

/* Caller holds the lock.  NULL = no place is free. */
static Want *
find(Oid dbid)
{
	Want	   *vacant = NULL;

	for (int i = 0; i < lengthof(turn->wants); i++)
	{
		Want	   *want = &turn->wants[i];

		if (want->dbid == dbid)
			return want;
		/* One with nothing to do is not missed. */
		if (vacant == NULL && (!OidIsValid(want->dbid) ||
							   (TIMESTAMP_IS_NOEND(want->at) && want->failures == 0)))
			vacant = want;
	}
	if (vacant != NULL)
	{
		memset(vacant, 0, sizeof(*vacant));
		vacant->dbid = dbid;
		vacant->at = DT_NOEND;
	}
	return vacant;
}

void
retention_turn_want(Oid dbid, TimestampTz when)
{
	Want	   *want;

	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	want = find(dbid);
	if (want != NULL)
		want->at = when;
	LWLockRelease(turn->shared.lock);
}

void
retention_turn_reconcile(const Oid *dbids, int count)
{
	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	for (int i = 0; i < lengthof(turn->wants); i++)
	{
		bool		found = !OidIsValid(turn->wants[i].dbid);

		for (int j = 0; j < count && !found; j++)
			found = dbids[j] == turn->wants[i].dbid;
		if (!found)
			memset(&turn->wants[i], 0, sizeof(Want));
	}
	LWLockRelease(turn->shared.lock);
}

Oid
retention_turn_next(TimestampTz now, TimestampTz *wake)
{
	Oid			dbid = InvalidOid;

	*wake = DT_NOEND;
	LWLockAcquire(turn->shared.lock, LW_SHARED);
	for (int i = 0; turn->pid == 0 && i < lengthof(turn->wants); i++)
	{
		Want	   *want = &turn->wants[i];
		TimestampTz at = Max(want->at, want->not_before);

		if (OidIsValid(want->dbid) && at < *wake)
		{
			*wake = at;
			dbid = want->dbid;
		}
	}
	LWLockRelease(turn->shared.lock);
	return *wake <= now ? dbid : InvalidOid;
}

/* Caller holds the lock. */
static void
finish(Oid dbid, TimestampTz next, bool failed, TimestampTz now)
{
	Want	   *want = find(dbid);

	if (want == NULL)
		return;
	want->at = next;
	want->not_before = !failed ? 0 :
		TimestampTzPlusMilliseconds(now, Min(BACK_OFF_FIRST << Min(want->failures, 10),
											 BACK_OFF_LAST) * INT64CONST(1000));
	want->failures = failed ? want->failures + 1 : 0;
}

/* Terminated: by an administrator, or by whoever wants the database for himself. */
static void
leave(int code, Datum arg)
{
	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	if (turn->pid == MyProcPid)
	{
		finish(turn->dbid, GetCurrentTimestamp(), true, GetCurrentTimestamp());
		turn->pid = 0;
	}
	LWLockRelease(turn->shared.lock);
}

bool
retention_turn_take(Oid dbid)
{
	bool		taken;

	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	taken = turn->pid == 0;
	if (taken)
	{
		turn->pid = MyProcPid;
		turn->dbid = dbid;
	}
	LWLockRelease(turn->shared.lock);
	if (taken)
		before_shmem_exit(leave, (Datum) 0);
	return taken;
}

void
retention_turn_end(Oid dbid, TimestampTz next, bool failed, TimestampTz now)
{
	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	if (turn->pid == MyProcPid)
	{
		finish(dbid, next, failed, now);
		turn->pid = 0;
	}
	LWLockRelease(turn->shared.lock);
}

void
retention_turn_lost(Oid dbid, TimestampTz now)
{
	LWLockAcquire(turn->shared.lock, LW_EXCLUSIVE);
	finish(dbid, now, true, now);
	LWLockRelease(turn->shared.lock);
}
