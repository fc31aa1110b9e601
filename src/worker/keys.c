/*
 * keys.c
 *		What a visit, or a CALL, does about the keys of pseudonyms.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored:
 * the entries of the dump come with their numbers.
 */
#include "postgres.h"

#include "guard/guard.h"
#include "pseudonym/epoch.h"
#include "pseudonym/epoch_record.h"
#include "worker/keys.h"

/* Has this database a ledger of its own doing?  Restored tables wait. */
static bool
acts_here(void)
{
	ListCell   *cell;

	if (retention_epoch_record_any())
		return true;
	foreach(cell, retention_guard_relations())
		if (retention_guard_state(lfirst_oid(cell)) == RETENTION_PROTECTED)
		return true;
	return false;
}

TimestampTz
retention_keys_look_after(TimestampTz now)
{
	return retention_epoch_visit(now, acts_here);
}
