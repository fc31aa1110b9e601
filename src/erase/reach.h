/*
 * reach.h
 *		Which tables the deletions of a protected table reach.
 *
 * Invariant: no table in which a deletion leaves bytes is missing; one too many
 * does no harm.
 */
#ifndef RETENTION_REACH_H
#define RETENTION_REACH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * The table, and those into which foreign keys to it delete or write, on all levels;
 * of a partition tree the root.  OIDs, the table first; NIL if it is gone.
 * Connects to SPI by itself.
 */
extern List *retention_reach_tables(Oid relid);

/*
 * The relations that hold the rows of one of them: itself, or its partitions and
 * heirs; tables and materialised views.  OIDs; no lock is kept.
 */
extern List *retention_reach_heaps(Oid relid);

#endif							/* RETENTION_REACH_H */
