/*
 * rename.c
 *		What a rename does to one label's text.
 *
 * Each path of the label is walked as the rules walk it, but over the names as
 * they were before the rename; where a step used the renamed object, its token
 * is replaced.
 *
 * Invariant: only the tokens that name the renamed object are replaced.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "policy/label.h"
#include "policy/label_scan.h"
#include "policy/rename.h"

/* As start.c parses the expressions of a label. */
#define EXPRESSION_PREFIX "SELECT ("

typedef struct Edit
{
	int			start;			/* bytes of the label that go */
	int			end;
	const char *text;			/* what comes instead */
} Edit;

typedef struct Rewrite
{
	const RetentionRename *rename;
	RetentionScan *scan;
	List	   *edits;			/* of Edit * */
	bool		certain;
	bool		clash;
	Oid			relid;			/* of the expression at hand */
	int			offset;			/* of its parse locations in the label */
} Rewrite;

/* The index of the token that starts there, or -1. */
static int
token_at(Rewrite *rewrite, int location)
{
	for (int i = 0; i < rewrite->scan->ntokens; i++)
		if (rewrite->scan->tokens[i].start == location)
			return i;
	return -1;
}

/* Puts the text in place of token number "index", which should be that name. */
static void
replace_token(Rewrite *rewrite, int index, const char *name, const char *text)
{
	RetentionToken *token;
	Edit	   *edit;

	if (index < 0 || index >= rewrite->scan->ntokens ||
		rewrite->scan->tokens[index].value == NULL ||
		strcmp(rewrite->scan->tokens[index].value, name) != 0)
	{
		rewrite->certain = false;
		return;
	}
	token = &rewrite->scan->tokens[index];
	edit = palloc(sizeof(Edit));
	edit->start = token->start;
	edit->end = token->end;
	edit->text = text;
	rewrite->edits = lappend(rewrite->edits, edit);
}

static void
replace_name(Rewrite *rewrite, int location, const char *name, const char *new_name)
{
	replace_token(rewrite, token_at(rewrite, location), name, quote_identifier(new_name));
}

static bool
has_renamed_column(Rewrite *rewrite, Oid relid)
{
	return rewrite->rename->old_column != NULL &&
		list_member_oid(rewrite->rename->column_relids, relid);
}

/* The number of the column that had the name before. */
static AttrNumber
column_before(Rewrite *rewrite, Oid relid, const char *name)
{
	if (has_renamed_column(rewrite, relid))
	{
		if (strcmp(name, rewrite->rename->old_column) == 0)
			return get_attnum(relid, rewrite->rename->new_column);
		if (strcmp(name, rewrite->rename->new_column) == 0)
			return InvalidAttrNumber;
	}
	return get_attnum(relid, name);
}

static Oid
namespace_before(Rewrite *rewrite, Oid relid)
{
	if (rewrite->rename->old_table != NULL && relid == rewrite->rename->table_relid)
		return rewrite->rename->old_namespace;
	return get_rel_namespace(relid);
}

static const char *
table_before(Rewrite *rewrite, Oid relid)
{
	if (rewrite->rename->old_table != NULL && relid == rewrite->rename->table_relid)
		return rewrite->rename->old_table;
	return get_rel_name(relid);
}

static Oid
schema_before(Rewrite *rewrite, const char *name)
{
	Oid			found;

	if (rewrite->rename->old_schema != NULL &&
		strcmp(name, rewrite->rename->old_schema) == 0)
		return rewrite->rename->schema;
	found = get_namespace_oid(name, true);
	return found == rewrite->rename->schema ? InvalidOid : found;
}

/* The table after "references", as it was found before; InvalidOid if none. */
static Oid
referenced_table(Rewrite *rewrite, const RetentionHop *hop, Oid relid)
{
	const RetentionRename *rename = rewrite->rename;
	Oid			namespace = hop->references_schema != NULL ?
	schema_before(rewrite, hop->references_schema) : namespace_before(rewrite, relid);
	Oid			found;

	if (!OidIsValid(namespace))
		return InvalidOid;
	if (rename->old_table != NULL && namespace == rename->old_namespace &&
		strcmp(hop->references_table, rename->old_table) == 0)
		return rename->table_relid;
	found = get_relname_relid(hop->references_table, namespace);
	if (rename->old_table != NULL && found == rename->table_relid)
		return InvalidOid;
	return found;
}

/* Is it the foreign key on that one column, or (no column) of that name? */
static bool
is_hop_key(HeapTuple tuple, Relation catalog, AttrNumber column, const char *name)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	bool		isnull;
	Datum		keys;
	ArrayType  *array;

	if (form->contype != CONSTRAINT_FOREIGN)
		return false;
	if (column == InvalidAttrNumber)
		return strcmp(NameStr(form->conname), name) == 0;
	keys = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(catalog), &isnull);
	if (isnull)
		return false;
	array = DatumGetArrayTypeP(keys);
	return ARR_NDIM(array) == 1 && ARR_DIMS(array)[0] == 1 &&
		((int16 *) ARR_DATA_PTR(array))[0] == column;
}

/* Where the foreign key leads that a hop names; InvalidOid if there is none. */
static Oid
follow_key(Rewrite *rewrite, Oid relid, const char *name)
{
	const RetentionRename *rename = rewrite->rename;
	AttrNumber	column = column_before(rewrite, relid, name);
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	if (rename->old_constraint != NULL && relid == rename->constraint_relid &&
		strcmp(name, rename->old_constraint) == 0)
		name = rename->new_constraint;

	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (!OidIsValid(result) && (tuple = systable_getnext(scan)) != NULL)
		if (is_hop_key(tuple, catalog, column, name))
			result = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* A name of the expression: up to three identifiers with dots between them. */
static void
rewrite_column_ref(Rewrite *rewrite, const ColumnRef *ref)
{
	const RetentionRename *rename = rewrite->rename;
	Oid			relid = rewrite->relid;
	const char *names[3] = {NULL, NULL, NULL};	/* schema, table, column */
	int			first = 3 - list_length(ref->fields);
	int			index = token_at(rewrite, ref->location + rewrite->offset);
	ListCell   *cell;
	int			place = first;

	if (first < 0)
		return;
	foreach(cell, ref->fields)
	{
		if (IsA(lfirst(cell), String))
			names[place] = strVal(lfirst(cell));
		place++;
	}

	/* The whole row is the table's name alone, where no column has that name. */
	if (first == 2 && names[2] != NULL &&
		column_before(rewrite, relid, names[2]) == InvalidAttrNumber)
	{
		names[1] = names[2];
		names[2] = NULL;
		first = 1;
	}
	if (names[1] != NULL && strcmp(names[1], table_before(rewrite, relid)) != 0)
		return;					/* it was wrong before */

	if (names[2] != NULL && has_renamed_column(rewrite, relid) &&
		strcmp(names[2], rename->old_column) == 0)
		replace_token(rewrite, index < 0 ? -1 : index + 2 * (2 - first), names[2],
					  quote_identifier(rename->new_column));
	if (names[1] != NULL && rename->old_table != NULL && relid == rename->table_relid)
		replace_token(rewrite, index < 0 ? -1 : index + 2 * (1 - first), names[1],
					  quote_identifier(get_rel_name(relid)));
	if (names[0] != NULL &&
		((rename->old_table != NULL && relid == rename->table_relid) ||
		 (rename->old_schema != NULL && strcmp(names[0], rename->old_schema) == 0)))
		replace_token(rewrite, index, names[0],
					  quote_identifier(get_namespace_name(get_rel_namespace(relid))));
}

static bool
rewrite_expression(Node *node, void *context)
{
	Rewrite    *rewrite = (Rewrite *) context;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
		rewrite_column_ref(rewrite, (ColumnRef *) node);
	/* (t).column and column(t) may, or may not, be the table's column. */
	if (IsA(node, A_Indirection) && has_renamed_column(rewrite, rewrite->relid))
		foreach(cell, ((A_Indirection *) node)->indirection)
			if (IsA(lfirst(cell), String) &&
				strcmp(strVal(lfirst(cell)), rewrite->rename->old_column) == 0)
			rewrite->certain = false;
	if (IsA(node, FuncCall) && has_renamed_column(rewrite, rewrite->relid) &&
		list_length(((FuncCall *) node)->funcname) == 1 &&
		list_length(((FuncCall *) node)->args) == 1 &&
		strcmp(strVal(linitial(((FuncCall *) node)->funcname)),
			   rewrite->rename->old_column) == 0)
		rewrite->certain = false;
	return raw_expression_tree_walker(node, rewrite_expression, context);
}

/* For the hint only: what the label is likely to become. */
static void
guess(Rewrite *rewrite, int start, int end)
{
	const RetentionRename *rename = rewrite->rename;

	for (int i = 0; i < rewrite->scan->ntokens; i++)
	{
		RetentionToken *token = &rewrite->scan->tokens[i];

		if (token->start >= start && token->end <= end && token->value != NULL &&
			token->kind != RETENTION_TOKEN_STRING &&
			strcmp(token->value, rename->old_column) == 0)
			replace_token(rewrite, i, rename->old_column, quote_identifier(rename->new_column));
	}
}

/* A value or condition over one table. */
static void
rewrite_value(Rewrite *rewrite, const RetentionValue *value, Oid relid)
{
	const RetentionRename *rename = rewrite->rename;
	ListCell   *cell;

	if (value->is_column)
	{
		if (has_renamed_column(rewrite, relid) &&
			strcmp(value->text, rename->old_column) == 0)
			replace_name(rewrite, value->location, value->text, rename->new_column);
		return;
	}
	if (!has_renamed_column(rewrite, relid) && rename->old_schema == NULL &&
		(rename->old_table == NULL || relid != rename->table_relid))
		return;

	rewrite->relid = relid;
	rewrite->offset = value->location - (int) strlen(EXPRESSION_PREFIX);
	foreach(cell, raw_parser(psprintf(EXPRESSION_PREFIX "%s)", value->text), RAW_PARSE_DEFAULT))
		(void) rewrite_expression(lfirst_node(RawStmt, cell)->stmt, rewrite);
	if (!rewrite->certain && has_renamed_column(rewrite, relid))
		guess(rewrite, value->location, value->location + strlen(value->text));
}

/* The table after "references": its new name, and its schema where it needs one. */
static void
rewrite_table(Rewrite *rewrite, const RetentionHop *hop, Oid relid, Oid target)
{
	int			index = token_at(rewrite, hop->table_location);
	const char *table = get_rel_name(target);
	const char *schema = get_namespace_name(get_rel_namespace(target));

	if (hop->references_schema != NULL)
	{
		if (strcmp(hop->references_schema, schema) != 0)
			replace_token(rewrite, index, hop->references_schema, quote_identifier(schema));
		if (strcmp(hop->references_table, table) != 0)
			replace_token(rewrite, index < 0 ? -1 : index + 2, hop->references_table,
						  quote_identifier(table));
	}
	else if (get_rel_namespace(target) != get_rel_namespace(relid))
		replace_token(rewrite, index, hop->references_table,
					  quote_qualified_identifier(schema, table));
	else if (strcmp(hop->references_table, table) != 0)
		replace_token(rewrite, index, hop->references_table, quote_identifier(table));
}

/* One hop from the table; returns where it leads, InvalidOid where it cannot be told. */
static Oid
rewrite_hop(Rewrite *rewrite, const RetentionHop *hop, Oid relid)
{
	const RetentionRename *rename = rewrite->rename;
	bool		is_column = column_before(rewrite, relid, hop->name) != InvalidAttrNumber;
	Oid			target;

	if (is_column)
	{
		if (has_renamed_column(rewrite, relid) && strcmp(hop->name, rename->old_column) == 0)
			replace_name(rewrite, hop->location, hop->name, rename->new_column);
	}
	else if (rename->old_constraint != NULL && relid == rename->constraint_relid &&
			 strcmp(hop->name, rename->old_constraint) == 0)
	{
		replace_name(rewrite, hop->location, hop->name, rename->new_constraint);
		/* A column of the constraint's new name would be taken for it. */
		if (get_attnum(relid, rename->new_constraint) != InvalidAttrNumber)
			rewrite->clash = true;
	}
	else if (has_renamed_column(rewrite, relid) && hop->references_table == NULL &&
			 strcmp(hop->name, rename->new_column) == 0)
	{
		/* So would the column, that now has the constraint's name. */
		rewrite->clash = true;
	}

	if (hop->references_table == NULL)
		return follow_key(rewrite, relid, hop->name);

	target = referenced_table(rewrite, hop, relid);
	if (OidIsValid(target))
	{
		rewrite_table(rewrite, hop, relid, target);
		if (has_renamed_column(rewrite, target) &&
			strcmp(hop->references_column, rename->old_column) == 0)
			replace_name(rewrite, hop->column_location, hop->references_column,
						 rename->new_column);
	}
	return target;
}

static void
rewrite_path(Rewrite *rewrite, const RetentionPath *path, Oid relid)
{
	ListCell   *cell;

	foreach(cell, path->hops)
	{
		relid = rewrite_hop(rewrite, lfirst(cell), relid);
		if (!OidIsValid(relid))
			return;
	}
	rewrite_value(rewrite, path->value, relid);
}

static void
rewrite_start(Rewrite *rewrite, const RetentionStart *start, Oid relid)
{
	ListCell   *cell;

	if (start != NULL)
		foreach(cell, start->paths)
			rewrite_path(rewrite, lfirst(cell), relid);
}

static int
compare_edits(const ListCell *a, const ListCell *b)
{
	return ((Edit *) lfirst(a))->start - ((Edit *) lfirst(b))->start;
}

static char *
apply_edits(const char *label, List *edits)
{
	StringInfoData text;
	int			done = 0;
	ListCell   *cell;

	initStringInfo(&text);
	list_sort(edits, compare_edits);
	foreach(cell, edits)
	{
		Edit	   *edit = lfirst(cell);

		if (edit->start < done)
			continue;			/* the same token once more */
		appendBinaryStringInfo(&text, label + done, edit->start - done);
		appendStringInfoString(&text, edit->text);
		done = edit->end;
	}
	appendStringInfoString(&text, label + done);
	return text.data;
}

RetentionRenameOutcome
retention_rename_label(const RetentionRename *rename, Oid relid, AttrNumber attnum,
					   const char *label, char **text)
{
	Rewrite		rewrite = {0};
	RetentionLabel *tree = retention_label_parse(label, attnum != 0);
	ListCell   *cell;

	rewrite.rename = rename;
	rewrite.scan = retention_label_scan_tokens(label);
	rewrite.certain = true;

	rewrite_start(&rewrite, tree->from, relid);
	foreach(cell, tree->stages)
	{
		RetentionStage *stage = lfirst(cell);

		if (stage->condition != NULL)
			rewrite_value(&rewrite, stage->condition, relid);
		rewrite_start(&rewrite, stage->start, relid);
		if (stage->period != NULL)
			rewrite_path(&rewrite, stage->period, relid);
	}
	foreach(cell, tree->subjects)
		rewrite_path(&rewrite, lfirst(cell), relid);

	*text = apply_edits(label, rewrite.edits);
	if (rewrite.clash)
		return RETENTION_RENAME_CLASH;
	if (!rewrite.certain)
		return RETENTION_RENAME_UNCERTAIN;
	return rewrite.edits != NIL ? RETENTION_RENAME_CERTAIN : RETENTION_RENAME_UNTOUCHED;
}
