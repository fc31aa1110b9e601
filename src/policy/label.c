/*
 * label.c
 *		The grammar of security labels: clauses, stages and paths.
 *
 *		label  := clause { ';' clause }
 *		clause := 'no personal data' | 'from' START | 'subject' PATH | stage
 *		stage  := CATEGORY [', where' '(' condition ')'] [', from' START]
 *				  [', for' PATH] ', then' ACTION
 *				| CATEGORY
 *		START  := PATH { 'or' PATH }
 *		PATH   := { hop '->' } VALUE
 *		hop    := column | constraint | column 'references' table '(' column ')'
 *		VALUE  := column | function '(' balanced ')' | '(' balanced ')'
 *
 * Invariant: the tree is syntax only; each node remembers where it stands. No
 * rule of the grammar calls itself, so a label of any length needs no stack.
 */
#include "postgres.h"

#include "policy/label.h"
#include "policy/label_action.h"
#include "policy/label_scan.h"
#include "policy/label_start.h"

#define TABLE_EXAMPLE \
	"Write for example: technical information, from created_at, then delete."
#define COLUMN_EXAMPLE \
	"Write for example: account data, from closed_at, then set null."

typedef struct Parser
{
	RetentionScan *scan;
	RetentionLabel *label;
	bool		is_column;
	int			from_location;	/* of the table's "from", -1 = none */
} Parser;

static RetentionToken *
peek(Parser *parser, int ahead)
{
	return retention_label_scan_peek(parser->scan, ahead);
}

static bool
next_is(Parser *parser, int ahead, const char *what)
{
	return retention_label_scan_is(peek(parser, ahead), what);
}

static void
expected(Parser *parser, const char *what, const char *where, const char *hint)
{
	retention_label_scan_expected(parser->scan, what, where, hint);
}

static const char *
example(Parser *parser)
{
	return parser->is_column ? COLUMN_EXAMPLE : TABLE_EXAMPLE;
}

static bool
at_end_of_clause(Parser *parser)
{
	return next_is(parser, 0, ";") || peek(parser, 0)->kind == RETENTION_TOKEN_END;
}

static void
parse_stage(Parser *parser)
{
	RetentionStage *stage = palloc0(sizeof(RetentionStage));
	RetentionScan *scan = parser->scan;
	RetentionToken *first = peek(parser, 0);
	const char *done = "after the category";
	const char *open = "\"where\", \"from\", \"for\" or \"then\"";

	stage->location = stage->category_location = first->start;
	stage->category = retention_label_scan_phrase(scan);
	if (stage->category == NULL)
		expected(parser, parser->is_column ? "a category or \"no personal data\"" :
				 "a category, \"from\", \"subject\" or \"no personal data\"",
				 "at the start of a clause", example(parser));
	retention_label_scan_check_phrase(scan, first, stage->category);
	if (pg_strcasecmp(stage->category, RETENTION_NO_PERSONAL_DATA) == 0)
		retention_label_scan_refuse(parser->scan, first->start, ERRCODE_SYNTAX_ERROR,
									"\"no personal data\" is not a category",
									"Write it alone, or the category of the data.");
	parser->label->stages = lappend(parser->label->stages, stage);

	if (at_end_of_clause(parser) && parser->is_column)
		return;
	if (next_is(parser, 0, "where") || next_is(parser, 0, "from") ||
		next_is(parser, 0, "for") || next_is(parser, 0, "then"))
		expected(parser, "\",\"", done,
				 "Write a comma before it, or, if it is part of the category's name, the name in double quotes.");
	if (!next_is(parser, 0, ","))
		expected(parser, "\"then\"", done, example(parser));
	scan->next++;

	if (retention_label_scan_accept(scan, "where"))
	{
		stage->condition = retention_label_start_condition(scan);
		done = "after the condition";
		open = "\"from\", \"for\" or \"then\"";
		retention_label_scan_expect(parser->scan, ",", done, example(parser));
	}
	if (retention_label_scan_accept(scan, "from"))
	{
		stage->start = retention_label_start_parse(scan);
		done = "after the start";
		open = "\"for\" or \"then\"";
		if (at_end_of_clause(parser))
			expected(parser, "\"then\"", done, example(parser));
		retention_label_scan_expect(parser->scan, ",", done, example(parser));
	}
	if (retention_label_scan_accept(scan, "for"))
	{
		stage->period = retention_label_start_path(scan, "after \"for\"");
		done = "after the period";
		open = "\"then\"";
		retention_label_scan_expect(parser->scan, ",", done, example(parser));
	}
	if (!retention_label_scan_accept(scan, "then"))
		expected(parser, open, done, example(parser));

	stage->action = retention_label_action_parse(scan);
	if (!at_end_of_clause(parser))
		expected(parser, "\";\" or the end of the label", "after the action",
				 example(parser));

	if (parser->is_column && stage->action->kind == RETENTION_DELETE)
		retention_label_scan_refuse(parser->scan, stage->action->location, ERRCODE_SYNTAX_ERROR,
									"\"delete\" is not an action for a column",
									"The row goes by its table's label; for a column write for example: then set null.");
	if (!parser->is_column && stage->action->kind != RETENTION_DELETE)
		retention_label_scan_refuse(parser->scan, stage->action->location, ERRCODE_SYNTAX_ERROR,
									"the action of a table is \"delete\" only",
									"Label the column for any other action, for example: SECURITY LABEL FOR privacy_retention ON COLUMN account.email IS 'account data, then set null'.");
}

/* A table's "from" and "subject"; false if the clause is neither. */
static bool
parse_table_clause(Parser *parser)
{
	RetentionToken *first = peek(parser, 0);
	RetentionLabel *label = parser->label;

	if (retention_label_scan_accept(parser->scan, "from"))
	{
		if (parser->is_column)
			retention_label_scan_refuse(parser->scan, first->start, ERRCODE_SYNTAX_ERROR,
										"a clause \"from\" belongs to the table",
										"In a column's label the start follows the category, for example: account data, from closed_at, then set null.");
		if (label->from != NULL)
			retention_label_scan_refuse(parser->scan, first->start, ERRCODE_SYNTAX_ERROR,
										"a label has at most one clause \"from\"",
										"Join several starts with \"or\", or give a stage its own: account data, from closed_at, then delete.");
		label->from = retention_label_start_parse(parser->scan);
	}
	else if (retention_label_scan_accept(parser->scan, "subject"))
	{
		if (parser->is_column)
			retention_label_scan_refuse(parser->scan, first->start, ERRCODE_SYNTAX_ERROR,
										"a clause \"subject\" belongs to the table",
										"Write it in the table's label; a category of that name stands in double quotes.");
		label->subjects = lappend(label->subjects,
								  retention_label_start_path(parser->scan, "after \"subject\""));
	}
	else
		return false;

	if (!at_end_of_clause(parser))
		expected(parser, "\";\" or the end of the label", "after the clause",
				 "A category whose name begins with this word stands in double quotes.");
	return true;
}

static bool
accept_no_personal_data(Parser *parser)
{
	if (!next_is(parser, 0, "no") || !next_is(parser, 1, "personal") ||
		!next_is(parser, 2, "data") ||
		(!next_is(parser, 3, ";") && peek(parser, 3)->kind != RETENTION_TOKEN_END))
		return false;
	parser->scan->next += 3;
	return true;
}

/* What the clauses must be among themselves. */
static void
check_clauses(Parser *parser, int nclauses)
{
	RetentionLabel *label = parser->label;
	RetentionStage *decides = NULL;
	ListCell   *cell;

	if (label->no_personal_data && nclauses > 1)
		retention_label_scan_refuse(parser->scan, 0, ERRCODE_SYNTAX_ERROR,
									"\"no personal data\" is the only clause of its label",
									"Write either it or the categories of the data.");

	foreach(cell, label->stages)
	{
		RetentionStage *stage = lfirst(cell);

		if (stage->action == NULL && nclauses > 1)
			retention_label_scan_refuse(parser->scan, stage->location, ERRCODE_SYNTAX_ERROR,
										"a category without an action is the only clause of its label",
										"Write what becomes of the value: account data, then set null; or the category alone, if it goes with the row.");
		if (!parser->is_column && decides != NULL)
			retention_label_scan_refuse(parser->scan, stage->location, ERRCODE_INVALID_OBJECT_DEFINITION,
										"this stage is never reached",
										"The first stage whose condition is true decides: give the stages before this one a condition, where (...).");
		if (stage->condition == NULL)
			decides = stage;
	}
}

RetentionLabel *
retention_label_parse(const char *text, bool is_column)
{
	Parser		parser = {0};
	RetentionLabel *label = palloc0(sizeof(RetentionLabel));
	int			nclauses = 0;

	label->text = pstrdup(text);
	parser.scan = retention_label_scan_tokens(label->text);
	parser.label = label;
	parser.is_column = is_column;

	do
	{
		if (nclauses > 0 && peek(&parser, 0)->kind == RETENTION_TOKEN_END)
			break;				/* a trailing semicolon */
		if (accept_no_personal_data(&parser))
			label->no_personal_data = true;
		else if (!parse_table_clause(&parser))
			parse_stage(&parser);
		nclauses++;
	} while (retention_label_scan_accept(parser.scan, ";"));

	Assert(peek(&parser, 0)->kind == RETENTION_TOKEN_END);
	check_clauses(&parser, nclauses);
	return label;
}

int
retention_label_errposition(const RetentionLabel *label, int location)
{
	return retention_label_scan_errposition(label->text, location);
}
