/*
 * origin.c
 *		The replication origin that marks what retention changes.
 *
 * Invariant: between take() and release() every transaction of the session
 * carries the origin, with a commit time of its own; none outside does.  An origin
 * that somebody else has set is left alone.
 *
 * The server lets one session at a time use an origin, and each origin that was
 * ever used keeps a place in shared memory, of which there are
 * max_replication_slots: so there are a few of them, made when they are needed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "replication/origin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/identity.h"
#include "base/origin.h"
#include "base/schedule.h"
#include "base/settings.h"

/* Passes that can be marked at the same time. */
#define POOL 4

typedef struct Candidate
{
	char		name[sizeof(RETENTION_ORIGIN_NAME) + 12];
	bool		create;
	RetentionOriginId id;
} Candidate;

/* What take() has set. */
static RetentionOriginId mine = RETENTION_NO_ORIGIN;

/*
 * The commit record takes the time from the session's state, where the last
 * commit left its own.
 */
static void
stamp(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT && mine != RETENTION_NO_ORIGIN &&
		retention_compat_origin == mine)
		retention_compat_origin_timestamp = GetCurrentTimestamp();
}

static void
set_up(void *arg)
{
	Candidate  *candidate = (Candidate *) arg;

	candidate->id = replorigin_by_name(candidate->name, true);
	if (candidate->id == RETENTION_NO_ORIGIN && candidate->create)
		candidate->id = replorigin_create(candidate->name);
	if (candidate->id != RETENTION_NO_ORIGIN)
		retention_compat_origin_setup(candidate->id);
}

/* The first that is free; those that exist before a new one. */
static RetentionOriginId
take_one(bool create)
{
	for (int i = 1; i <= POOL; i++)
	{
		Candidate	candidate = {.create = create,.id = RETENTION_NO_ORIGIN};
		ErrorData  *error;

		if (i == 1)
			strcpy(candidate.name, RETENTION_ORIGIN_NAME);
		else
			snprintf(candidate.name, sizeof(candidate.name), "%s_%d",
					 RETENTION_ORIGIN_NAME, i);
		error = retention_attempt_run(set_up, &candidate);
		if (error == NULL && candidate.id != RETENTION_NO_ORIGIN)
			return candidate.id;
		if (error != NULL)
		{
			bool		full = error->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;

			FreeErrorData(error);
			if (full && create)
				break;
		}
	}
	return RETENTION_NO_ORIGIN;
}

void
retention_origin_take(void)
{
	static bool registered = false;
	RetentionOriginId id = RETENTION_NO_ORIGIN;

	if (mine != RETENTION_NO_ORIGIN || !XLogLogicalInfoActive() ||
		!retention_settings_replication_origin ||
		retention_compat_origin != RETENTION_NO_ORIGIN)
		return;
	if (!registered)
	{
		RegisterXactCallback(stamp, NULL);
		registered = true;
	}
	if (retention_compat_origin_places() > 0)
	{
		id = take_one(false);
		if (id == RETENTION_NO_ORIGIN)
			id = take_one(true);
	}
	if (id != RETENTION_NO_ORIGIN)
	{
		retention_compat_origin = id;
		retention_compat_origin_lsn = InvalidXLogRecPtr;
		mine = id;
	}
	if (retention_schedule_unmarked(id == RETENTION_NO_ORIGIN))
		ereport(LOG,
				(errmsg("privacy_retention: changes go out without a replication origin, because none is free"),
				 errdetail("Consumers of logical decoding cannot tell them from other changes."),
				 errhint("Raise %s, or set privacy_retention.replication_origin to off.",
						 retention_compat_origin_setting)));
}

void
retention_origin_release(void)
{
	RetentionOriginId id = mine;

	mine = RETENTION_NO_ORIGIN;
	/* a superuser's trigger may have reset it */
	if (id == RETENTION_NO_ORIGIN || retention_compat_origin != id)
		return;
	replorigin_session_reset();
	retention_compat_origin = RETENTION_NO_ORIGIN;
	retention_compat_origin_lsn = InvalidXLogRecPtr;
	retention_compat_origin_timestamp = 0;
}

bool
retention_origin_problem(char **reason, char **remedy)
{
	RetentionIdentity saved;
	bool		isnull;
	bool		found;
	int64		used;

	if (!XLogLogicalInfoActive() || RecoveryInProgress() ||
		!retention_settings_replication_origin)
		return false;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute("SELECT pg_catalog.count(*), pg_catalog.count(*)"
					" FILTER (WHERE external_id = '" RETENTION_ORIGIN_NAME "') > 0"
					" FROM pg_catalog.pg_show_replication_origin_status()",
					true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the replication origins could not be read");
	used = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
	found = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 2, &isnull));
	retention_identity_restore(&saved);
	SPI_finish();

	if (found || used < retention_compat_origin_places())
		return false;
	*reason = pstrdup("changes go out without a replication origin, because no place for one is free");
	*remedy = psprintf("Raise %s and restart, or drop origins that nobody uses with pg_replication_origin_drop(), or set privacy_retention.replication_origin to off.",
					   retention_compat_origin_setting);
	return true;
}
