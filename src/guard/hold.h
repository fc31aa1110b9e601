/*
 * hold.h
 *		Which rows are under suspension, asked of rows in hand.
 *
 * Invariant: a suspension whose condition cannot be asked holds every row of its
 * table; one whose condition fails for a row holds that.
 */
#ifndef RETENTION_HOLD_H
#define RETENTION_HOLD_H

#include "postgres.h"

#include "access/attnum.h"
#include "guard/suspension.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* The table itself and all that it is a partition or a child of, at any depth. */
extern List *retention_hold_lineage(Oid relid);

/*
 * The suspensions (RetentionSuspension *) that hold a row of a relation, in the
 * order of their numbers; NIL: none.  Runs conditions as the owner of the
 * suspended table; one that fails holds the row.  What is returned is good until the
 * transaction ends.
 */
extern List *retention_hold_of_row(Relation rel, TupleTableSlot *slot);

/* Is there any suspension for the relation's rows?  Cheap. */
extern bool retention_hold_is_suspended(Relation rel);

/* May the column of a held row change?  No personal data, and in no key. */
extern bool retention_hold_lets_change(Relation rel, AttrNumber attnum);

/*
 * A suspension that holds a row of the relation, or, "deep", of a partition or
 * child of it; NULL: none.  Reads all rows that are committed now; the caller has
 * a lock that lets nobody add one.
 */
extern const RetentionSuspension *retention_hold_any(Oid relid, bool deep);

#endif							/* RETENTION_HOLD_H */
