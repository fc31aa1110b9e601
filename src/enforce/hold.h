/*
 * hold.h
 *		Which rows are under suspension, asked of rows in hand.
 *
 * Invariant: a suspension whose condition cannot be asked holds every row of its
 * table.
 */
#ifndef RETENTION_HOLD_H
#define RETENTION_HOLD_H

#include "postgres.h"

#include "access/attnum.h"
#include "enforce/suspension.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* ERROR, with its position, unless the text is a condition over the table's rows. */
extern void retention_hold_judge(Oid relid, const char *condition);

/*
 * The condition of a suspension of the table or of an ancestor, analysed over the
 * table itself; NULL if it cannot be, with *error (palloc'd) the reason.
 */
extern Node *retention_hold_condition(const RetentionSuspension *suspension, Oid relid,
									  char **error);

/*
 * NULL, or what is wrong with a suspension in force: its condition, its guards.
 * In full it can quote the condition.
 */
extern char *retention_hold_problem(const RetentionSuspension *suspension, bool in_full);

/* The condition's text as it must read for another table with these columns. */
extern char *retention_hold_translate(const RetentionSuspension *suspension, Oid relid);

/*
 * The condition's text once a column of these tables has its new name; *certain
 * says whether it means the same.
 */
extern char *retention_hold_rename(const RetentionSuspension *suspension, List *relids,
								   const char *old_column, const char *new_column,
								   bool *certain);

/* The table itself and all that it is a partition or a child of, at any depth. */
extern List *retention_hold_lineage(Oid relid);

/*
 * The suspensions (RetentionSuspension *) that hold a row of a relation, in the
 * order of their numbers; NIL: none.  Runs conditions as the owner of the
 * suspended table; ERROR if one fails.  What is returned is good until policies
 * change.
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
