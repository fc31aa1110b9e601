/*
 * chain.h
 *		The stages of one column's label, and what each leaves to do.
 *
 * Invariant: a chain does not fall back. What a later stage made of a value, an
 * earlier one does not change because the later one's clock has gone.
 *
 * Two rules keep it so. A value that has a token's mark is left alone by the
 * stages before the one that makes tokens. And a row that a stage needs for its
 * clock is needed for as long as that stage or one before it could still change
 * the value (retention_chain_open).
 */
#ifndef RETENTION_CHAIN_H
#define RETENTION_CHAIN_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "policy/rule.h"

/* SQL text: the rule's "where" is true of the row with that alias. */
extern char *retention_chain_condition(const RetentionRule *rule, const char *alias);

/*
 * SQL text: NOT done, for the rule's value in the row with that alias; "true" for
 * delete.  The rule must be valid. "rules" hold all rules of its table, and may
 * hold others.
 */
extern char *retention_chain_pending(const RetentionRule *rule, List *rules,
									 const char *alias);

/*
 * SQL text: the rule, or a stage of the same chain before it, could still change
 * the row with that alias: the rule's clock is needed.
 */
extern char *retention_chain_open(const RetentionRule *rule, List *rules,
								  const char *alias);

#endif							/* RETENTION_CHAIN_H */
