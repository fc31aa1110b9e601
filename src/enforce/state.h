/*
 * state.h
 *		What a pass remembers of each rule: progress, results, how far it swept.
 *
 * Invariant: what is remembered under another policy digest is dropped.
 */
#ifndef RETENTION_STATE_H
#define RETENTION_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "policy/rule.h"

typedef struct RetentionState
{
	TimestampTz swept_to;		/* clocks up to it are done; DT_NOBEGIN = none */
	TimestampTz swept_at;		/* when the last full sweep ended */
	int			sweep_cost;		/* ms that the search of it took */
} RetentionState;

/* The rule begins: reads what is remembered, notes the start.  SPI connected. */
extern RetentionState retention_state_begin(const RetentionRule *rule,
											TimestampTz cutoff, TimestampTz now);

/* A batch was done; rows = all of this pass until now. */
extern void retention_state_progress(const RetentionRule *rule, int64 rows);

/*
 * The rule ends: complete = all that was due is done or explained; error: why it
 * could not be (SQLSTATE and a text without values).
 */
extern void retention_state_end(const RetentionRule *rule, bool complete,
								const RetentionState *state, double rate,
								const char *error);

/* Drops what is remembered of the table's rules. */
extern void retention_state_drop(const char *relation);

#endif							/* RETENTION_STATE_H */
