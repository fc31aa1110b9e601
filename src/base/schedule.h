/*
 * schedule.h
 *		The shared table of databases and when each must be looked at next.
 *
 * Invariant: a process that finds work to do earlier than the entry says calls
 * retention_schedule_wake(); without the preloaded library all calls do nothing.
 */
#ifndef RETENTION_SCHEDULE_H
#define RETENTION_SCHEDULE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Requests shared memory; called from _PG_init while preloading. */
extern void retention_schedule_request(void);

/*
 * The database wants a look at "when", or earlier if it already asked so.
 * Takes effect when the current transaction commits.
 */
extern void retention_schedule_wake(Oid dbid, TimestampTz when);

#endif							/* RETENTION_SCHEDULE_H */
