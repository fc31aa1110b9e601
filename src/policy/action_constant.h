/*
 * action_constant.h
 *		The actions "set 'literal'" and "set default": one value for all rows.
 *
 * Invariant: the value is the same today and tomorrow, and the column takes it.
 */
#ifndef RETENTION_ACTION_CONSTANT_H
#define RETENTION_ACTION_CONSTANT_H

#include "postgres.h"

#include "policy/action_column.h"
#include "policy/label.h"

/* As retention_action_problem() and its kin, for these kinds of action. */
extern char *retention_action_constant_problem(const RetentionAction *action,
											   const RetentionActionColumn *column,
											   char **hint);
extern char *retention_action_constant_value(const RetentionAction *action,
											 const RetentionActionColumn *column);

/*
 * Reads the text as the column would, in a subtransaction and as the owner of
 * the table, for a domain's constraints are users' code. Returns the error, or
 * NULL.
 */
extern char *retention_action_constant_input_error(const char *literal,
												   const RetentionActionColumn *column);

#endif							/* RETENTION_ACTION_CONSTANT_H */
