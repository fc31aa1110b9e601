/*
 * signing_key.c
 *		The key that signs checkpoints of the ledger.
 *
 * Invariant: whoever reads the private key wipes it.  Where it is kept is not the
 * ledger's business: the wing of the keys says so when the library is loaded.
 */
#include "postgres.h"

#include "evidence/signature.h"
#include "evidence/signing_key.h"

static RetentionSigningKeySource key_source = NULL;

void
retention_signing_key_provide(RetentionSigningKeySource source)
{
	key_source = source;
}

bool
retention_signing_key_read(uint8 private_key[RETENTION_NOTE_KEY])
{
	return key_source != NULL && retention_signature_available() && key_source(private_key);
}
