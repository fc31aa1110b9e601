/*
 * sweep.c
 *		One rule, from its first due row to its last.
 *
 * Invariant: each row that is found due is changed, recorded as blocked, or left
 * because another has it locked: a sweep ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "enforce/batch.h"
#include "enforce/blocked.h"
#include "enforce/find.h"
#include "enforce/guard.h"
#include "enforce/state.h"
#include "enforce/sweep.h"

/* Rows that are found in one go; their places are kept in memory. */
#define WINDOW_ROWS 50000
#define LARGEST_BATCH 10000
#define SMALLEST_BATCH 50

/* A search that took less (ms) is made in full each time. */
#define CHEAP_SEARCH 100
/* Otherwise full searches may take this part of the time. */
#define SEARCH_SHARE 50
/* Clocks of transactions that were still open at the last search: look again. */
#define OPEN_TRANSACTIONS (USECS_PER_HOUR)

typedef struct Sweeping
{
	RetentionSweep *sweep;
	RetentionRule *rule;
	RetentionDue *due;
	RetentionBatch batch;
	RetentionState state;
	MemoryContext context;		/* lives as long as the sweep */
	MemoryContext batch_context;
	RetentionRow *rows;
	const RetentionArm *arm;
	TimestampTz after;
	int			found;
	int			batch_rows;
	int			search_ms;
	bool		stopped;
} Sweeping;

/* Changes whenever a label, category or table may have changed. */
static uint64 policy_generation = 0;

static void
relation_changed(Datum arg, Oid relid)
{
	policy_generation++;
}

void
retention_sweep_commit(bool flush)
{
	retention_identity_assert_none();
	SPI_commit();
	XactIsoLevel = XACT_READ_COMMITTED;
	if (!flush)
		(void) set_config_option("synchronous_commit", "off", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	EnsurePortalSnapshotExists();
}

/* The rule as it is now; NULL if it is gone or the table no longer protected. */
static RetentionRule *
current_rule(Oid relid, AttrNumber attnum, int stage, List **rules)
{
	ListCell   *lc;

	if (get_rel_name(relid) == NULL ||
		retention_guard_state(relid) != RETENTION_PROTECTED)
		return NULL;
	*rules = retention_rule_compile(relid);
	foreach(lc, *rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->attnum == attnum && rule->stage == stage)
			return rule->valid && rule->action ? rule : NULL;
	}
	return NULL;
}

/* Somebody changed the policy: what the sweep knows is no longer true. */
static bool
policy_changed(Sweeping *s, uint64 *generation)
{
	List	   *rules;
	RetentionRule *rule;

	AcceptInvalidationMessages();
	if (*generation == policy_generation)
		return false;
	*generation = policy_generation;
	rule = current_rule(s->rule->relid, s->rule->attnum, s->rule->stage, &rules);
	return rule == NULL ||
		memcmp(rule->digest, s->rule->digest, sizeof(rule->digest)) != 0;
}

static void
find_window(void *arg)
{
	Sweeping   *s = (Sweeping *) arg;

	s->found = retention_find_rows(s->due, s->arm, s->after, s->batch.skipped,
								   s->rows, WINDOW_ROWS);
}

/* The SQLSTATE and where it happened; never the message, which may quote values. */
static void
note_error(Sweeping *s, const char *what, const ErrorData *error)
{
	char	   *text = psprintf("%s failed with SQLSTATE %s", what,
								unpack_sql_state(error->sqlerrcode));

	ereport(LOG,
			(errmsg("privacy_retention: rule of %s%s%s: %s", s->rule->relation,
					s->rule->column_name ? "." : "",
					s->rule->column_name ? s->rule->column_name : "", text)));
	retention_state_end(s->rule, false, &s->state, 0, text);
	s->stopped = true;
}

/* How late the most overdue of the rows is, in us. */
static int64
lateness_of(const Sweeping *s, const RetentionRow *rows, int count)
{
	TimestampTz oldest = rows[0].clock;
	TimestampTz due_at;
	RetentionIdentity saved;

	for (int i = 1; i < count; i++)
		oldest = Min(oldest, rows[i].clock);
	retention_identity_become_owner(&saved, s->rule->relid);
	due_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													 TimestampTzGetDatum(oldest),
													 IntervalPGetDatum(&s->rule->period)));
	retention_identity_restore(&saved);
	return Max(s->sweep->as_of - due_at, 0);
}

/* More rows at once while that is quick, fewer where it is not. */
static void
adapt_batch(Sweeping *s, TimestampTz began)
{
	long		ms = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());

	if (ms > retention_settings_batch_time)
		s->batch_rows = Max(s->batch_rows / 2, SMALLEST_BATCH);
	else if (ms * 2 < retention_settings_batch_time)
		s->batch_rows = Min(s->batch_rows * 2, LARGEST_BATCH);
}

static bool
out_of_time(const Sweeping *s)
{
	return !TIMESTAMP_IS_NOEND(s->sweep->stop_at) &&
		GetCurrentTimestamp() >= s->sweep->stop_at;
}

/* One batch, one transaction. */
static void
commit_batch(Sweeping *s, const RetentionRow *rows, int count)
{
	TimestampTz began = GetCurrentTimestamp();
	MemoryContext old = MemoryContextSwitchTo(s->batch_context);
	int64		changed;

	changed = retention_batch_apply(&s->batch, s->arm, rows, count);
	retention_batch_testify(&s->batch, changed,
							changed > 0 ? lateness_of(s, rows, count) : -1, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextReset(s->batch_context);
	retention_sweep_commit(false);
	adapt_batch(s, began);
}

/* All rows of a window, batch by batch, none across leaves. */
static void
apply_window(Sweeping *s, uint64 *generation)
{
	int			first = 0;

	retention_row_sort(s->rows, s->found, s->rule->attnum == 0);
	while (first < s->found && !s->stopped)
	{
		int			count = 1;

		while (first + count < s->found && count < s->batch_rows &&
			   s->rows[first + count].leaf == s->rows[first].leaf)
			count++;
		CHECK_FOR_INTERRUPTS();
		commit_batch(s, s->rows + first, count);
		first += count;
		if (out_of_time(s) || policy_changed(s, generation))
			s->stopped = true;
	}
}

/* All due rows of one way to the clock. */
static void
sweep_arm(Sweeping *s, const RetentionArm *arm, uint64 *generation)
{
	s->arm = arm;
	do
	{
		TimestampTz began = GetCurrentTimestamp();
		MemoryContext old = MemoryContextSwitchTo(s->batch_context);
		ErrorData  *error = retention_attempt_run(find_window, s);

		MemoryContextSwitchTo(old);
		s->search_ms += TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
		if (error)
		{
			note_error(s, "the search for due rows", error);
			return;
		}
		MemoryContextReset(s->batch_context);
		retention_sweep_commit(false);
		apply_window(s, generation);
	} while (s->found == WINDOW_ROWS && !s->stopped);
}

/* Rows that were blocked earlier, one by one, a transaction for some of them. */
static void
retry_blocked(Sweeping *s)
{
	HASH_SEQ_STATUS status;
	RetentionSkipped *entry;
	List	   *ready = NIL;
	MemoryContext old = MemoryContextSwitchTo(s->context);
	ListCell   *lc;
	int64		changed = 0;
	int			tried = 0;

	hash_seq_init(&status, s->batch.skipped);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->recorded &&
			(s->sweep->retry || entry->next_try <= s->batch.now ||
			 get_rel_name(entry->key.leaf) == NULL))
			ready = lappend(ready, entry);
	MemoryContextSwitchTo(old);

	foreach(lc, ready)
	{
		RetentionRow row;

		entry = (RetentionSkipped *) lfirst(lc);
		row.leaf = entry->key.leaf;
		row.tid = entry->key.tid;
		old = MemoryContextSwitchTo(s->batch_context);
		if (get_rel_name(row.leaf) == NULL)
			retention_blocked_drop(s->rule, row.leaf, &row.tid);
		else
			changed += retention_batch_retry(&s->batch, &row);
		MemoryContextSwitchTo(old);
		if (++tried % 100 == 0 || lnext(ready, lc) == NULL)
		{
			retention_batch_testify(&s->batch, changed, -1, "rows that had been blocked");
			changed = 0;
			MemoryContextReset(s->batch_context);
			retention_sweep_commit(false);
			CHECK_FOR_INTERRUPTS();
			if (out_of_time(s))
			{
				s->stopped = true;
				break;
			}
		}
	}
}

/*
 * May this sweep leave out what an earlier one has seen done?  Only where a full
 * search costs more than its share of the time: a clock that was moved back, or a
 * row that was inserted late, is found by the next full search.
 */
static bool
may_skip_done(const Sweeping *s)
{
	return !s->sweep->full && s->state.sweep_cost > CHEAP_SEARCH &&
		!TIMESTAMP_IS_NOBEGIN(s->state.swept_at) &&
		s->batch.now - s->state.swept_at <
		(int64) s->state.sweep_cost * SEARCH_SHARE * 1000;
}

/* A blocked row that a full search no longer finds due is gone, or has moved. */
static void
drop_stale(Sweeping *s)
{
	HASH_SEQ_STATUS status;
	RetentionSkipped *entry;

	hash_seq_init(&status, s->batch.skipped);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->recorded && !entry->seen)
			retention_blocked_drop(s->rule, entry->key.leaf, &entry->key.tid);
}

static void
finish(Sweeping *s, TimestampTz began)
{
	RetentionSweep *sweep = s->sweep;
	long		ms = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	double		rate = ms > 0 ? s->batch.rows * 1000.0 / ms : 0;

	sweep->rows = s->batch.rows;
	sweep->stuck = s->batch.stuck;
	sweep->locked = s->batch.locked;
	sweep->complete = !s->stopped;
	if (s->stopped)
		return;
	if (TIMESTAMP_IS_NOBEGIN(s->after))
		drop_stale(s);
	if (sweep->as_of <= s->batch.now && TIMESTAMP_IS_NOBEGIN(s->after) &&
		s->batch.locked == 0)
	{
		s->state.swept_to = s->due->surely_due - OPEN_TRANSACTIONS;
		s->state.swept_at = GetCurrentTimestamp();
		s->state.sweep_cost = s->search_ms;
	}
	retention_state_end(s->rule, s->batch.locked == 0, &s->state, rate, NULL);
}

static void
compute_next_due(void *arg)
{
	Sweeping   *s = (Sweeping *) arg;

	s->sweep->next_due = retention_find_next_due(s->due);
}

/* In s->context: rule, conditions, blocked rows. False: there is nothing to sweep. */
static bool
prepare(Sweeping *s, Oid relid, AttrNumber attnum, int stage)
{
	List	   *rules;

	s->rule = current_rule(relid, attnum, stage, &rules);
	if (s->rule == NULL)
		return false;
	s->batch.now = GetCurrentTimestamp();
	s->batch.context = s->context;
	s->batch.skipped = retention_row_skip_create(s->context);
	s->state = retention_state_begin(s->rule, s->sweep->as_of, s->batch.now);
	s->due = retention_due_build(s->rule, rules, s->sweep->as_of);
	s->batch.due = s->due;
	retention_blocked_load(s->rule, s->batch.skipped);
	s->rows = palloc(sizeof(RetentionRow) * WINDOW_ROWS);
	s->batch_rows = retention_settings_batch_rows;
	s->after = may_skip_done(s) ? s->state.swept_to : DT_NOBEGIN;
	return true;
}

void
retention_sweep_rule(Oid relid, AttrNumber attnum, int stage, RetentionSweep *sweep)
{
	static bool registered = false;
	Sweeping	s = {0};
	MemoryContext old;
	uint64		generation;
	TimestampTz began = GetCurrentTimestamp();
	ListCell   *lc;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	sweep->complete = true;
	sweep->rows = sweep->stuck = sweep->locked = 0;
	sweep->next_due = DT_NOEND;
	s.sweep = sweep;
	s.context = AllocSetContextCreate(CurrentMemoryContext,
									  "privacy_retention sweep", ALLOCSET_DEFAULT_SIZES);
	s.batch_context = AllocSetContextCreate(s.context, "privacy_retention batch",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(s.context);
	AcceptInvalidationMessages();
	generation = policy_generation;
	if (prepare(&s, relid, attnum, stage))
	{
		retention_sweep_commit(false);
		foreach(lc, s.due->arms)
			if (!s.stopped)
			sweep_arm(&s, (RetentionArm *) lfirst(lc), &generation);
		if (!s.stopped)
			retry_blocked(&s);
		finish(&s, began);
		retention_batch_end(&s.batch);
		if (sweep->complete)
		{
			ErrorData  *error = retention_attempt_run(compute_next_due, &s);

			if (error)
				sweep->next_due = DT_NOEND;
		}
		retention_sweep_commit(false);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(s.context);
}
