/*
 * remains.h
 *		Row versions that VACUUM left.
 *
 * Invariant: reading only; none of them is missed.
 */
#ifndef RETENTION_REMAINS_H
#define RETENTION_REMAINS_H

#include "postgres.h"

#include "access/transam.h"

/*
 * How many row versions, of a table and its TOAST table, that transactions before
 * "horizon" deleted are still there, and how many line pointers of such that only
 * pruning has removed: their entries in indexes may be there.  The table itself, not
 * its partitions; none of one that is gone.  Reads what the visibility map does not
 * vouch for.  In a transaction without a snapshot; locks nothing beyond its end.
 */
extern void retention_remains_count(Oid table, FullTransactionId horizon,
									int64 *rows, int64 *pointers);

#endif							/* RETENTION_REMAINS_H */
