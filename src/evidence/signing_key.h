/*
 * signing_key.h
 *		The key that signs checkpoints of the ledger.
 *
 * Invariant: whoever reads the private key wipes it.  Where it is kept is not the
 * ledger's business: the wing of the keys says so when the library is loaded.
 */
#ifndef RETENTION_SIGNING_KEY_H
#define RETENTION_SIGNING_KEY_H

#include "postgres.h"

#include "evidence/note.h"

/*
 * Reads the private key; the caller wipes it.  False where there is none and none
 * can be made.  ERROR if it is not kept as it must be.
 */
typedef bool (*RetentionSigningKeySource) (uint8 private_key[RETENTION_NOTE_KEY]);

extern void retention_signing_key_provide(RetentionSigningKeySource source);
extern bool retention_signing_key_read(uint8 private_key[RETENTION_NOTE_KEY]);

#endif							/* RETENTION_SIGNING_KEY_H */
