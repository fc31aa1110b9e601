/*
 * action_constant.c
 *		The actions "set 'literal'" and "set default": one value for all rows.
 *
 * Invariant: the value is the same today and tomorrow, and the column takes it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "policy/action_constant.h"

typedef struct InputWork
{
	const char *literal;
	const RetentionActionColumn *column;
} InputWork;

static void
input(void *arg)
{
	InputWork  *work = arg;
	RetentionIdentity identity;
	Oid			function;
	Oid			parameter;

	retention_identity_become_owner(&identity, work->column->relid);
	getTypeInputInfo(work->column->type, &function, &parameter);
	(void) OidInputFunctionCall(function, pstrdup(work->literal), parameter,
								work->column->typmod);
	retention_identity_restore(&identity);
}

char *
retention_action_constant_input_error(const char *literal,
									  const RetentionActionColumn *column)
{
	InputWork	work = {literal, column};
	ErrorData  *error = retention_attempt_run(input, &work);

	return error == NULL ? NULL : error->message;
}

/* 'now' and kin are other values tomorrow. */
static bool
is_moving(const char *literal, Oid base)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
	char		category;
	bool		preferred;

	get_type_category_preferred(base, &category, &preferred);
	if (category != TYPCATEGORY_DATETIME)
		return false;
	for (const char *at = literal; *at != '\0'; at++)
		for (int i = 0; i < lengthof(words); i++)
			if (pg_strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

static char *
null_problem(const RetentionActionColumn *column, char **hint)
{
	if (column->not_null)
	{
		*hint = pstrdup("ALTER the column to DROP NOT NULL, or use \"set default\" or \"set 'literal'\".");
		return pstrdup("the column is NOT NULL");
	}
	if (column->unique_nulls)
	{
		*hint = pstrdup("Create the unique index without NULLS NOT DISTINCT.");
		return pstrdup("the column is unique, and its index takes one NULL only");
	}
	return NULL;
}

static char *
unique_problem(const RetentionActionColumn *column, char **hint)
{
	if (!column->unique)
		return NULL;
	*hint = pstrdup("Use \"set null\", \"pseudonymise\" or \"decorrelate\".");
	return pstrdup("the column is unique, and all rows would get the same value");
}

char *
retention_action_constant_problem(const RetentionAction *action,
								  const RetentionActionColumn *column,
								  char **hint)
{
	char	   *error;

	if (action->kind == RETENTION_SET_NULL ||
		(action->kind == RETENTION_SET_DEFAULT && column->default_value == NULL))
		return null_problem(column, hint);

	if (action->kind == RETENTION_SET_DEFAULT)
	{
		if (contain_mutable_functions(column->default_value))
		{
			*hint = pstrdup("Use \"set null\" or \"set 'literal'\", or a default that is the same every day.");
			return pstrdup("the column's default is not always the same value");
		}
		return unique_problem(column, hint);
	}

	if (is_moving(action->literal, column->base))
	{
		*hint = pstrdup("Write a date.");
		return psprintf("%s is another value tomorrow",
						quote_literal_cstr(action->literal));
	}
	error = retention_action_constant_input_error(action->literal, column);
	if (error != NULL)
	{
		*hint = psprintf("Write a value of type %s.", column->name);
		return error;
	}
	return unique_problem(column, hint);
}

char *
retention_action_constant_value(const RetentionAction *action,
								const RetentionActionColumn *column)
{
	if (action->kind == RETENTION_SET_LITERAL)
		return psprintf("%s::%s", quote_literal_cstr(action->literal),
						column->type_text);
	if (action->kind == RETENTION_SET_DEFAULT && column->default_value != NULL)
	{
		int			level = NewGUCNestLevel();
		char	   *text;

		/* Names that are not in this path are written with their schema. */
		(void) set_config_option("search_path", "pg_catalog, pg_temp",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		text = deparse_expression(column->default_value, NIL, false, false);
		AtEOXact_GUC(true, level);
		return psprintf("(%s)::%s", text, column->type_text);
	}
	return psprintf("NULL::%s", column->type_text);
}
