/*
 * chain.c
 *		The stages of one column's label, and what each leaves to do.
 *
 * Invariant: a chain does not fall back. What a later stage made of a value, an
 * earlier one does not change because the later one's clock has gone.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "due/chain.h"
#include "policy/action.h"
#include "policy/expression.h"

static bool
makes_tokens(const RetentionRule *rule)
{
	return rule->action != NULL &&
		(rule->action->kind == RETENTION_PSEUDONYMISE ||
		 rule->action->kind == RETENTION_DECORRELATE);
}

static bool
are_of_one_chain(const RetentionRule *a, const RetentionRule *b)
{
	return a->relid == b->relid && a->attnum == b->attnum && a->attnum != 0;
}

static char *
value_of(const RetentionRule *rule, const char *alias)
{
	return psprintf("%s.%s", alias, quote_identifier(rule->column_name));
}

static char *
done_text(const RetentionRule *rule, const char *alias)
{
	return retention_action_done(rule->action, rule->relid, rule->attnum,
								 rule->category, value_of(rule, alias));
}

char *
retention_chain_condition(const RetentionRule *rule, const char *alias)
{
	return psprintf("((%s) IS TRUE)",
					retention_expression_deparse(rule->condition, rule->relid, alias));
}

/*
 * Whose token is it?  Where this stage or one before it makes tokens, nobody can
 * say that a later stage made it.
 */
static bool
may_have_made_the_token(const RetentionRule *rule, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *other = (RetentionRule *) lfirst(lc);

		if (are_of_one_chain(other, rule) && other->stage <= rule->stage &&
			makes_tokens(other))
			return true;
	}
	return false;
}

char *
retention_chain_pending(const RetentionRule *rule, List *rules, const char *alias)
{
	StringInfoData text;
	ListCell   *lc;

	if (rule->attnum == 0)
		return pstrdup("true");
	initStringInfo(&text);
	appendStringInfo(&text, "NOT %s", done_text(rule, alias));
	if (may_have_made_the_token(rule, rules))
		return text.data;
	foreach(lc, rules)
	{
		RetentionRule *later = (RetentionRule *) lfirst(lc);

		if (are_of_one_chain(later, rule) && later->stage > rule->stage &&
			later->valid && makes_tokens(later))
			appendStringInfo(&text, " AND NOT (%s IS NOT NULL AND %s%s%s)",
							 value_of(rule, alias),
							 later->condition ? retention_chain_condition(later, alias) : "",
							 later->condition ? " AND " : "",
							 done_text(later, alias));
	}
	return psprintf("(%s)", text.data);
}

char *
retention_chain_open(const RetentionRule *rule, List *rules, const char *alias)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, retention_chain_pending(rule, rules, alias));
	if (rule->attnum == 0)
		return text.data;
	foreach(lc, rules)
	{
		RetentionRule *earlier = (RetentionRule *) lfirst(lc);

		if (!are_of_one_chain(earlier, rule) || earlier->stage >= rule->stage ||
			earlier->action == NULL)
			continue;
		/* What an invalid stage would do is not known. */
		if (!earlier->valid)
			return pstrdup("true");
		appendStringInfo(&text, " OR (%s%s%s)",
						 earlier->condition ? retention_chain_condition(earlier, alias) : "",
						 earlier->condition ? " AND " : "",
						 retention_chain_pending(earlier, rules, alias));
	}
	return psprintf("(%s)", text.data);
}
