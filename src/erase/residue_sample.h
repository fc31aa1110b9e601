/*
 * residue_sample.h
 *		The pages of a relation that are looked at: a sample, or all.
 *
 * Invariant: one buffer is held at a time, through a ring of its own; a relation
 * that is not larger than a sample is read as a whole.
 */
#ifndef RETENTION_RESIDUE_SAMPLE_H
#define RETENTION_RESIDUE_SAMPLE_H

#include "postgres.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/sampling.h"

/* As many as ANALYZE reads at the default target: 234 MB. */
#define RETENTION_SAMPLE_PAGES 30000

typedef struct RetentionSample
{
	Relation	relation;
	BufferAccessStrategy strategy;
	BlockNumber blocks;			/* of the relation, as it began */
	BlockNumber chosen;			/* of them, to be read */
	BlockNumber next;			/* where all are read */
	BlockSamplerData sampler;
} RetentionSample;

/*
 * Begins: the caller holds a lock that keeps the relation from being truncated.
 * exact: all pages, however many.
 */
extern void retention_residue_sample_begin(RetentionSample *sample, Relation relation,
										   bool exact);

/* The next block, ascending; false at the end.  May be interrupted. */
extern bool retention_residue_sample_next(RetentionSample *sample, BlockNumber *block);

/* The share of the pages that is read, 0 < share <= 1. */
extern double retention_residue_sample_share(const RetentionSample *sample);

extern void retention_residue_sample_end(RetentionSample *sample);

/*
 * Copies a page of the relation, share-locked meanwhile, to page (BLCKSZ, aligned).
 * False if it is not laid out as its access method lays pages out, or new: its
 * items cannot be read.
 */
extern bool retention_residue_sample_copy(Relation relation, BlockNumber block,
										  BufferAccessStrategy strategy, Page page);

/* Memory for a copy, palloc'd. */
extern Page retention_residue_sample_page(void);

#endif							/* RETENTION_RESIDUE_SAMPLE_H */
