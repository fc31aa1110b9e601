/*
 * scrub_pace.c
 *		How fast a scrub may go: privacy_retention.scrub_pages and scrub_wal.
 *
 * Invariant: what was not used in one stretch is not made up for in the next.
 */
#include "postgres.h"

#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

#include "base/settings_scrub.h"
#include "erase/scrub_pace.h"

/* Stretches in which the rates are kept: short, so that a rest is, too. */
#define STRETCH (200 * INT64CONST(1000))

void
retention_scrub_pace_begin(RetentionScrubPace *pace)
{
	pace->begun = GetCurrentTimestamp();
	pace->pages = 0;
	pace->wal = pgWalUsage.wal_bytes;
}

/* Microseconds that so much takes at this rate a second. */
static int64
time_of(double amount, double rate)
{
	return rate > 0 ? (int64) (amount / rate * 1000000) : 0;
}

void
retention_scrub_pace_rest(RetentionScrubPace *pace, int64 pages)
{
	int64		needed;

	pace->pages += pages;
	needed = Max(time_of(pace->pages, retention_settings_scrub_pages),
				 time_of(pgWalUsage.wal_bytes - pace->wal,
						 retention_settings_scrub_wal * 1024.0));
	for (;;)
	{
		int64		left = pace->begun + needed - GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		if (left < 1000)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(left / 1000, 1000), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	if (GetCurrentTimestamp() - pace->begun >= STRETCH)
		retention_scrub_pace_begin(pace);
}
