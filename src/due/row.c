/*
 * row.c
 *		Row versions that are due, and those that a pass leaves alone.
 *
 * Invariant: a row version is named by (leaf table, ctid), never by ctid alone.
 */
#include "postgres.h"

#include "due/row.h"

static int
compare_forward(const void *a, const void *b)
{
	const RetentionRow *left = (const RetentionRow *) a;
	const RetentionRow *right = (const RetentionRow *) b;

	if (left->leaf != right->leaf)
		return left->leaf < right->leaf ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &left->tid),
							  unconstify(ItemPointerData *, &right->tid));
}

static int
compare_backward(const void *a, const void *b)
{
	return compare_forward(b, a);
}

void
retention_row_sort(RetentionRow *rows, int count, bool backward)
{
	qsort(rows, count, sizeof(RetentionRow),
		  backward ? compare_backward : compare_forward);
}

HTAB *
retention_row_skip_create(MemoryContext context)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(((RetentionSkipped *) NULL)->key);
	control.entrysize = sizeof(RetentionSkipped);
	control.hcxt = context;
	return hash_create("privacy_retention skipped rows", 64, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

RetentionSkipped *
retention_row_skip(HTAB *skipped, Oid leaf, const ItemPointerData * tid, bool enter)
{
	RetentionSkipped probe;
	RetentionSkipped *entry;
	bool		found;

	/* Nearly always it is empty, and it is asked for every due row. */
	if (!enter && hash_get_num_entries(skipped) == 0)
		return NULL;
	memset(&probe, 0, sizeof(probe));
	probe.key.leaf = leaf;
	probe.key.tid = *tid;
	entry = hash_search(skipped, &probe.key, enter ? HASH_ENTER : HASH_FIND, &found);
	if (enter && !found)
	{
		entry->recorded = false;
		entry->earlier = false;
		entry->seen = true;
		entry->next_try = DT_NOEND;
	}
	return entry;
}
