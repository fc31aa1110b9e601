/*
 * dependent.c
 *		Rows whose clock is in another row.
 *
 * Invariant: a clock row (the event) is kept until its dependents are done.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "due/chain.h"
#include "due/dependent.h"
#include "policy/expression.h"
#include "policy/foreign_key.h"
#include "policy/rule.h"
#include "policy/start.h"

/*
 * "NOT EXISTS (...)" for one path of one rule, whose hop number "last" arrives
 * at the table with that alias.
 */
static char *
no_dependent(const RetentionRule *rule, List *rules, const RetentionClock *clock,
			 int last, const char *target)
{
	StringInfoData from;
	StringInfoData where;
	Oid			relid = rule->relid;
	const char *alias = "d";

	initStringInfo(&from);
	initStringInfo(&where);
	appendStringInfo(&from, "%s AS d", retention_start_relation_name(rule->relid));
	for (int i = 0; i <= last; i++)
	{
		RetentionJoin *join = (RetentionJoin *) list_nth(clock->joins, i);
		const char *next = i == last ? target : psprintf("d%d", i + 1);

		if (i < last)
			appendStringInfo(&from, ", %s AS %s",
							 retention_start_relation_name(join->relid), next);
		appendStringInfo(&where, "%s%s", i > 0 ? " AND " : "",
						 retention_start_join_text(join, relid, alias, next));
		relid = join->relid;
		alias = next;
	}

	/*
	 * A row that points at itself, as roots of trees do, does not keep
	 * itself.
	 */
	if (relid == rule->relid)
		appendStringInfo(&where, " AND (d.tableoid, d.ctid) <> (%s.tableoid, %s.ctid)",
						 target, target);
	/* What an invalid rule would do is not known: its rows are not done. */
	if (rule->valid)
	{
		appendStringInfo(&where, " AND %s", retention_chain_open(rule, rules, "d"));
		if (rule->condition)
			appendStringInfo(&where, " AND (%s)",
							 retention_expression_deparse(rule->condition, rule->relid, "d"));
	}
	return psprintf("NOT EXISTS (SELECT 1 FROM %s WHERE %s)", from.data, where.data);
}

/* Does a label of the table lead to other tables?  Needs no lock of it. */
static bool
labels_have_hops(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	last;

	if (!HeapTupleIsValid(tuple))
		return false;
	last = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	for (AttrNumber attnum = 0; attnum <= last; attnum++)
	{
		char	   *text = retention_labelled_text(relid, attnum);

		if (text != NULL && strstr(text, "->") != NULL)
			return true;
	}
	return false;
}

/*
 * The rules of one table that lead to other tables. Where somebody has locked it:
 * ERROR after a while, as nobody knows whose clock it needs.
 */
static List *
rules_of_table(Oid relid)
{
	List	   *rules;
	int			nest_level;

	if (!labels_have_hops(relid))
		return NIL;
	nest_level = NewGUCNestLevel();
	retention_settings_limit_lock_waits();
	rules = retention_rule_compile(relid);
	AtEOXact_GUC(true, nest_level);
	return rules;
}

/* All rules of the database, for as long as no policy changes. */
static List *
all_rules(void)
{
	static MemoryContext context = NULL;
	static uint64 generation = 0;
	static List *rules = NIL;
	MemoryContext old;
	ListCell   *lc;

	if (context != NULL && generation == retention_labelled_generation())
		return rules;
	generation = 0;
	rules = NIL;
	if (context == NULL)
		context = AllocSetContextCreate(CacheMemoryContext,
										"privacy_retention rules",
										ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	foreach(lc, retention_labelled_relations())
		rules = list_concat(rules, rules_of_table(lfirst_oid(lc)));
	MemoryContextSwitchTo(old);
	generation = retention_labelled_generation();
	return rules;
}

/* The foreign keys by which deleting a row of the table deletes others. */
static List *
cascades_from(Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_foreign_key_to(relid))
		if (((RetentionForeignKey *) lfirst(lc))->on_delete == FKCONSTR_ACTION_CASCADE)
		result = lappend(result, lfirst(lc));
	return result;
}

/* Has a row of another table its clock in one of these, or finds it through it? */
static bool
are_needed(List *relids, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		ListCell   *path;

		if (rule->action == NULL)
			continue;
		foreach(path, retention_rule_paths(rule))
		{
			ListCell   *hop;

			foreach(hop, ((RetentionClock *) lfirst(path))->joins)
				if (list_member_oid(relids, ((RetentionJoin *) lfirst(hop))->relid))
				return true;
		}
	}
	return false;
}

/* The table and all whose rows deleting one of its rows can delete. */
static List *
cascades_reach(Oid relid)
{
	List	   *reached = list_make1_oid(relid);

	/* The list grows while it is walked. */
	for (int i = 0; i < list_length(reached); i++)
	{
		ListCell   *lc;

		foreach(lc, cascades_from(list_nth_oid(reached, i)))
			reached = list_append_unique_oid(reached,
											 ((RetentionForeignKey *) lfirst(lc))->relid);
	}
	return reached;
}

/*
 * What to say of the rows of a rule that a statement of "root"'s owner must not
 * read, because a table of theirs is another's: a foreign key, which whoever owns
 * the referenced table has allowed, keeps the row; a label alone does not. NULL
 * if they can be read. Such a rule is invalid, and says why.
 */
static const char *
verdict_unread(const RetentionRule *rule, const RetentionClock *clock, int last,
			   Oid root)
{
	bool		trusted = retention_identity_is_trusted(rule->relid, root);

	for (int i = 0; i < last; i++)
		trusted = trusted &&
			retention_identity_is_trusted(((RetentionJoin *) list_nth(clock->joins, i))->relid, root);
	if (trusted)
		return NULL;
	return OidIsValid(((RetentionJoin *) list_nth(clock->joins, last))->constraint) ? "false" : "true";
}

/*
 * Nothing has its clock in the row with that alias, nor in a row that would be
 * deleted with it by ON DELETE CASCADE. Empty if nothing can.
 */
static char *
none_needs(Oid relid, const char *alias, List *rules, List *visited)
{
	StringInfoData text;
	Oid			root;			/* whose owner runs it */
	ListCell   *lc;

	initStringInfo(&text);
	visited = lappend_oid(list_copy(visited), relid);
	root = linitial_oid(visited);
	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		ListCell   *path;

		if (rule->action == NULL)
			continue;
		foreach(path, retention_rule_paths(rule))
		{
			RetentionClock *clock = (RetentionClock *) lfirst(path);

			for (int i = 0; i < list_length(clock->joins); i++)
				if (((RetentionJoin *) list_nth(clock->joins, i))->relid == relid)
				{
					const char *verdict = verdict_unread(rule, clock, i, root);

					appendStringInfo(&text, "%s%s", text.len > 0 ? " AND " : "",
									 verdict ? verdict : no_dependent(rule, rules, clock, i, alias));
				}
		}
	}
	foreach(lc, cascades_from(relid))
	{
		RetentionForeignKey *key = (RetentionForeignKey *) lfirst(lc);
		char	   *child = psprintf("k%d", list_length(visited));
		bool		trusted = retention_identity_is_trusted(key->relid, root);
		char	   *inner;

		/*
		 * Where cascades come back to a table there is no end to follow them
		 * to: the row waits until the rows that would go with it are gone.
		 */
		if (list_member_oid(visited, key->relid))
		{
			if (!are_needed(cascades_reach(key->relid), rules))
				continue;
			if (!trusted)
				appendStringInfo(&text, "%sfalse", text.len > 0 ? " AND " : "");
			else
				appendStringInfo(&text, "%sNOT EXISTS (SELECT 1 FROM %s AS %s WHERE %s"
								 " AND (%s.tableoid, %s.ctid) <> (%s.tableoid, %s.ctid))",
								 text.len > 0 ? " AND " : "",
								 retention_start_relation_name(key->relid), child,
								 retention_start_join_text(key->join, key->relid,
														   child, alias),
								 child, child, alias, alias);
			continue;
		}
		inner = none_needs(key->relid, child, rules, visited);
		if (inner[0] == '\0')
			continue;
		if (!trusted)
			appendStringInfo(&text, "%sfalse", text.len > 0 ? " AND " : "");
		else
			appendStringInfo(&text, "%sNOT EXISTS (SELECT 1 FROM %s AS %s WHERE %s AND NOT (%s))",
							 text.len > 0 ? " AND " : "",
							 retention_start_relation_name(key->relid), child,
							 retention_start_join_text(key->join, key->relid, child, alias),
							 inner);
	}
	return text.data;
}

char *
retention_dependent_none(Oid relid)
{
	RetentionIdentity saved;
	List	   *rules = all_rules();
	char	   *text;

	retention_identity_become_owner(&saved, relid);
	text = none_needs(relid, "t", rules, NIL);
	retention_identity_restore(&saved);
	return text[0] != '\0' ? text : pstrdup("true");
}

typedef struct Needs
{
	Oid			relid;
	List	   *needed;
} Needs;

/* The tables that this one's rows need: their clocks and foreign keys are there. */
static void
find_needed(void *arg)
{
	Oid			relid = ((Needs *) arg)->relid;
	List	   *needed = NIL;
	Relation	rel = table_open(relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
		needed = list_append_unique_oid(needed,
										lfirst_node(ForeignKeyCacheInfo, lc)->confrelid);
	table_close(rel, AccessShareLock);
	foreach(lc, retention_rule_compile(relid))
	{
		ListCell   *path;

		foreach(path, retention_rule_paths((RetentionRule *) lfirst(lc)))
		{
			ListCell   *hop;

			foreach(hop, ((RetentionClock *) lfirst(path))->joins)
				needed = list_append_unique_oid(needed,
												((RetentionJoin *) lfirst(hop))->relid);
		}
	}
	((Needs *) arg)->needed = needed;
}

/* Depth first: a table is put out after all that need it. */
static void
visit(Oid relid, List *relations, List *needs, List **visited, List **order)
{
	int			position = 0;
	ListCell   *lc;

	if (list_member_oid(*visited, relid))
		return;
	*visited = lappend_oid(*visited, relid);
	foreach(lc, relations)
	{
		if (list_member_oid((List *) list_nth(needs, position++), relid))
			visit(lfirst_oid(lc), relations, needs, visited, order);
	}
	*order = lappend_oid(*order, relid);
}

List *
retention_dependent_order(List *relations)
{
	List	   *needs = NIL;
	List	   *visited = NIL;
	List	   *order = NIL;
	ListCell   *lc;

	foreach(lc, relations)
	{
		Needs		table = {lfirst_oid(lc), NIL};

		/* One that is locked now comes in any order. */
		(void) retention_attempt_run(find_needed, &table);
		needs = lappend(needs, table.needed);
	}
	foreach(lc, relations)
		visit(lfirst_oid(lc), relations, needs, &visited, &order);
	return order;
}
