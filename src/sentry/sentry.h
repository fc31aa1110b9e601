/*
 * sentry.h
 *		What the guards do when they fire: which rooms are asked, in turn.
 *
 * Invariant: a row that no room has anything to say about passes unchanged.
 */
#ifndef RETENTION_SENTRY_H
#define RETENTION_SENTRY_H

#include "postgres.h"

#include "commands/trigger.h"

/*
 * The answer of a trigger of ours: the row to store, perhaps changed, or, for a
 * TRUNCATE, nothing.  ERROR where a room refuses.  Is called for each row that is
 * written to a guarded table, so whatever a room asks must cost next to nothing
 * where it has nothing to say.
 */
extern HeapTuple retention_sentry_answer(TriggerData *trigger);

/*
 * All guards of a table: its own, and those of the tables in which its rows' clocks
 * lie; the latter stay where other protected tables need them.  As
 * retention_guard_raise() and retention_guard_remove().
 */
extern void retention_sentry_post(Oid relid);
extern void retention_sentry_relieve(Oid relid);

#endif							/* RETENTION_SENTRY_H */
