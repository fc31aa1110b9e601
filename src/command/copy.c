/*
 * copy.c
 *		Which columns of protected tables does a query give out?
 *
 * Each column of the result is followed back to the tables that it comes from.
 *
 * Invariant: a value that leaves its table as it is, or in an expression, is
 * found through views, subqueries, CTEs and joins; what a function reads by
 * itself is not.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/prepare.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"

#include "base/compat.h"
#include "command/copy.h"
#include "due/cover.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "policy/labelled.h"
#include "policy/start.h"

/* A column, 0 for all of them, of a view or of a query in the same command. */
typedef struct Seen
{
	Oid			view;
	const Query *query;
	AttrNumber	column;
} Seen;

typedef struct Walk
{
	List	   *found;			/* of char * */
	List	   *seen;			/* of Seen *: views on views are reached by
								 * many ways */
} Walk;

/* Where an expression stands: its query, and those around it, the nearest first. */
typedef struct Place
{
	Query	   *query;
	List	   *outer;			/* of Query * */
	Walk	   *walk;
} Place;

static void follow_query(Query *query, List *outer, AttrNumber column, Walk *walk);
static bool follow_expression(Node *node, void *context);

/* Is it reached for the first time? */
static bool
is_new(Walk *walk, Oid view, const Query *query, AttrNumber column)
{
	Seen	   *seen;
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	foreach(lc, walk->seen)
	{
		seen = (Seen *) lfirst(lc);
		if (seen->view == view && seen->query == query && seen->column == column)
			return false;
	}
	seen = palloc(sizeof(Seen));
	seen->view = view;
	seen->query = query;
	seen->column = column;
	walk->seen = lappend(walk->seen, seen);
	return true;
}

static bool
has_text(List *texts, const char *text)
{
	ListCell   *lc;

	foreach(lc, texts)
		if (strcmp((char *) lfirst(lc), text) == 0)
		return true;
	return false;
}

static void
note_column(Oid relid, Oid root, AttrNumber attnum, List **found)
{
	char	   *name = get_attname(relid, attnum, true);
	char	   *text;

	/*
	 * A dropped column has a name, too, but its number has none to be found
	 * by.
	 */
	if (name == NULL || get_attnum(relid, name) != attnum ||
		retention_cover_column(root, name, retention_cover_table(root)) != RETENTION_COVER_PERSONAL)
		return;
	text = psprintf("%s of %s", quote_identifier(name), retention_start_relation_name(relid));
	if (!has_text(*found, text))
		*found = lappend(*found, text);
}

/* A column of a table, 0 for all of them. */
static void
note(Oid relid, AttrNumber attnum, List **found)
{
	Oid			root = retention_lineage_labelled(relid);
	AttrNumber	natts = retention_labelled_natts(relid);

	if (attnum < 0 || !OidIsValid(root) || retention_guard_state(root) == RETENTION_WATCHED)
		return;
	if (attnum > 0)
		note_column(relid, root, attnum, found);
	else
		for (AttrNumber each = 1; each <= natts; each++)
			note_column(relid, root, each, found);
}

static void
follow_view(Oid relid, AttrNumber column, Walk *walk)
{
	Relation	view;

	if (!is_new(walk, relid, NULL, column))
		return;
	view = table_open(relid, AccessShareLock);
	follow_query(get_view_query(view), NIL, column, walk);
	table_close(view, AccessShareLock);
}

static void
follow_cte(const RangeTblEntry *rte, Place *place, AttrNumber column)
{
	Query	   *query = rte->ctelevelsup == 0 ? place->query :
	list_nth(place->outer, rte->ctelevelsup - 1);
	List	   *outer = list_copy_tail(place->outer, rte->ctelevelsup);
	ListCell   *lc;

	if (rte->self_reference)
		return;
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 &&
			is_new(place->walk, InvalidOid, (Query *) cte->ctequery, column))
			follow_query((Query *) cte->ctequery, lcons(query, outer), column, place->walk);
	}
}

static void
follow_one_of(List *expressions, AttrNumber column, Place *place)
{
	if (column == 0)
		(void) follow_expression((Node *) expressions, place);
	else if (column > 0 && column <= list_length(expressions))
		(void) follow_expression(list_nth(expressions, column - 1), place);
}

/* A column of an entry of the range table of the place's query. */
static void
follow_entry(RangeTblEntry *rte, AttrNumber column, Place *place)
{
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind == RELKIND_VIEW)
				follow_view(rte->relid, column, place->walk);
			else
				note(rte->relid, column, &place->walk->found);
			break;
		case RTE_SUBQUERY:
			follow_query(rte->subquery, lcons(place->query, place->outer), column,
						 place->walk);
			break;
		case RTE_JOIN:
			follow_one_of(rte->joinaliasvars, column, place);
			break;
		case RTE_FUNCTION:
			(void) follow_expression((Node *) rte->functions, place);
			break;
		case RTE_TABLEFUNC:
			(void) follow_expression((Node *) rte->tablefunc, place);
			break;
		case RTE_VALUES:
			(void) follow_expression((Node *) rte->values_lists, place);
			break;
		case RTE_CTE:
			follow_cte(rte, place, column);
			break;
		default:
			follow_one_of(retention_compat_group_expressions(rte), column, place);
			break;
	}
}

static void
follow_variable(const Var *var, Place *place)
{
	Place		there = *place;

	if (var->varlevelsup > 0)
	{
		there.query = list_nth(place->outer, var->varlevelsup - 1);
		there.outer = list_copy_tail(place->outer, var->varlevelsup);
	}
	follow_entry(rt_fetch(var->varno, there.query->rtable), var->varattno, &there);
}

static bool
follow_expression(Node *node, void *context)
{
	Place	   *place = (Place *) context;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Var))
	{
		follow_variable((Var *) node, place);
		return false;
	}
	if (IsA(node, SubLink))
	{
		SubLink    *link = (SubLink *) node;

		/* Others only give out whether something is there. */
		if (link->subLinkType == EXPR_SUBLINK || link->subLinkType == ARRAY_SUBLINK ||
			link->subLinkType == MULTIEXPR_SUBLINK)
			follow_query((Query *) link->subselect, lcons(place->query, place->outer), 0,
						 place->walk);
		return false;
	}
	/* A number of rows is nobody's value. */
	if (IsA(node, Aggref) &&
		(((Aggref *) node)->aggfnoid == F_COUNT_ || ((Aggref *) node)->aggfnoid == F_COUNT_ANY))
		return false;
	return expression_tree_walker(node, follow_expression, context);
}

/* A column of the query's result, 0 for all of them. */
static void
follow_query(Query *query, List *outer, AttrNumber column, Walk *walk)
{
	List	   *results = query->commandType == CMD_SELECT ? query->targetList :
	query->returningList;
	Place		place = {query, outer, walk};
	ListCell   *lc;

	if (query->commandType == CMD_UTILITY)
		return;
	check_stack_depth();
	if (query->setOperations != NULL)
	{
		foreach(lc, query->rtable)
			follow_entry(lfirst_node(RangeTblEntry, lc), column, &place);
		return;
	}
	foreach(lc, results)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (!entry->resjunk && (column == 0 || entry->resno == column))
			(void) follow_expression((Node *) entry->expr, &place);
	}
}

List *
retention_copy_of_query(List *found, Query *query)
{
	Walk		walk = {found, NIL};
	PreparedStatement *prepared;
	ListCell   *lc;

	if (query->commandType != CMD_UTILITY)
	{
		follow_query(query, NIL, 0, &walk);
		return walk.found;
	}
	/* CREATE TABLE ... AS EXECUTE */
	if (!IsA(query->utilityStmt, ExecuteStmt))
		return found;
	prepared = FetchPreparedStatement(((ExecuteStmt *) query->utilityStmt)->name, false);
	if (prepared != NULL)
		foreach(lc, prepared->plansource->query_list)
			follow_query(lfirst_node(Query, lc), NIL, 0, &walk);
	return walk.found;
}

List *
retention_copy_of_table(List *found, Oid relid)
{
	note(relid, 0, &found);
	return found;
}
