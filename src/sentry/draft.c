/*
 * draft.c
 *		Orders, drafted from the rules of the tables that they are about.
 *
 * Invariant: what a guard looks at is taken from the same compiled rules as the
 * engine's conditions; here is no opinion of what is due.
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "pgtime.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "due/due.h"
#include "guard/guard.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "sentry/draft.h"

/* What it takes to draft orders. */
typedef struct Draft
{
	RetentionOrders *orders;
	Relation	rel;
	MemoryContext scratch;		/* of what is not kept */
} Draft;

static List *
compile_rules(Draft *draft, Oid relid)
{
	MemoryContext old = MemoryContextSwitchTo(draft->scratch);
	List	   *rules = retention_rule_compile(relid);

	MemoryContextSwitchTo(old);
	return rules;
}

/*
 * With the category's period, whatever the row's own is: that one is not longer.
 */
static RetentionDue *
build_due(Draft *draft, const RetentionRule *rule, List *rules)
{
	MemoryContext old = MemoryContextSwitchTo(draft->scratch);
	RetentionRule *category = palloc(sizeof(RetentionRule));
	RetentionDue *due;

	*category = *rule;
	category->own_period = NULL;
	due = retention_due_build_for_row(category, rules, draft->orders->computed_for);

	MemoryContextSwitchTo(old);
	return due;
}

/* Columns of one table by their numbers in another, by name; 0 where it has none. */
static AttrMap *
map_columns(Oid from, Oid to)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(from));
	AttrNumber	ncolumns;
	AttrMap    *map;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", from);
	ncolumns = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	map = make_attrmap(ncolumns);
	for (AttrNumber attnum = 1; attnum <= ncolumns; attnum++)
	{
		char	   *name = get_attname(from, attnum, true);

		if (name != NULL)
			map->attnums[attnum - 1] = Max(get_attnum(to, name), 0);
	}
	return map;
}

/* Columns of the labelled table, as columns of the relation. */
static Bitmapset *
add_columns(Bitmapset *set, const AttrMap *map, Bitmapset *columns)
{
	int			member = -1;

	while ((member = bms_next_member(columns, member)) >= 0)
		set = bms_add_member(set, member > 0 ? map->attnums[member - 1] : 0);
	return set;
}

static Bitmapset *
add_way(Bitmapset *set, const AttrMap *map, int nkeys, const AttrNumber *columns)
{
	for (int i = 0; i < nkeys; i++)
		set = bms_add_member(set, map->attnums[columns[i] - 1]);
	return set;
}

/* What a generated column is made of counts for it, and is there in time. */
static Bitmapset *
add_sources(Bitmapset *set, Relation rel)
{
	Bitmapset  *result = bms_copy(set);
	int			member = 0;

	while ((member = bms_next_member(set, member)) > 0)
		if (TupleDescAttr(RelationGetDescr(rel), member - 1)->attgenerated)
			result = bms_add_members(result,
									 retention_dial_columns(build_column_default(rel, member)));
	return result;
}

/* The dial for a clock over the table that has the map; -1 if it has none. */
static int
find_dial(Draft *draft, const RetentionClock *clock, const AttrMap *map,
		  const RetentionRule *rule, const RetentionArm *arm)
{
	RetentionOrders *orders = draft->orders;
	RetentionDial *dial = NULL;
	bool		whole_row;
	bool		own = rule->own_period != NULL && !orders->parent &&
	rule->own_period->joins == NIL;
	Node	   *period = NULL;
	Node	   *expression;
	int			number = 0;
	ListCell   *lc;

	if (own)
		period = map_variable_attnos(rule->own_period->expression, 1, 0, map,
									 get_rel_type_id(orders->relid), &whole_row);
	expression = map_variable_attnos(clock->expression, 1, 0, map,
									 get_rel_type_id(orders->relid), &whole_row);
	foreach(lc, orders->dials)
	{
		dial = (RetentionDial *) lfirst(lc);
		if (equal(dial->source, expression) && equal(dial->own, period) &&
			(!OidIsValid(dial->owned) || dial->owned == rule->relid))
			break;
		number++;
	}
	if (lc == NULL)
	{
		dial = palloc0(sizeof(RetentionDial));
		retention_dial_make(dial, draft->rel, expression, rule->relid);
		if (own)
			retention_dial_add_period(dial, draft->rel, period);
		dial->computed_for = orders->computed_for;
		dial->zone = pg_tzset(retention_settings_timezone);
		dial->earliest = retention_settings_earliest();
		dial->greatest = arm->greatest;
		dial->exact = arm->exact;
		orders->dials = lappend(orders->dials, dial);
	}
	dial->greatest = Max(dial->greatest, arm->greatest);
	dial->exact &= arm->exact;
	dial->elsewhere |= rule->own_period != NULL && !own;
	dial->relids = list_append_unique_oid(dial->relids, rule->relid);
	return number;
}

/* The columns where a path begins, or ends if it is in the row itself. */
static Bitmapset *
add_path(Bitmapset *set, const AttrMap *map, const RetentionClock *path)
{
	RetentionJoin *join;

	if (path->joins == NIL)
		return add_columns(set, map, retention_dial_columns(path->expression));
	join = (RetentionJoin *) linitial(path->joins);
	return add_way(set, map, join->nkeys, join->from_columns);
}

/* All columns on which it depends what the rule does to a row. */
static Bitmapset *
columns_of_rule(const RetentionRule *rule, List *rules, const AttrMap *map)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;
	ListCell   *lk;

	if (rule->attnum != 0)
		columns = bms_add_member(columns, map->attnums[rule->attnum - 1]);
	foreach(lc, rules)
	{
		RetentionRule *stage = (RetentionRule *) lfirst(lc);

		if (stage->attnum != rule->attnum || !stage->valid)
			continue;
		if (stage->condition != NULL)
			columns = add_columns(columns, map, retention_dial_columns(stage->condition));
		foreach(lk, stage->clocks)
			columns = add_path(columns, map, (RetentionClock *) lfirst(lk));
		if (stage->own_period != NULL)
			columns = add_path(columns, map, stage->own_period);
	}
	return columns;
}

/* The rules of the labelled table, for rows of the relation. */
static void
draft_own(Draft *draft)
{
	RetentionOrders *orders = draft->orders;
	List	   *rules = compile_rules(draft, orders->labelled);
	AttrMap    *map = map_columns(orders->labelled, orders->relid);
	ListCell   *lc;
	ListCell   *lk;
	ListCell   *la;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionOrderRule *order;
		RetentionDue *due;

		if (!rule->valid || rule->action == NULL)
			continue;
		due = build_due(draft, rule, rules);
		order = palloc0(sizeof(RetentionOrderRule));
		order->attnum = rule->attnum;
		order->column = rule->attnum ? map->attnums[rule->attnum - 1] : 0;
		order->stage = rule->stage;
		order->category = pstrdup(rule->category);
		order->dial = order->fallback = -1;
		order->columns = add_sources(columns_of_rule(rule, rules, map), draft->rel);
		/* An arm a path; none after a path that finds every row. */
		forboth(lk, rule->clocks, la, due->arms)
		{
			RetentionClock *clock = (RetentionClock *) lfirst(lk);
			int			dial;

			if (clock->joins != NIL)
			{
				RetentionJoin *join = (RetentionJoin *) linitial(clock->joins);

				order->ways = add_way(order->ways, map, join->nkeys, join->from_columns);
				continue;
			}
			dial = find_dial(draft, clock, map, rule,
							 (RetentionArm *) lfirst(la));
			if (lk == list_head(rule->clocks))
				order->dial = dial;
			else
				order->fallback = dial;
		}
		if (order->dial >= 0 && rule->attnum != 0)
			orders->values = true;
		orders->columns = bms_add_members(orders->columns, order->columns);
		orders->rules = lappend(orders->rules, order);
	}
}

/* The rules of another table whose clocks are here, or further on from here. */
static void
add_dependents(Draft *draft, Oid relid)
{
	RetentionOrders *orders = draft->orders;
	List	   *rules = compile_rules(draft, relid);
	AttrMap    *map = map_columns(orders->labelled, orders->relid);
	ListCell   *lc;
	ListCell   *lk;
	ListCell   *la;
	ListCell   *lj;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionDue *due;
		int			path = 0;

		if (!rule->valid || rule->action == NULL)
			continue;
		due = build_due(draft, rule, rules);
		forboth(lk, rule->clocks, la, due->arms)
		{
			RetentionClock *clock = (RetentionClock *) lfirst(lk);
			int			hop = 0;

			foreach(lj, clock->joins)
			{
				RetentionJoin *join = (RetentionJoin *) lfirst(lj);
				RetentionJoin *next = lnext(clock->joins, lj) ?
				(RetentionJoin *) lfirst(lnext(clock->joins, lj)) : NULL;
				RetentionOrderDependent *dependent;

				orders->others = list_append_unique_oid(orders->others, join->relid);
				if (join->relid == orders->labelled)
				{
					dependent = palloc0(sizeof(RetentionOrderDependent));
					dependent->relid = relid;
					dependent->attnum = rule->attnum;
					dependent->stage = rule->stage;
					dependent->path = path;
					dependent->hop = hop;
					dependent->dial = next ? -1 : find_dial(draft, clock, map, rule,
															(RetentionArm *) lfirst(la));
					if (next)
						dependent->ways = add_way(NULL, map, next->nkeys, next->from_columns);
					/* No foreign key takes the rows along with a changed key. */
					if (!OidIsValid(join->constraint))
						dependent->ways = add_way(dependent->ways, map,
												  join->nkeys, join->to_columns);
					orders->columns = bms_add_members(orders->columns, dependent->ways);
					orders->dependents = lappend(orders->dependents, dependent);
				}
				hop++;
			}
			path++;
		}
	}
}

void
retention_draft_write(RetentionOrders *orders, Relation rel, List *dependents,
					  MemoryContext scratch)
{
	Draft		draft = {orders, rel, scratch};
	ListCell   *lc;

	if (!orders->parent)
		draft_own(&draft);
	foreach(lc, dependents)
	{
		Oid			relid = lfirst_oid(lc);

		orders->others = list_append_unique_oid(orders->others, relid);
		if (retention_guard_state(relid) == RETENTION_PROTECTED)
			add_dependents(&draft, relid);
	}
	foreach(lc, orders->dials)
		orders->columns = bms_add_members(orders->columns,
										  ((RetentionDial *) lfirst(lc))->columns);
}
