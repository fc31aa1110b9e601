/*
 * moment.c
 *		A moment of the eraser: a short transaction between two commands, in which it
 *		asks whether it may go on, and reads and writes rounds.
 *
 * Invariant: the extension is locked for no longer than that.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "enforce/pause.h"
#include "worker/moment.h"
#include "worker/visit.h"

/*
 * What ALTER DATABASE sets meanwhile this session does not see: that the last visit
 * found it so counts, too.
 */
bool
retention_moment_wanted(void)
{
	RetentionScheduleState seen;
	TimestampTz now = GetCurrentTimestamp();

	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (!retention_settings_enabled || retention_settings_erase_within == 0 ||
		retention_settings_next_opening(now) > now)
		return false;
	seen = retention_schedule_state(MyDatabaseId);
	return seen != RETENTION_OFF && seen != RETENTION_CLOSED;
}

void
retention_moment_begin(const char *activity)
{
	retention_visit_start(activity);
	PushActiveSnapshot(GetTransactionSnapshot());
}

bool
retention_moment_enter(const char *relation)
{
	bool		busy;

	if (!retention_moment_wanted() || !retention_extension_lock(&busy))
		return false;
	if (relation == NULL || !retention_pause_find(relation, GetCurrentTimestamp(), NULL))
		return true;
	retention_extension_unlock();
	return false;
}

void
retention_moment_leave(void)
{
	PopActiveSnapshot();
	retention_visit_commit();
	retention_extension_unlock();
}
