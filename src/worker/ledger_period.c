/*
 * ledger_period.c
 *		What a visit does about old entries of the ledger.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored:
 * the entries of the dump come with their numbers.  Restored tables wait.
 * No entry is shortened because the clock jumped, until somebody has accepted that.
 */
#include "postgres.h"

#include "base/settings.h"
#include "enforce/jump.h"
#include "evidence/shorten.h"
#include "guard/guard.h"
#include "worker/ledger_period.h"

void
retention_ledger_period_look_after(TimestampTz now)
{
	if (retention_settings_ledger_period >= 0 && retention_guard_protects_any())
		(void) retention_shorten_due(now - retention_jump_ahead());
}
