/*
 * rule_key.h
 *		By what our tables know a rule.
 *
 * Invariant: the same three values, in the same order, in each of them.
 */
#ifndef RETENTION_RULE_KEY_H
#define RETENTION_RULE_KEY_H

#include "postgres.h"

#include "policy/rule.h"

/* relation, column_name ("" = the row) and stage: $1 to $3 of a statement. */
#define RETENTION_RULE_KEY_WHERE " WHERE relation = $1 AND column_name = $2 AND stage = $3"
#define RETENTION_RULE_KEY_ARGS 3

/* Fills the first RETENTION_RULE_KEY_ARGS of both. */
extern void retention_rule_key_bind(const RetentionRule *rule, Oid *types, Datum *values);

/* The digest of its policy, a bytea. */
extern Datum retention_rule_key_digest(const RetentionRule *rule);

#endif							/* RETENTION_RULE_KEY_H */
