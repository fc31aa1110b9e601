/*
 * schedule.h
 *		The shared table of databases and when each must be looked at next.
 *
 * Invariant: a process that finds work to do earlier than the entry says calls
 * retention_schedule_wake(); without the preloaded library all calls do nothing.
 */
#ifndef RETENTION_SCHEDULE_H
#define RETENTION_SCHEDULE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Databases that the table can hold. */
#define RETENTION_SCHEDULE_SIZE 1024
#define RETENTION_SCHEDULE_ERROR_SIZE 256

/* What the last visit found; worker/launcher.c draws how it changes. */
typedef enum RetentionScheduleState
{
	RETENTION_NEW,				/* not visited yet */
	RETENTION_ABSENT,			/* the extension is not there */
	RETENTION_OFF,				/* privacy_retention.enabled is off there */
	RETENTION_CLOSED,			/* outside privacy_retention.time_window */
	RETENTION_IDLE,				/* nothing wrong */
	RETENTION_FAILED			/* it failed, and is tried again later */
} RetentionScheduleState;

typedef struct RetentionScheduleEntry
{
	Oid			dbid;
	RetentionScheduleState state;
	bool		starting;		/* the launcher asked for a worker */
	int			pid;			/* of the worker that is there; 0 = none */
	TimestampTz next_wake;		/* somebody wants a look; DT_NOEND = nobody */
	TimestampTz not_before;		/* but not before: rest, or back-off */
	TimestampTz last_start;		/* here and below 0 = never */
	TimestampTz last_end;
	TimestampTz last_success;	/* end of the last visit without an error */
	TimestampTz last_error_at;
	char		last_error[RETENTION_SCHEDULE_ERROR_SIZE];
	int			failures;		/* since the last success */
	int64		passes;			/* visits without an error */
	int64		rows;			/* changed or deleted by them */
	TimestampTz told_at;		/* when states of rules were last told */
	Oid			told_after;		/* the table behind which to go on */
} RetentionScheduleEntry;

/* How a visit ended. */
typedef struct RetentionScheduleReport
{
	RetentionScheduleState state;	/* any but NEW */
	TimestampTz next_wake;
	TimestampTz not_before;
	int64		rows;
	const char *error;			/* FAILED: no values of rows in it */
} RetentionScheduleReport;

/* Requests shared memory; called from _PG_init while preloading. */
extern void retention_schedule_request(void);

/* Is there a shared table? */
extern bool retention_schedule_attached(void);

/*
 * The database wants a look at "when", or earlier if it already asked so.
 * Takes effect when the current transaction commits.
 */
extern void retention_schedule_wake(Oid dbid, TimestampTz when);

/* For the launcher: this process is it, until it exits.  False if another is. */
extern bool retention_schedule_lead(void);

/* For the launcher: the databases that there are.  Those unknown are new. */
extern void retention_schedule_reconcile(const Oid *dbids, int count, TimestampTz now);

/*
 * For the launcher: the database whose look is most overdue, now starting.
 * InvalidOid if none is due: then *wake is when the next one will be.
 */
extern Oid	retention_schedule_next(TimestampTz now, TimestampTz *wake);

/* For the launcher: no worker could be had for it; it stays due at "again". */
extern void retention_schedule_postpone(Oid dbid, TimestampTz now, TimestampTz again);

/* For the launcher: its worker is gone.  A failure, if it had not reported. */
extern void retention_schedule_gone(Oid dbid, TimestampTz now);

/* For a worker: begins a visit.  False if another worker is there. */
extern bool retention_schedule_begin(Oid dbid, TimestampTz now);

/* For a worker: ends its visit. */
extern void retention_schedule_end(Oid dbid, const RetentionScheduleReport *report,
								   TimestampTz now);

/*
 * For a worker: states of rules are to be told, as that was not done for so many
 * seconds; "pause" counts while some are left.  *after: the table behind which to
 * go on, InvalidOid = from the first.
 */
extern bool retention_schedule_tell(Oid dbid, TimestampTz now, int seconds,
									int pause, Oid *after);

/* For a worker: they were told up to that table, InvalidOid = of all. */
extern void retention_schedule_told(Oid dbid, TimestampTz now, Oid last);

/* For an eraser: how the last visit found the database; NEW where none has been. */
extern RetentionScheduleState retention_schedule_state(Oid dbid);

/* For an eraser: something failed in the database.  No values of rows in it. */
extern void retention_schedule_note_error(Oid dbid, const char *error, TimestampTz now);

/*
 * Passes go without a replication origin, or with one.  True when that is without,
 * and news: for the server where there is a shared table, else for the session.
 */
extern bool retention_schedule_unmarked(bool unmarked);

/*
 * Copies the table, palloc'd; returns how many entries.  *launcher is the
 * launcher's pid or 0, *starved since when there has been no free worker slot or 0.
 */
extern int	retention_schedule_copy(RetentionScheduleEntry **entries,
									int *launcher, TimestampTz *starved);

#endif							/* RETENTION_SCHEDULE_H */
