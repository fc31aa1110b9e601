/*
 * blocked.h
 *		Rows that are due and cannot go, and why.
 *
 * Invariant: an entry names a row version by (leaf table, ctid); when the row is
 * gone or has moved, the entry is dropped by the next pass.
 */
#ifndef RETENTION_BLOCKED_H
#define RETENTION_BLOCKED_H

#include "postgres.h"

#include "policy/rule.h"

/* How many rows of the rule are blocked now (reads the table, capped by nothing). */
extern int64 retention_blocked_count(const RetentionRule *rule);

#endif							/* RETENTION_BLOCKED_H */
