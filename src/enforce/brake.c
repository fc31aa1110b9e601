/*
 * brake.c
 *		What stops a rule until somebody has confirmed a number of rows.
 *
 * Invariant: no rule takes more rows at once than anybody has seen: not under
 * another policy than was confirmed, not after the clock jumped, and not more than
 * a large share of the table.
 *
 * The first two are counted once, when the digest of the policy or the number of
 * jumps is new.  The share is looked at only once many rows have been found, so an
 * idle pass pays for one look at retention.confirmation and nothing else.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "due/tally.h"
#include "enforce/admission.h"
#include "enforce/brake.h"
#include "enforce/confirmation.h"
#include "enforce/jump.h"
#include "enforce/pause.h"
#include "guard/guard.h"

/* Fewer rows are no large share of anything. */
#define SHARE_FROM 1000
/* What waits, and what was let go but takes many visits, is counted again after so long. */
#define COUNTED_FOR USECS_PER_HOUR

static char *
rows_text(int64 rows)
{
	return rows < 0 ? pstrdup("rows of the table that would go at once cannot be counted") :
		psprintf("rows of the table that would go at once: " INT64_FORMAT, rows);
}

static char *
reason_of(const char *waiting, int64 rows)
{
	const char *why;

	if (strcmp(waiting, "widened") == 0)
		why = "the rule has changed since it was confirmed";
	else if (strcmp(waiting, "clock") == 0)
		why = "the server's clock jumped ahead";
	else
		why = "one pass would take more of the table than privacy_retention.largest_share";
	return psprintf("%s; %s", why, rows_text(rows));
}

/* As many rows as the table has, by the catalog; at least 0. */
static double
estimate_rows(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION)
			rows += Max(((Form_pg_class) GETSTRUCT(tuple))->reltuples, 0);
		ReleaseSysCache(tuple);
	}
	return rows;
}

static char *
remedy_of(const RetentionRule *rule, int64 rows)
{
	if (rows < 0)
		rows = (int64) estimate_rows(rule->relid);
	return psprintf("SELECT retention.protect(%s, at_most => " INT64_FORMAT ")",
					quote_literal_cstr(rule->relation), rows);
}

/* Once into the log; always to whoever calls. */
static void
tell(const RetentionRule *rule, const char *reason, const char *remedy, bool news)
{
	if (retention_compat_is_worker() && !news)
		return;
	ereport(retention_compat_is_worker() ? LOG : WARNING,
			(errmsg("privacy_retention: rule %d of %s%s%s waits: %s", rule->stage,
					rule->relation, rule->attnum ? "." : "",
					rule->attnum ? quote_identifier(rule->column_name) : "", reason),
			 errhint("%s;", remedy)));
}

/* The rule waits; it is the table's rows that protect() will count. */
static void
stop(RetentionBrake *brake, const RetentionDue *due, const RetentionConfirmation *record,
	 const char *waiting, TimestampTz now)
{
	const RetentionRule *rule = due->rule;
	int64		rows;

	if (retention_admission_count(rule->relid, due->as_of, &rows) != NULL)
		rows = -1;
	retention_confirmation_want(rule, waiting, now, due->as_of, rows);
	tell(rule, reason_of(waiting, rows), remedy_of(rule, rows),
		 record->waiting == NULL || strcmp(record->waiting, waiting) != 0 ||
		 !record->same);
	brake->waits = true;
}

typedef struct Count
{
	const RetentionDue *due;
	int64		rows;
} Count;

static void
count_ready(void *arg)
{
	Count	   *count = (Count *) arg;
	bool		exact;

	(void) retention_tally_count(count->due, RETENTION_TALLY_READY, 0, 0,
								 &count->rows, &exact);
}

/* Rows that the engine would take now; -1 if an expression fails. */
static int64
ready(const RetentionDue *due)
{
	Count		count = {due, 0};

	return retention_tally_try(count_ready, &count) == NULL ? count.rows : -1;
}

RetentionBrake
retention_brake_begin(const RetentionDue *due, TimestampTz now, bool recount)
{
	RetentionBrake brake = {0};
	const RetentionRule *rule = due->rule;
	RetentionConfirmation record;
	const char *waiting = NULL;
	bool		counted;
	bool		fresh;
	int64		rows;

	if (!retention_confirmation_known())
	{
		brake.admitted = true;
		return brake;
	}
	record = retention_confirmation_read(rule);
	counted = !TIMESTAMP_IS_NOBEGIN(record.counted_at) &&
		now >= record.counted_at && now - record.counted_at < COUNTED_FOR;
	fresh = record.waiting != NULL && record.same && !recount && counted;
	if (!record.confirmed && (record.exists || !record.swept))
		waiting = "widened";
	else if (record.exists && record.jumps != record.jumps_now)
		waiting = "clock";
	if (waiting == NULL && record.exists)
	{
		/* a share that is to be looked at again is weighed by what is found */
		brake.waits = fresh;
		brake.settle = record.at_most >= 0 || record.admitted || record.waiting != NULL;
		brake.admitted = record.admitted && counted && !recount;
	}
	else if (waiting != NULL && fresh && strcmp(waiting, record.waiting) == 0)
		brake.waits = true;
	else
	{
		rows = waiting ? ready(due) : 0;
		if (rows < 0 || retention_admission_is_many(rule->relid, rows))
			stop(&brake, due, &record, waiting, now);
		else
			retention_confirmation_give(rule, -1);
		return brake;
	}
	if (brake.waits)
		tell(rule, reason_of(record.waiting, record.rows),
			 remedy_of(rule, record.rows), false);
	return brake;
}

/* Would so many rows be more than the largest share of the table? */
static bool
is_large_share(Oid relid, int64 rows)
{
	double		least = rows * 100.0 / retention_settings_largest_share;

	if (rows < SHARE_FROM)
		return false;
	/* The catalog may be out of date, but hardly by so much. */
	if (estimate_rows(relid) > 4 * least)
		return false;
	return retention_tally_fewer_than(relid, (int64) least);
}

bool
retention_brake_matters(const RetentionBrake *brake, int64 found)
{
	return !brake->admitted && retention_settings_largest_share < 100 &&
		(found < 0 || found >= SHARE_FROM);
}

void
retention_brake_weigh(RetentionBrake *brake, const RetentionDue *due,
					  int64 found, bool all, TimestampTz now)
{
	const RetentionRule *rule = due->rule;
	RetentionConfirmation record;

	if (!retention_brake_matters(brake, found))
		return;
	if (!all)
		found = ready(due);
	brake->admitted = true;
	/* One row that fails must not stop the others: the search isolates it. */
	if (found < SHARE_FROM)
		return;
	if (is_large_share(rule->relid, found))
	{
		record = retention_confirmation_read(rule);
		if (record.at_most < 0 ||
			is_large_share(rule->relid, found - Min(found, record.at_most)))
		{
			stop(brake, due, &record, "share", now);
			return;
		}
	}
	else if (all)
		return;

	/*
	 * Visits that end before it is done do not count and weigh what is left
	 * of it.
	 */
	retention_confirmation_admit(rule, now);
	brake->settle = true;
}

void
retention_brake_end(const RetentionBrake *brake, const RetentionRule *rule)
{
	if (brake->settle)
		retention_confirmation_use(rule);
}

void
retention_brake_confirm(List *rules, int64 at_most)
{
	ListCell   *lc;

	if (!retention_confirmation_known())
		return;
	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->action != NULL)
			retention_confirmation_give(rule, at_most);
	}
}

/* The table, and all that its foreign keys lead to. */
static List *
tables_upward(Oid relid)
{
	List	   *tables = list_make1_oid(relid);

	/* The list grows while it is walked. */
	for (int i = 0; i < list_length(tables); i++)
	{
		Relation	rel = table_open(list_nth_oid(tables, i), AccessShareLock);
		ListCell   *lc;

		foreach(lc, RelationGetFKeyList(rel))
			tables = list_append_unique_oid(tables,
											lfirst_node(ForeignKeyCacheInfo, lc)->confrelid);
		table_close(rel, AccessShareLock);
	}
	return tables;
}

static void
release_rules(Oid relid)
{
	int64		rows;
	ListCell   *lc;

	if (retention_guard_state(relid) != RETENTION_PROTECTED ||
		retention_admission_count(relid, GetCurrentTransactionStartTimestamp(), &rows) != NULL)
		return;
	foreach(lc, retention_rule_compile(relid))
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionConfirmation record;

		if (rule->action == NULL)
			continue;
		record = retention_confirmation_read(rule);
		if (record.confirmed && record.waiting == NULL)
			retention_confirmation_give(rule, rows);
	}
}

void
retention_brake_release(Oid relid)
{
	ListCell   *lc;

	if (!retention_confirmation_known())
		return;
	foreach(lc, tables_upward(relid))
		release_rules(lfirst_oid(lc));
}

RetentionBrakeState
retention_brake_state(const RetentionRule *rule, TimestampTz now)
{
	RetentionBrakeState result = {0};
	RetentionPause pause;
	TimestampTz last;
	RetentionConfirmation record;

	if (retention_pause_find(rule->relation, now, &pause))
	{
		result.state = "paused";
		result.reason = psprintf("until %s: %s", timestamptz_to_str(pause.until),
								 pause.reason);
		result.remedy = psprintf("SELECT retention.unpause(%s)",
								 quote_literal_cstr(rule->relation));
		return result;
	}
	if (retention_jump_is_back(now, &last))
	{
		result.state = "waiting";
		result.reason = psprintf("the server's clock went back: the last pass was at %s",
								 timestamptz_to_str(last));
		result.remedy = pstrdup(RETENTION_JUMP_REMEDY);
		return result;
	}
	if (rule->action == NULL || !retention_confirmation_known())
		return result;
	record = retention_confirmation_read(rule);
	if (record.waiting != NULL && record.same)
	{
		result.state = "waiting";
		result.reason = reason_of(record.waiting, record.rows);
		result.remedy = remedy_of(rule, record.rows);
	}
	return result;
}
