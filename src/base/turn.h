/*
 * turn.h
 *		Whose turn it is to be erased: the databases that have work for an eraser.
 *
 * Invariant: one eraser on the server at a time.  What is known here is only when to
 * look; what there is to do is in the tables of each database.
 */
#ifndef RETENTION_TURN_H
#define RETENTION_TURN_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Requests shared memory; called from _PG_init while preloading. */
extern void retention_turn_request(void);

/*
 * For a worker: there is work in its database; DT_NOEND = none.  What failed keeps its
 * back-off.
 */
extern void retention_turn_want(Oid dbid, TimestampTz when);

/* For the launcher: the databases that there are.  Others are forgotten. */
extern void retention_turn_reconcile(const Oid *dbids, int count);

/*
 * For the launcher, while no eraser of its own runs: the database that waits longest,
 * InvalidOid = none: then *wake is when one will be, DT_NOEND = not known.
 */
extern Oid	retention_turn_next(TimestampTz now, TimestampTz *wake);

/* For an eraser: takes its turn, until it exits.  False if another has it. */
extern bool retention_turn_take(Oid dbid);

/*
 * For an eraser: what is left in its database from when on (DT_NOEND = nothing), and
 * whether something failed.
 */
extern void retention_turn_end(Oid dbid, TimestampTz next, bool failed, TimestampTz now);

/* For the launcher: the eraser of that database could not be had, or ended at once. */
extern void retention_turn_lost(Oid dbid, TimestampTz now);

#endif							/* RETENTION_TURN_H */
