/*
 * action_round.h
 *		The action "round to": dates and times to a unit, numbers to a multiple.
 *
 * Invariant: as action.h says; no value that can be stored makes it fail.
 */
#ifndef RETENTION_ACTION_ROUND_H
#define RETENTION_ACTION_ROUND_H

#include "postgres.h"

#include "policy/action_column.h"
#include "policy/label.h"

/* As retention_action_problem() and its kin, for this kind of action. */
extern char *retention_action_round_problem(const RetentionAction *action,
											const RetentionActionColumn *column,
											char **hint);
extern char *retention_action_round_value(const RetentionAction *action,
										  const RetentionActionColumn *column,
										  const char *operand);

#endif							/* RETENTION_ACTION_ROUND_H */
