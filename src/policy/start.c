/*
 * start.c
 *		Starting points: a label's paths, resolved against the catalogs and
 *		deparsed again.
 *
 * Invariant: each hop leads from one row to at most one row.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "policy/expression.h"
#include "policy/foreign_key.h"
#include "policy/start.h"

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
				 errhint("CREATE UNIQUE INDEX ON %s (%s);",
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

static bool
has_period(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		period;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	period = retention_compat_has_period((Form_pg_constraint) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return period;
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

	foreach(lc, declared_foreign_keys(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		if (attnum > 0)
		{
			if (fk->nkeys == 1 && fk->conkey[0] == attnum)
			{
				several |= found != NULL && found->confrelid != fk->confrelid;
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
	if (has_period(found->conoid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("foreign key \"%s\" of table %s has a PERIOD",
						get_constraint_name(found->conoid), retention_start_relation_name(relid)),
				 errdetail("A starting point is found in one row, and it may lead to several."),
				 retention_label_errposition(label, hop->location)));
	return retention_foreign_key_join(relid, found);
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
	clock->expression = retention_expression_analyse(label, path->value, clock->relid);
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

const char *
retention_start_hops_text(List *joins, Oid relid, const char *alias, const char *prefix,
						  StringInfo from, StringInfo where)
{
	int			number = 0;
	ListCell   *lc;

	foreach(lc, joins)
	{
		RetentionJoin *join = (RetentionJoin *) lfirst(lc);
		char	   *next = psprintf("%s%d", prefix, ++number);

		appendStringInfo(from, "%s%s AS %s", from->len > 0 ? ", " : "",
						 retention_start_relation_name(join->relid), next);
		appendStringInfo(where, "%s%s", where->len > 0 ? " AND " : "",
						 retention_start_join_text(join, relid, alias, next));
		relid = join->relid;
		alias = next;
	}
	return alias;
}

char *
retention_start_clock_text(const RetentionClock *clock, const char *alias)
{
	char	   *text = retention_expression_deparse(clock->expression, clock->relid, alias);

	if (exprType(clock->expression) == TIMESTAMPTZOID)
		return clock->column ? text : psprintf("(%s)", text);

	/* Values that no timestamptz can hold are as good as infinite. */
	return psprintf("(CASE WHEN (%s) > '290000-01-01' THEN 'infinity'"
					" WHEN (%s) < '4700-01-01 BC' THEN '-infinity'"
					" ELSE (%s)::timestamp with time zone END)", text, text, text);
}

char *
retention_start_relation_name(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *name = get_rel_name(relid);
	bool		quote_all = quote_all_identifiers;
	char	   *result;

	/* The name is evidence, too: it may not depend on a setting. */
	quote_all_identifiers = false;
	result = schema && name ? quote_qualified_identifier(schema, name) : pstrdup("(dropped)");
	quote_all_identifiers = quote_all;
	return result;
}
