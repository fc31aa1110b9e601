/*
 * due.c
 *		Which rows are due: rules as SQL conditions.
 *
 * Invariant: find, preview, status and the statement that changes the row all
 * build their conditions here, so that none of them can disagree.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/settings.h"
#include "due/chain.h"
#include "due/dependent.h"
#include "due/due.h"
#include "due/index.h"
#include "due/period.h"
#include "guard/hold_text.h"
#include "policy/expression.h"
#include "policy/start.h"

/* No calendar reaches further back: such a period never ends. */
#define LONGEST_YEARS 6000

/* The times between which a clock must lie to be due, as SQL constants. */
typedef struct Window
{
	const char *bound;			/* greatest clock that can be due */
	const char *earliest;
	const char *as_of;
	bool		exact;			/* clock <= bound is all that it takes */
	bool		fixed_zone;		/* local times are never ambiguous */
	bool		never;
	TimestampTz surely_due;
	TimestampTz greatest;		/* bound as a value */
} Window;

static const char *
time_literal(TimestampTz time)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(timestamptz_out,
														   TimestampTzGetDatum(time)));

	return psprintf("%s::timestamp with time zone", quote_literal_cstr(text));
}

static TimestampTz
add_period(TimestampTz time, const Interval *period)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(time),
												   IntervalPGetDatum(period)));
}

/* Is the period too long for any clock to be due by it, or even to be added? */
static bool
is_endless(const Interval *period)
{
	return period->month / MONTHS_PER_YEAR +
		period->day / 366 + period->time / USECS_PER_DAY / 366 > LONGEST_YEARS;
}

/* The shortest period that any clock may have. */
static const Interval *
shortest_period(const RetentionRule *rule)
{
	return rule->nformer > 0 ? &rule->former[0].period : &rule->period;
}

static char *
interval_literal(const Interval *period)
{
	return psprintf("%s::interval",
					quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out,
																		   IntervalPGetDatum(unconstify(Interval *, period))))));
}

/* When a clock falls due by its category. */
static char *
category_due_time(const RetentionRule *rule, const char *clock)
{
	StringInfoData text;

	if (rule->nformer == 0)
		return psprintf("(%s + %s)", clock, interval_literal(&rule->period));
	initStringInfo(&text);
	appendStringInfo(&text, "(%s + CASE", clock);
	for (int i = 0; i < rule->nformer; i++)
		appendStringInfo(&text, " WHEN %s < %s THEN %s", clock,
						 time_literal(rule->former[i].until),
						 interval_literal(&rule->former[i].period));
	appendStringInfo(&text, " ELSE %s END)", interval_literal(&rule->period));
	return text.data;
}

/* When a row of the arm falls due: sooner where it has a period of its own. */
static char *
due_time(const RetentionRule *rule, const RetentionPeriodArm *own, const char *clock)
{
	char	   *by_category;

	if (own->period == NULL)
		return category_due_time(rule, clock);
	by_category = is_endless(shortest_period(rule)) ? "NULL" :
		category_due_time(rule, clock);
	return psprintf("LEAST(%s, %s + %s)", by_category, clock, own->period);
}

TimestampTz
retention_due_at(const RetentionRule *rule, TimestampTz clock)
{
	const Interval *period = &rule->period;

	for (int i = rule->nformer - 1; i >= 0; i--)
		if (clock < rule->former[i].until)
			period = &rule->former[i].period;
	return add_period(clock, period);
}

static TimestampTz
subtract_period(TimestampTz time, const Interval *period)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
												   TimestampTzGetDatum(time),
												   IntervalPGetDatum(unconstify(Interval *, period))));
}

/*
 * The greatest clock that can be due. Subtracting the period is not enough: 31
 * January + 1 month is due on 28 February, and days are longer or shorter where
 * the clocks change. So the last hour whose end is due is sought from above, as
 * far as months (3 days) and days (a day, where a country crossed the date line)
 * can differ.
 */
static TimestampTz
greatest_due_clock(const Interval *period, TimestampTz as_of)
{
	TimestampTz base = subtract_period(as_of, period);
	int			hours = period->month != 0 ? 4 * 24 + 4 : 28;

	while (hours > 0 &&
		   add_period(base + hours * USECS_PER_HOUR, period) > as_of)
		hours--;
	return base + (hours + 1) * USECS_PER_HOUR;
}

/* Caller is the table's owner: TimeZone and DateStyle are set. */
static Window
build_window(const RetentionRule *rule, const RetentionPeriodArm *own, TimestampTz as_of)
{
	const Interval *period = shortest_period(rule);
	Window		window = {0};
	TimestampTz bound = DT_NOBEGIN;
	long		offset;

	window.fixed_zone = pg_get_timezone_offset(session_timezone, &offset);
	window.earliest = time_literal(retention_settings_earliest());
	window.as_of = time_literal(as_of);
	window.exact = period->month == 0 && (period->day == 0 || window.fixed_zone) &&
		rule->nformer == 0 && own->period == NULL;
	window.surely_due = is_endless(&rule->period) ? DT_NOBEGIN :
		subtract_period(as_of, &rule->period) - (window.exact ? 0 : 5 * USECS_PER_DAY);

	if (!is_endless(period))
		bound = window.exact ? subtract_period(as_of, period) :
			greatest_due_clock(period, as_of);

	if (own->varies)
		bound = as_of + USECS_PER_DAY;
	else if (own->period != NULL)
	{
		ListCell   *lc;

		/* "1 mon" and "30 days" are one period to the server: the earliest. */
		foreach(lc, retention_period_equals(&own->value))
		{
			const Interval *equal = (const Interval *) lfirst(lc);

			if (!is_endless(equal))
				bound = Max(bound, greatest_due_clock(equal, as_of));
		}
	}
	window.never = TIMESTAMP_IS_NOBEGIN(bound);
	window.greatest = bound;
	window.bound = window.never ? window.earliest : time_literal(bound);
	return window;
}

/*
 * A necessary condition on the value as it is stored, so that an index on it
 * serves; local times get a day's tolerance where the zone's offset changes.
 */
static char *
indexable_range(const RetentionClock *clock, const char *alias, const Window *window)
{
	char	   *value = retention_expression_deparse(clock->expression, clock->relid, alias);
	const char *cast;
	const char *tolerance;

	if (clock->column == InvalidAttrNumber)
		value = psprintf("(%s)", value);
	switch (clock->type)
	{
		case TIMESTAMPOID:
			cast = "timestamp without time zone";
			tolerance = window->fixed_zone ? "'0'::interval" : "'26:00'::interval";
			break;
		case DATEOID:
			cast = "date";
			tolerance = window->fixed_zone ? "0" : "2";
			break;
		default:
			return psprintf("%s <= %s AND %s >= %s", value, window->bound,
							value, window->earliest);
	}
	return psprintf("%s <= (%s)::%s + %s AND %s >= (%s)::%s - %s",
					value, window->bound, cast, tolerance,
					value, window->earliest, cast, tolerance);
}

/* "NOT EXISTS (a row at the end of the path)" */
static char *
finds_no_row(const RetentionRule *rule, const RetentionClock *clock)
{
	StringInfoData from;
	StringInfoData joins;

	initStringInfo(&from);
	initStringInfo(&joins);
	(void) retention_start_hops_text(clock->joins, rule->relid, "t", "e", &from, &joins);
	if (from.len == 0)
		return pstrdup("false");
	return psprintf("NOT EXISTS (SELECT 1 FROM %s WHERE %s)", from.data, joins.data);
}

static char *
due_text(const RetentionArm *arm, const RetentionClock *clock, const Window *window)
{
	StringInfoData text;

	if (window->never)
		return pstrdup("false");
	initStringInfo(&text);
	appendStringInfoString(&text, arm->range);
	if (clock->type != TIMESTAMPTZOID)
		appendStringInfo(&text, " AND %s <= %s AND %s >= %s",
						 arm->clock, window->bound, arm->clock, window->earliest);
	/* The CASE keeps clocks near the end of time from overflowing. */
	if (!window->exact)
		appendStringInfo(&text, " AND CASE WHEN %s <= %s THEN %s <= %s ELSE false END",
						 arm->clock, window->bound, arm->due_at, window->as_of);
	return text.data;
}

/* The ways to one clock, "excluded" being the rows that have an earlier one. */
static List *
clock_arms(const RetentionRule *rule, const RetentionClock *clock, List *periods,
		   const char *excluded, const char *prefix, TimestampTz as_of)
{
	List	   *arms = NIL;
	ListCell   *lc;

	foreach(lc, periods)
	{
		RetentionPeriodArm *own = (RetentionPeriodArm *) lfirst(lc);
		Window		window = build_window(rule, own, as_of);
		RetentionArm *arm = palloc0(sizeof(RetentionArm));
		StringInfoData from;
		StringInfoData joins;
		const char *alias;

		initStringInfo(&from);
		initStringInfo(&joins);
		alias = retention_start_hops_text(clock->joins, rule->relid, "t", prefix,
										  &from, &joins);
		if (own->from)
			appendStringInfo(&from, "%s%s", from.len > 0 ? ", " : "", own->from);
		appendStringInfo(&joins, "%s%s%s", joins.len > 0 ? " AND " : "", own->path, excluded);
		arm->from = from.len > 0 ? from.data : NULL;
		arm->path = joins.data;
		arm->clock = retention_start_clock_text(clock, alias);
		arm->due_at = due_time(rule, own, arm->clock);
		arm->order = own->varies ? arm->due_at : arm->clock;
		arm->in_order = rule->own_period == NULL || (own->from == NULL && own->period && !own->varies);
		arm->bound = pstrdup(window.bound);
		arm->greatest = window.greatest;
		arm->exact = window.exact && !window.never;
		arm->range = indexable_range(clock, alias, &window);
		arm->due = due_text(arm, clock, &window);
		arm->implausible = psprintf("%s < %s", arm->clock, window.earliest);
		arms = lappend(arms, arm);
	}
	return arms;
}

/* "single": one arm a clock, for questions about one row. */
static List *
build_arms(const RetentionRule *rule, TimestampTz as_of, const char *prefix, bool single)
{
	RetentionPeriodArm category = {.path = "true"};
	List	   *periods = rule->own_period == NULL ? list_make1(&category) :
	retention_period_arms(rule, psprintf("%sp", prefix), single);
	List	   *arms = NIL;
	StringInfoData excluded;
	ListCell   *lc;

	initStringInfo(&excluded);
	foreach(lc, rule->clocks)
	{
		RetentionClock *clock = (RetentionClock *) lfirst(lc);

		arms = list_concat(arms, clock_arms(rule, clock, periods, excluded.data, prefix, as_of));
		if (clock->joins == NIL)
			break;				/* finds every row: no later path is asked */
		appendStringInfo(&excluded, " AND %s", finds_no_row(rule, clock));
	}
	return arms;
}

char *
retention_due_condition(List *arms)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);

		if (text.len > 0)
			appendStringInfoString(&text, " OR ");
		if (arm->from)
			appendStringInfo(&text, "EXISTS (SELECT 1 FROM %s WHERE %s AND %s)",
							 arm->from, arm->path, arm->due);
		else
			appendStringInfo(&text, "((%s AND %s) IS TRUE)", arm->path, arm->due);
	}
	return text.len > 0 ? text.data : pstrdup("false");
}

/* Is another stage due for the row t? */
static char *
stage_is_due(const RetentionRule *rule, TimestampTz as_of)
{
	return retention_due_condition(build_arms(rule, as_of, "s", true));
}

/*
 * Which of the stages of one label decides. Table: the first whose "where" is
 * true. Column: of those whose "where" is true, the last one due.
 */
static char *
applies_text(const RetentionRule *rule, List *rules, TimestampTz as_of)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, rule->condition ? retention_chain_condition(rule, "t") : "true");
	foreach(lc, rules)
	{
		RetentionRule *other = (RetentionRule *) lfirst(lc);

		if (other->attnum != rule->attnum)
			continue;
		if (rule->attnum == 0 && other->stage < rule->stage)
		{
			if (other->condition == NULL && other->condition_text == NULL)
				return pstrdup("false");
			if (other->condition)
				appendStringInfo(&text, " AND NOT %s", retention_chain_condition(other, "t"));
		}
		else if (rule->attnum != 0 && other->stage > rule->stage && other->valid)
			appendStringInfo(&text, " AND NOT (%s AND (%s))",
							 other->condition ? retention_chain_condition(other, "t") : "true",
							 stage_is_due(other, as_of));
	}
	return text.data;
}

/* No path leads to a row: a hop has lost its clock. */
static char *
orphaned_text(const RetentionRule *rule)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, rule->clocks)
	{
		RetentionClock *clock = (RetentionClock *) lfirst(lc);
		bool		may_lose = false;
		ListCell   *hop;

		foreach(hop, clock->joins)
			may_lose |= ((RetentionJoin *) lfirst(hop))->may_lose;
		if (!may_lose)
			return pstrdup("false");
		appendStringInfo(&text, "%s%s", text.len > 0 ? " AND " : "",
						 finds_no_row(rule, clock));
	}
	return text.data;
}

static RetentionDue *
build(const RetentionRule *rule, List *rules, TimestampTz as_of, bool single)
{
	RetentionPeriodArm category = {.path = "true"};
	RetentionDue *due = palloc0(sizeof(RetentionDue));
	RetentionIdentity saved;

	Assert(rule->valid && rule->action != NULL);
	retention_identity_become_owner(&saved, rule->relid);
	due->rule = rule;
	due->as_of = as_of;
	due->arms = build_arms(rule, as_of, "h", single);
	due->applies = applies_text(rule, rules, as_of);
	due->pending = retention_chain_pending(rule, rules, "t");
	due->orphaned = orphaned_text(rule);
	due->free = "true";
	due->indexed = retention_index_missing(rule) == NULL;
	due->surely_due = build_window(rule, &category, as_of).surely_due;
	retention_identity_restore(&saved);
	due->unheld = retention_hold_text_unheld(rule->relid, rule->attnum);
	if (rule->attnum == 0)
		due->free = retention_dependent_none(rule->relid);
	return due;
}

RetentionDue *
retention_due_build(const RetentionRule *rule, List *rules, TimestampTz as_of)
{
	return build(rule, rules, as_of, false);
}

RetentionDue *
retention_due_build_for_row(const RetentionRule *rule, List *rules, TimestampTz as_of)
{
	return build(rule, rules, as_of, true);
}

char *
retention_due_relation(Oid relid)
{
	return retention_start_relation_name(relid);
}
