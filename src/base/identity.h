/*
 * identity.h
 *		Whose name an action runs under.
 *
 * Invariant: each become_*() is paired with one restore() in the same
 * (sub)transaction level, and nobody commits between them.  After an error the
 * (sub)transaction's abort restores user and settings by itself.
 */
#ifndef RETENTION_IDENTITY_H
#define RETENTION_IDENTITY_H

#include "postgres.h"

typedef struct RetentionIdentity
{
	Oid			userid;
	int			sec_context;
	int			nest_level;
} RetentionIdentity;

/*
 * Become the owner of a user's table: security-restricted, row security not
 * forced, search_path "pg_catalog, pg_temp", TimeZone = privacy_retention.timezone,
 * session_replication_role = origin.  Everything that can run a user's code
 * (find, DML, clock expressions, conditions) runs between this and restore().
 */
extern void retention_identity_become_owner(RetentionIdentity *saved, Oid relid);

/* Become the extension's owner, for statements on tables of schema retention. */
extern void retention_identity_become_extension(RetentionIdentity *saved);

extern void retention_identity_restore(const RetentionIdentity *saved);

/* Fails an assertion when a become_*() is still open; call before a commit. */
extern void retention_identity_assert_none(void);

/* Member of privacy_retention.officer_role, or superuser. */
extern bool retention_identity_is_officer(Oid roleid);

/* ERROR (insufficient_privilege) unless the current user is an officer. */
extern void retention_identity_require_officer(const char *what);

/* ERROR (not owner) unless the current user owns the table or is an officer. */
extern void retention_identity_require_owner(Oid relid);

/*
 * May a statement that runs as the owner of "acting" read the other table?  Only
 * to plan it the server runs code of that table's owner (predicates of indexes,
 * statistics expressions, policies) as whoever reads it: so its owner must have
 * the privileges of "acting"'s owner anyway.  False where one of them is gone.
 */
extern bool retention_identity_is_trusted(Oid relid, Oid acting);

/* OID of a relation of ours, such as "ledger"; ERROR when the extension is not there. */
extern Oid	retention_identity_own_relation(const char *name);

/* The same; InvalidOid where the objects are those of an earlier release. */
extern Oid	retention_identity_find_own(const char *name);

/* The owner of a relation, InvalidOid if it is gone. */
extern Oid	retention_identity_owner(Oid relid);

#endif							/* RETENTION_IDENTITY_H */
