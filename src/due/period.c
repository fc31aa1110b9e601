/*
 * period.c
 *		Periods of a row's own ("for"): a tenant's, a contract's, a row's.
 *
 * An index leads to what is due only if it is known how old it must be. So the
 * distinct periods are listed first, from the few rows of the hop's table or along
 * an index of the table's own column, and then each is searched for by itself.
 *
 * Invariant: the category's period is the longest; a list that is out of date
 * leaves rows to the next pass, but never takes one early.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "due/period.h"
#include "policy/expression.h"
#include "policy/start.h"

/* Distinct periods that are searched for one by one. */
#define MOST_PERIODS 100
/* What listing them may cost, in the planner's units. */
#define LISTING_COST 20000.0

static char *
literal(const Interval *period)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(interval_out,
														   IntervalPGetDatum(unconstify(Interval *, period))));

	return psprintf("%s::interval", quote_literal_cstr(text));
}

static char *
value_text(const RetentionRule *rule, const char *alias)
{
	return psprintf("(%s)", retention_expression_deparse(rule->own_period->expression,
														 rule->own_period->relid, alias));
}

/*
 * The value where it counts: as with categories, no part may be negative ("1 mon
 * -23 days" would fall due by another calendar than 7 days, which it equals). The
 * bounds also keep sums from overflowing.
 */
static char *
counting(const RetentionRule *rule, const char *value)
{
	static const char *const parts[] = {"year", "month", "day", "hour"};
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "(CASE WHEN %s >= '0'::interval AND %s <= %s",
					 value, value, literal(&rule->period));
	for (int i = 0; i < lengthof(parts); i++)
		appendStringInfo(&text, " AND pg_catalog.date_part('%s', %s) >= 0", parts[i], value);
	appendStringInfo(&text, " THEN %s END)", value);
	return text.data;
}

static const char *
append_hops(const RetentionRule *rule, const char *prefix, StringInfo from, StringInfo joins)
{
	return retention_start_hops_text(rule->own_period->joins, rule->relid, "t", prefix,
									 from, joins);
}

/* The period of the row t as one expression, whatever leads to it. */
static char *
row_period(const RetentionRule *rule, const char *prefix)
{
	StringInfoData from;
	StringInfoData joins;
	const char *alias;

	initStringInfo(&from);
	initStringInfo(&joins);
	alias = append_hops(rule, prefix, &from, &joins);
	if (from.len == 0)
		return counting(rule, value_text(rule, alias));
	return psprintf("(SELECT %s FROM %s WHERE %s)",
					counting(rule, value_text(rule, alias)), from.data, joins.data);
}

/* The statement that lists the distinct periods, one more than are wanted. */
static char *
listing(const RetentionRule *rule)
{
	const char *table = retention_start_relation_name(rule->own_period->relid);
	char	   *value = value_text(rule, "v");
	char	   *counts = psprintf("%s >= '0'::interval AND %s <= %s", value, value,
								  literal(&rule->period));

	if (rule->own_period->joins != NIL)
		return psprintf("SELECT DISTINCT %s FROM %s AS v WHERE %s LIMIT %d",
						value, table, counts, MOST_PERIODS + 1);
	/* From one to the next along an index; without one that costs too much. */
	return psprintf("WITH RECURSIVE step AS ("
					"SELECT (SELECT pg_catalog.min(%s) FROM %s AS v WHERE %s) AS period"
					" UNION ALL SELECT (SELECT pg_catalog.min(%s) FROM %s AS v WHERE %s > step.period AND %s)"
					" FROM step WHERE step.period IS NOT NULL)"
					" SELECT period FROM step WHERE period IS NOT NULL LIMIT %d",
					value, table, counts, value, table, value, counts, MOST_PERIODS + 1);
}

/* Runs a statement unless the planner finds it too dear; false then. */
static bool
run_cheaply(const char *statement)
{
	SPIPlanPtr	plan;
	CachedPlan *cached;
	bool		cheap = true;

	/*
	 * Switched off, it would seem to cost more than can be; until the
	 * identity is restored.
	 */
	(void) set_config_option("enable_seqscan", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	plan = SPI_prepare(statement, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	cached = SPI_plan_get_cached_plan(plan);
	if (cached != NULL)
	{
		cheap = linitial_node(PlannedStmt, cached->stmt_list)->planTree->total_cost <= LISTING_COST;
		ReleaseCachedPlan(cached, NULL);
	}
	if (cheap && SPI_execute_plan(plan, NULL, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the periods of rows could not be listed");
	SPI_freeplan(plan);
	return cheap;
}

typedef struct Listing
{
	const RetentionRule *rule;
	List	   *periods;		/* of Interval * */
	bool		listed;
} Listing;

/* The distinct periods, unless they are not to be listed. */
static void
list_periods(void *arg)
{
	Listing    *work = (Listing *) arg;
	MemoryContext context = CurrentMemoryContext;

	SPI_connect();
	work->listed = run_cheaply(listing(work->rule)) && SPI_processed <= MOST_PERIODS;
	if (work->listed)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			Interval   *period = palloc(sizeof(Interval));

			*period = *DatumGetIntervalP(SPI_getbinval(SPI_tuptable->vals[i],
													   SPI_tuptable->tupdesc, 1, &isnull));
			work->periods = lappend(work->periods, period);
		}
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

static RetentionPeriodArm *
arm_of(const RetentionRule *rule, const char *prefix, const Interval *period)
{
	RetentionPeriodArm *arm = palloc0(sizeof(RetentionPeriodArm));
	StringInfoData from;
	StringInfoData path;
	const char *alias;
	char	   *value;

	initStringInfo(&from);
	initStringInfo(&path);
	alias = append_hops(rule, prefix, &from, &path);
	value = value_text(rule, alias);
	/* The first is for indexes; what does not count belongs to the rest. */
	appendStringInfo(&path, "%s%s = %s AND %s IS NOT NULL", path.len > 0 ? " AND " : "",
					 value, literal(period), counting(rule, value));
	arm->from = from.len > 0 ? from.data : NULL;
	arm->path = path.data;
	arm->period = counting(rule, value);
	arm->value = *period;
	return arm;
}

List *
retention_period_arms(const RetentionRule *rule, const char *prefix, bool single)
{
	RetentionPeriodArm *rest = palloc0(sizeof(RetentionPeriodArm));
	Listing		work = {rule, NIL, false};
	List	   *arms = NIL;
	StringInfoData listed;
	ListCell   *lc;

	rest->path = "true";
	/* A value that cannot be computed is one row's fault, and found there. */
	if (single || retention_attempt_run(list_periods, &work) != NULL || !work.listed)
	{
		rest->period = row_period(rule, prefix);
		rest->varies = true;
		return list_make1(rest);
	}
	initStringInfo(&listed);
	foreach(lc, work.periods)
	{
		Interval   *period = (Interval *) lfirst(lc);

		arms = lappend(arms, arm_of(rule, prefix, period));
		appendStringInfo(&listed, "%s%s", listed.len > 0 ? ", " : "", literal(period));
	}
	if (listed.len > 0)
		rest->path = psprintf("(%s IN (%s)) IS NOT TRUE", row_period(rule, prefix), listed.data);
	return lappend(arms, rest);
}

/* As the server compares intervals: a month is 30 days, a day 24 hours. */
static int64
span_of(const Interval *period)
{
	return period->time + (period->day + (int64) period->month * DAYS_PER_MONTH) * USECS_PER_DAY;
}

/* Only up to three months may be shorter than 30 days each, and none is longer in days. */
List *
retention_period_equals(const Interval *period)
{
	int64		span = span_of(period);
	List	   *equals = NIL;

	for (int months = -1; months <= 3; months++)
	{
		int64		rest = span - months * DAYS_PER_MONTH * USECS_PER_DAY;
		Interval   *equal = palloc0(sizeof(Interval));

		if (months > 0 && rest < -USECS_PER_HOUR)
			break;
		if (months < 0)
			equal->time = span; /* hours, which no change of clocks bends */
		else
		{
			equal->month = months;
			equal->day = rest / USECS_PER_DAY;
			equal->time = rest % USECS_PER_DAY;
		}
		equals = lappend(equals, equal);
	}
	return equals;
}

bool
retention_period_is_capped(const RetentionRule *rule)
{
	RetentionIdentity saved;
	bool		capped;

	if (rule->own_period == NULL)
		return false;
	SPI_connect();
	retention_identity_become_owner(&saved, rule->relid);
	capped = run_cheaply(psprintf("SELECT 1 FROM %s AS v WHERE %s > %s LIMIT 1",
								  retention_start_relation_name(rule->own_period->relid),
								  value_text(rule, "v"), literal(&rule->period))) &&
		SPI_processed > 0;
	retention_identity_restore(&saved);
	SPI_finish();
	return capped;
}
