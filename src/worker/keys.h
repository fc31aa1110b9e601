/*
 * keys.h
 *		What a visit, or a CALL, does about the keys of pseudonyms.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored.
 */
#ifndef RETENTION_KEYS_H
#define RETENTION_KEYS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Destroys the keys whose date has come as of "now" and records in the ledger what
 * is not in it; where the clock has jumped ahead, as of so much earlier.  Returns the next date.  Caller: in a transaction with an active
 * snapshot, which commits next.
 */
extern TimestampTz retention_keys_look_after(TimestampTz now);

#endif							/* RETENTION_KEYS_H */
