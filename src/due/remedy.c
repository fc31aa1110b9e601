/*
 * remedy.c
 *		What helps against an invalid rule.
 *
 * A label was right when it was set, so its grammar's hints help nobody once a
 * column that it names is gone: then the label itself must change.
 *
 * Invariant: the remedy is never worse than the rule's own hint.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/attempt.h"
#include "due/remedy.h"
#include "policy/label.h"
#include "policy/rule.h"

typedef struct Judged
{
	Oid			relid;
	AttrNumber	attnum;
	char	   *label;
} Judged;

static void
judge(void *arg)
{
	Judged	   *judged = (Judged *) arg;

	retention_rule_judge(judged->relid, judged->attnum, judged->label);
}

/* Does the label name a column that is not there? */
static bool
names_missing_column(Judged *judged)
{
	ErrorData  *error;

	judged->label = retention_labelled_text(judged->relid, judged->attnum);
	if (judged->label == NULL)
		return false;
	error = retention_attempt_run(judge, judged);
	return error != NULL && error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN;
}

char *
retention_remedy_find(const RetentionRule *rule)
{
	Judged		table = {rule->relid, 0, NULL};
	Judged		column = {rule->relid, rule->attnum, NULL};

	/* The clock of a column's rule may be in the table's label. */
	if (names_missing_column(&table))
		return psprintf("SECURITY LABEL FOR %s ON TABLE %s IS '...', naming a column that is there. It says now: %s",
						RETENTION_PROVIDER, rule->relation, table.label);
	if (rule->attnum != 0 && names_missing_column(&column))
		return psprintf("SECURITY LABEL FOR %s ON COLUMN %s.%s IS '...', naming a column that is there. It says now: %s",
						RETENTION_PROVIDER, rule->relation,
						quote_identifier(rule->column_name), column.label);
	return rule->hint;
}
