/*
 * category_record.c
 *		Periods of data categories in the ledger: what was promised when.
 *
 * Invariant: a period that changes, and a category that goes, is in the ledger, by the
 * transaction that does it, in words that no setting changes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "evidence/ledger.h"
#include "policy/category_record.h"

/* The same whatever IntervalStyle is. */
static char *
period_text(const Interval *period)
{
	char		text[MAXDATELEN + 1];
	struct pg_itm itm;

	interval2itm(*period, &itm);
	EncodeInterval(&itm, INTSTYLE_ISO_8601, text);
	return pstrdup(text);
}

static void
record(const char *name, const char *detail)
{
	RetentionLedgerEntry entry = {
		.event = "category",
		.category = name,
		.cutoff = DT_NOBEGIN,
		.rows = -1,
		.lateness = -1,
		.detail = detail
	};

	(void) retention_ledger_append(&entry);
}

void
retention_category_record_period(const char *name, const Interval *before,
								 const Interval *period, bool retroactive)
{
	if (before == NULL)
		record(name, psprintf("period %s", period_text(period)));
	else if (retroactive || before->month != period->month ||
			 before->day != period->day || before->time != period->time)
		record(name, psprintf("period %s -> %s%s", period_text(before),
							  period_text(period), retroactive ? ", retroactive" : ""));
}

void
retention_category_record_drop(const char *name, const Interval *period)
{
	record(name, psprintf("dropped, period %s", period_text(period)));
}
