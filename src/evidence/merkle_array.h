/*
 * merkle_array.h
 *		Hashes of Merkle trees as SQL values.
 *
 * Invariant: what comes from SQL is of any length and number; what is not a list
 * of hashes proves nothing.
 */
#ifndef RETENTION_MERKLE_ARRAY_H
#define RETENTION_MERKLE_ARRAY_H

#include "postgres.h"

#include "evidence/merkle.h"

/* The hashes of a proof that is made, as bytea[]. */
extern Datum retention_merkle_array_proof(const RetentionMerkleProof *proof);

#endif							/* RETENTION_MERKLE_ARRAY_H */
