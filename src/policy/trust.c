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
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/identity.h"
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

char *
retention_trust_problem(const RetentionRule *rule, char **hint)
{
	ListCell   *lc;

	foreach(lc, rule->clocks)
	{
		ListCell   *hop;

		foreach(hop, ((RetentionClock *) lfirst(lc))->joins)
		{
			Oid			relid = ((RetentionJoin *) lfirst(hop))->relid;

			if (retention_identity_is_trusted(relid, rule->relid))
				continue;
			*hint = change_owner(relid, rule->relid);
			return psprintf("table %s, which has the starting point, has another owner, whose code would run as the owner of %s",
							retention_start_relation_name(relid), rule->relation);
		}
	}
	if (!has_subclass(rule->relid))
		return NULL;
	foreach(lc, find_all_inheritors(rule->relid, NoLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (retention_identity_is_trusted(relid, rule->relid))
			continue;
		*hint = change_owner(relid, rule->relid);
		return psprintf("%s, a part of the table, has another owner, whose code would run as the owner of %s",
						retention_start_relation_name(relid), rule->relation);
	}
	return NULL;
}
