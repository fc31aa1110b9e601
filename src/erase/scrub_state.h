/*
 * scrub_state.h
 *		retention.scrubbed: how far the scrub of a table is, and the last one was.
 *
 * Invariant: a row a table; written as the extension's owner, in the caller's
 * transaction.
 */
#ifndef RETENTION_SCRUB_STATE_H
#define RETENTION_SCRUB_STATE_H

#include "postgres.h"

#include "erase/scrub.h"

/* Timeline of the last complete scrub; 0 = there was none that is known. */
extern TimeLineID retention_scrub_state_timeline(const char *relation);

/* It has begun: counts start anew. */
extern void retention_scrub_state_begin(const char *relation);

extern void retention_scrub_state_note(const char *relation, int64 pages_total,
									   const RetentionScrubResult *result);

/* It has ended.  missing: what else is needed before anything is erased; NULL = nothing. */
extern void retention_scrub_state_end(const char *relation,
									  const RetentionScrubResult *result,
									  const char *missing);

#endif							/* RETENTION_SCRUB_STATE_H */
