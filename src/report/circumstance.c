/*
 * circumstance.c
 *		What concerns every rule of a database: is there a worker, and does the
 *		extension stand as it should?
 *
 * Invariant: reading changes nothing, also on a standby, where none of it counts.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker_internals.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/identity.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "report/circumstance.h"

/* One failed visit is tried again after 5 s; more in a row are told. */
#define FAILED_VISITS 3

static const RetentionScheduleEntry *
find_own(const RetentionScheduleEntry *entries, int count)
{
	for (int i = 0; i < count; i++)
		if (entries[i].dbid == MyDatabaseId)
			return &entries[i];
	return NULL;
}

static void
set(RetentionCircumstance *circumstance, char *reason, char *remedy)
{
	circumstance->reason = reason;
	circumstance->remedy = remedy;
}

static void
look_for_worker(RetentionCircumstances *found, TimestampTz now)
{
	RetentionScheduleEntry *entries;
	const RetentionScheduleEntry *own;
	TimestampTz starved;
	int			launcher;
	TimestampTz opens = retention_settings_next_opening(now);

	if (!retention_schedule_attached())
	{
		set(&found->absence, "no worker comes: the library is not preloaded",
			NULL);
		return;
	}
	if (opens > now)
		set(&found->absence,
			psprintf("the worker may not work before %s (privacy_retention.time_window)",
					 timestamptz_to_str(opens)), NULL);
	own = find_own(entries, retention_schedule_copy(&entries, &launcher, &starved));
	if (launcher == 0)
		set(&found->worker, "the launcher of the workers is gone; the server's log says why",
			"CALL retention.enforce()");
	else if (starved != 0 && (own == NULL || (own->pid == 0 && own->next_wake <= now)))
		set(&found->worker,
			psprintf("there has been no free slot for a worker since %s; a changed max_worker_processes counts after a restart",
					 timestamptz_to_str(starved)),
			psprintf("ALTER SYSTEM SET max_worker_processes = %d",
					 max_worker_processes + 4));
	else if (own != NULL && own->state == RETENTION_FAILED && own->failures >= FAILED_VISITS)
		set(&found->worker,
			psprintf("the worker has failed %d times in this database: %s",
					 own->failures, own->last_error),
			"CALL retention.enforce()");
}

static char *
copy_value(int column, MemoryContext context)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(context, value) : NULL;
}

static void
look_at_extension(RetentionCircumstances *found)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	char	   *names = NULL;
	char	   *remedy = NULL;
	char	   *version = NULL;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute("SELECT string_agg(t.evtname, ', ' ORDER BY t.evtname),"
					" string_agg(format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', t.evtname), '; '"
					" ORDER BY t.evtname),"
					" (SELECT e.extversion FROM pg_catalog.pg_extension e"
					" WHERE e.extname = '" RETENTION_EXTENSION_NAME "')"
					" FROM pg_catalog.pg_event_trigger t"
					" JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid"
					" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
					" WHERE n.nspname = 'retention' AND t.evtenabled <> 'A'",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the event triggers could not be read");
	if (SPI_processed == 1)
	{
		names = copy_value(1, context);
		remedy = copy_value(2, context);
		version = copy_value(3, context);
	}
	retention_identity_restore(&saved);
	SPI_finish();

	if (names)
		set(&found->triggers,
			psprintf("commands that break protection may go unnoticed, as event triggers are disabled: %s",
					 names), remedy);
	if (version && strcmp(version, RETENTION_EXTENSION_VERSION) != 0)
		set(&found->version,
			psprintf("the extension's objects are of version %s, its library of %s",
					 version, RETENTION_EXTENSION_VERSION),
			"ALTER EXTENSION " RETENTION_EXTENSION_NAME " UPDATE");
}

RetentionCircumstances *
retention_circumstance_read(TimestampTz now)
{
	RetentionCircumstances *found = palloc0(sizeof(RetentionCircumstances));

	look_at_extension(found);
	if (!RecoveryInProgress())
		look_for_worker(found, now);
	return found;
}
