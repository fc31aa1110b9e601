/*
 * expression.c
 *		Expressions in labels: analysed over one table, and deparsed again.
 *
 * Invariant: an expression reads one row of one table and gives the same answer
 * all through a pass; what could not keep that is refused here.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "policy/expression.h"
#include "policy/start.h"

#define EXPRESSION_PREFIX "SELECT ("

/* What messages call the text in which an expression stands. */
static const char *
called(const RetentionLabel *label)
{
	return label->called ? label->called : "a retention label";
}

typedef struct LabelPosition
{
	const RetentionLabel *label;
	int			location;
} LabelPosition;

/*
 * Moves the position of an error of the server's parser from the statement that
 * was made for it to the label that the user wrote.
 */
static void
move_error_position(void *arg)
{
	LabelPosition *position = (LabelPosition *) arg;
	int			cursor = geterrposition();

	if (cursor <= 0)
		return;
	cursor -= (int) strlen(EXPRESSION_PREFIX);
	if (cursor < 1)
		cursor = 1;
	errposition(0);
	internalerrquery(position->label->text);
	internalerrposition(pg_mbstrlen_with_len(position->label->text,
											 position->location) + cursor);
}

/* Refuses what would not survive deparsing: a literal that means "now". */
static bool
raw_expression_walker(Node *node, void *context)
{
	const RetentionLabel *label = ((LabelPosition *) context)->label;
	int			location = ((LabelPosition *) context)->location;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a subquery cannot stand in %s", called(label)),
				 label->called ? errhint("It reads one row of the table.") :
				 errhint("Follow foreign keys with hops, such as \"event_id -> ended_at\"."),
				 retention_label_errposition(label, location)));
	if (IsA(node, TypeCast) && IsA(((TypeCast *) node)->arg, A_Const))
	{
		A_Const    *constant = (A_Const *) ((TypeCast *) node)->arg;

		if (!constant->isnull && IsA(&constant->val, String))
		{
			static const char *const moving[] = {"now", "today", "tomorrow", "yesterday"};

			for (int i = 0; i < lengthof(moving); i++)
				if (pg_strcasecmp(strVal(&constant->val), moving[i]) == 0)
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
							 errmsg("the current time cannot stand in %s", called(label)),
							 label->called ? errhint("Write a fixed time.") :
							 errhint("The clock is a value of the row; the period is the category's."),
							 retention_label_errposition(label, location)));
		}
	}
	return raw_expression_tree_walker(node, raw_expression_walker, context);
}

/* Finds calls that read the current time; STABLE, yet not the row's. */
static bool
reads_current_time(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction))
	{
		switch (((SQLValueFunction *) node)->op)
		{
			case SVFOP_CURRENT_DATE:
			case SVFOP_CURRENT_TIME:
			case SVFOP_CURRENT_TIME_N:
			case SVFOP_CURRENT_TIMESTAMP:
			case SVFOP_CURRENT_TIMESTAMP_N:
			case SVFOP_LOCALTIME:
			case SVFOP_LOCALTIME_N:
			case SVFOP_LOCALTIMESTAMP:
			case SVFOP_LOCALTIMESTAMP_N:
				return true;
			default:
				break;
		}
	}
	else if (IsA(node, FuncExpr))
	{
		switch (((FuncExpr *) node)->funcid)
		{
			case F_NOW:
			case F_TRANSACTION_TIMESTAMP:
			case F_STATEMENT_TIMESTAMP:
			case F_AGE_TIMESTAMP:
			case F_AGE_TIMESTAMPTZ:
				return true;
			default:
				break;
		}
	}
	return expression_tree_walker(node, reads_current_time, context);
}

/* The analysed reference to one column. */
static Node *
column_expression(const RetentionLabel *label, const char *name, int location,
				  Oid relid)
{
	AttrNumber	attnum = get_attnum(relid, name);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s does not exist",
						name, retention_start_relation_name(relid)),
				 errhint("A starting point is a column, one function call, or an expression in parentheses."),
				 retention_label_errposition(label, location)));
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return (Node *) makeVar(1, attnum, type, typmod, collation, 0);
}

Node *
retention_expression_analyse(const RetentionLabel *label,
							 const RetentionValue *value, Oid relid)
{
	ErrorContextCallback callback;
	LabelPosition position = {label, value->location};
	ParseState *pstate;
	Relation	rel;
	ParseNamespaceItem *nsitem;
	List	   *raw;
	SelectStmt *select;
	ResTarget  *target;
	Node	   *expression;
	char	   *source;

	if (value->is_column)
		return column_expression(label, value->text, value->location, relid);

	source = psprintf(EXPRESSION_PREFIX "%s)", value->text);

	callback.callback = move_error_position;
	callback.arg = &position;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	raw = raw_parser(source, RAW_PARSE_DEFAULT);
	select = list_length(raw) == 1 ?
		(SelectStmt *) linitial_node(RawStmt, raw)->stmt : NULL;
	if (select == NULL || !IsA(select, SelectStmt) ||
		list_length(select->targetList) != 1 || select->fromClause != NIL ||
		select->whereClause != NULL || select->valuesLists != NIL ||
		select->op != SETOP_NONE || select->distinctClause != NIL ||
		select->intoClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->windowClause != NIL ||
		select->sortClause != NIL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL ||
		select->withClause != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("expected one expression over the columns of table %s",
						retention_start_relation_name(relid)),
				 retention_label_errposition(label, value->location)));
	target = linitial_node(ResTarget, select->targetList);
	raw_expression_walker(target->val, &position);

	rel = relation_open(relid, AccessShareLock);
	pstate = make_parsestate(NULL);
	pstate->p_sourcetext = source;
	nsitem = addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
										   NULL, false, true);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	expression = transformExpr(pstate, target->val, EXPR_KIND_OTHER);
	assign_expr_collations(pstate, expression);

	if (pstate->p_hasAggs || pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an expression in %s reads one row", called(label)),
				 errdetail("Aggregates, window functions and set-returning functions read or make several."),
				 retention_label_errposition(label, value->location)));
	if (reads_current_time(expression, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the current time cannot stand in %s", called(label)),
				 label->called ? errhint("Write a fixed time.") :
				 errhint("The clock is a value of the row; the period is the category's."),
				 retention_label_errposition(label, value->location)));
	if (contain_volatile_functions(expression))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in %s must be immutable or stable", called(label)),
				 retention_label_errposition(label, value->location)));

	error_context_stack = callback.previous;
	free_parsestate(pstate);
	relation_close(rel, AccessShareLock);
	return expression;
}

char *
retention_expression_deparse(Node *expression, Oid relid, const char *alias)
{
	return deparse_expression(expression, deparse_context_for(alias, relid),
							  true, false);
}

static bool
is_users_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

static bool
calls_users_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain) || IsA(node, NextValueExpr) ||
		check_functions_in_node(node, is_users_function, context))
		return true;
	return expression_tree_walker(node, calls_users_code, context);
}

bool
retention_expression_calls_users_code(Node *expression)
{
	return calls_users_code(expression, NULL);
}
