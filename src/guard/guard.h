/*
 * guard.h
 *		The triggers that mark a table as enforced.
 *
 * Invariant: protected = the guard is there, enabled, and its arguments name
 * this database and this table.
 */
#ifndef RETENTION_GUARD_H
#define RETENTION_GUARD_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The row trigger: the last BEFORE trigger by name. */
#define RETENTION_GUARD_NAME "zz_privacy_retention"
#define RETENTION_GUARD_TRUNCATE_NAME "zz_privacy_retention_truncate"

/* The row trigger of tables in which clocks of protected tables lie. */
#define RETENTION_CLOCK_GUARD_NAME "zz_privacy_retention_clock"

typedef enum RetentionProtection
{
	RETENTION_WATCHED,			/* labelled, no guard */
	RETENTION_PROTECTED,
	RETENTION_DISABLED,			/* the guard is there, but disabled */
	RETENTION_COPIED			/* the guard names another database or table */
} RetentionProtection;

/* The OID of retention.guard(), or InvalidOid without the extension. */
extern Oid	retention_guard_function(void);

/* The state of a table; of a partition: its root's.  Takes no lock. */
extern RetentionProtection retention_guard_state(Oid relid);

/*
 * The first partition or inheritance child of a protected table on which a guard
 * is missing or disabled, or InvalidOid.
 */
extern Oid	retention_guard_gap(Oid relid);

/*
 * Puts the guards on a table and on all of its partitions and children, with the
 * present OIDs; what is already there and right stays.  Acts as the extension's
 * owner.  Caller has checked the caller's right and locked the table.
 */
extern void retention_guard_raise(Oid relid);

/*
 * The same for one partition or child, "part", of the table, and for what is
 * below it: locks nothing else.
 */
extern void retention_guard_raise_part(Oid relid, Oid part);

/* Takes the guards away again, from the table and all of its partitions. */
extern void retention_guard_remove(Oid relid);

/*
 * For rooms with triggers of their own on our function, of the kind of guards:
 * caller acts as the extension's owner, is connected to SPI, and has locked the
 * member.  Makes one stand, always enabled, that names this database, the table
 * and "others" (OIDs); what is there and right stays, clones of the server's are
 * left to it.
 */
extern void retention_guard_raise_one(Oid member, Oid relid, const char *name,
									  const char *events, const char *level,
									  List *others);

/* Takes one away, if it is there and no clone. */
extern void retention_guard_drop_one(Oid member, const char *name);

/* Does it stand?  *others: what it names beside the table, if of this database. */
extern bool retention_guard_others(Oid member, const char *name, List **others);

/* Can the relation hold rows of its own, or partitions that do? */
extern bool retention_guard_possible(Oid relid);

/* OIDs of all tables in this database with a trigger of ours, in the order of OIDs. */
extern List *retention_guard_relations(void);

/* Is any of them protected: not only a copy that waits for adopt()? */
extern bool retention_guard_protects_any(void);

/*
 * What the engine does itself to a protected table (TRUNCATE or DROP of a
 * partition, its own triggers) passes guards and event triggers between true and
 * false.  Pairs nest; a permit ends with the (sub)transaction that gave it.
 */
extern void retention_guard_permit(bool permitted);
extern bool retention_guard_permitted(void);

#endif							/* RETENTION_GUARD_H */
