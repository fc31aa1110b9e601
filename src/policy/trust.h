/*
 * trust.h
 *		Whose tables a rule may read.
 *
 * Invariant: a rule whose statements would run another owner's code as the owner
 * of its table is invalid.
 */
#ifndef RETENTION_TRUST_H
#define RETENTION_TRUST_H

#include "postgres.h"

#include "policy/rule.h"

/*
 * NULL if the tables that the rule's clocks lead to, and the partitions and
 * children of its own, have the same owner or one with that owner's privileges;
 * else what is wrong, and in *hint what to do.
 */
extern char *retention_trust_problem(const RetentionRule *rule, char **hint);

#endif							/* RETENTION_TRUST_H */
