/*
 * epoch_record.c
 *		Keys that were made and destroyed, in the ledger of each database.
 *
 * Invariant: keys know no transactions: what a rollback or a crash kept out of the
 * ledger gets its entry later, with the time at which it happened, and only one.
 *
 * Keys are the server's, and each of its databases has a ledger: each records all
 * that it finds, whoever did it. Of a key that was made and destroyed before anybody
 * looked, only the end is found.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgtime.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "evidence/ledger.h"
#include "pseudonym/epoch_record.h"

#define TABLE "key_recorded"

bool
retention_epoch_record_is_known(void)
{
	return OidIsValid(retention_identity_find_own(TABLE));
}

/* The same whatever the session's time zone is. */
static char *
detail(int epoch, TimestampTz at)
{
	char		text[64];
	pg_time_t	seconds = timestamptz_to_time_t(at);

	pg_strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", pg_gmtime(&seconds));
	return psprintf("epoch %d at %s", epoch, text);
}

/* Runs a statement whose plan is kept; returns how many rows it saw. */
static uint64
execute(SPIPlanPtr *kept, const char *statement, int nargs, Oid *types, Datum *values,
		int expected)
{
	RetentionIdentity saved;
	uint64		rows;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (*kept == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement, nargs, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		*kept = plan;
	}
	if (SPI_execute_plan(*kept, values, NULL, false, 1) != expected)
		elog(ERROR, "a statement on recorded keys failed: %s",
			 SPI_result_code_string(SPI_result));
	rows = SPI_processed;
	retention_identity_restore(&saved);
	SPI_finish();
	return rows;
}

bool
retention_epoch_record_any(void)
{
	static SPIPlanPtr plan = NULL;

	return execute(&plan, "SELECT 1 FROM retention." TABLE, 0, NULL, NULL,
				   SPI_OK_SELECT) > 0;
}

static void
record(const char *event, int epoch, TimestampTz at)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTOID, INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(event), Int32GetDatum(epoch),
	TimestampTzGetDatum(at)};

	if (execute(&plan, "INSERT INTO retention." TABLE " (event, epoch, at)"
				" VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
				lengthof(types), types, values, SPI_OK_INSERT) > 0)
		retention_ledger_tell(event, NULL, -1, detail(epoch, at));
}

void
retention_epoch_record(const RetentionKeyEpoch *epoch)
{
	if (!TIMESTAMP_IS_NOBEGIN(epoch->created_at))
		record("create_key", epoch->epoch, epoch->created_at);
	/* While the key is there, it is not destroyed, whatever a note says. */
	if (!epoch->present && !TIMESTAMP_IS_NOBEGIN(epoch->destroyed_at))
		record("destroy_key", epoch->epoch, epoch->destroyed_at);
}

void
retention_epoch_record_missing(const RetentionKeyList *list)
{
	/* Against who inserts: their unfinished rows would be waited for. */
	if (!ConditionalLockRelationOid(retention_identity_own_relation(TABLE),
									ShareRowExclusiveLock))
		return;
	for (int i = 0; i < list->count; i++)
		retention_epoch_record(&list->epochs[i]);
}
