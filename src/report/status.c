/*
 * status.c
 *		How each rule is doing.
 *
 * Invariant: reading it changes nothing, works on a standby, and one table that
 * cannot be read does not hide the others.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/settings.h"
#include "policy/labelled.h"
#include "report/health.h"
#include "report/survey.h"

#define UNKNOWN RETENTION_SURVEY_UNKNOWN
#define STATUS_COLUMNS 22

PG_FUNCTION_INFO_V1(retention_status_rows_sql);

static void
put_rule(ReturnSetInfo *rsinfo, const RetentionSurvey *survey)
{
	RetentionHealth health = retention_health_judge(survey);
	Datum		values[STATUS_COLUMNS] = {0};
	bool		nulls[STATUS_COLUMNS] = {0};
	const RetentionRule *rule = survey->rule;
	int			i = 0;
	int64		overdue = survey->due == UNKNOWN ? UNKNOWN : retention_survey_overdue(survey);
	bool		clears = survey->due == 0 || (survey->due > 0 && survey->rate > 0);
	Interval	promised = {0};

#define PUT(known, value) \
	do { \
		nulls[i] = !(known); \
		if (!nulls[i]) \
			values[i] = (value); \
		i++; \
	} while (0)
#define PUT_TEXT(text) PUT((text) != NULL, CStringGetTextDatum(text))
#define PUT_COUNT(count) PUT((count) != UNKNOWN, Int64GetDatum(count))

	promised.time = retention_settings_promised_lateness * USECS_PER_SEC;
	PUT(true, ObjectIdGetDatum(survey->table->relid));
	PUT(rule && rule->attnum, DirectFunctionCall1(namein, CStringGetDatum(rule->column_name)));
	PUT_TEXT(rule ? rule->category : NULL);
	PUT_TEXT(rule ? rule->action_text : NULL);
	PUT_TEXT(health.state);
	PUT_TEXT(health.reason);
	PUT_TEXT(health.remedy);
	PUT_COUNT(survey->due);
	PUT_COUNT(overdue);
	PUT(survey->oldest_due != DT_NOBEGIN && survey->oldest_due != DT_NOEND,
		TimestampTzGetDatum(survey->oldest_due));
	PUT_COUNT(survey->held);
	PUT_COUNT(survey->blocked);
	PUT_COUNT(survey->not_started);
	PUT_COUNT(survey->orphaned);
	PUT_COUNT(survey->implausible);
	PUT(survey->counted_at != DT_NOBEGIN, TimestampTzGetDatum(survey->counted_at));
	PUT(true, BoolGetDatum(survey->exact));
	PUT(true, IntervalPGetDatum(&promised));
	PUT(survey->last_success != DT_NOBEGIN, TimestampTzGetDatum(survey->last_success));
	PUT_TEXT(survey->last_error);
	PUT(survey->rate >= 0, Float8GetDatum(survey->rate));
	PUT(clears, Float8GetDatum(survey->due == 0 ? 0 : survey->due / survey->rate));
	Assert(i == STATUS_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_table(ReturnSetInfo *rsinfo, Oid relid, TimestampTz as_of,
		  const RetentionCircumstances *circumstances)
{
	RetentionSurveyTable *table = retention_survey_table(relid, as_of, circumstances);
	ListCell   *lc;

	if (table->error)
		put_rule(rsinfo, retention_survey_rule(table, NULL, false));
	foreach(lc, table->rules)
	{
		CHECK_FOR_INTERRUPTS();
		put_rule(rsinfo, retention_survey_rule(table, (RetentionRule *) lfirst(lc), false));
	}
}

Datum
retention_status_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz as_of = PG_ARGISNULL(0) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(0);
	RetentionCircumstances *circumstances;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	circumstances = retention_circumstance_read(GetCurrentTimestamp());
	foreach(lc, retention_labelled_relations())
		put_table(rsinfo, lfirst_oid(lc), as_of, circumstances);
	return (Datum) 0;
}
