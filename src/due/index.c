/*
 * index.c
 *		Indexes that the search for due rows wants.
 *
 * Invariant: an index that is named as missing would be used: it leads with the
 * very value that the search compares.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_index.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"

#include "base/compat.h"
#include "base/identity.h"
#include "due/index.h"
#include "policy/start.h"

/* Does the index lead with these columns, in any order? */
static bool
leads_with_columns(Form_pg_index index, int nkeys, const AttrNumber *columns)
{
	if (index->indnkeyatts < nkeys)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		bool		found = false;

		for (int k = 0; k < nkeys; k++)
			found |= index->indkey.values[k] == columns[i];
		if (!found)
			return false;
	}
	return true;
}

/* Does the index lead with this expression? */
static bool
leads_with_expression(Relation index, Node *expression)
{
	List	   *expressions;

	if (index->rd_index->indkey.values[0] != 0)
		return false;
	expressions = RelationGetIndexExpressions(index);
	return expressions != NIL &&
		equal(linitial(expressions), eval_const_expressions(NULL, expression));
}

/* Is there a valid index, over all rows, that leads so? */
static bool
has_index(Oid relid, int nkeys, const AttrNumber *columns, Node *expression, const List *gone)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisvalid && !list_member_oid(gone, index->rd_id) &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			found |= expression ? leads_with_expression(index, expression) :
				leads_with_columns(index->rd_index, nkeys, columns);
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return found;
}

static void
want_columns(StringInfo statements, Oid relid, int nkeys, const AttrNumber *columns,
			 const List *gone)
{
	if (has_index(relid, nkeys, columns, NULL, gone))
		return;
	appendStringInfo(statements, "%sCREATE INDEX ON %s (",
					 statements->len > 0 ? "; " : "",
					 retention_start_relation_name(relid));
	for (int i = 0; i < nkeys; i++)
		appendStringInfo(statements, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(relid, columns[i], false)));
	appendStringInfoChar(statements, ')');
}

static void
want_expression(StringInfo statements, Oid relid, Node *expression, const List *gone)
{
	if (contain_mutable_functions(expression) ||
		has_index(relid, 0, NULL, expression, gone))
		return;
	appendStringInfo(statements, "%sCREATE INDEX ON %s ((%s))",
					 statements->len > 0 ? "; " : "",
					 retention_start_relation_name(relid),
					 deparse_expression(expression,
										deparse_context_for(get_rel_name(relid), relid),
										false, false));
}

/* What a virtual column is computed from; NULL for any other. */
static Node *
made_of(Oid relid, AttrNumber column)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Node	   *expression = NULL;

	if (retention_compat_is_virtual(TupleDescAttr(RelationGetDescr(rel), column - 1)))
		expression = build_column_default(rel, column);
	table_close(rel, AccessShareLock);
	return expression;
}

/* The clock, or what it is made of. */
static void
want_clock(StringInfo statements, Oid relid, const RetentionClock *clock, const List *gone)
{
	Node	   *expression = clock->column == InvalidAttrNumber ? clock->expression :
	made_of(relid, clock->column);

	if (expression != NULL)
		want_expression(statements, relid, expression, gone);
	else
		want_columns(statements, relid, 1, &clock->column, gone);
}

/*
 * One period is searched for after the other: an index that leads with what tells
 * the period, and has the clock next, finds just what is due by it.
 */
static void
want_period(StringInfo statements, const RetentionRule *rule,
			const RetentionClock *clock, const List *gone)
{
	const RetentionClock *own = rule->own_period;
	RetentionJoin *join = own->joins ? (RetentionJoin *) linitial(own->joins) : NULL;
	int			nkeys = join ? join->nkeys : own->column ? 1 : 0;
	AttrNumber *columns = palloc(sizeof(AttrNumber) * (nkeys + 1));

	if (clock->column == InvalidAttrNumber || nkeys == 0 ||
		made_of(rule->relid, clock->column) != NULL)
		return;
	for (int i = 0; i < nkeys; i++)
		columns[i] = join ? join->from_columns[i] : own->column;
	columns[nkeys] = clock->column;
	want_columns(statements, rule->relid, nkeys + 1, columns, gone);
}

char *
retention_index_missing_without(const RetentionRule *rule, const List *gone)
{
	StringInfoData statements;
	RetentionIdentity saved;
	ListCell   *lc;

	initStringInfo(&statements);
	retention_identity_become_owner(&saved, rule->relid);
	foreach(lc, rule->clocks)
	{
		RetentionClock *clock = (RetentionClock *) lfirst(lc);
		Oid			relid = rule->relid;
		ListCell   *hop;

		foreach(hop, clock->joins)
		{
			RetentionJoin *join = (RetentionJoin *) lfirst(hop);

			want_columns(&statements, relid, join->nkeys, join->from_columns, gone);
			relid = join->relid;
		}
		if (rule->own_period != NULL && relid == rule->relid)
			want_period(&statements, rule, clock, gone);
		/* All others have the category's period, which the clock alone tells. */
		want_clock(&statements, relid, clock, gone);
	}
	retention_identity_restore(&saved);
	return statements.len > 0 ? statements.data : NULL;
}

char *
retention_index_missing(const RetentionRule *rule)
{
	return retention_index_missing_without(rule, NIL);
}
