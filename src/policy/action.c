/*
 * action.c
 *		What becomes of a value: actions as SQL expressions over a column.
 *
 * Invariant: every action is idempotent, ACTION(ACTION(x)) = ACTION(x), and
 * "done" is exactly ACTION(x) IS NOT DISTINCT FROM x. For "call" it is the
 * function's owner who promises the first half, and the engine checks it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "policy/action.h"
#include "policy/action_call.h"
#include "policy/action_column.h"
#include "policy/action_constant.h"
#include "policy/action_round.h"
#include "pseudonym/keyring.h"
#include "pseudonym/token.h"

#define IPV4_BITS 32
#define SAMPLE_TOKEN "yab3mffowcvhir424shoam6r3q"

/* ---- Keys of a jsonb value ---- */

typedef struct KeyNode
{
	const char *key;
	bool		whole;			/* a path ends here */
	List	   *children;		/* of KeyNode * */
} KeyNode;

static KeyNode *
child(KeyNode *parent, const char *key)
{
	KeyNode    *node;
	ListCell   *cell;

	foreach(cell, parent->children)
	{
		node = lfirst(cell);
		if (strcmp(node->key, key) == 0)
			return node;
	}
	node = palloc0(sizeof(KeyNode));
	node->key = key;
	parent->children = lappend(parent->children, node);
	return node;
}

static void
append_node(StringInfo text, const KeyNode *node)
{
	ListCell   *cell;

	appendStringInfoChar(text, '{');
	foreach(cell, node->children)
	{
		const KeyNode *inner = lfirst(cell);

		if (cell != list_head(node->children))
			appendStringInfoString(text, ", ");
		escape_json(text, inner->key);
		appendStringInfoString(text, ": ");
		if (inner->whole)
			appendStringInfoString(text, "true");
		else
			append_node(text, inner);
	}
	appendStringInfoChar(text, '}');
}

/* The paths as the tree that jsonb_remove() and jsonb_keep() take. */
static char *
key_tree(const List *paths)
{
	KeyNode		root = {NULL, false, NIL};
	StringInfoData text;
	ListCell   *path;
	ListCell   *key;

	foreach(path, paths)
	{
		KeyNode    *node = &root;

		foreach(key, (List *) lfirst(path))
			node = child(node, lfirst(key));
		node->whole = true;
	}
	initStringInfo(&text);
	append_node(&text, &root);
	return text.data;
}

static char *
keys_problem(const RetentionActionColumn *column, char **hint)
{
	if (column->base == JSONBOID)
		return NULL;
	if (column->base == JSONOID)
		*hint = pstrdup("ALTER the column's type to jsonb.");
	else
		*hint = pstrdup("Keys can be removed from, and kept in, values of type jsonb.");
	return psprintf("a value of type %s has no keys that can be removed or kept",
					column->name);
}

/* ---- Truncation ---- */

static char *
truncate_problem(const RetentionAction *action,
				 const RetentionActionColumn *column, char **hint)
{
	if (column->is_text)
	{
		if (action->length6 < 0)
			return NULL;
		*hint = psprintf("Write: then truncate to %d.", action->length);
		return pstrdup("a text is truncated to one number of characters");
	}
	if (column->base == INETOID || column->base == CIDROID)
	{
		if (action->length <= IPV4_BITS)
			return NULL;
		*hint = psprintf("Write for example: then truncate to 24/%d.",
						 action->length);
		return psprintf("an IPv4 address has %d bits, and truncating to %d would leave it as it is",
						IPV4_BITS, action->length);
	}
	*hint = pstrdup("Texts, inet and cidr can be truncated; dates, times and numbers are rounded.");
	return psprintf("values of type %s cannot be truncated", column->name);
}

/*
 * A network: never of more bits than the value has, and no bits of the address
 * beyond.
 */
static char *
truncate_value(const RetentionAction *action,
			   const RetentionActionColumn *column, const char *operand)
{
	int			bits6 = action->length6 >= 0 ? action->length6 : action->length;

	if (column->is_text)
		return psprintf("pg_catalog.\"left\"((%s)::text, %d)::%s",
						operand, action->length, column->type_text);
	return psprintf("pg_catalog.network(pg_catalog.set_masklen((%s)::inet, LEAST(pg_catalog.masklen((%s)::inet), CASE pg_catalog.family((%s)::inet) WHEN 4 THEN %d ELSE %d END)))::%s",
					operand, operand, operand, action->length, bits6,
					column->base == CIDROID ? column->type_text :
					psprintf("inet::%s", column->type_text));
}

/* ---- Pseudonyms ---- */

static char *
token_problem(const RetentionActionColumn *column, char **hint)
{
	char	   *problem;

	problem = retention_token_problem(column->type, column->typmod, hint);
	if (problem == NULL && !retention_keyring_ready(&problem, hint))
		return problem;
	/* A domain may want addresses with an @: does it take a token? */
	if (problem == NULL && column->is_text && column->type != column->base)
	{
		problem = retention_action_constant_input_error(SAMPLE_TOKEN, column);
		if (problem != NULL)
			*hint = psprintf("A pseudonym is a text of %d characters such as %s.",
							 (int) strlen(SAMPLE_TOKEN), SAMPLE_TOKEN);
	}
	return problem;
}

static char *
token_value(const RetentionAction *action, const RetentionActionColumn *column,
			const char *category, const char *operand)
{
	if (action->kind == RETENTION_DECORRELATE)
		return psprintf("retention.decorrelated((%s)::%s)::%s",
						operand, column->base_text, column->type_text);
	return psprintf("retention.pseudonymised((%s)::%s, %s::text)::%s",
					operand, column->base_text,
					quote_literal_cstr(action->domain != NULL ?
									   action->domain : category),
					column->type_text);
}

/* ---- All actions ---- */

/* What no action can change. */
static char *
column_problem(const RetentionActionColumn *column, char **hint)
{
	if (column->generated)
	{
		*hint = pstrdup("Label the columns from which it is generated.");
		return pstrdup("the column is generated");
	}
	if (column->identity_always)
	{
		*hint = pstrdup("ALTER the column to SET GENERATED BY DEFAULT.");
		return pstrdup("the column is an identity, GENERATED ALWAYS");
	}
	if (column->partition_key)
	{
		*hint = pstrdup("Give the table a label that deletes the row.");
		return pstrdup("the column is part of the partition key");
	}
	return NULL;
}

char *
retention_action_problem(const RetentionAction *action, Oid relid,
						 AttrNumber attnum, const char *category, char **hint)
{
	RetentionActionColumn *column;
	char	   *problem;

	*hint = NULL;
	if (action->kind == RETENTION_DELETE)
	{
		*hint = pstrdup("Put it into the label of the table.");
		return pstrdup("a column cannot be deleted from a row");
	}
	column = retention_action_column_load(relid, attnum);
	problem = column_problem(column, hint);
	if (problem != NULL)
		return problem;

	switch (action->kind)
	{
		case RETENTION_DELETE:
			break;
		case RETENTION_SET_NULL:
		case RETENTION_SET_DEFAULT:
		case RETENTION_SET_LITERAL:
			return retention_action_constant_problem(action, column, hint);
		case RETENTION_TRUNCATE:
			return truncate_problem(action, column, hint);
		case RETENTION_ROUND:
			return retention_action_round_problem(action, column, hint);
		case RETENTION_PSEUDONYMISE:
		case RETENTION_DECORRELATE:
			return token_problem(column, hint);
		case RETENTION_REMOVE:
		case RETENTION_KEEP:
			return keys_problem(column, hint);
		case RETENTION_CALL:
			return retention_action_call_problem(action, column, hint);
	}
	elog(ERROR, "unknown action: %d", (int) action->kind);
	return NULL;
}

static char *
value(const RetentionAction *action, const RetentionActionColumn *column,
	  const char *category, const char *operand)
{
	switch (action->kind)
	{
		case RETENTION_DELETE:
			break;
		case RETENTION_SET_NULL:
		case RETENTION_SET_DEFAULT:
		case RETENTION_SET_LITERAL:
			return retention_action_constant_value(action, column);
		case RETENTION_TRUNCATE:
			return truncate_value(action, column, operand);
		case RETENTION_ROUND:
			return retention_action_round_value(action, column, operand);
		case RETENTION_PSEUDONYMISE:
		case RETENTION_DECORRELATE:
			return token_value(action, column, category, operand);
		case RETENTION_REMOVE:
		case RETENTION_KEEP:
			return psprintf("retention.%s((%s)::jsonb, %s::jsonb)::%s",
							action->kind == RETENTION_KEEP ? "jsonb_keep" :
							"jsonb_remove", operand,
							quote_literal_cstr(key_tree(action->paths)),
							column->type_text);
		case RETENTION_CALL:
			return retention_action_call_value(action, column, operand);
	}
	elog(ERROR, "action %d has no value", (int) action->kind);
	return NULL;
}

char *
retention_action_value(const RetentionAction *action, Oid relid,
					   AttrNumber attnum, const char *category,
					   const char *operand)
{
	return value(action, retention_action_column_load(relid, attnum), category,
				 operand);
}

char *
retention_action_done(const RetentionAction *action, Oid relid,
					  AttrNumber attnum, const char *category,
					  const char *operand)
{
	RetentionActionColumn *column = retention_action_column_load(relid, attnum);

	/* Shorter ways to the same answer, where there are some. */
	switch (action->kind)
	{
		case RETENTION_SET_NULL:
			return psprintf("(%s IS NOT DISTINCT FROM NULL)", operand);
		case RETENTION_SET_DEFAULT:
			if (column->default_value == NULL)
				return psprintf("(%s IS NOT DISTINCT FROM NULL)", operand);
			break;
		case RETENTION_TRUNCATE:
			if (column->is_text)
				return psprintf("((pg_catalog.length((%s)::text) <= %d) IS NOT FALSE)",
								operand, action->length);
			break;
		case RETENTION_PSEUDONYMISE:
		case RETENTION_DECORRELATE:
			return psprintf("(retention.is_pseudonym((%s)::%s) IS NOT FALSE)",
							operand,
							column->is_text ? "text" : column->base_text);
		default:
			break;
	}
	return retention_action_column_same(column,
										value(action, column, category, operand),
										operand);
}

bool
retention_action_is_deterministic(const RetentionAction *action)
{
	/* Volatile functions are refused to "call". */
	return action->kind != RETENTION_DECORRELATE;
}
