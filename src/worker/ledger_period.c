/*
 * ledger_period.c
 *		What a visit does about old entries of the ledger.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored:
 * the entries of the dump come with their numbers.  Restored tables wait.
 */
#include "postgres.h"

#include "base/settings.h"
#include "evidence/shorten.h"
#include "guard/guard.h"
#include "worker/ledger_period.h"

void
retention_ledger_period_look_after(TimestampTz now)
{
	ListCell   *cell;

	if (retention_settings_ledger_period < 0)
		return;
	foreach(cell, retention_guard_relations())
		if (retention_guard_state(lfirst_oid(cell)) == RETENTION_PROTECTED)
	{
		(void) retention_shorten_due(now);
		return;
	}
}
