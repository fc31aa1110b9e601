/*
 * action_round.c
 *		The action "round to": dates and times to a unit, numbers to a multiple.
 *
 * Invariant: as action.h says; no value that can be stored makes it fail.
 *
 * Dates and times go to the beginning of the unit. Numbers go to the nearest
 * multiple, or, where that does not fit into the column, to the next one towards
 * zero. NaN and infinity stay what they are.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/settings.h"
#include "policy/action_round.h"

/*
 * Floating point: a multiple k * N is found again, whatever was rounded on the
 * way, while k has a few bits less than the mantissa. A value beyond is about as
 * coarse as N by itself.
 */
#define FLOAT4_BITS 22
#define FLOAT8_BITS 51

/* In this order: finer units come first. */
static const char *const units[] = {
	"microseconds", "milliseconds", "second", "minute", "hour", "day", "week",
	"month", "quarter", "year", "decade", "century", "millennium"
};

#define HOUR 4
#define DAY 5
#define WEEK 6

static int
unit_number(const char *unit)
{
	for (int i = 0; i < lengthof(units); i++)
		if (strcmp(units[i], unit) == 0)
			return i;
	elog(ERROR, "unknown unit \"%s\"", unit);
	return -1;
}

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID ||
		type == NUMERICOID || type == FLOAT4OID || type == FLOAT8OID;
}

static bool
is_time(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID ||
		type == TIMEOID || type == INTERVALOID;
}

/* Digits before and after the point; false: as many as one likes. */
static bool
numeric_digits(const RetentionActionColumn *column, int *precision, int *scale)
{
	int32		typmod = column->base_typmod;

	switch (column->base)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			*scale = 0;
			return true;
		case NUMERICOID:
			if (typmod < (int32) VARHDRSZ)
				return false;
			*precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
			*scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
			return true;
		default:
			return false;
	}
}

static char *
number_problem(const RetentionAction *action,
			   const RetentionActionColumn *column, char **hint)
{
	double		number = strtod(action->unit, NULL);
	Datum		multiple;
	Datum		whole;
	int			precision = 0;
	int			scale;

	if (column->base == FLOAT4OID || column->base == FLOAT8OID)
	{
		if (isfinite(ldexp(number, FLOAT8_BITS)) && number >= 1e-300)
			return NULL;
		*hint = pstrdup("Write for example: then round to 1000.");
		return psprintf("%s is out of the range of type %s", action->unit,
						column->name);
	}
	if (!numeric_digits(column, &precision, &scale))
		return NULL;

	/* Is it a multiple of the smallest step that the column can store? */
	multiple = DirectFunctionCall3(numeric_in, CStringGetDatum(action->unit),
								   ObjectIdGetDatum(InvalidOid),
								   Int32GetDatum(-1));
	whole = DirectFunctionCall2(numeric_trunc, multiple, Int32GetDatum(scale));
	if (DatumGetBool(DirectFunctionCall2(numeric_eq, multiple, whole)))
		return NULL;
	*hint = pstrdup("Round to a number that the column can store.");
	return psprintf("a column of type %s cannot store multiples of %s",
					column->name, action->unit);
}

static char *
time_problem(const RetentionAction *action,
			 const RetentionActionColumn *column, char **hint)
{
	int			unit = unit_number(action->unit);

	if (column->base == DATEOID && unit <= DAY)
	{
		*hint = pstrdup("Units that change a date are week, month, quarter, year, decade, century and millennium.");
		return psprintf("a date rounded to %s stays what it is", action->unit);
	}
	if (column->base == TIMEOID && unit > HOUR)
	{
		*hint = pstrdup("Units of a time of day are hour, minute, second, milliseconds and microseconds.");
		return psprintf("a time of day cannot be rounded to %s", action->unit);
	}
	if (column->base == INTERVALOID && unit == WEEK)
	{
		*hint = pstrdup("Round to day or to month.");
		return pstrdup("an interval cannot be rounded to week: months have no whole number of weeks");
	}
	return NULL;
}

char *
retention_action_round_problem(const RetentionAction *action,
							   const RetentionActionColumn *column, char **hint)
{
	if (is_number(column->base))
	{
		if (action->unit_is_number)
			return number_problem(action, column, hint);
		*hint = pstrdup("Write for example: then round to 1000.");
		return psprintf("a number cannot be rounded to %s", action->unit);
	}
	if (is_time(column->base))
	{
		if (!action->unit_is_number)
			return time_problem(action, column, hint);
		*hint = pstrdup("Write for example: then round to month.");
		return psprintf("values of type %s cannot be rounded to a number",
						column->name);
	}
	*hint = pstrdup("Dates, times and numbers can be rounded; \"call\" takes a function of yours.");
	return psprintf("values of type %s cannot be rounded", column->name);
}

/* The greatest number that a column can store, and the least. */
static void
limits(const RetentionActionColumn *column, char **least, char **greatest)
{
	int			precision = 0;
	int			scale;
	StringInfoData digits;

	*least = *greatest = NULL;
	if (!numeric_digits(column, &precision, &scale))
		return;
	switch (column->base)
	{
		case INT2OID:
			*least = psprintf("%d", PG_INT16_MIN);
			*greatest = psprintf("%d", PG_INT16_MAX);
			return;
		case INT4OID:
			*least = psprintf("%d", PG_INT32_MIN);
			*greatest = psprintf("%d", PG_INT32_MAX);
			return;
		case INT8OID:
			*least = psprintf(INT64_FORMAT, PG_INT64_MIN);
			*greatest = psprintf(INT64_FORMAT, PG_INT64_MAX);
			return;
		default:
			initStringInfo(&digits);
			for (int i = 0; i < precision; i++)
				appendStringInfoChar(&digits, '9');
			*greatest = psprintf("%se%d", digits.data, -scale);
			*least = psprintf("-%s", *greatest);
			return;
	}
}

static char *
float_value(const RetentionAction *action, const RetentionActionColumn *column,
			const char *operand)
{
	int			bits = column->base == FLOAT4OID ? FLOAT4_BITS : FLOAT8_BITS;
	double		number = strtod(action->unit, NULL);
	double		parts = rint(1 / number);
	char	   *x = psprintf("(%s)::float8", operand);
	char	   *nearest;

	/* A tenth is no binary number, but ten is: 12 / 10 is nearer to 1.2. */
	if (parts > 1 && parts < 1e15 && fabs(parts * number - 1) < 1e-15)
		nearest = psprintf("pg_catalog.round(%s * '%.17g'::float8) / '%.17g'::float8",
						   x, parts, parts);
	else
		nearest = psprintf("pg_catalog.round(%s / '%.17g'::float8) * '%.17g'::float8",
						   x, number, number);
	return psprintf("(CASE WHEN pg_catalog.abs(%s) >= '%.17g'::float8 THEN %s ELSE %s END)::%s",
					x, ldexp(number, bits), x, nearest, column->type_text);
}

static char *
number_value(const RetentionAction *action, const RetentionActionColumn *column,
			 const char *operand)
{
	char	   *x = psprintf("(%s)::numeric", operand);
	char	   *n = psprintf("'%s'::numeric", action->unit);
	char	   *nearest = psprintf("pg_catalog.round(%s / %s) * %s", x, n, n);
	char	   *least;
	char	   *greatest;

	limits(column, &least, &greatest);
	if (greatest == NULL)
		return psprintf("(%s)::%s", nearest, column->type_text);
	return psprintf("(CASE WHEN %s BETWEEN '%s'::numeric AND '%s'::numeric THEN %s ELSE %s - pg_catalog.mod(%s, %s) END)::%s",
					nearest, least, greatest, nearest, x, x, n,
					column->type_text);
}

/*
 * Not in the session's time zone, whoever runs this. Where clocks go back by half
 * an hour (Lord Howe Island), an hour's beginning, counted by the later offset,
 * can lie before the change, and be no full hour by the earlier one: a second
 * time settles that.
 */
static char *
timestamptz_value(const char *unit, const RetentionActionColumn *column,
				  const char *operand)
{
	char	   *zone = quote_literal_cstr(retention_settings_timezone);
	char	   *value = psprintf("pg_catalog.date_trunc('%s', (%s)::timestamptz, %s)",
								 unit, operand, zone);

	if (unit_number(unit) <= HOUR)
		value = psprintf("pg_catalog.date_trunc('%s', %s, %s)", unit, value, zone);
	return psprintf("%s::%s", value, column->type_text);
}

char *
retention_action_round_value(const RetentionAction *action,
							 const RetentionActionColumn *column,
							 const char *operand)
{
	const char *unit = action->unit;

	switch (column->base)
	{
		case FLOAT4OID:
		case FLOAT8OID:
			return float_value(action, column, operand);
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
			return number_value(action, column, operand);
		case TIMESTAMPTZOID:
			return timestamptz_value(unit, column, operand);
		case TIMESTAMPOID:
			return psprintf("pg_catalog.date_trunc('%s', (%s)::timestamp)::%s",
							unit, operand, column->type_text);
		case DATEOID:
			return psprintf("pg_catalog.date_trunc('%s', (%s)::date::timestamp)::date::%s",
							unit, operand, column->type_text);
		case TIMEOID:
			/* 24:00 is a time, but would become 0:00 on its way back. */
			return psprintf("(CASE WHEN (%s)::time = '24:00'::time THEN (%s)::time ELSE pg_catalog.date_trunc('%s', (%s)::time::interval)::time END)::%s",
							operand, operand, unit, operand, column->type_text);
		case INTERVALOID:
			return psprintf("pg_catalog.date_trunc('%s', (%s)::interval)::%s",
							unit, operand, column->type_text);
		default:
			elog(ERROR, "values of type %u cannot be rounded", column->base);
			return NULL;
	}
}
