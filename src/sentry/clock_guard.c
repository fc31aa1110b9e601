/*
 * clock_guard.c
 *		The triggers on tables in which clocks of protected tables lie.
 *
 * Invariant: each table that a rule of a protected table reads on the way to its
 * clock has one; it names the protected tables for which it is there, and goes
 * with the last of them.  It makes nothing look protected.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"

#include "base/identity.h"
#include "guard/guard.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "sentry/clock_guard.h"

/* The tables through which the rules' ways lead, and where they end. */
static List *
tables_on_the_way(List *rules)
{
	List	   *tables = NIL;
	ListCell   *lc;
	ListCell   *lk;
	ListCell   *lj;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (!rule->valid || rule->action == NULL)
			continue;
		foreach(lk, rule->clocks)
			foreach(lj, ((RetentionClock *) lfirst(lk))->joins)
			tables = list_append_unique_oid(tables, ((RetentionJoin *) lfirst(lj))->relid);
	}
	return tables;
}

/* One table and all of its partitions and children: for these, or for none. */
static void
raise_for(Oid table, List *protected)
{
	List	   *members = find_all_inheritors(table, ShareRowExclusiveLock, NULL);
	ListCell   *lc;

	list_sort(protected, list_oid_cmp);
	foreach(lc, members)
	{
		Oid			member = lfirst_oid(lc);

		if (!retention_guard_possible(member))
			continue;
		if (protected == NIL)
			retention_guard_drop_one(member, RETENTION_CLOCK_GUARD_NAME);
		else
			retention_guard_raise_one(member, table, RETENTION_CLOCK_GUARD_NAME,
									  "UPDATE", "ROW", protected);
	}
}

/* Those whose protection has not ended in another way, such as DROP TABLE. */
static List *
still_protected(List *tables)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tables)
		if (get_rel_name(lfirst_oid(lc)) != NULL &&
			retention_guard_state(lfirst_oid(lc)) != RETENTION_WATCHED)
		result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

void
retention_clock_guard_settle(Oid relid, bool protected)
{
	List	   *wanted = protected ? tables_on_the_way(retention_rule_compile(relid)) : NIL;
	List	   *there = retention_guard_relations();
	RetentionIdentity saved;
	ListCell   *lc;

	SPI_connect();
	retention_guard_permit(true);
	retention_identity_become_extension(&saved);
	foreach(lc, wanted)
	{
		List	   *others;

		(void) retention_guard_others(lfirst_oid(lc), RETENTION_CLOCK_GUARD_NAME, &others);
		raise_for(lfirst_oid(lc),
				  list_append_unique_oid(still_protected(others), relid));
	}
	foreach(lc, list_difference_oid(there, wanted))
	{
		List	   *others;

		(void) retention_guard_others(lfirst_oid(lc), RETENTION_CLOCK_GUARD_NAME, &others);
		if (list_member_oid(others, relid))
			raise_for(lfirst_oid(lc), list_delete_oid(still_protected(others), relid));
	}
	retention_identity_restore(&saved);
	retention_guard_permit(false);
	SPI_finish();
	CommandCounterIncrement();
}

bool
retention_clock_guard_gap(Oid relid, List *rules)
{
	ListCell   *lc;
	ListCell   *lm;

	foreach(lc, tables_on_the_way(rules))
		foreach(lm, find_all_inheritors(lfirst_oid(lc), NoLock, NULL))
	{
		List	   *others;

		if (retention_guard_possible(lfirst_oid(lm)) &&
			(!retention_guard_others(lfirst_oid(lm), RETENTION_CLOCK_GUARD_NAME, &others) ||
			 !list_member_oid(others, relid)))
			return true;
	}
	return false;
}

void
retention_clock_guard_remove_all(void)
{
	RetentionIdentity saved;
	ListCell   *lc;

	SPI_connect();
	retention_guard_permit(true);
	retention_identity_become_extension(&saved);
	foreach(lc, retention_guard_relations())
		retention_guard_drop_one(lfirst_oid(lc), RETENTION_CLOCK_GUARD_NAME);
	retention_identity_restore(&saved);
	retention_guard_permit(false);
	SPI_finish();
	CommandCounterIncrement();
}
