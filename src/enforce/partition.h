/*
 * partition.h
 *		Partitions of which every row is due.
 *
 * Invariant: a partition is emptied as a whole only where emptying it row by row
 * would have the same effect: no trigger, rule, foreign key or dependent row
 * would have noticed.
 */
#ifndef RETENTION_PARTITION_H
#define RETENTION_PARTITION_H

#include "postgres.h"

#include "due/due.h"
#include "enforce/batch.h"

/* The partitions of the rule's table that may be emptied as a whole, a list of OIDs. */
extern List *retention_partition_candidates(const RetentionDue *due);

/*
 * Truncates or drops the partition if all its rows are due, in the current
 * transaction, with its ledger entry; returns how many rows went, 0 if it is to
 * be emptied row by row.
 */
extern int64 retention_partition_clear(RetentionBatch *batch, Oid leaf);

#endif							/* RETENTION_PARTITION_H */
