/*
 * feasibility.c
 *		Can the promise be kept, as far as anybody can tell before?
 *
 * What falls due in the long run is what the table takes in: its rows, spread over
 * the shortest period that deletes or changes them.  How fast it can go was
 * measured by earlier passes of this database, or is a cautious guess.
 *
 * Invariant: warns, never refuses: it estimates.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "enforce/feasibility.h"
#include "policy/rule.h"
#include "policy/start.h"

/* Rows a second of a pass that nobody has measured. */
#define GUESSED_RATE 10000.0

static double
seconds(const Interval *period)
{
	return period->time / (double) USECS_PER_SEC +
		(period->day + period->month * (double) DAYS_PER_MONTH) * SECS_PER_DAY;
}

/* The slowest of the table's rules, or else of the database's; 0 = unknown. */
static double
measured_rate(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};
	RetentionIdentity saved;
	double		rate = 0;
	bool		isnull;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT coalesce(pg_catalog.min(rate) FILTER (WHERE relation = $1),"
							  " pg_catalog.avg(rate)) FROM retention.rule_state"
							  " WHERE rows_done >= 1000 AND rate > 0",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.rule_state could not be read");
	if (SPI_processed == 1)
	{
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										  1, &isnull);

		if (!isnull)
			rate = DatumGetFloat8(value);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return rate;
}

/* As ANALYZE or VACUUM left it; 0 if never. */
static double
table_rows(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = 0;

	if (HeapTupleIsValid(tuple))
	{
		rows = Max(((Form_pg_class) GETSTRUCT(tuple))->reltuples, 0);
		ReleaseSysCache(tuple);
	}
	return rows;
}

static void
warn_of_hours(const char *name)
{
	int			closed = retention_settings_longest_closed();

	if (closed <= retention_settings_promised_lateness)
		return;
	ereport(WARNING,
			(errmsg("rows of table %s will be late: the worker's hours are closed for longer", name),
			 errdetail("privacy_retention.time_window is closed for up to %d s, privacy_retention.promised_lateness is %d s.",
					   closed, retention_settings_promised_lateness),
			 errhint("Open it more often, or promise what can be kept, and take it off the period: ALTER SYSTEM SET privacy_retention.promised_lateness = '%d s';",
					 closed)));
}

static void
warn_of_period(const RetentionRule *rule)
{
	if (seconds(&rule->period) >= retention_settings_promised_lateness)
		return;
	ereport(WARNING,
			(errmsg("the period of category \"%s\" is shorter than rows may be late", rule->category),
			 errdetail("It is %.0f s, privacy_retention.promised_lateness is %d s: rows can stay for more than twice their period before anybody is told.",
					   seconds(&rule->period), retention_settings_promised_lateness),
			 errhint("ALTER SYSTEM SET privacy_retention.promised_lateness = ...;")));
}

static void
warn_of_rate(const char *name, double rows, double period, int64 due)
{
	double		measured = measured_rate(name);
	double		share = retention_schedule_attached() ?
	retention_settings_duty_cycle / 100.0 : 1;
	double		rate;
	double		needed = rows / period;
	char	   *basis;

	share *= 1 - Min(retention_settings_longest_closed(), SECS_PER_DAY - 60) / (double) SECS_PER_DAY;
	rate = (measured > 0 ? measured : GUESSED_RATE) * share;
	basis = measured > 0 ?
		psprintf("Last measured: %.3g rows/s", measured) :
		psprintf("Never measured, guessed: %.3g rows/s", GUESSED_RATE);
	if (needed > rate)
		ereport(WARNING,
				(errmsg("more rows of table %s may fall due than can go", name),
				 errdetail("It needs about %.3g rows/s (%.0f rows in %.0f s). %s, for %.0f %% of the time.",
						   needed, rows, period, basis, share * 100),
				 errhint("Raise privacy_retention.duty_cycle, open privacy_retention.time_window, or partition the table so that partitions go as a whole.")));
	else if (due > 0 && due / rate > retention_settings_promised_lateness)
		ereport(WARNING,
				(errmsg("the rows of table %s that are due now will be late", name),
				 errdetail("It needs about %.3g rows/s for " INT64_FORMAT " rows in %d s. %s, for %.0f %% of the time.",
						   due / (double) Max(retention_settings_promised_lateness, 1), due,
						   retention_settings_promised_lateness, basis, share * 100),
				 errhint("CALL retention.enforce(%s); takes them without pause.",
						 quote_literal_cstr(name))));
}

void
retention_feasibility_warn(Oid relid, List *rules, int64 due)
{
	const char *name = retention_start_relation_name(relid);
	double		shortest = 0;
	List	   *told = NIL;
	ListCell   *lc;

	warn_of_hours(name);
	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		double		period;

		if (!rule->valid || rule->action == NULL)
			continue;
		period = seconds(&rule->period);
		if (!list_member(told, makeString(rule->category)))
			warn_of_period(rule);
		told = lappend(told, makeString(rule->category));
		/* rows whose conditions exclude each other are not told apart */
		if (period > 0 && (shortest == 0 || period < shortest))
			shortest = period;
	}
	if (shortest > 0)
		warn_of_rate(name, table_rows(relid), shortest, due);
}
