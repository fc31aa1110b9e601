/*
 * ledger_period.c
 *		What becomes of old entries of the ledger, at a visit or because an officer
 *		says so.
 *
 * Invariant: no entry is shortened while the erasure of what it tells of goes on, or
 * backups may still hold it: nobody would see any more that it is not done.
 * Nothing is written to the ledger of a database that is being restored: the entries
 * of the dump come with their numbers.  Restored tables wait.
 * No entry is shortened because the clock jumped, until somebody has accepted that.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/settings.h"
#include "enforce/jump.h"
#include "erase/horizon.h"
#include "evidence/shorten.h"
#include "guard/guard.h"
#include "worker/ledger_period.h"

PG_FUNCTION_INFO_V1(retention_ledger_period_shorten_sql);

void
retention_ledger_period_look_after(TimestampTz now)
{
	if (retention_settings_ledger_period >= 0 && retention_guard_protects_any())
		(void) retention_shorten_due(now - retention_jump_ahead(), retention_horizon_first_open);
}

/* retention.shorten_ledger(before) */
Datum
retention_ledger_period_shorten_sql(PG_FUNCTION_ARGS)
{
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(0);
	int64		shortened;
	int64		kept;

	retention_identity_require_officer("shorten the ledger");
	if (before > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entries of the future cannot be shortened")));
	PreventInTransactionBlock(true, "retention.shorten_ledger()");
	/* what was noted of another server's files does not count */
	retention_horizon_advance();
	CommandCounterIncrement();
	shortened = retention_shorten_before(before, retention_horizon_first_open, &kept);
	if (kept > 0)
		ereport(NOTICE,
				(errmsg("entry " INT64_FORMAT " of the ledger and what follows it stay as they are", kept),
				 errdetail("What it tells of is not yet erased from all places, or from backups, as declared."),
				 errhint("SELECT * FROM retention.erasure_horizon WHERE entry = " INT64_FORMAT ";", kept)));
	PG_RETURN_INT64(shortened);
}
