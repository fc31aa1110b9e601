/*
 * hold_guard.h
 *		The triggers that refuse what would touch a held row.
 *
 * Invariant: they are on every table under a suspension, on its partitions and
 * children, and on no other: what they cost is paid for held tables only.
 */
#ifndef RETENTION_HOLD_GUARD_H
#define RETENTION_HOLD_GUARD_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/rel.h"

#define RETENTION_HOLD_GUARD_NAME "zz_privacy_retention_hold"

/*
 * Raises what the suspensions in force want on the table, its partitions and
 * children; nothing where none is in force.  Acts as the extension's owner; locks
 * what it changes.
 */
extern void retention_hold_guard_raise(Oid relid);

/* Takes away what no suspension in force, nor a protection, wants any more. */
extern void retention_hold_guard_lower(Oid relid);

/*
 * The first of a suspended table, its partitions and children that has no guard
 * of suspensions, or a disabled one; InvalidOid: none.
 */
extern Oid	retention_hold_guard_gap(Oid relid);

/* Raises them where tables came since; called by passes. */
extern void retention_hold_guard_newcomers(void);

/* ERROR if the row is held and would be deleted, or changed against it. */
extern void retention_hold_guard_check_row(TriggerData *trigger);

/* ERROR if the relation has a held row of its own. */
extern void retention_hold_guard_check_truncate(Relation rel);

/* ERROR, in the same words, for a whole table. */
struct RetentionSuspension;
extern void retention_hold_guard_refuse(Relation rel, const struct RetentionSuspension *suspension,
										const char *message);

/*
 * The rows that the engine's own DELETE (statement.h) removes are asked about in the
 * statement itself: while this is true the guards need not ask again.  What such a
 * statement brings about (cascades, triggers, functions) is asked about.
 */
extern void retention_hold_guard_permit(bool permitted);

#endif							/* RETENTION_HOLD_GUARD_H */
