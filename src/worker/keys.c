/*
 * keys.c
 *		What a visit, or a CALL, does about the keys of pseudonyms.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored:
 * the entries of the dump come with their numbers.  No key is destroyed because the
 * clock jumped: it lives as much longer, until somebody has accepted the clock.
 * Nobody waits for a vault but who asked for it.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "enforce/jump.h"
#include "guard/guard.h"
#include "pseudonym/epoch.h"
#include "pseudonym/epoch_record.h"
#include "pseudonym/keystore.h"
#include "worker/keys.h"

void
retention_keys_look(RetentionKeysCare *care)
{
	care->wanted = retention_keystore_configured() && retention_epoch_record_is_known();
	care->next = DT_NOEND;
	care->list.count = 0;
	/* Who names a time to come means it. */
	care->ahead = care->wanted && care->now <= GetCurrentTimestamp() ?
		retention_jump_ahead() : 0;
}

void
retention_keys_tend(RetentionKeysCare *care)
{
	if (!care->wanted)
		return;
	care->next = retention_epoch_tend(care->now - care->ahead, &care->list);
	if (!TIMESTAMP_IS_NOEND(care->next))
		care->next += care->ahead;
}

/* Has this database a ledger of its own doing?  Restored tables wait. */
static bool
acts_here(void)
{
	return retention_epoch_record_any() || retention_guard_protects_any();
}

void
retention_keys_record(RetentionKeysCare *care)
{
	/* Objects of another version may be there by now. */
	if (care->list.count > 0 && retention_epoch_record_is_known() && acts_here())
		retention_epoch_record_missing(&care->list);
}
