/*
 * merkle.c
 *		Merkle trees, and proofs in them, of RFC 6962 (section 2.1) and RFC 9162.
 *
 * Invariant: plain C, and a pure function of the leaves.  Leaves and nodes are
 * hashed with different first bytes, so that neither passes for the other.
 *
 * A proof is a list of subtrees' roots.  Which subtrees is known from the sizes
 * alone; so they are listed first, and their leaves are then streamed past.
 */
#include <string.h>

#include "evidence/merkle.h"

RetentionMerkleHash
retention_merkle_leaf(const void *data, size_t length)
{
	RetentionDigest *digest = retention_digest_begin();
	RetentionMerkleHash result;

	retention_digest_add(digest, "\x00", 1);
	retention_digest_add(digest, data, length);
	retention_digest_end(digest, result.bytes);
	return result;
}

static RetentionMerkleHash
node(const RetentionMerkleHash *left, const RetentionMerkleHash *right)
{
	RetentionDigest *digest = retention_digest_begin();
	RetentionMerkleHash result;

	retention_digest_add(digest, "\x01", 1);
	retention_digest_add(digest, left->bytes, RETENTION_DIGEST_LENGTH);
	retention_digest_add(digest, right->bytes, RETENTION_DIGEST_LENGTH);
	retention_digest_end(digest, result.bytes);
	return result;
}

void
retention_merkle_add(RetentionMerkleTree *tree, const RetentionMerkleHash *leaf)
{
	RetentionMerkleHash carry = *leaf;
	int			level = 0;

	for (; (tree->size >> level) & 1; level++)
		carry = node(&tree->full[level], &carry);
	tree->full[level] = carry;
	tree->size++;
}

RetentionMerkleHash
retention_merkle_root(const RetentionMerkleTree *tree)
{
	RetentionMerkleHash result;
	bool		any = false;

	if (tree->size == 0)
		retention_digest_end(retention_digest_begin(), result.bytes);
	for (int level = 0; level < RETENTION_MERKLE_DEPTH; level++)
	{
		if (((tree->size >> level) & 1) == 0)
			continue;
		result = any ? node(&tree->full[level], &result) : tree->full[level];
		any = true;
	}
	return result;
}

/* The largest power of two that is less than n; n > 1. */
static uint64_t
split(uint64_t n)
{
	uint64_t	k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/*
 * Lists the parts of a proof from the root down: "beside" is the subtree next to
 * the one that is entered.  The hash that is found last is the proof's first.
 */
static void
list_part(RetentionMerkleProof *proof, uint64_t first, uint64_t end)
{
	proof->parts[proof->count].first = first;
	proof->parts[proof->count].end = end;
	proof->count++;
}

/* Into the order of their leaves, for the stream. */
static void
order_parts(RetentionMerkleProof *proof)
{
	for (int i = 0; i < proof->count; i++)
		proof->parts[i].at = proof->count - 1 - i;
	for (int i = 1; i < proof->count; i++)
		for (int j = i; j > 0 && proof->parts[j - 1].first > proof->parts[j].first; j--)
		{
			uint64_t	first = proof->parts[j].first;
			uint64_t	end = proof->parts[j].end;
			int			at = proof->parts[j].at;

			proof->parts[j] = proof->parts[j - 1];
			proof->parts[j - 1].first = first;
			proof->parts[j - 1].end = end;
			proof->parts[j - 1].at = at;
		}
}

void
retention_merkle_prove_inclusion(RetentionMerkleProof *proof,
								 uint64_t index, uint64_t size)
{
	uint64_t	first = 0;
	uint64_t	end = size;

	memset(proof, 0, sizeof(*proof));
	while (end - first > 1)
	{
		uint64_t	middle = first + split(end - first);

		if (index < middle)
		{
			list_part(proof, middle, end);
			end = middle;
		}
		else
		{
			list_part(proof, first, middle);
			first = middle;
		}
	}
	order_parts(proof);
}

void
retention_merkle_prove_consistency(RetentionMerkleProof *proof,
								   uint64_t old, uint64_t size)
{
	uint64_t	first = 0;
	uint64_t	end = size;
	bool		whole = true;	/* the old tree is all that was entered so far */

	memset(proof, 0, sizeof(*proof));
	while (old < end)
	{
		uint64_t	middle = first + split(end - first);

		if (old <= middle)
		{
			list_part(proof, middle, end);
			end = middle;
		}
		else
		{
			list_part(proof, first, middle);
			first = middle;
			whole = false;
		}
	}
	/* The old tree's own root need not be told to who has it. */
	if (!whole)
		list_part(proof, first, end);
	order_parts(proof);
}

void
retention_merkle_proof_add(RetentionMerkleProof *proof, const RetentionMerkleHash *leaf)
{
	uint64_t	index = proof->leaves++;

	if (proof->done == proof->count || index < proof->parts[proof->done].first)
		return;
	retention_merkle_add(&proof->part, leaf);
	if (index + 1 < proof->parts[proof->done].end)
		return;
	proof->hashes[proof->parts[proof->done].at] = retention_merkle_root(&proof->part);
	proof->part.size = 0;
	proof->done++;
}

static bool
same(const RetentionMerkleHash *one, const RetentionMerkleHash *other)
{
	return memcmp(one->bytes, other->bytes, RETENTION_DIGEST_LENGTH) == 0;
}

bool
retention_merkle_included(const RetentionMerkleHash *leaf, uint64_t index, uint64_t size,
						  const RetentionMerkleHash *proof, int count,
						  const RetentionMerkleHash *root)
{
	RetentionMerkleHash hash = *leaf;
	uint64_t	last = size - 1;

	if (index >= size)
		return false;
	for (int i = 0; i < count; i++)
	{
		if (last == 0)
			return false;
		if ((index & 1) == 1 || index == last)
		{
			hash = node(&proof[i], &hash);

			/*
			 * Where nothing is to its right, the node rises to the level of
			 * its neighbour.
			 */
			while ((index & 1) == 0 && index != 0)
			{
				index >>= 1;
				last >>= 1;
			}
		}
		else
			hash = node(&hash, &proof[i]);
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && same(&hash, root);
}

bool
retention_merkle_consistent(uint64_t old, uint64_t size,
							const RetentionMerkleHash *proof, int count,
							const RetentionMerkleHash *old_root,
							const RetentionMerkleHash *root)
{
	RetentionMerkleHash old_hash;
	RetentionMerkleHash hash;
	uint64_t	index = old - 1;
	uint64_t	last = size - 1;
	int			next = 0;

	if (old == 0 || old > size)
		return false;
	if (old == size)
		return count == 0 && same(old_root, root);
	while ((index & 1) == 1)
	{
		index >>= 1;
		last >>= 1;
	}
	/* A power of two: its root is the first hash, which is then left out. */
	if (index == 0)
		hash = *old_root;
	else if (count == 0)
		return false;
	else
		hash = proof[next++];
	old_hash = hash;
	for (; next < count; next++)
	{
		if (last == 0)
			return false;
		if ((index & 1) == 1 || index == last)
		{
			old_hash = node(&proof[next], &old_hash);
			hash = node(&proof[next], &hash);
			while ((index & 1) == 0 && index != 0)
			{
				index >>= 1;
				last >>= 1;
			}
		}
		else
			hash = node(&hash, &proof[next]);
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && same(&old_hash, old_root) && same(&hash, root);
}
