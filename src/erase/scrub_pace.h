/*
 * scrub_pace.h
 *		How fast a scrub may go: privacy_retention.scrub_pages and scrub_wal.
 *
 * Invariant: it rests between transactions, when it holds no lock and no snapshot.
 */
#ifndef RETENTION_SCRUB_PACE_H
#define RETENTION_SCRUB_PACE_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct RetentionScrubPace
{
	TimestampTz begun;
	int64		pages;
	uint64		wal;			/* what this backend had written then */
} RetentionScrubPace;

extern void retention_scrub_pace_begin(RetentionScrubPace *pace);

/* Rests until so many more pages were due; interrupts are served. */
extern void retention_scrub_pace_rest(RetentionScrubPace *pace, int64 pages);

#endif							/* RETENTION_SCRUB_PACE_H */
