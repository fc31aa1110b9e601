/*
 * residue_judge.h
 *		Which tuples of an index keep values of which no row is left.
 *
 * Invariant: what VACUUM removes is not judged here: a deleted row counts as one
 * until VACUUM has removed it.
 */
#ifndef RETENTION_RESIDUE_JUDGE_H
#define RETENTION_RESIDUE_JUDGE_H

#include "postgres.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "base/identity.h"
#include "erase/residue_trace.h"

typedef struct RetentionJudge
{
	Relation	index;
	Relation	heap;
	BufferAccessStrategy strategy;
	RetentionTracePlace place;	/* where what it finds lies */
	bool		exact;
	double		part;			/* of what is to be judged on a page; 1 = all */
	RetentionTally found;		/* values that only REINDEX removes */
	RetentionTally unjudged;	/* may be values of deleted rows or not */
	void		(*page) (struct RetentionJudge *judge, BlockNumber block, Page page);
	void	   *state;			/* the access method's */
	MemoryContext memory;		/* of one page */
	RetentionIdentity identity;
} RetentionJudge;

/*
 * Begins to judge an index, which the caller has opened, as its table: false if
 * its access method keeps no values beside those of its rows.  Operator classes
 * may be asked: until the end everything runs as the table's owner.  exact: all of the
 * table is read, where it must be to judge; else a sample of it, see part.
 */
extern bool retention_residue_judge_begin(RetentionJudge *judge, Relation index,
										  Relation heap, BufferAccessStrategy strategy,
										  bool exact);

/* Looks at a copy of a page. */
extern void retention_residue_judge_page(RetentionJudge *judge, BlockNumber block, Page page);

extern void retention_residue_judge_end(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_JUDGE_H */
