/*
 * rounds.c
 *		What a visit does about erasure: rounds begin, and what they have reached is
 *		noted.
 *
 * Invariant: moments only; what takes long is the eraser's.  A table has a round once
 * in half of erase_within, for all deletions until then; the other half is for
 * waiting and for trying again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/settings.h"
#include "base/turn.h"
#include "enforce/pause.h"
#include "erase/horizon.h"
#include "worker/rounds.h"
#include "worker/visit.h"

/* What was held is tried so often within erase_within, but at least so often (s). */
#define RETRIES 16
#define LONGEST_REST 3600

static TimestampTz
due_at(TimestampTz deleted_at)
{
	return TimestampTzPlusMilliseconds(deleted_at, retention_settings_erase_within * INT64CONST(500));
}

/* Returns when the next one is due. */
static TimestampTz
begin_rounds(TimestampTz now)
{
	TimestampTz next = DT_NOEND;
	ListCell   *lc;

	foreach(lc, retention_round_waiting())
	{
		RetentionRoundWaiting *waiting = (RetentionRoundWaiting *) lfirst(lc);
		TimestampTz at = due_at(waiting->first_deleted_at);

		if (at > now)
			next = Min(next, at);
		else if (!retention_pause_find(waiting->relation, now, NULL))
			(void) retention_round_begin(waiting->relation, InvalidOid);
	}
	return next;
}

/* The longer it is held, the rarer. */
static TimestampTz
wanted_at(const RetentionRound *round)
{
	int64		shortest = Max(Min(retention_settings_erase_within / RETRIES, LONGEST_REST), 1);
	int64		longest = Max(retention_settings_erase_within / 2, shortest);
	int64		held = (round->tried_at - round->reached[RETENTION_ROUND_REMOVABLE]) / USECS_PER_SEC;

	return round->tried_at == 0 ? DT_NOBEGIN :
		TimestampTzPlusMilliseconds(round->tried_at,
									Min(Max(held, shortest), longest) * 1000);
}

/* Is it for the eraser to bring further? */
static bool
is_for_eraser(const RetentionRound *round)
{
	return round->reached[RETENTION_ROUND_REMOVABLE] != 0 &&
		round->reached[RETENTION_ROUND_SCRUBBED] == 0;
}

static bool
is_before(const RetentionRound *round, const RetentionRound *later)
{
	return round->id < later->id && round->table == later->table &&
		strcmp(round->relation, later->relation) == 0;
}

List *
retention_rounds_for_eraser(TimestampTz now, TimestampTz *wanted)
{
	List	   *open = retention_round_open();
	List	   *result = NIL;
	ListCell   *lc;

	*wanted = DT_NOEND;
	foreach(lc, open)
	{
		RetentionRound *round = (RetentionRound *) lfirst(lc);
		bool		last = is_for_eraser(round);
		ListCell   *other;

		foreach(other, open)
			last = last && !(is_for_eraser(lfirst(other)) && is_before(round, lfirst(other)));
		if (!last || retention_pause_find(round->relation, now, NULL))
			continue;
		*wanted = Min(*wanted, wanted_at(round));
		if (wanted_at(round) <= now)
			result = lappend(result, round);
	}
	return result;
}

List *
retention_rounds_before(const RetentionRound *round)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_round_open())
		if (is_for_eraser(lfirst(lc)) && is_before(lfirst(lc), round))
		result = lappend(result, lfirst(lc));
	return result;
}

TimestampTz
retention_rounds_look_after(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;
	TimestampTz wanted = DT_NOEND;
	bool		erases = retention_settings_erase_within > 0;
	bool		busy;

	retention_visit_start("privacy_retention: beginning rounds of erasure");
	if (erases && retention_extension_lock(&busy))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		next = begin_rounds(now);
		PopActiveSnapshot();
	}
	retention_visit_commit();

	/* Also rounds of those who call the scrub by hand. */
	retention_visit_start("privacy_retention: looking how far erasure has got");
	if (retention_extension_lock(&busy))
		retention_horizon_advance();
	retention_visit_commit();

	retention_visit_start("privacy_retention: looking for work for the eraser");
	if (erases && retention_extension_lock(&busy))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		(void) retention_rounds_for_eraser(now, &wanted);
		PopActiveSnapshot();
	}
	retention_visit_commit();
	retention_turn_want(MyDatabaseId, wanted);
	return next;
}
