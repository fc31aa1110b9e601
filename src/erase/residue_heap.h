/*
 * residue_heap.h
 *		Row versions of a table that nobody should see any more, and what rows
 *		keep of dropped columns.
 *
 * Invariant: nothing is removed or marked; a version is what VACUUM takes it for.
 */
#ifndef RETENTION_RESIDUE_HEAP_H
#define RETENTION_RESIDUE_HEAP_H

#include "postgres.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "erase/residue_statistic.h"
#include "erase/residue_trace.h"

typedef struct RetentionHeapJudge
{
	Relation	heap;
	BufferAccessStrategy strategy;
	TransactionId horizon;		/* what ended before it is removable */
	RetentionStatistics *statistics;	/* shown each row; NULL = not */
	bool		has_dropped;
	RetentionTally dead;		/* VACUUM removes them */
	RetentionTally recently_dead;	/* somebody may still see them */
	RetentionTally dropped;		/* values of dropped columns */
	double		rows;			/* that are there */
	Page		page;
	MemoryContext memory;		/* of one page */
} RetentionHeapJudge;

/* Begins to judge a table, TOAST table or catalog that the caller has opened. */
extern void retention_residue_heap_begin(RetentionHeapJudge *judge, Relation heap,
										 BufferAccessStrategy strategy,
										 RetentionStatistics *statistics);

/* Looks at a page; returns a copy of it, which the next call overwrites. */
extern Page retention_residue_heap_page(RetentionHeapJudge *judge, BlockNumber block);

extern void retention_residue_heap_end(RetentionHeapJudge *judge);

#endif							/* RETENTION_RESIDUE_HEAP_H */
