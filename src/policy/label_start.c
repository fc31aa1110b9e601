/*
 * label_start.c
 *		Paths to a value: what follows "from", "for", "subject" and "where".
 *
 * Invariant: the canonical text of a start is read back as the same start.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "policy/label_start.h"

#define PATH_EXAMPLE \
	"Write for example: from contract_id -> ended_at, or an expression in parentheses: from (created_at + grace)."

static RetentionToken *
peek(RetentionScan *scan, int ahead)
{
	return retention_label_scan_peek(scan, ahead);
}

static bool
next_is(RetentionScan *scan, int ahead, const char *what)
{
	return retention_label_scan_is(peek(scan, ahead), what);
}

/* Steps over "( balanced )". */
static void
skip_balanced(RetentionScan *scan, const char *hint)
{
	int			open = scan->next;
	int			depth = 0;

	do
	{
		RetentionToken *token = peek(scan, 0);

		if (token->kind == RETENTION_TOKEN_END)
			retention_label_scan_refuse(scan, scan->tokens[open].start, ERRCODE_SYNTAX_ERROR,
										"parenthesis is not closed", hint);
		if (retention_label_scan_is(token, "("))
			depth++;
		else if (retention_label_scan_is(token, ")"))
			depth--;
		scan->next++;
	} while (depth > 0);
}

/* Steps over "( balanced )"; returns the text inside, which must not be empty. */
static char *
parse_balanced(RetentionScan *scan, int *location, const char *hint)
{
	int			open = scan->next;

	skip_balanced(scan, hint);

	if (scan->next == open + 2)
		retention_label_scan_refuse(scan, scan->tokens[open].start, ERRCODE_SYNTAX_ERROR,
									"parentheses are empty", hint);
	*location = scan->tokens[open + 1].start;
	return pnstrdup(scan->text + *location,
					scan->tokens[scan->next - 2].end - *location);
}

/* Steps over "name(...)" or "schema.name(...)". */
static RetentionValue *
parse_call(RetentionScan *scan)
{
	RetentionValue *value = palloc0(sizeof(RetentionValue));

	value->is_call = true;
	value->location = peek(scan, 0)->start;
	while (!next_is(scan, 0, "("))
		scan->next++;
	skip_balanced(scan, PATH_EXAMPLE);
	value->text = pnstrdup(scan->text + value->location,
						   scan->tokens[scan->next - 1].end - value->location);
	return value;
}

/* Steps over "column", "constraint" or "column references table (column)" and "->". */
static RetentionHop *
parse_hop(RetentionScan *scan)
{
	RetentionHop *hop = palloc0(sizeof(RetentionHop));
	const char *hint = "Write for example: from account_id references app.account (id) -> closed_at.";

	hop->name = peek(scan, 0)->value;
	hop->location = peek(scan, 0)->start;
	hop->table_location = hop->column_location = -1;
	scan->next++;

	if (retention_label_scan_accept(scan, "references"))
	{
		RetentionToken *table = peek(scan, 0);

		if (!retention_label_scan_is_name(table))
			retention_label_scan_expected(scan, "a table", "after \"references\"", hint);
		hop->table_location = table->start;
		hop->references_table = table->value;
		scan->next++;
		if (retention_label_scan_accept(scan, "."))
		{
			if (!retention_label_scan_is_name(peek(scan, 0)))
				retention_label_scan_expected(scan, "a table", "after the schema", hint);
			hop->references_schema = hop->references_table;
			hop->references_table = peek(scan, 0)->value;
			scan->next++;
		}
		retention_label_scan_expect(scan, "(", "after the referenced table", hint);
		if (!retention_label_scan_is_name(peek(scan, 0)))
			retention_label_scan_expected(scan, "a column", "of the referenced table", hint);
		hop->column_location = peek(scan, 0)->start;
		hop->references_column = peek(scan, 0)->value;
		scan->next++;
		retention_label_scan_expect(scan, ")", "after the referenced column", hint);
	}
	retention_label_scan_expect(scan, "->", "after the hop", PATH_EXAMPLE);
	return hop;
}

/* PATH := { hop '->' } VALUE; where: what it follows, for the message. */
static RetentionPath *
parse_path(RetentionScan *scan, const char *where)
{
	RetentionPath *path = palloc0(sizeof(RetentionPath));

	path->location = peek(scan, 0)->start;
	while (retention_label_scan_is_name(peek(scan, 0)) &&
		   (next_is(scan, 1, "->") || next_is(scan, 1, "references")))
	{
		path->hops = lappend(path->hops, parse_hop(scan));
		where = "after \"->\"";
	}

	if (next_is(scan, 0, "("))
	{
		path->value = palloc0(sizeof(RetentionValue));
		path->value->text = parse_balanced(scan, &path->value->location, PATH_EXAMPLE);
	}
	else if (!retention_label_scan_is_name(peek(scan, 0)))
		retention_label_scan_expected(scan, "a column, a function call or an expression in parentheses",
									  where, PATH_EXAMPLE);
	else if (next_is(scan, 1, "(") ||
			 (next_is(scan, 1, ".") && next_is(scan, 3, "(") &&
			  retention_label_scan_is_name(peek(scan, 2))))
		path->value = parse_call(scan);
	else
	{
		path->value = palloc0(sizeof(RetentionValue));
		path->value->is_column = true;
		path->value->text = peek(scan, 0)->value;
		path->value->location = peek(scan, 0)->start;
		scan->next++;
	}

	if (next_is(scan, 0, "."))
		retention_label_scan_refuse(scan, peek(scan, 0)->start, ERRCODE_SYNTAX_ERROR,
									"a column of another table is not named with a dot",
									"Write the way to its row, for example: from contract_id -> ended_at; or an expression in parentheses.");
	if (next_is(scan, 0, "->"))
		retention_label_scan_refuse(scan, peek(scan, 0)->start, ERRCODE_SYNTAX_ERROR,
									"a hop is a column or a constraint, not an expression",
									"Write for example: from contract_id -> ended_at; SQL's own operator -> stands in parentheses.");
	if (next_is(scan, 0, "then") || next_is(scan, 0, "where") ||
		next_is(scan, 0, "from") || next_is(scan, 0, "for"))
		retention_label_scan_expected(scan, "\",\"", "after the value",
									  "Write a comma before it, for example: from created_at, then delete.");
	if (peek(scan, 0)->kind != RETENTION_TOKEN_END &&
		!next_is(scan, 0, ",") && !next_is(scan, 0, ";") &&
		!next_is(scan, 0, "or"))
		retention_label_scan_expected(scan, "\",\", \";\", \"or\" or the end of the label",
									  "after the value",
									  "Anything but a column or one function call stands in parentheses, for example: from (created_at + grace).");
	return path;
}

RetentionStart *
retention_label_start_parse(RetentionScan *scan)
{
	RetentionStart *start = palloc0(sizeof(RetentionStart));
	const char *where = "after \"from\"";

	start->location = peek(scan, 0)->start;
	do
	{
		start->paths = lappend(start->paths, parse_path(scan, where));
		where = "after \"or\"";
	} while (retention_label_scan_accept(scan, "or"));
	return start;
}

/* A path where "or" has no meaning. */
RetentionPath *
retention_label_start_path(RetentionScan *scan, const char *where)
{
	RetentionPath *path = parse_path(scan, where);

	if (next_is(scan, 0, "or"))
		retention_label_scan_refuse(scan, peek(scan, 0)->start, ERRCODE_SYNTAX_ERROR,
									"\"or\" belongs to \"from\" only",
									"For NULL values write coalesce(); a second subject is a clause of its own.");
	return path;
}

RetentionValue *
retention_label_start_condition(RetentionScan *scan)
{
	RetentionValue *condition = palloc0(sizeof(RetentionValue));
	const char *hint = "Write for example: usage statistics, where (kind = 'click'), then delete.";

	if (!next_is(scan, 0, "("))
		retention_label_scan_expected(scan, "a condition in parentheses", "after \"where\"", hint);
	condition->text = parse_balanced(scan, &condition->location, hint);
	return condition;
}

static void
append_path(StringInfo text, const RetentionPath *path)
{
	ListCell   *cell;

	foreach(cell, path->hops)
	{
		RetentionHop *hop = lfirst(cell);

		appendStringInfoString(text, retention_label_scan_quote_name(hop->name));
		if (hop->references_table != NULL)
		{
			appendStringInfoString(text, " references ");
			if (hop->references_schema != NULL)
				appendStringInfo(text, "%s.",
								 retention_label_scan_quote_name(hop->references_schema));
			appendStringInfo(text, "%s (%s)",
							 retention_label_scan_quote_name(hop->references_table),
							 retention_label_scan_quote_name(hop->references_column));
		}
		appendStringInfoString(text, " -> ");
	}
	if (path->value->is_column)
		appendStringInfoString(text, retention_label_scan_quote_name(path->value->text));
	else if (path->value->is_call)
		appendStringInfoString(text, path->value->text);
	else
		appendStringInfo(text, "(%s)", path->value->text);
}

char *
retention_label_path_text(const RetentionPath *path)
{
	StringInfoData text;

	initStringInfo(&text);
	append_path(&text, path);
	return text.data;
}

char *
retention_label_start_text(const RetentionStart *start)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, start->paths)
	{
		if (cell != list_head(start->paths))
			appendStringInfoString(&text, " or ");
		append_path(&text, lfirst(cell));
	}
	return text.data;
}
