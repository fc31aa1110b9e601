/*
 * keys.c
 *		What a visit, or a CALL, does about the keys of pseudonyms.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored:
 * the entries of the dump come with their numbers.  No key is destroyed because the
 * clock jumped: it lives as much longer, until somebody has accepted the clock.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "enforce/jump.h"
#include "guard/guard.h"
#include "pseudonym/epoch.h"
#include "pseudonym/epoch_record.h"
#include "pseudonym/keystore.h"
#include "worker/keys.h"

/* Has this database a ledger of its own doing?  Restored tables wait. */
static bool
acts_here(void)
{
	return retention_epoch_record_any() || retention_guard_protects_any();
}

TimestampTz
retention_keys_look_after(TimestampTz now)
{
	int64		ahead = 0;
	TimestampTz next;

	/* Who names a time to come means it. */
	if (retention_keystore_configured() && now <= GetCurrentTimestamp())
		ahead = retention_jump_ahead();
	next = retention_epoch_visit(now - ahead, acts_here);
	return TIMESTAMP_IS_NOEND(next) ? next : next + ahead;
}
