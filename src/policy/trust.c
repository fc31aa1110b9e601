/*
 * trust.c
 *		Whose tables a rule may read.
 *
 * The engine's statements run as the owner of the rule's table. Only to plan them
 * the server runs code that belongs to the owners of all tables in them: it folds
 * predicates of indexes and statistics expressions, and adds policies. Whoever
 * owns a table that a superuser's rule reads would be a superuser.
 *
 * Invariant: a rule whose statements would run another owner's code as the owner
 * of its table is invalid.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/identity.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "policy/trust.h"

/* The name of a table's owner, quoted. */
static char *
owner_name(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("(dropped)");
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return pstrdup(quote_identifier(GetUserNameFromId(owner, false)));
}

static char *
change_owner(Oid relid, Oid acting)
{
	return psprintf("ALTER TABLE %s OWNER TO %s;",
					retention_start_relation_name(relid), owner_name(acting));
}

/* The first table of a path that may not be read, or InvalidOid. */
static Oid
find_stranger(const RetentionClock *path, Oid acting)
{
	ListCell   *lc;

	foreach(lc, path->joins)
	{
		Oid			relid = ((RetentionJoin *) lfirst(lc))->relid;

		if (!retention_identity_is_trusted(relid, acting))
			return relid;
	}
	return InvalidOid;
}

/*
 * The first partition or child of another owner, or InvalidOid.  Rows are found as
 * the owner of the whole and changed as the owner of the part.  All rules of a
 * table ask, one after the other: the last answer is kept for the statement.
 */
static Oid
find_strange_part(Oid relid)
{
	static Oid	asked = InvalidOid;
	static Oid	answer = InvalidOid;
	static uint64 generation = 0;
	static TimestampTz when = 0;
	ListCell   *lc;

	if (!has_subclass(relid))
		return InvalidOid;
	if (asked == relid && generation == retention_labelled_generation() &&
		when == GetCurrentStatementStartTimestamp())
		return answer;
	asked = InvalidOid;
	answer = InvalidOid;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		if (retention_identity_is_trusted(lfirst_oid(lc), relid) &&
			retention_identity_is_trusted(relid, lfirst_oid(lc)))
			continue;
		answer = lfirst_oid(lc);
		break;
	}
	generation = retention_labelled_generation();
	when = GetCurrentStatementStartTimestamp();
	asked = relid;
	return answer;
}

char *
retention_trust_problem(const RetentionRule *rule, char **hint)
{
	const char *what = "the starting point";
	Oid			stranger = InvalidOid;
	ListCell   *lc;

	foreach(lc, rule->clocks)
		if (!OidIsValid(stranger))
		stranger = find_stranger((RetentionClock *) lfirst(lc), rule->relid);
	if (!OidIsValid(stranger) && rule->own_period)
	{
		what = "the period";
		stranger = find_stranger(rule->own_period, rule->relid);
	}
	if (OidIsValid(stranger))
	{
		*hint = change_owner(stranger, rule->relid);
		return psprintf("table %s, which has %s, has another owner, whose code would run as the owner of %s",
						retention_start_relation_name(stranger), what, rule->relation);
	}
	stranger = find_strange_part(rule->relid);
	if (OidIsValid(stranger))
	{
		*hint = change_owner(stranger, rule->relid);
		return psprintf("%s, a part of %s, has another owner: the code of the one would run as the other",
						retention_start_relation_name(stranger), rule->relation);
	}
	return NULL;
}
