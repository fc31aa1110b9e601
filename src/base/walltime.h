/*
 * walltime.h
 *		The server's clock, and what can be compared with it.
 *
 * Invariant: two readings of one boot of the machine tell whether the clock was
 * set between them: their difference is then not the time for which it ran.
 */
#ifndef RETENTION_WALLTIME_H
#define RETENTION_WALLTIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define RETENTION_WALLTIME_BOOT_SIZE 64

typedef struct RetentionWalltime
{
	TimestampTz at;				/* by the clock */
	int64		running;		/* us since the machine started, suspended or
								 * not; -1 = not known */
	char		boot[RETENTION_WALLTIME_BOOT_SIZE]; /* of which start; "" =
													 * not known */
} RetentionWalltime;

/* Reads all of it, now. */
extern void retention_walltime_read(RetentionWalltime *reading);

/*
 * By how many us the clock was set forward (less than 0: back) between two
 * readings.  False if that cannot be told: they are of different starts.
 */
extern bool retention_walltime_set_by(const RetentionWalltime *before,
									  const RetentionWalltime *after,
									  int64 *us);

#endif							/* RETENTION_WALLTIME_H */
