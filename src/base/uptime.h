/*
 * uptime.h
 *		By how much the server's clock has been set since the server started.
 *
 * Invariant: known where the library is preloaded, to all databases, also to those that
 * nobody has looked at yet; nothing is known of what was before the start.
 */
#ifndef RETENTION_UPTIME_H
#define RETENTION_UPTIME_H

#include "postgres.h"

#include "base/walltime.h"

/* Reads the clock, and requests shared memory; called from _PG_init while preloading. */
extern void retention_uptime_request(void);

/*
 * By how many us the clock has been set forward (less than 0: back) since the server
 * started, or since somebody accepted it.  False if that cannot be told.
 */
extern bool retention_uptime_set_by(const RetentionWalltime *now, int64 *us);

/* The clock is right, as it was read; in effect when the transaction commits. */
extern void retention_uptime_accept(const RetentionWalltime *now);

#endif							/* RETENTION_UPTIME_H */
