/*
 * merkle.h
 *		Merkle trees, and proofs in them, of RFC 6962 (section 2.1) and RFC 9162.
 *
 * Invariant: plain C, without the server's headers, and without memory of its
 * own: leaves are streamed in their order, and nothing grows faster than the
 * logarithm of their number.  bin/privacy_retention_verify links the same file.
 */
#ifndef RETENTION_MERKLE_H
#define RETENTION_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/digest.h"

#define RETENTION_MERKLE_DEPTH 64	/* no tree of ours is higher */

typedef struct RetentionMerkleHash
{
	uint8_t		bytes[RETENTION_DIGEST_LENGTH];
} RetentionMerkleHash;

/* The roots of the full subtrees of the leaves so far; zeroed: no leaf yet. */
typedef struct RetentionMerkleTree
{
	uint64_t	size;
	RetentionMerkleHash full[RETENTION_MERKLE_DEPTH];	/* where bit i of size
														 * is set: of 2^i leaves */
} RetentionMerkleTree;

/*
 * A proof that is being made: the subtrees [first, end) that it consists of, in
 * the order of their leaves, and where each belongs in the proof.
 */
typedef struct RetentionMerkleProof
{
	int			count;			/* of its hashes */
	RetentionMerkleHash hashes[RETENTION_MERKLE_DEPTH + 2];
	struct
	{
		uint64_t	first;
		uint64_t	end;
		int			at;
	}			parts[RETENTION_MERKLE_DEPTH + 2];
	int			done;			/* parts whose hashes are known */
	uint64_t	leaves;			/* seen */
	RetentionMerkleTree part;	/* the one that is being read */
} RetentionMerkleProof;

extern RetentionMerkleHash retention_merkle_leaf(const void *data, size_t length);
extern void retention_merkle_add(RetentionMerkleTree *tree, const RetentionMerkleHash *leaf);
extern RetentionMerkleHash retention_merkle_root(const RetentionMerkleTree *tree);

/* That leaf "index" (from 0) is in the tree of "size" leaves; index < size. */
extern void retention_merkle_prove_inclusion(RetentionMerkleProof *proof,
											 uint64_t index, uint64_t size);

/* That the tree of "size" leaves begins with that of "old" leaves; 0 < old <= size. */
extern void retention_merkle_prove_consistency(RetentionMerkleProof *proof,
											   uint64_t old, uint64_t size);

/* Adds the next of the leaves; the proof is made once all "size" were added. */
extern void retention_merkle_proof_add(RetentionMerkleProof *proof,
									   const RetentionMerkleHash *leaf);

/* RFC 9162, 2.1.3.2 and 2.1.4.2.  Any input: what proves nothing is false. */
extern bool retention_merkle_included(const RetentionMerkleHash *leaf, uint64_t index,
									  uint64_t size,
									  const RetentionMerkleHash *proof, int count,
									  const RetentionMerkleHash *root);
extern bool retention_merkle_consistent(uint64_t old, uint64_t size,
										const RetentionMerkleHash *proof, int count,
										const RetentionMerkleHash *old_root,
										const RetentionMerkleHash *root);

#endif							/* RETENTION_MERKLE_H */
