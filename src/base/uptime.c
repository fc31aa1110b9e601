/*
 * uptime.c
 *		By how much the server's clock has been set since the server started.
 *
 * Invariant: known where the library is preloaded, to all databases, also to those that
 * nobody has looked at yet; nothing is known of what was before the start.
 *
 * Each process has the first reading from the postmaster, which outlives a crash of
 * the others; what was accepted since is shared.
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/shared.h"
#include "base/uptime.h"

#define NAME "privacy_retention clock"

typedef struct Uptime
{
	RetentionShared shared;		/* its lock */
	bool		accepted;
	RetentionWalltime reading;	/* when it was */
} Uptime;

static RetentionWalltime first;
static Uptime *uptime = NULL;

/* What is to be accepted when the transaction commits. */
static bool pending = false;
static RetentionWalltime wanted;

void
retention_uptime_request(void)
{
	retention_walltime_read(&first);
	retention_shared_request(NAME, sizeof(Uptime), (void **) &uptime);
}

bool
retention_uptime_set_by(const RetentionWalltime *now, int64 *us)
{
	RetentionWalltime since = first;

	if (uptime == NULL)
		return false;
	LWLockAcquire(uptime->shared.lock, LW_SHARED);
	if (uptime->accepted)
		since = uptime->reading;
	LWLockRelease(uptime->shared.lock);
	return retention_walltime_set_by(&since, now, us);
}

static void
xact_ended(XactEvent event, void *arg)
{
	if (!pending || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
					 event != XACT_EVENT_PREPARE))
		return;
	pending = false;
	if (event != XACT_EVENT_COMMIT)
		return;
	LWLockAcquire(uptime->shared.lock, LW_EXCLUSIVE);
	uptime->accepted = true;
	uptime->reading = wanted;
	LWLockRelease(uptime->shared.lock);
}

void
retention_uptime_accept(const RetentionWalltime *now)
{
	static bool registered = false;

	if (uptime == NULL)
		return;
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		registered = true;
	}
	wanted = *now;
	pending = true;
}
