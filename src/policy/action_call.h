/*
 * action_call.h
 *		The action "call": a user's function, with the value as its argument.
 *
 * Invariant: which function is meant does not depend on anybody's search_path.
 */
#ifndef RETENTION_ACTION_CALL_H
#define RETENTION_ACTION_CALL_H

#include "postgres.h"

#include "policy/action_column.h"
#include "policy/label.h"

/* As retention_action_problem() and its kin, for this kind of action. */
extern char *retention_action_call_problem(const RetentionAction *action,
										   const RetentionActionColumn *column,
										   char **hint);
extern char *retention_action_call_value(const RetentionAction *action,
										 const RetentionActionColumn *column,
										 const char *operand);

#endif							/* RETENTION_ACTION_CALL_H */
