/*
 * extension.c
 *		The extension itself: is it there, and does it stay?
 *
 * Invariant: the lock is the session's: it outlives the transactions of a pass.  It
 * does not outlive one that is rolled back: the server releases all locks then, and
 * nobody counts it any longer.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/inval.h"

#include "base/extension.h"

/* What is locked; InvalidOid = nothing. */
static Oid	locked = InvalidOid;
static int	depth = 0;

/* The server releases the session's locks, too, once it has called this. */
static void
xact_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		depth = 0;
}

static void
set_tag(LOCKTAG *tag, Oid extension)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId, extension, 0);
}

bool
retention_extension_lock(bool *busy)
{
	static bool registered = false;
	Oid			extension = get_extension_oid(RETENTION_EXTENSION_NAME, true);
	LOCKTAG		tag;

	*busy = false;
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		registered = true;
	}
	if (!OidIsValid(extension))
		return false;
	set_tag(&tag, extension);
	if (LockAcquire(&tag, AccessShareLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		*busy = true;
		return false;
	}
	/* It may have been dropped, and made anew, before the lock was there. */
	AcceptInvalidationMessages();
	if (get_extension_oid(RETENTION_EXTENSION_NAME, true) != extension)
	{
		(void) LockRelease(&tag, AccessShareLock, true);
		return false;
	}
	locked = extension;
	depth++;
	return true;
}

void
retention_extension_require(const char *done)
{
	bool		busy;

	if (!retention_extension_lock(&busy))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing is %s: extension privacy_retention is being dropped", done)));
}

void
retention_extension_unlock(void)
{
	LOCKTAG		tag;

	if (depth == 0)
		return;
	depth--;
	set_tag(&tag, locked);
	(void) LockRelease(&tag, AccessShareLock, true);
}

void
retention_extension_release(void)
{
	while (depth > 0)
		retention_extension_unlock();
}

void
retention_extension_lock_exclusively(void)
{
	Oid			extension = get_extension_oid(RETENTION_EXTENSION_NAME, true);

	if (OidIsValid(extension))
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessExclusiveLock);
}
