/*
 * clock_guard.h
 *		The triggers on tables in which clocks of protected tables lie.
 *
 * Invariant: each table that a rule of a protected table reads on the way to its
 * clock has one; it names the protected tables for which it is there, and goes
 * with the last of them.  It makes nothing look protected.
 */
#ifndef RETENTION_CLOCK_GUARD_H
#define RETENTION_CLOCK_GUARD_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * The table has been protected, or its labels have changed: raises what its rules
 * need, takes away what they no longer do.  "protected" false: it needs nothing
 * any more.  Acts as the extension's owner; locks the other tables.
 */
extern void retention_clock_guard_settle(Oid relid, bool protected);

/* Is one missing or disabled that the rules of a protected table need? */
extern bool retention_clock_guard_gap(Oid relid, List *rules);

/* Takes all of them away, for the end of everything. */
extern void retention_clock_guard_remove_all(void);

#endif							/* RETENTION_CLOCK_GUARD_H */
