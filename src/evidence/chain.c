/*
 * chain.c
 *		Judges the chain of the ledger, entry by entry.
 *
 * Invariant: plain C; the first problem is kept, and nothing that comes after it
 * is believed.
 *
 * Shortened entries have lost what their hashes were made of.  They are taken at
 * the beginning of the chain only, and only if an entry behind them, which is
 * whole, tells how many they are and the root of their hashes.
 */
#include <stdio.h>
#include <string.h>

#include "evidence/chain.h"

RetentionMerkleHash
retention_chain_leaf(const uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	return retention_merkle_leaf(hash, RETENTION_DIGEST_LENGTH);
}

void
retention_chain_begin(RetentionChain *chain)
{
	memset(chain, 0, sizeof(*chain));
}

void
retention_chain_shortening(char detail[RETENTION_CHAIN_DETAIL], int64_t last,
						   const RetentionMerkleHash *root)
{
	int			used = snprintf(detail, RETENTION_CHAIN_DETAIL, "entries 1 to %lld, root ",
								(long long) last);

	for (int i = 0; i < RETENTION_DIGEST_LENGTH; i++)
		used += snprintf(detail + used, RETENTION_CHAIN_DETAIL - used, "%02x", root->bytes[i]);
}

static bool
fail(RetentionChain *chain, const char *format, int64_t seq)
{
	snprintf(chain->problem, sizeof(chain->problem), format, (long long) seq);
	return false;
}

static bool
same(const uint8_t *one, const uint8_t *other)
{
	return one != NULL && memcmp(one, other, RETENTION_DIGEST_LENGTH) == 0;
}

/* Does this entry tell of the shortening that was met? */
static bool
tells_of_shortening(const RetentionChain *chain, const RetentionEntry *entry)
{
	const RetentionFieldValue *value = &entry->values[RETENTION_ENTRY_DETAIL];
	char		expected[RETENTION_CHAIN_DETAIL];

	if (!retention_entry_is(entry, RETENTION_EVENT_SHORTEN) || value->null)
		return false;
	retention_chain_shortening(expected, chain->shortened, &chain->shortened_root);
	return value->length == strlen(expected) &&
		memcmp(value->data, expected, value->length) == 0;
}

static bool
judge(RetentionChain *chain, const RetentionEntry *entry, const uint8_t *hash)
{
	uint8_t		computed[RETENTION_DIGEST_LENGTH];

	if (entry == NULL || hash == NULL)
		return false;
	if (chain->shortened == chain->seq && retention_entry_is_shortened(entry))
	{
		chain->shortened++;
		return true;
	}
	retention_entry_hash(entry, chain->hash, computed);
	return same(hash, computed);
}

bool
retention_chain_add(RetentionChain *chain, int64_t seq, const RetentionEntry *entry,
					const uint8_t *prev_hash, const uint8_t *hash)
{
	RetentionMerkleHash leaf;

	if (chain->problem[0] != '\0')
		return false;
	if (seq != chain->seq + 1)
		return fail(chain, "entry %lld is missing", chain->seq + 1);
	if (!same(prev_hash, chain->hash))
		return fail(chain, "entry %lld does not follow the entry before it", seq);
	if (!judge(chain, entry, hash))
		return fail(chain, "entry %lld has been changed", seq);
	chain->seq = seq;
	memcpy(chain->hash, hash, RETENTION_DIGEST_LENGTH);
	leaf = retention_chain_leaf(hash);
	retention_merkle_add(&chain->tree, &leaf);
	if (chain->shortened == seq)
		chain->shortened_root = retention_merkle_root(&chain->tree);
	else if (chain->shortened > 0 && tells_of_shortening(chain, entry))
		chain->shortening_told = true;
	return true;
}

bool
retention_chain_end(RetentionChain *chain, bool has_head, int64_t head_seq,
					const uint8_t *head_hash)
{
	if (chain->problem[0] != '\0')
		return false;
	if (!has_head)
		return chain->seq == 0 || fail(chain, "the head of the ledger is missing", 0);
	if (head_seq == chain->seq + 1)
		return fail(chain, "entry %lld, the last one, is missing", head_seq);
	if (head_seq > chain->seq)
	{
		snprintf(chain->problem, sizeof(chain->problem),
				 "entries %lld to %lld, the last ones, are missing",
				 (long long) chain->seq + 1, (long long) head_seq);
		return false;
	}
	if (head_seq < chain->seq || !same(head_hash, chain->hash))
		return fail(chain, "the head of the ledger has been changed", 0);
	if (chain->shortened > 0 && !chain->shortening_told)
		return fail(chain, "entries 1 to %lld were shortened, and no entry says so", chain->shortened);
	return true;
}
