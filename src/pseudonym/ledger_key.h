/*
 * ledger_key.h
 *		The private key of the ledger's checkpoints, in the directory of the keys.
 *
 * Invariant: it is in that directory and nowhere else.
 */
#ifndef RETENTION_LEDGER_KEY_H
#define RETENTION_LEDGER_KEY_H

#include "postgres.h"

/* From now on checkpoints are signed by it; called once, from _PG_init. */
extern void retention_ledger_key_provide(void);

#endif							/* RETENTION_LEDGER_KEY_H */
