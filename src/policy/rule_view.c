/*
 * rule_view.c
 *		Rules as rows of retention.rule.
 *
 * Invariant: shows what the engine would do, from the same compilation.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "policy/rule.h"

#define COLUMNS 12

PG_FUNCTION_INFO_V1(retention_rule_rows_sql);

static void
put_text(int column, const char *text, Datum *values, bool *nulls)
{
	nulls[column] = text == NULL;
	if (text)
		values[column] = CStringGetTextDatum(text);
}

static void
put_rule(const RetentionRule *rule, ReturnSetInfo *result)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {0};

	values[0] = ObjectIdGetDatum(rule->relid);
	nulls[1] = rule->column_name == NULL;
	if (rule->column_name)
		values[1] = DirectFunctionCall1(namein, CStringGetDatum(rule->column_name));
	put_text(2, rule->category, values, nulls);
	/* A category's period is never zero: the category is unknown. */
	nulls[3] = rule->period.month == 0 && rule->period.day == 0 &&
		rule->period.time == 0;
	values[3] = IntervalPGetDatum(&rule->period);
	put_text(4, rule->start_text, values, nulls);
	put_text(5, rule->condition_text, values, nulls);
	put_text(6, rule->action_text, values, nulls);
	values[7] = BoolGetDatum(rule->valid);
	put_text(8, rule->problem, values, nulls);
	put_text(9, rule->hint, values, nulls);
	values[10] = Int32GetDatum(rule->stage);
	put_text(11, rule->own_period_text, values, nulls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
retention_rule_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *relation;

	InitMaterializedSRF(fcinfo, 0);
	foreach(relation, retention_labelled_relations())
	{
		ListCell   *rule;

		foreach(rule, retention_rule_compile(lfirst_oid(relation)))
			put_rule((RetentionRule *) lfirst(rule), result);
	}
	return (Datum) 0;
}
