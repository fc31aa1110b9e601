/*
 * expression.h
 *		Expressions in labels: analysed over one table, and deparsed again.
 *
 * Invariant: what is deparsed has all its names qualified, and stands for one
 * expression wherever it is put.
 */
#ifndef RETENTION_EXPRESSION_H
#define RETENTION_EXPRESSION_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "policy/label.h"

/*
 * Analyses a VALUE over one table.  ERROR, with its position in the label, for
 * unknown names, subqueries, aggregates, volatile functions and now() and its
 * kin.  Caller acts as the table's owner (retention_identity_become_owner).
 */
extern Node *retention_expression_analyse(const RetentionLabel *label,
										  const RetentionValue *value, Oid relid);

/* SQL text of an analysed expression with its table aliased so. */
extern char *retention_expression_deparse(Node *expression, Oid relid,
										  const char *alias);

/* Does an analysed expression call anything that is not the server's own? */
extern bool retention_expression_calls_users_code(Node *expression);

#endif							/* RETENTION_EXPRESSION_H */
