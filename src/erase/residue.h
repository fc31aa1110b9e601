/*
 * residue.h
 *		Where bytes of deleted values are left, and what removes them.
 *
 * Invariant: reading only; nothing of a value is shown.
 */
#ifndef RETENTION_RESIDUE_H
#define RETENTION_RESIDUE_H

#include "postgres.h"

#include "storage/block.h"

typedef enum RetentionResidueDemand
{
	RETENTION_RESIDUE_NONE,		/* it keeps nothing that VACUUM would not
								 * remove */
	RETENTION_RESIDUE_UNKNOWN,	/* nobody can tell, and it is older than the
								 * last recorded deletions */
	RETENTION_RESIDUE_REINDEX	/* it does */
} RetentionResidueDemand;

/*
 * Does an index keep values that only REINDEX removes?  After VACUUM: what that
 * removes does not count.  Reads its next pages from *next on (0 at first), and sets
 * *next to where to go on, InvalidBlockNumber at the end: a transaction each keeps
 * neither locks nor a snapshot for long.  The whole index is read, for a sample could
 * miss the only value, but the first one ends it; the greatest of the answers counts.
 *
 * Locks the index and its table in ACCESS SHARE mode meanwhile; NONE if it is gone.
 * In a transaction, with a snapshot; operator classes are asked as the table's owner.
 */
extern RetentionResidueDemand retention_residue_index_demands(Oid index, BlockNumber *next);

#endif							/* RETENTION_RESIDUE_H */
