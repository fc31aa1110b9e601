/*
 * lineage.h
 *		From a partition or an inheritance child to the table that is labelled.
 *
 * Invariant: a table has the labels of at most one ancestor: the nearest.
 */
#ifndef RETENTION_LINEAGE_H
#define RETENTION_LINEAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/*
 * The nearest table with labels: the table itself, its partitioned root or a
 * table that it inherits from; InvalidOid if there is none.
 */
extern Oid	retention_lineage_labelled(Oid relid);

/* Has the table, or one of its columns, a label? */
extern bool retention_lineage_has_label(Oid relid);

/*
 * Locks the table, then all of its partitions and children, and returns them all, none
 * if it is gone by then.  In that order, as whoever reads or writes them: DROP TRIGGER
 * by itself has it the other way round, and each would wait for the other.
 */
extern List *retention_lineage_lock(Oid relid, LOCKMODE mode);

/* The tables that a table inherits from directly, in the order of INHERITS. */
extern List *retention_lineage_parents(Oid relid);

#endif							/* RETENTION_LINEAGE_H */
