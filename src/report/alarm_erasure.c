/*
 * alarm_erasure.c
 *		Tells when the erasure of what was deleted is late, and when it is well again.
 *
 * Invariant: late is what retention.check() calls so: what was deleted
 * privacy_retention.erase_within ago is not yet gone from the data files.
 */
#include "postgres.h"

#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "erase/round.h"
#include "report/alarm_erasure.h"

static bool
is_late(TimestampTz deleted_at, TimestampTz now)
{
	return TimestampTzPlusMilliseconds(deleted_at, retention_settings_erase_within * INT64CONST(1000)) <= now;
}

/* The oldest round of a table comes first, and is the one that is told of. */
static bool
is_told(List *told_here, const char *relation)
{
	return list_member(told_here, makeString(pstrdup(relation)));
}

static void
tell_late(List *told_states, const char *relation, const char *held_by, const char *remedy,
		  RetentionTelling *telling)
{
	RetentionHealth health = {.state = "late"};

	health.reason = pstrdup(held_by != NULL ? held_by : "nobody has looked yet what holds it");
	health.remedy = pstrdup(remedy != NULL ? remedy :
							psprintf("SELECT * FROM retention.erasure_horizon WHERE relation = %s",
									 quote_literal_cstr(relation)));
	retention_told_compare(told_states, relation, "", RETENTION_TOLD_ERASURE, &health, telling);
}

void
retention_alarm_erasure_tell(RetentionTelling *telling)
{
	List	   *told_states = retention_told_of_erasure();
	List	   *told_here = NIL;
	ListCell   *lc;

	foreach(lc, retention_settings_erase_within > 0 ? retention_round_open() : NIL)
	{
		RetentionRound *round = (RetentionRound *) lfirst(lc);

		if (round->reached[RETENTION_ROUND_DURABLE] != 0 ||
			!is_late(round->first_deleted_at, telling->now) || is_told(told_here, round->relation))
			continue;
		tell_late(told_states, round->relation, round->held_by, round->remedy, telling);
		told_here = lappend(told_here, makeString(round->relation));
	}
	foreach(lc, retention_settings_erase_within > 0 ? retention_round_waiting() : NIL)
	{
		RetentionRoundWaiting *waiting = (RetentionRoundWaiting *) lfirst(lc);

		if (waiting->has_table && is_late(waiting->first_deleted_at, telling->now) && !is_told(told_here, waiting->relation))
			tell_late(told_states, waiting->relation, "no round of erasure has begun",
					  psprintf("VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%s)",
							   waiting->relation, quote_literal_cstr(waiting->relation)), telling);
	}
	retention_told_rest(told_states, telling);
}
