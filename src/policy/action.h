/*
 * action.h
 *		What becomes of a value: actions as SQL expressions over a column.
 *
 * Invariant: every action is idempotent, ACTION(ACTION(x)) = ACTION(x), and
 * "done" is exactly ACTION(x) IS NOT DISTINCT FROM x.
 */
#ifndef RETENTION_ACTION_H
#define RETENTION_ACTION_H

#include "postgres.h"

#include "access/attnum.h"
#include "policy/label.h"

/*
 * NULL if the action can hold on the column; else what is wrong (palloc'd,
 * a lower-case message without a final stop), and in *hint what to do or NULL.
 * Looks at type, typmod, NOT NULL, single-column UNIQUE, generated and identity
 * columns, the function of "call", the key of pseudonyms.
 */
extern char *retention_action_problem(const RetentionAction *action,
									  Oid relid, AttrNumber attnum,
									  const char *category, char **hint);

/*
 * SQL text (palloc'd) of ACTION(operand), of the column's type; "operand" is SQL
 * text that yields the column's value, such as t.email.  All names in it are
 * schema-qualified.  Only for actions without a problem, never for delete.
 */
extern char *retention_action_value(const RetentionAction *action,
									Oid relid, AttrNumber attnum,
									const char *category, const char *operand);

/* SQL text of "done": boolean, never NULL, as cheap as can be. */
extern char *retention_action_done(const RetentionAction *action,
								   Oid relid, AttrNumber attnum,
								   const char *category, const char *operand);

/* Same value in, same value out?  False for decorrelate and volatile calls. */
extern bool retention_action_is_deterministic(const RetentionAction *action);

#endif							/* RETENTION_ACTION_H */
