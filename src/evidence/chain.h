/*
 * chain.h
 *		Judges the chain of the ledger, entry by entry.
 *
 * Invariant: plain C, without the server's headers, so that the server and
 * bin/privacy_retention_verify judge alike.  Entries are streamed in the order of
 * their places; memory does not grow with the ledger.
 *
 * Without a problem, the entries are exactly those that were sealed, each in its
 * place and unchanged, but for those at the beginning that were shortened and of
 * which a later entry says so.
 */
#ifndef RETENTION_CHAIN_H
#define RETENTION_CHAIN_H

#include "evidence/entry.h"
#include "evidence/merkle.h"

typedef struct RetentionChain
{
	int64_t		seq;			/* of the last entry; 0 = none yet */
	uint8_t		hash[RETENTION_DIGEST_LENGTH];	/* its hash */
	RetentionMerkleTree tree;	/* of all entries' hashes */
	int64_t		shortened;		/* entries 1 to this */
	RetentionMerkleHash shortened_root; /* the tree of these */
	bool		shortening_told;	/* a later entry says so */
	char		problem[128];	/* the first one; "" = none */
} RetentionChain;

/*
 * What an entry is in a tree: the hash of its hash.  Not of its bytes: these go
 * when it is shortened, and the proofs must hold all the same.
 */
extern RetentionMerkleHash retention_chain_leaf(const uint8_t hash[RETENTION_DIGEST_LENGTH]);

/* A chain without entries. */
extern void retention_chain_begin(RetentionChain *chain);

/*
 * Judges the next entry.  entry NULL: it has a value that no entry is written
 * with.  prev_hash, hash NULL: they are not 32 bytes.  False once there is a problem.
 */
extern bool retention_chain_add(RetentionChain *chain, int64_t seq,
								const RetentionEntry *entry,
								const uint8_t *prev_hash, const uint8_t *hash);

/*
 * Judges the end against the head: has_head false: there is none.  head_hash
 * NULL: it is not 32 bytes.
 */
extern bool retention_chain_end(RetentionChain *chain, bool has_head,
								int64_t head_seq, const uint8_t *head_hash);

/* What the entry that tells of a shortening has in its detail. */
#define RETENTION_CHAIN_DETAIL 160
extern void retention_chain_shortening(char detail[RETENTION_CHAIN_DETAIL], int64_t last,
									   const RetentionMerkleHash *root);

#endif							/* RETENTION_CHAIN_H */
