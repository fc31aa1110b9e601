/*
 * check_worker.c
 *		Findings about the worker: does one look after this database?
 *
 * Invariant: where nobody enforces, that is an error as soon as a table is
 * protected, and nothing before.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/schedule.h"
#include "base/settings.h"
#include "guard/guard.h"
#include "report/check.h"

#define OBJECT "the worker"

static const RetentionScheduleEntry *
find_own(const RetentionScheduleEntry *entries, int count)
{
	for (int i = 0; i < count; i++)
		if (entries[i].dbid == MyDatabaseId)
			return &entries[i];
	return NULL;
}

void
retention_check_worker(RetentionFindings *findings)
{
	RetentionScheduleEntry *entries;
	const RetentionScheduleEntry *own;
	TimestampTz starved;
	int			launcher;
	int			count;

	/* on a standby nothing is enforced, and need not be */
	if (RecoveryInProgress() || !retention_settings_enabled ||
		retention_guard_relations() == NIL)
		return;
	if (!retention_schedule_attached())
	{
		retention_finding_add(findings, RETENTION_SEVERITY_INFO, OBJECT,
							  "the library is not preloaded: no worker enforces the rules",
							  "shared_preload_libraries = 'privacy_retention', then a restart; or CALL retention.enforce() by pg_cron or another client.");
		return;
	}
	count = retention_schedule_copy(&entries, &launcher, &starved);
	own = find_own(entries, count);
	if (launcher == 0)
		retention_finding_add(findings, RETENTION_SEVERITY_ERROR, OBJECT,
							  "the launcher is not there",
							  "The server restarts it within 10 s; if not, the server's log says why.");
	else if (starved != 0 && (own == NULL || own->next_wake <= GetCurrentTimestamp()))
		retention_finding_add(findings, RETENTION_SEVERITY_ERROR, OBJECT,
							  "there has been no free slot for a worker",
							  "Raise max_worker_processes, and restart the server.");
	else if (own == NULL)
		retention_finding_add(findings, RETENTION_SEVERITY_WARNING, OBJECT,
							  "the launcher does not know this database yet",
							  "SELECT retention.wake()");
	else if (own->state == RETENTION_FAILED)
		retention_finding_add(findings, RETENTION_SEVERITY_ERROR, OBJECT,
							  psprintf("the last visit failed: %s", own->last_error),
							  "SELECT * FROM retention.worker; the server's log has more.");
}
