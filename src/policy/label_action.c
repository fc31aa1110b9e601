/*
 * label_action.c
 *		The action at the end of a stage: what follows "then".
 *
 * Invariant: the canonical text of an action is read back as the same action.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/value.h"
#include "policy/label_action.h"
#include "utils/builtins.h"

#define MAX_IPV4_BITS 32
#define MAX_IPV6_BITS 128

static const char *const units[] = {
	"microseconds", "milliseconds", "second", "minute", "hour", "day", "week",
	"month", "quarter", "year", "decade", "century", "millennium"
};

static char *
unit_list(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(units); i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", units[i]);
	return list.data;
}

static void
parse_set(RetentionScan *scan, RetentionAction *action)
{
	RetentionToken *token = retention_label_scan_peek(scan, 0);

	if (retention_label_scan_accept(scan, "null"))
		action->kind = RETENTION_SET_NULL;
	else if (retention_label_scan_accept(scan, "default"))
		action->kind = RETENTION_SET_DEFAULT;
	else if (token->kind == RETENTION_TOKEN_STRING)
	{
		action->kind = RETENTION_SET_LITERAL;
		action->literal = token->value;
		scan->next++;
	}
	else
		retention_label_scan_expected(scan, "null, default or a quoted literal",
									  "after \"set\"",
									  "Write for example: then set 'unknown'.");
}

/* A whole number that fits, at the cursor. */
static int
parse_integer(RetentionScan *scan, const char *where)
{
	RetentionToken *token = retention_label_scan_peek(scan, 0);
	long		number;
	char	   *end;

	if (token->kind != RETENTION_TOKEN_NUMBER ||
		strspn(token->source, "0123456789") != strlen(token->source))
		retention_label_scan_expected(scan, "a whole number", where,
									  "Write for example: then truncate to 24, or for addresses of both kinds: then truncate to 24/48.");
	errno = 0;
	number = strtol(token->source, &end, 10);
	if (errno != 0 || number > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number \"%s\" is out of range", token->source),
				 errhint("The largest is %d.", PG_INT32_MAX),
				 retention_label_scan_errposition(scan->text, token->start)));
	scan->next++;
	return (int) number;
}

static void
check_bits(RetentionScan *scan, RetentionToken *token, int bits, int most,
		   const char *family)
{
	if (bits > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an %s network has at most %d bits", family, most),
				 errhint("Write for example: then truncate to 24/48."),
				 retention_label_scan_errposition(scan->text, token->start)));
}

static void
parse_truncate(RetentionScan *scan, RetentionAction *action)
{
	RetentionToken *first;

	action->kind = RETENTION_TRUNCATE;
	if (!retention_label_scan_accept(scan, "to"))
		retention_label_scan_expected(scan, "\"to\"", "after \"truncate\"",
									  "Write for example: then truncate to 24.");
	first = retention_label_scan_peek(scan, 0);
	action->length = parse_integer(scan, "after \"truncate to\"");
	if (retention_label_scan_accept(scan, "/"))
	{
		RetentionToken *second = retention_label_scan_peek(scan, 0);

		action->length6 = parse_integer(scan, "after \"/\"");
		check_bits(scan, first, action->length, MAX_IPV4_BITS, "IPv4");
		check_bits(scan, second, action->length6, MAX_IPV6_BITS, "IPv6");
	}
}

/* Decimal, and not zero; what can stand in front of "-" is not part of a number. */
static bool
is_positive_number(const char *source)
{
	size_t		mantissa = strspn(source, "0123456789.");
	const char *exponent = source + mantissa;

	if (strspn(source, "0.") == mantissa)
		return false;
	if (*exponent == '\0')
		return true;
	exponent++;
	if (*exponent == '+' || *exponent == '-')
		exponent++;
	return (source[mantissa] == 'e' || source[mantissa] == 'E') &&
		strlen(exponent) <= 3 && strspn(exponent, "0123456789") == strlen(exponent);
}

static void
parse_round(RetentionScan *scan, RetentionAction *action)
{
	RetentionToken *token;

	action->kind = RETENTION_ROUND;
	if (!retention_label_scan_accept(scan, "to"))
		retention_label_scan_expected(scan, "\"to\"", "after \"round\"",
									  "Write for example: then round to month.");

	token = retention_label_scan_peek(scan, 0);
	if (token->kind == RETENTION_TOKEN_NUMBER)
	{
		if (!is_positive_number(token->source))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a positive decimal number", token->source),
					 errhint("Write for example: then round to 1000."),
					 retention_label_scan_errposition(scan->text, token->start)));
		action->unit = token->source;
		action->unit_is_number = true;
		scan->next++;
		return;
	}
	if (token->kind != RETENTION_TOKEN_WORD)
		retention_label_scan_expected(scan, "a unit of time or a positive number",
									  "after \"round to\"",
									  "Write for example: then round to month, or: then round to 1000.");
	for (int i = 0; i < lengthof(units); i++)
	{
		if (retention_label_scan_is(token, units[i]))
		{
			action->unit = pstrdup(units[i]);
			scan->next++;
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unit \"%s\" is not known", token->source),
			 errhint("Units are %s; for numbers write for example: then round to 1000.",
					 unit_list()),
			 retention_label_scan_errposition(scan->text, token->start)));
}

static void
parse_pseudonymise(RetentionScan *scan, RetentionAction *action)
{
	RetentionToken *token;

	action->kind = RETENTION_PSEUDONYMISE;
	if (!retention_label_scan_accept(scan, "in"))
		return;
	token = retention_label_scan_peek(scan, 0);
	action->domain = retention_label_scan_phrase(scan);
	if (action->domain == NULL)
		retention_label_scan_expected(scan, "the name of a domain",
									  "after \"pseudonymise in\"",
									  "Write for example: then pseudonymise in customers.");
	retention_label_scan_check_phrase(scan, token, action->domain);
}

/* A key of a jsonb value: a bare word as written, "quoted", or 'a literal'. */
static char *
parse_key(RetentionScan *scan, const char *where)
{
	RetentionToken *token = retention_label_scan_peek(scan, 0);

	if (token->kind != RETENTION_TOKEN_WORD &&
		token->kind != RETENTION_TOKEN_QUOTED &&
		token->kind != RETENTION_TOKEN_STRING)
		retention_label_scan_expected(scan, "a key of the jsonb value", where,
									  "Write for example: then remove ip, device.\"user-agent\".");
	scan->next++;
	return token->kind == RETENTION_TOKEN_STRING ? token->value :
		retention_label_scan_written(token);
}

static void
parse_keys(RetentionScan *scan, RetentionAction *action, RetentionActionKind kind)
{
	const char *after = kind == RETENTION_REMOVE ? "after \"remove\"" : "after \"keep\"";

	action->kind = kind;
	do
	{
		List	   *path = list_make1(parse_key(scan, after));

		after = "after \",\"";
		while (retention_label_scan_accept(scan, ".") ||
			   retention_label_scan_accept(scan, "->"))
			path = lappend(path, parse_key(scan, "in the path"));
		action->paths = lappend(action->paths, path);
	} while (retention_label_scan_accept(scan, ","));
}

static void
parse_call(RetentionScan *scan, RetentionAction *action)
{
	action->kind = RETENTION_CALL;
	do
	{
		RetentionToken *token = retention_label_scan_peek(scan, 0);

		if (!retention_label_scan_is_name(token) || list_length(action->function) == 2)
			retention_label_scan_expected(scan, "the name of a function",
										  "after \"call\"",
										  "Write for example: then call app.shorten.");
		action->function = lappend(action->function, makeString(token->value));
		scan->next++;
	} while (retention_label_scan_accept(scan, "."));

	if (retention_label_scan_is(retention_label_scan_peek(scan, 0), "("))
		retention_label_scan_expected(scan, "the end of the action", "after the name of the function",
									  "Name the function only: it is called with the column's value.");
}

RetentionAction *
retention_label_action_parse(RetentionScan *scan)
{
	RetentionAction *action = palloc0(sizeof(RetentionAction));

	action->length6 = -1;
	action->location = retention_label_scan_peek(scan, 0)->start;

	if (retention_label_scan_accept(scan, "delete"))
		action->kind = RETENTION_DELETE;
	else if (retention_label_scan_accept(scan, "set"))
		parse_set(scan, action);
	else if (retention_label_scan_accept(scan, "truncate"))
		parse_truncate(scan, action);
	else if (retention_label_scan_accept(scan, "round"))
		parse_round(scan, action);
	else if (retention_label_scan_accept(scan, "pseudonymise"))
		parse_pseudonymise(scan, action);
	else if (retention_label_scan_accept(scan, "decorrelate"))
		action->kind = RETENTION_DECORRELATE;
	else if (retention_label_scan_accept(scan, "remove"))
		parse_keys(scan, action, RETENTION_REMOVE);
	else if (retention_label_scan_accept(scan, "keep"))
		parse_keys(scan, action, RETENTION_KEEP);
	else if (retention_label_scan_accept(scan, "call"))
		parse_call(scan, action);
	else
		retention_label_scan_expected(scan, "an action", "after \"then\"",
									  "Actions are: delete, set null, set default, set 'literal', truncate to N, round to UNIT, pseudonymise, decorrelate, remove KEY, keep KEY, call FUNCTION.");
	return action;
}

static void
append_key(StringInfo text, const char *key)
{
	char	   *bare = retention_label_scan_quote_name(key);

	/* A literal, not double quotes: those are never empty and may be cut. */
	appendStringInfoString(text, bare[0] == '"' ? quote_literal_cstr(key) : bare);
}

static void
append_keys(StringInfo text, const List *paths)
{
	ListCell   *path;
	ListCell   *key;

	foreach(path, paths)
	{
		if (path != list_head(paths))
			appendStringInfoChar(text, ',');
		appendStringInfoChar(text, ' ');
		foreach(key, (List *) lfirst(path))
		{
			if (key != list_head((List *) lfirst(path)))
				appendStringInfoChar(text, '.');
			append_key(text, lfirst(key));
		}
	}
}

char *
retention_label_action_text(const RetentionAction *action)
{
	StringInfoData text;
	ListCell   *name;

	initStringInfo(&text);
	switch (action->kind)
	{
		case RETENTION_DELETE:
			appendStringInfoString(&text, "delete");
			break;
		case RETENTION_SET_NULL:
			appendStringInfoString(&text, "set null");
			break;
		case RETENTION_SET_DEFAULT:
			appendStringInfoString(&text, "set default");
			break;
		case RETENTION_SET_LITERAL:
			appendStringInfo(&text, "set %s", quote_literal_cstr(action->literal));
			break;
		case RETENTION_TRUNCATE:
			appendStringInfo(&text, "truncate to %d", action->length);
			if (action->length6 >= 0)
				appendStringInfo(&text, "/%d", action->length6);
			break;
		case RETENTION_ROUND:
			appendStringInfo(&text, "round to %s", action->unit);
			break;
		case RETENTION_PSEUDONYMISE:
			appendStringInfoString(&text, "pseudonymise");
			if (action->domain != NULL)
				appendStringInfo(&text, " in %s",
								 retention_label_scan_quote_phrase(action->domain));
			break;
		case RETENTION_DECORRELATE:
			appendStringInfoString(&text, "decorrelate");
			break;
		case RETENTION_REMOVE:
			appendStringInfoString(&text, "remove");
			append_keys(&text, action->paths);
			break;
		case RETENTION_KEEP:
			appendStringInfoString(&text, "keep");
			append_keys(&text, action->paths);
			break;
		case RETENTION_CALL:
			appendStringInfoString(&text, "call ");
			foreach(name, action->function)
			{
				if (name != list_head(action->function))
					appendStringInfoChar(&text, '.');
				appendStringInfoString(&text, retention_label_scan_quote_name(strVal(lfirst(name))));
			}
			break;
	}
	return text.data;
}
