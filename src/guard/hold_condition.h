/*
 * hold_condition.h
 *		The conditions of suspensions: analysed, judged, and kept true by renames.
 *
 * Invariant: nobody but an officer or a superuser can make a condition, once it is
 * accepted, hold less.
 */
#ifndef RETENTION_HOLD_CONDITION_H
#define RETENTION_HOLD_CONDITION_H

#include "postgres.h"

#include "guard/suspension.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/* ERROR, with its position, unless the text is a condition over the table's rows. */
extern void retention_hold_condition_judge(Oid relid, const char *condition);

/*
 * The condition of a suspension of the table or of an ancestor, analysed over the
 * table itself; NULL if it cannot be, with *error (palloc'd) the reason.
 */
extern Node *retention_hold_condition_analyse(const RetentionSuspension *suspension, Oid relid,
											  char **error);

/*
 * NULL, or what is wrong with a suspension in force: its condition, its guards.
 * In full it can quote the condition.
 */
extern char *retention_hold_condition_problem(const RetentionSuspension *suspension, bool in_full);

/*
 * The condition's text as it must read for a table with these columns that had
 * that name.
 */
extern char *retention_hold_condition_translate(const RetentionSuspension *suspension, Oid relid,
												const char *old_table, Oid old_namespace);

/*
 * The condition's text once a column of these tables has its new name; *certain
 * says whether it means the same.
 */
extern char *retention_hold_condition_rename(const RetentionSuspension *suspension, List *relids,
											 const char *old_column, const char *new_column,
											 bool *certain);

#endif							/* RETENTION_HOLD_CONDITION_H */
