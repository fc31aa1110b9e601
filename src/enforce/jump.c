/*
 * jump.c
 *		Clocks that jump: what the last pass saw, and what this one sees.
 *
 * Invariant: no pass runs by a clock that went back behind the last pass or the
 * newest commit; after one that went ahead each rule is counted before it goes on.
 *
 * Within one start of the machine a jump ahead is seen by a clock that nobody sets;
 * otherwise only a gap that no pass explains looks like one.  A database without a
 * pass goes by what the server has seen since it started.
 */
#include "postgres.h"

#include "access/commit_ts.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/identity.h"
#include "base/schedule.h"
#include "base/uptime.h"
#include "base/walltime.h"
#include "enforce/confirmation.h"
#include "enforce/jump.h"
#include "evidence/ledger.h"

/* Less is corrected by time services every day, or is a machine that slept. */
#define TOLERANCE (5 * USECS_PER_MINUTE)
/* Across a restart of the machine: so long without a pass looks like a jump. */
#define IMPLAUSIBLE_GAP (30 * USECS_PER_DAY)
/* Noted again only after so long, so that an idle pass writes nothing. */
#define NOTE_EVERY (10 * USECS_PER_SEC)

PG_FUNCTION_INFO_V1(retention_jump_accept_sql);

typedef struct Note
{
	RetentionWalltime reading;
	int			jumps;
	int64		ahead;
	TimestampTz back_since;		/* DT_NOBEGIN = it is not */
} Note;

/* The objects of 1.0 know nothing of clocks. */
static bool
is_known(void)
{
	return OidIsValid(retention_identity_find_own("pass_clock"));
}

/* What the last pass noted; false if there was none.  SPI is connected. */
static bool
read_note(Note *note, bool lock)
{
	RetentionIdentity saved;
	bool		found;

	retention_identity_become_extension(&saved);
	if (SPI_execute(lock ?
					"SELECT at, running, boot, jumps, ahead, back_since"
					" FROM retention.pass_clock FOR UPDATE" :
					"SELECT at, running, boot, jumps, ahead, back_since"
					" FROM retention.pass_clock", !lock, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.pass_clock could not be read");
	found = SPI_processed == 1;
	if (found)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		Datum		back;

		note->reading.at = DatumGetTimestampTz(SPI_getbinval(row, desc, 1, &isnull));
		note->reading.running = DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull));
		strlcpy(note->reading.boot, SPI_getvalue(row, desc, 3),
				sizeof(note->reading.boot));
		note->jumps = DatumGetInt32(SPI_getbinval(row, desc, 4, &isnull));
		note->ahead = DatumGetInt64(SPI_getbinval(row, desc, 5, &isnull));
		back = SPI_getbinval(row, desc, 6, &isnull);
		note->back_since = isnull ? DT_NOBEGIN : DatumGetTimestampTz(back);
	}
	retention_identity_restore(&saved);
	return found;
}

static void
write_note(const Note *note)
{
	Oid			types[] = {TIMESTAMPTZOID, INT8OID, TEXTOID, INT4OID, INT8OID,
	TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(note->reading.at),
		Int64GetDatum(note->reading.running), CStringGetTextDatum(note->reading.boot),
		Int32GetDatum(note->jumps), Int64GetDatum(note->ahead),
	TimestampTzGetDatum(note->back_since)};
	char		nulls[lengthof(types) + 1] = "      ";
	RetentionIdentity saved;

	if (TIMESTAMP_IS_NOBEGIN(note->back_since))
		nulls[5] = 'n';
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("INSERT INTO retention.pass_clock"
							  " (at, running, boot, jumps, ahead, back_since)"
							  " VALUES ($1, $2, $3, $4, $5, $6)"
							  " ON CONFLICT (single) DO UPDATE SET at = $1, running = $2,"
							  " boot = $3, jumps = $4, ahead = $5, back_since = $6",
							  lengthof(types), types, values, nulls, false, 0) < 0)
		elog(ERROR, "retention.pass_clock could not be written");
	retention_identity_restore(&saved);
}

/*
 * The newest thing known to have happened: the last pass, the newest commit.  One
 * that came from another server has the time of that server's clock.
 */
static TimestampTz
newest(const Note *note)
{
	TimestampTz commit = DT_NOBEGIN;
	RetentionOriginId origin = RETENTION_NO_ORIGIN;

	if (track_commit_timestamp)
		(void) GetLatestCommitTsData(&commit, &origin);
	return origin == RETENTION_NO_ORIGIN ? Max(note->reading.at, commit) : note->reading.at;
}

/* By how much the clock is ahead of what could be; 0 = it is not. */
static int64
ahead_by(const RetentionWalltime *before, const RetentionWalltime *now)
{
	int64		us;

	if (retention_walltime_set_by(before, now, &us))
		return us > TOLERANCE ? us : 0;
	us = now->at - before->at;
	return us > IMPLAUSIBLE_GAP ? us : 0;
}

/* The same where no pass has been. */
static int64
ahead_since_start(const RetentionWalltime *now)
{
	int64		us;

	return retention_uptime_set_by(now, &us) && us > TOLERANCE ? us : 0;
}

bool
retention_jump_note(void)
{
	RetentionWalltime now;
	Note		note = {0};
	bool		known;
	int64		ahead;
	int64		behind;

	if (!is_known())
		return true;
	retention_walltime_read(&now);
	known = read_note(&note, false);
	ahead = known ? ahead_by(&note.reading, &now) : ahead_since_start(&now);
	behind = known ? newest(&note) - now.at : 0;
	if (known && ahead == 0 && behind <= TOLERANCE &&
		TIMESTAMP_IS_NOBEGIN(note.back_since) &&
		now.at >= note.reading.at && now.at - note.reading.at < NOTE_EVERY &&
		strcmp(now.boot, note.reading.boot) == 0)
		return true;

	/* Something is to be written: look again, alone. */
	if (known)
	{
		(void) read_note(&note, true);
		ahead = ahead_by(&note.reading, &now);
		behind = newest(&note) - now.at;
	}
	else
		note.back_since = DT_NOBEGIN;
	if (behind > TOLERANCE && behind > note.ahead + TOLERANCE)
	{
		if (TIMESTAMP_IS_NOBEGIN(note.back_since))
		{
			ereport(LOG,
					(errmsg("privacy_retention: the server's clock went back behind the last pass: nothing is enforced in database %u",
							MyDatabaseId),
					 errhint("%s;", RETENTION_JUMP_REMEDY)));
			note.back_since = now.at;
			write_note(&note);
		}
		return false;
	}
	if (ahead > 0)
		ereport(LOG,
				(errmsg("privacy_retention: the server's clock is " INT64_FORMAT " s ahead of what the last pass, or the server's start, lets expect: rules are counted before they go on",
						ahead / USECS_PER_SEC),
				 errhint("%s; until then keys are not destroyed, and the ledger is not shortened, by what it jumped.",
						 RETENTION_JUMP_REMEDY)));
	if (ahead > 0 || behind > TOLERANCE)
		note.jumps++;
	note.ahead = behind > TOLERANCE ? 0 : Max(ahead, note.ahead);
	note.back_since = DT_NOBEGIN;
	note.reading = now;
	write_note(&note);
	return true;
}

bool
retention_jump_is_back(TimestampTz now, TimestampTz *last)
{
	Note		note = {0};
	bool		back = false;

	if (!is_known())
		return false;
	SPI_connect();
	if (read_note(&note, false))
	{
		*last = note.reading.at;
		back = !TIMESTAMP_IS_NOBEGIN(note.back_since) &&
			note.reading.at - now > TOLERANCE;
	}
	SPI_finish();
	return back;
}

int64
retention_jump_ahead(void)
{
	RetentionWalltime now;
	Note		note = {0};
	int64		ahead = 0;

	if (!is_known())
		return 0;
	SPI_connect();
	/* A worker has none. */
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_walltime_read(&now);
	if (read_note(&note, false))
		ahead = Max(note.ahead, ahead_by(&note.reading, &now));
	else
		ahead = ahead_since_start(&now);
	PopActiveSnapshot();
	SPI_finish();
	return ahead;
}

/* accept_clock() */
Datum
retention_jump_accept_sql(PG_FUNCTION_ARGS)
{
	Note		note = {0};
	char	   *detail = NULL;

	PreventCommandIfReadOnly("retention.accept_clock()");
	retention_identity_require_officer("accept a clock that jumped");
	SPI_connect();
	if (read_note(&note, true))
		detail = MemoryContextStrdup(fcinfo->flinfo->fn_mcxt,
									 psprintf("the last pass was at %s",
											  timestamptz_to_str(note.reading.at)));
	else
		note.back_since = DT_NOBEGIN;
	retention_walltime_read(&note.reading);
	note.ahead = 0;
	note.back_since = DT_NOBEGIN;
	write_note(&note);
	SPI_finish();
	retention_confirmation_accept_jump(note.jumps);
	retention_uptime_accept(&note.reading);

	retention_ledger_tell("accept_clock", NULL, -1, detail);
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_VOID();
}
