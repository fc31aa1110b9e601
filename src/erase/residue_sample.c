/*
 * residue_sample.c
 *		The pages of a relation that are looked at: a sample, or all.
 *
 * Invariant: at most RETENTION_SAMPLE_PAGES pages of a relation are chosen unless all are
 * asked for: what a look costs does not grow with the table.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/bufpage.h"

#include "erase/page.h"
#include "erase/residue_sample.h"
#include "erase/storage.h"

void
retention_residue_sample_begin(RetentionSample *sample, Relation relation, bool exact)
{
	memset(sample, 0, sizeof(*sample));
	sample->relation = relation;
	sample->strategy = GetAccessStrategy(BAS_BULKREAD);
	sample->blocks = RelationGetNumberOfBlocks(relation);
	sample->chosen = exact ? sample->blocks : Min(sample->blocks, RETENTION_SAMPLE_PAGES);
	if (sample->chosen < sample->blocks)
		BlockSampler_Init(&sample->sampler, sample->blocks, sample->chosen,
						  pg_prng_uint32(&pg_global_prng_state));
}

bool
retention_residue_sample_next(RetentionSample *sample, BlockNumber *block)
{
	CHECK_FOR_INTERRUPTS();
	if (sample->chosen < sample->blocks)
	{
		if (!BlockSampler_HasMore(&sample->sampler))
			return false;
		*block = BlockSampler_Next(&sample->sampler);
		return true;
	}
	if (sample->next >= sample->blocks)
		return false;
	*block = sample->next++;
	return true;
}

double
retention_residue_sample_share(const RetentionSample *sample)
{
	return sample->chosen < sample->blocks ? (double) sample->chosen / sample->blocks : 1.0;
}

void
retention_residue_sample_end(RetentionSample *sample)
{
	FreeAccessStrategy(sample->strategy);
}

bool
retention_residue_sample_copy(Relation relation, BlockNumber block,
							  BufferAccessStrategy strategy, Page page)
{
	RetentionPageFree free;
	Buffer		buffer;

	if (block >= RelationGetNumberOfBlocks(relation))
		return false;			/* a link that leads nowhere */
	buffer = ReadBufferExtended(relation, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(page, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
	retention_page_judge((const char *) page, retention_storage_format(relation), &free);
	return free.verdict == RETENTION_PAGE_JUDGED;
}

Page
retention_residue_sample_page(void)
{
	return (Page) palloc(BLCKSZ);
}
