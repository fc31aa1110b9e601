/*
 * confirmation.h
 *		What was confirmed of each rule, and what it waits for.
 *
 * Invariant: a confirmation counts for one policy, and its number for one pass.
 */
#ifndef RETENTION_CONFIRMATION_H
#define RETENTION_CONFIRMATION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "policy/rule.h"

/* What is known of a rule. */
typedef struct RetentionConfirmation
{
	bool		exists;
	bool		confirmed;		/* under the policy as it is */
	bool		swept;			/* passes of 1.0 followed that policy */
	int			jumps;
	int			jumps_now;
	int64		at_most;		/* -1 = no number */
	bool		admitted;
	char	   *waiting;		/* for which reason; NULL = it does not */
	bool		same;			/* it waits under the policy as it is */
	int64		rows;			/* -1 = cannot be counted */
	TimestampTz counted_at;
} RetentionConfirmation;

/* False with the SQL objects of 1.0: then nothing below is to be called. */
extern bool retention_confirmation_known(void);

/* Read only.  All of these connect to SPI by themselves. */
extern RetentionConfirmation retention_confirmation_read(const RetentionRule *rule);

/* The rule is confirmed as it is; at_most: for how many rows, -1 = no number. */
extern void retention_confirmation_give(const RetentionRule *rule, int64 at_most);

/*
 * The rule waits; rows of its table would go at once as of a time, -1 = they cannot
 * be counted.
 */
extern void retention_confirmation_want(const RetentionRule *rule, const char *waiting,
										TimestampTz now, TimestampTz as_of,
										int64 rows);

/* A pass is let through, as of "now", to its end. */
extern void retention_confirmation_admit(const RetentionRule *rule, TimestampTz now);

/* The pass is over, and the number used up. */
extern void retention_confirmation_use(const RetentionRule *rule);

/* All rules are confirmed after that jump of the clock. */
extern void retention_confirmation_accept_jump(int jumps);

/* Drops what is known of a table's rules. */
extern void retention_confirmation_drop(const char *relation);

/*
 * As of when were the rows counted whose number protect() was asked to confirm?
 * Rows that fell due since do not count against it.  "now" where none was asked.
 */
extern TimestampTz retention_confirmation_asked(const char *relation, TimestampTz now);

#endif							/* RETENTION_CONFIRMATION_H */
