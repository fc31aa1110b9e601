/*
 * alarm.c
 *		Tells when the state of a rule changes, or the erasure of what was deleted is
 *		late: a line in the server's log, and a notification for whoever listens.
 *
 * Invariant: told is what retention.status says, and what cannot be told now is told
 * later.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "enforce/pass.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "report/alarm.h"
#include "report/alarm_erasure.h"
#include "report/health.h"
#include "report/survey.h"
#include "report/told.h"

/* Of all tables, some are told of in one go, which takes about so long. */
#define TRY_MS 200

/*
 * Nobody knows more of a table that is locked for a moment; once that has lasted
 * for longer than rows may be late, it is told.
 */
static bool
is_locked_briefly(const char *relation, TimestampTz now)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(relation),
	TimestampTzGetDatum(now - retention_settings_promised_lateness * USECS_PER_SEC)};
	RetentionIdentity saved;
	bool		recent;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT FROM retention.rule_state"
							  " WHERE relation = $1 AND last_success >= $2 LIMIT 1",
							  2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "retention.rule_state could not be read");
	retention_identity_restore(&saved);
	recent = SPI_processed > 0;
	SPI_finish();
	return recent;
}

static void
tell_table(Oid relid, const RetentionCircumstances *circumstances, RetentionTelling *telling)
{
	RetentionSurveyTable *table = retention_survey_table(relid, telling->now,
														 circumstances);
	List	   *told_states = retention_told_of_rules(table->name);
	ListCell   *lc;

	if (table->error)
	{
		RetentionHealth health;

		if (retention_health_is_lock(table->error) &&
			is_locked_briefly(table->name, telling->now))
			return;
		/* of its rules nothing is known now: they stay as they were told */
		health = retention_health_judge(retention_survey_rule(table, NULL, true));
		retention_told_compare(told_states, table->name, "", RETENTION_TOLD_TABLE, &health, telling);
		return;
	}
	foreach(lc, table->rules)
	{
		const RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionSurvey *survey = retention_survey_rule(table, rule, true);
		RetentionHealth health;

		if (survey->count_error && retention_health_is_lock(survey->count_error) &&
			is_locked_briefly(table->name, telling->now))
			return;
		health = retention_health_judge(survey);
		retention_told_compare(told_states, table->name, rule->attnum ? rule->column_name : "",
							   rule->stage, &health, telling);
	}
	retention_told_rest(told_states, telling);
}

/* Tables that were told of, and are labelled no more. */
static void
tell_unlabelled(List *relations, RetentionTelling *telling)
{
	List	   *names = retention_told_relations();
	ListCell   *lc;

	foreach(lc, relations)
		names = list_delete(names,
							makeString(retention_start_relation_name(lfirst_oid(lc))));
	foreach(lc, names)
		retention_told_rest(retention_told_of_rules(strVal(lfirst(lc))), telling);
}

static void
take_lock(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, InvalidOid, 0, RETENTION_PASS_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

Oid
retention_alarm_tell(Oid relid, Oid after, TimestampTz now, int budget)
{
	RetentionTelling telling = {.now = now};
	const RetentionCircumstances *circumstances;
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context;
	TimestampTz began = GetCurrentTimestamp();
	List	   *relations;
	Oid			last = after;
	ListCell   *lc;

	if (RecoveryInProgress() || !retention_told_is_known())
		return InvalidOid;
	take_lock();
	circumstances = retention_circumstance_read(now);
	relations = retention_labelled_relations();
	list_sort(relations, list_oid_cmp);
	context = AllocSetContextCreate(old, "privacy_retention alarm", ALLOCSET_DEFAULT_SIZES);
	foreach(lc, relations)
	{
		Oid			table = lfirst_oid(lc);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(relid) ? table != relid : table <= after)
			continue;
		if (budget > 0 && last != after &&
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), budget))
			break;
		MemoryContextSwitchTo(context);
		tell_table(table, circumstances, &telling);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		last = table;
	}
	if (!OidIsValid(relid) && lc == NULL)
	{
		MemoryContextSwitchTo(context);
		tell_unlabelled(relations, &telling);
		retention_alarm_erasure_tell(&telling);
		MemoryContextSwitchTo(old);
	}
	retention_told_end(&telling);
	MemoryContextDelete(context);
	return lc == NULL ? InvalidOid : last;
}

typedef struct Attempt
{
	Oid			relid;
	Oid			after;
	TimestampTz now;
	Oid			last;
} Attempt;

static void
attempt(void *arg)
{
	Attempt    *a = (Attempt *) arg;

	retention_settings_limit_lock_waits();
	a->last = retention_alarm_tell(a->relid, a->after, a->now,
								   OidIsValid(a->relid) ? 0 : TRY_MS);
}

Oid
retention_alarm_try(Oid relid, Oid after, TimestampTz now)
{
	Attempt		a = {relid, after, now, InvalidOid};
	ErrorData  *error = retention_attempt_run(attempt, &a);

	if (error == NULL)
		return a.last;
	ereport(LOG,
			(errmsg("privacy_retention: states could not be told: SQLSTATE %s",
					unpack_sql_state(error->sqlerrcode))));
	return InvalidOid;
}
