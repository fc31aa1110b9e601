/*
 * pause.h
 *		Tables on which nothing is enforced for a while.
 *
 * Invariant: a pause has a reason and an end, and both its begin and its end by
 * hand are in the ledger.
 */
#ifndef RETENTION_PAUSE_H
#define RETENTION_PAUSE_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct RetentionPause
{
	TimestampTz until;
	char	   *reason;
} RetentionPause;

/*
 * Is the table (schema-qualified, quoted) paused at that time?  "pause" may be
 * NULL.  False where the SQL objects of 1.0 know of no pauses.  Connects to SPI by
 * itself.
 */
extern bool retention_pause_find(const char *relation, TimestampTz now,
								 RetentionPause *pause);

/* ERROR if the table is paused now. */
extern void retention_pause_refuse(const char *relation);

/* Drops what is known of a table's pauses. */
extern void retention_pause_drop(const char *relation);

#endif							/* RETENTION_PAUSE_H */
