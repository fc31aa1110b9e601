/*
 * start.c
 *		Starting points: a label's paths and expressions, resolved against the
 *		catalogs and deparsed again.
 *
 * Invariant: an expression reads one row of one table and gives the same answer
 * all through a pass; what could not keep that is refused here.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_oper.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "policy/start.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#define EXPRESSION_PREFIX "SELECT ("

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
				 errmsg("a subquery cannot stand in a retention label"),
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
							 errmsg("the current time cannot stand in a retention label"),
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
retention_start_expression(const RetentionLabel *label,
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
		select->op != SETOP_NONE)
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
				 errmsg("an expression in a retention label reads one row"),
				 errdetail("Aggregates, window functions and set-returning functions read or make several."),
				 retention_label_errposition(label, value->location)));
	if (reads_current_time(expression, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the current time cannot stand in a retention label"),
				 errhint("The clock is a value of the row; the period is the category's."),
				 retention_label_errposition(label, value->location)));
	if (contain_volatile_functions(expression))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in a retention label must be immutable or stable"),
				 retention_label_errposition(label, value->location)));

	error_context_stack = callback.previous;
	free_parsestate(pstate);
	relation_close(rel, AccessShareLock);
	return expression;
}

/* A foreign key of the table, as one hop. */
static RetentionJoin *
foreign_key_join(Oid relid, ForeignKeyCacheInfo *fk)
{
	RetentionJoin *join = palloc0(sizeof(RetentionJoin));
	HeapTuple	tuple;
	Form_pg_constraint form;

	join->relid = fk->confrelid;
	join->constraint = fk->conoid;
	join->nkeys = fk->nkeys;
	join->from_columns = palloc(sizeof(AttrNumber) * fk->nkeys);
	join->to_columns = palloc(sizeof(AttrNumber) * fk->nkeys);
	join->operators = palloc(sizeof(Oid) * fk->nkeys);

	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(fk->conoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", fk->conoid);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	join->may_lose = !form->convalidated ||
		form->confdeltype == FKCONSTR_ACTION_SETNULL ||
		form->confdeltype == FKCONSTR_ACTION_SETDEFAULT;
	ReleaseSysCache(tuple);

	for (int i = 0; i < fk->nkeys; i++)
	{
		HeapTuple	attribute;

		join->from_columns[i] = fk->conkey[i];
		join->to_columns[i] = fk->confkey[i];
		join->operators[i] = fk->conpfeqop[i];
		attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
									Int16GetDatum(fk->conkey[i]));
		if (!HeapTupleIsValid(attribute))
			elog(ERROR, "cache lookup failed for attribute %d of relation %u",
				 fk->conkey[i], relid);
		if (!((Form_pg_attribute) GETSTRUCT(attribute))->attnotnull)
			join->may_lose = true;
		ReleaseSysCache(attribute);
	}
	return join;
}

/* The foreign keys that were declared on the table itself, not on partitions. */
static List *
declared_foreign_keys(Relation rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(fk->conoid));
		bool		inherited;

		if (!HeapTupleIsValid(tuple))
			continue;
		inherited = OidIsValid(((Form_pg_constraint) GETSTRUCT(tuple))->conparentid) &&
			!rel->rd_rel->relispartition;
		ReleaseSysCache(tuple);
		if (!inherited)
			result = lappend(result, copyObject(fk));
	}
	return result;
}

/* Has the table a valid unique index on exactly this column? */
static bool
column_is_unique(Relation rel, AttrNumber attnum)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	bool		unique = false;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		if (form->indisunique && form->indisvalid && form->indimmediate &&
			form->indnkeyatts == 1 && form->indkey.values[0] == attnum &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			unique = true;
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return unique;
}

/* The hop "column references table (column)", which needs no foreign key. */
static RetentionJoin *
reference_join(const RetentionLabel *label, const RetentionHop *hop, Oid relid)
{
	RetentionJoin *join = palloc0(sizeof(RetentionJoin));
	Oid			namespace;
	AttrNumber	from;
	AttrNumber	to;
	Relation	rel;
	Operator	operator;

	namespace = hop->references_schema ?
		get_namespace_oid(hop->references_schema, true) :
		get_rel_namespace(relid);
	join->relid = OidIsValid(namespace) ?
		get_relname_relid(hop->references_table, namespace) : InvalidOid;
	if (!OidIsValid(join->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" after \"references\" does not exist",
						hop->references_table),
				 errhint("A table without a schema is looked for beside the labelled one; write schema.table for others."),
				 retention_label_errposition(label, hop->table_location)));
	if (get_rel_relkind(join->relid) != RELKIND_RELATION &&
		get_rel_relkind(join->relid) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" after \"references\" is not a table",
						hop->references_table),
				 retention_label_errposition(label, hop->table_location)));

	from = get_attnum(relid, hop->name);
	if (from <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s does not exist",
						hop->name, retention_start_relation_name(relid)),
				 retention_label_errposition(label, hop->location)));
	to = get_attnum(join->relid, hop->references_column);
	if (to <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s does not exist",
						hop->references_column,
						retention_start_relation_name(join->relid)),
				 retention_label_errposition(label, hop->column_location)));

	rel = relation_open(join->relid, AccessShareLock);
	if (!column_is_unique(rel, to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("column \"%s\" of table %s has no unique index",
						hop->references_column,
						retention_start_relation_name(join->relid)),
				 errdetail("A starting point is found in one row, so the hop must lead to one row."),
				 errhint("CREATE UNIQUE INDEX ON %s (%s)",
						 retention_start_relation_name(join->relid),
						 quote_identifier(hop->references_column)),
				 retention_label_errposition(label, hop->column_location)));
	relation_close(rel, AccessShareLock);

	operator = oper(NULL, list_make1(makeString("=")),
					get_atttype(join->relid, to), get_atttype(relid, from),
					true, -1);
	if (operator == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("columns \"%s\" and \"%s\" cannot be compared: their types are %s and %s",
						hop->name, hop->references_column,
						format_type_be(get_atttype(relid, from)),
						format_type_be(get_atttype(join->relid, to))),
				 retention_label_errposition(label, hop->location)));
	join->nkeys = 1;
	join->from_columns = palloc(sizeof(AttrNumber));
	join->to_columns = palloc(sizeof(AttrNumber));
	join->operators = palloc(sizeof(Oid));
	join->from_columns[0] = from;
	join->to_columns[0] = to;
	join->operators[0] = oprid(operator);
	ReleaseSysCache(operator);
	join->may_lose = true;		/* nothing keeps the row that it leads to */
	return join;
}

/* The hop along a foreign key, named by its only column or by its own name. */
static RetentionJoin *
key_join(const RetentionLabel *label, const RetentionHop *hop, Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	AttrNumber	attnum = get_attnum(relid, hop->name);
	ForeignKeyCacheInfo *found = NULL;
	bool		in_composite = false;
	bool		several = false;
	ListCell   *lc;
	RetentionJoin *join;

	foreach(lc, declared_foreign_keys(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		if (attnum > 0)
		{
			if (fk->nkeys == 1 && fk->conkey[0] == attnum)
			{
				several = found != NULL && found->confrelid != fk->confrelid;
				if (found == NULL)
					found = fk;
			}
			else
				for (int i = 0; i < fk->nkeys; i++)
					if (fk->conkey[i] == attnum)
						in_composite = true;
		}
		else if (strcmp(get_constraint_name(fk->conoid), hop->name) == 0)
			found = fk;
	}
	relation_close(rel, AccessShareLock);

	if (several)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("column \"%s\" of table %s has several foreign keys",
						hop->name, retention_start_relation_name(relid)),
				 errhint("Name the constraint instead of the column."),
				 retention_label_errposition(label, hop->location)));
	if (found == NULL && attnum > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("column \"%s\" of table %s has no foreign key of its own",
						hop->name, retention_start_relation_name(relid)),
				 in_composite ?
				 errhint("It is part of a composite foreign key: name that constraint instead.") :
				 errhint("Without a foreign key, write \"%s references other_table (column) -> ...\".",
						 hop->name),
				 retention_label_errposition(label, hop->location)));
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has neither a column nor a foreign key named \"%s\"",
						retention_start_relation_name(relid), hop->name),
				 retention_label_errposition(label, hop->location)));
	join = foreign_key_join(relid, found);
	return join;
}

RetentionClock *
retention_start_resolve_path(const RetentionLabel *label,
							 const RetentionPath *path, Oid relid)
{
	RetentionClock *clock = palloc0(sizeof(RetentionClock));
	ListCell   *lc;

	clock->relid = relid;
	foreach(lc, path->hops)
	{
		RetentionHop *hop = (RetentionHop *) lfirst(lc);
		RetentionJoin *join = hop->references_table ?
			reference_join(label, hop, clock->relid) :
			key_join(label, hop, clock->relid);

		clock->joins = lappend(clock->joins, join);
		clock->relid = join->relid;
	}
	clock->expression = retention_start_expression(label, path->value, clock->relid);
	if (IsA(clock->expression, Var))
		clock->column = ((Var *) clock->expression)->varattno;
	clock->type = getBaseType(exprType(clock->expression));
	return clock;
}

List *
retention_start_resolve(const RetentionLabel *label,
						const RetentionStart *start, Oid relid)
{
	List	   *clocks = NIL;
	ListCell   *lc;

	foreach(lc, start->paths)
	{
		RetentionPath *path = (RetentionPath *) lfirst(lc);
		RetentionClock *clock = retention_start_resolve_path(label, path, relid);

		if (clock->type != TIMESTAMPTZOID && clock->type != TIMESTAMPOID &&
			clock->type != DATEOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a starting point is a point in time, not of type %s",
							format_type_be(exprType(clock->expression))),
					 errhint("For seconds since 1970 write to_timestamp(column), for milliseconds to_timestamp(column / 1000.0)."),
					 retention_label_errposition(label, path->value->location)));
		clocks = lappend(clocks, clock);
	}
	return clocks;
}

char *
retention_start_deparse(Node *expression, Oid relid, const char *alias)
{
	return deparse_expression(expression, deparse_context_for(alias, relid),
							  true, false);
}

char *
retention_start_join_text(const RetentionJoin *join, Oid from_relid,
						  const char *from_alias, const char *to_alias)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < join->nkeys; i++)
	{
		HeapTuple	tuple = SearchSysCache1(OPEROID,
											ObjectIdGetDatum(join->operators[i]));
		Form_pg_operator form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for operator %u", join->operators[i]);
		form = (Form_pg_operator) GETSTRUCT(tuple);
		appendStringInfo(&text, "%s%s.%s OPERATOR(%s.%s) %s.%s",
						 i > 0 ? " AND " : "", to_alias,
						 quote_identifier(get_attname(join->relid, join->to_columns[i], false)),
						 quote_identifier(get_namespace_name(form->oprnamespace)),
						 NameStr(form->oprname), from_alias,
						 quote_identifier(get_attname(from_relid, join->from_columns[i], false)));
		ReleaseSysCache(tuple);
	}
	return text.data;
}

char *
retention_start_clock_text(const RetentionClock *clock, const char *alias)
{
	char	   *text = retention_start_deparse(clock->expression, clock->relid, alias);

	if (exprType(clock->expression) == TIMESTAMPTZOID)
		return clock->column ? text : psprintf("(%s)", text);
	return psprintf("((%s)::timestamp with time zone)", text);
}

char *
retention_start_relation_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}
