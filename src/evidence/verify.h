/*
 * verify.h
 *		Reads the ledger and judges its chain.
 *
 * Invariant: entries and head are read with one snapshot, as a stream: memory
 * does not grow with the ledger.
 */
#ifndef RETENTION_VERIFY_H
#define RETENTION_VERIFY_H

#include "postgres.h"

#include "evidence/chain.h"

/* Called for each entry that is good, with the chain that ends in it. */
typedef void (*RetentionVerifyEach) (const RetentionChain *chain,
									 const RetentionMerkleHash *leaf, void *arg);

typedef struct RetentionVerification
{
	RetentionChain chain;		/* judged to its end, or to its first problem */
	int64		entries;		/* sealed; also those behind a problem */
	int64		unsealed;
} RetentionVerification;

/*
 * Seals first where that is safe (see retention_ledger_seal), and reads only on a
 * standby.  each NULL: none.
 */
extern void retention_verify_read(RetentionVerification *state,
								  RetentionVerifyEach each, void *arg);

#endif							/* RETENTION_VERIFY_H */
