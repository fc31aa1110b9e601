/*
 * health.c
 *		The state of a rule, why, and what helps.
 *
 * Invariant: the judges are asked in turn, and the first that has something to say
 * decides: from what makes a rule void to what only delays it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "commands/dbcommands.h"
#include "due/remedy.h"
#include "enforce/brake.h"
#include "enforce/subscription.h"
#include "report/health.h"
#include "miscadmin.h"
#include "policy/start.h"

#define UNKNOWN RETENTION_SURVEY_UNKNOWN

/* True: it has decided. */
typedef bool (*Judge) (const RetentionSurvey *survey, RetentionHealth *health);

static char *
call(const RetentionSurvey *survey, const char *format)
{
	return psprintf(format, quote_literal_cstr(survey->table->name));
}

static bool
decide(RetentionHealth *health, const char *state, char *reason, char *remedy)
{
	health->state = state;
	health->reason = reason;
	health->remedy = remedy;
	return true;
}

/* Says something besides, whatever the state is. */
static void
add(RetentionHealth *health, char *reason, char *remedy)
{
	health->reason = health->reason ?
		psprintf("%s; %s", health->reason, reason) : reason;
	if (health->remedy == NULL)
		health->remedy = remedy;
}

bool
retention_health_is_lock(const char *state)
{
	return strcmp(state, unpack_sql_state(ERRCODE_LOCK_NOT_AVAILABLE)) == 0;
}

/* Nobody can tell then how the rule is doing. */
static bool
decide_locked(const RetentionSurvey *survey, RetentionHealth *health)
{
	return decide(health, "blocked",
				  "another session has locked the table, or one that its rules read",
				  call(survey, "SELECT a.pid, a.usename, a.xact_start FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)"
					   " WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.relation = %s::regclass"));
}

static bool
judge_readable(const RetentionSurvey *survey, RetentionHealth *health)
{
	const RetentionSurveyTable *table = survey->table;

	if (table->error == NULL)
		return false;
	if (retention_health_is_lock(table->error))
		return decide_locked(survey, health);
	return decide(health, "blocked",
				  psprintf("the rules of the table could not be read: SQLSTATE %s", table->error),
				  NULL);
}

static bool
judge_validity(const RetentionSurvey *survey, RetentionHealth *health)
{
	if (!survey->rule->valid)
		return decide(health, "invalid", survey->rule->problem,
					  retention_remedy_find(survey->rule));
	if (survey->table->rewriting)
		return decide(health, "invalid",
					  "a rule ON UPDATE or ON DELETE turns the statements of the engine into others",
					  survey->table->rewriting);
	return false;
}

static bool
judge_protection(const RetentionSurvey *survey, RetentionHealth *health)
{
	const RetentionSurveyTable *table = survey->table;

	switch (table->protection)
	{
		case RETENTION_COPIED:
			return decide(health, "waiting",
						  "the table was copied here by a restore or from a template; its guard names another",
						  call(survey, "SELECT retention.adopt(%s)"));
		case RETENTION_DISABLED:
			return decide(health, "invalid", "the guard of the table is disabled",
						  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_privacy_retention",
								   table->name));
		case RETENTION_WATCHED:
			return decide(health, "watched",
						  survey->count_error ?
						  psprintf("the table is not protected; rows could not be counted: SQLSTATE %s",
								   survey->count_error) :
						  "the table is not protected",
						  call(survey, "SELECT retention.protect(%s)"));
		case RETENTION_PROTECTED:
			break;
	}
	return false;
}

static bool
judge_privileges(const RetentionSurvey *survey, RetentionHealth *health)
{
	if (survey->privilege == NULL)
		return false;
	return decide(health, "blocked",
				  psprintf("the table's owner, as whom the engine acts, lacks the privilege %s",
						   survey->privilege),
				  survey->grant);
}

/* What is stopped on purpose ages all the same. */
static void
add_overdue(const RetentionSurvey *survey, RetentionHealth *health)
{
	int64		overdue = retention_survey_overdue(survey);

	if (survey->due != 0 && overdue > retention_settings_promised_lateness)
		add(health, psprintf("rows have been due for " INT64_FORMAT " s", overdue), NULL);
}

/* Left to somebody else, or stopped by somebody. */
static bool
judge_brakes(const RetentionSurvey *survey, RetentionHealth *health)
{
	char	   *subscription = survey->table->subscription;
	RetentionBrakeState brake;

	if (subscription)
		return decide(health, "waiting", retention_subscription_reason(subscription),
					  retention_subscription_remedy());
	brake = retention_brake_state(survey->rule, survey->table->as_of);
	if (brake.state == NULL)
		return false;
	(void) decide(health, brake.state, brake.reason, brake.remedy);
	add_overdue(survey, health);
	return true;
}

/* Behind rows that cannot go anyhow: those stay when it is on again. */
static bool
judge_enabled(const RetentionSurvey *survey, RetentionHealth *health)
{
	if (retention_settings_enabled)
		return false;
	(void) decide(health, "paused", "privacy_retention.enabled is off",
				  psprintf("ALTER DATABASE %s SET privacy_retention.enabled = on",
						   quote_identifier(get_database_name(MyDatabaseId))));
	add_overdue(survey, health);
	return true;
}

static char *
kept_text(const RetentionSurvey *survey)
{
	return psprintf("due rows that stay as the clock of others, which are not done yet: " INT64_FORMAT,
					survey->kept);
}

static bool
judge_blocked(const RetentionSurvey *survey, RetentionHealth *health)
{
	char	   *reason;

	if (survey->count_error && retention_health_is_lock(survey->count_error))
		return decide_locked(survey, health);
	if (survey->count_error)
		return decide(health, "blocked",
					  psprintf("rows could not be counted: SQLSTATE %s", survey->count_error),
					  call(survey, "CALL retention.enforce(%s)"));
	if (survey->blocked <= 0)
		return false;
	reason = psprintf("rows that cannot go: " INT64_FORMAT, survey->blocked);
	if (survey->blocked_why)
		reason = psprintf("%s (%s)", reason, survey->blocked_why);
	if (survey->kept > 0)
		reason = psprintf("%s; %s", reason, kept_text(survey));
	return decide(health, "blocked", reason, call(survey, "CALL retention.enforce(%s)"));
}

static void
add_circumstance(RetentionHealth *health, const RetentionCircumstance *circumstance)
{
	if (circumstance->reason)
		add(health, circumstance->reason, circumstance->remedy);
}

/* Nothing is late yet, but nobody comes who would see to that. */
static bool
judge_worker(const RetentionSurvey *survey, RetentionHealth *health)
{
	if (survey->table->circumstances->worker.reason == NULL)
		return false;
	health->state = "waiting";
	add_circumstance(health, &survey->table->circumstances->worker);
	return true;
}

/*
 * Late: the oldest due row is, or nobody knows, because nothing was counted for
 * longer than rows may be late.
 */
static bool
judge_lateness(const RetentionSurvey *survey, RetentionHealth *health)
{
	int64		overdue = retention_survey_overdue(survey);
	const RetentionCircumstances *circumstances = survey->table->circumstances;
	bool		stale;
	bool		late;

	if (survey->rule->action == NULL)
		return decide(health, "ok", "goes with the row", NULL);
	stale = !survey->live &&
		(survey->counted_at == DT_NOBEGIN ||
		 (survey->table->as_of - survey->counted_at) / USECS_PER_SEC > retention_settings_promised_lateness);
	late = survey->due != 0 && overdue > retention_settings_promised_lateness;
	if (late)
		add(health, psprintf("rows have been due for " INT64_FORMAT " s", overdue), NULL);
	else if (stale)
		add(health, survey->counted_at == DT_NOBEGIN ?
			"due rows were never counted: no pass has finished the rule" :
			"due rows were not counted for longer than they may be late", NULL);
	if (survey->kept > 0)
		add(health, kept_text(survey), NULL);
	else if (survey->kept == UNKNOWN && survey->due != 0)
		add(health, "some due rows may stay as the clock of others, which are not done yet", NULL);
	if (!late && !stale)
		return judge_worker(survey, health);

	health->state = "late";
	if (survey->last_error)
		add(health, psprintf("the last pass failed: %s", survey->last_error), NULL);
	if (survey->running && retention_survey_is_busy(survey->table->relid))
		add(health, psprintf("a pass is at work, it has done " INT64_FORMAT " rows",
							 survey->rows_done), NULL);
	add_circumstance(health, &circumstances->worker);
	add_circumstance(health, &circumstances->absence);
	if (stale || survey->kept < survey->due)
		health->remedy = call(survey, "CALL retention.enforce(%s)");
	return true;
}

/* Rows that stay and are not late. */
static void
add_held(const RetentionSurvey *survey, RetentionHealth *health)
{
	char	   *by = survey->table->suspensions ? survey->table->suspensions :
	"suspensions of tables that refer to it";

	if (survey->held > 0)
		add(health, psprintf("rows that are held: " INT64_FORMAT ", by %s", survey->held, by), NULL);
	else if (survey->held == UNKNOWN)
		add(health, psprintf("rows may be held by %s", by), NULL);
}

/* What does not change the state, but will, or makes things slower. */
static void
add_remarks(const RetentionSurvey *survey, RetentionHealth *health)
{
	const RetentionSurveyTable *table = survey->table;

	add_held(survey, health);
	if (OidIsValid(table->gap))
		add(health, psprintf("%s came without its guards: the next pass raises them",
							 retention_start_relation_name(table->gap)),
			call(survey, "SELECT retention.protect(%s)"));
	if (strcmp(health->state, "ok") != 0 && strcmp(health->state, "late") != 0)
		return;
	add_circumstance(health, &table->circumstances->triggers);
	add_circumstance(health, &table->circumstances->version);
	if (survey->index)
		add(health, "no index leads to the due rows: each pass reads the whole table",
			survey->index);
}

/* First those that are about the rule, then those that are about rows. */
static const Judge judges[] = {
	judge_readable,
	judge_validity,
	judge_protection,
	judge_privileges,
	judge_brakes,
#define JUDGES_OF_RULES 5
	judge_blocked,
	judge_enabled,
	judge_lateness,
};

RetentionHealth
retention_health_hindrance(const RetentionSurvey *survey)
{
	RetentionHealth health = {NULL, NULL, NULL};

	for (int i = 0; i < JUDGES_OF_RULES; i++)
		if (judges[i] (survey, &health))
			break;
	return health;
}

RetentionHealth
retention_health_judge(const RetentionSurvey *survey)
{
	RetentionHealth health = {"ok", NULL, NULL};

	for (int i = 0; i < lengthof(judges); i++)
		if (judges[i] (survey, &health))
			break;
	if (survey->table->error == NULL)
		add_remarks(survey, &health);
	return health;
}
