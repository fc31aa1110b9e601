/*
 * sweep.c
 *		One rule, from its first due row to its last.
 *
 * Invariant: each row that is found due is changed, recorded as blocked, or left
 * because another has it locked: a sweep ends.
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/procedure.h"
#include "base/settings.h"
#include "due/rewrite.h"
#include "enforce/blocked.h"
#include "enforce/partition.h"
#include "enforce/pause.h"
#include "enforce/sweeping.h"
#include "guard/guard.h"
#include "guard/hold_text.h"

/* A search that took less (ms) is made in full each time. */
#define CHEAP_SEARCH 100
/* So with held rows: they stay where they are until they are lifted. */
#define CHEAP_SEARCH_HELD 5
/* Otherwise full searches may take this part of the time. */
#define SEARCH_SHARE 50
/* What was being committed during the last search: look again. */
#define OPEN_TRANSACTIONS (USECS_PER_HOUR)

/* A table that somebody has locked is left for later: it stops no other. */
static void
set_lock_timeout(void)
{
	char		text[32];

	snprintf(text, sizeof(text), "%d", retention_settings_lock_timeout);
	(void) set_config_option("lock_timeout", text, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

void
retention_sweep_commit(void)
{
	retention_procedure_commit();
	set_lock_timeout();
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	EnsurePortalSnapshotExists();
}

/* The rule as it is now; NULL if it is gone or the table not enforced any more. */
static RetentionRule *
current_rule(Oid relid, AttrNumber attnum, int stage, List **rules)
{
	ListCell   *lc;

	if (get_rel_name(relid) == NULL ||
		retention_guard_state(relid) != RETENTION_PROTECTED ||
		retention_rewrite_remedy(relid) != NULL ||
		retention_pause_find(retention_start_relation_name(relid),
							 GetCurrentTimestamp(), NULL))
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

static void
look_at_policy(void *arg)
{
	RetentionSweeping *s = (RetentionSweeping *) arg;
	List	   *rules;
	RetentionRule *rule = current_rule(s->rule->relid, s->rule->attnum,
									   s->rule->stage, &rules);

	s->stopped = rule == NULL ||
		memcmp(rule->digest, s->rule->digest, sizeof(rule->digest)) != 0 ||
		strcmp(retention_hold_text_unheld(rule->relid, rule->attnum), s->due->unheld) != 0;
}

bool
retention_sweep_policy_changed(RetentionSweeping *s)
{
	uint64		generation = retention_labelled_generation();

	if (s->generation == generation)
		return false;
	s->generation = generation;
	/* A table that cannot even be looked at is being changed. */
	if (retention_attempt_run(look_at_policy, s) != NULL)
		s->stopped = true;
	return s->stopped;
}

typedef struct Weighing
{
	RetentionSweeping *s;
	int			found;
	bool		all;
} Weighing;

static void
weigh(void *arg)
{
	Weighing   *weighing = (Weighing *) arg;
	RetentionSweeping *s = weighing->s;

	retention_brake_weigh(&s->brake, s->due, weighing->found, weighing->all,
						  s->batch.now);
	if (s->brake.waits)
		retention_state_end(s->rule, false, &s->state, 0,
							"more rows would go than a pass may take unconfirmed");
}

void
retention_sweep_weigh(RetentionSweeping *s, int found, bool all)
{
	Weighing	weighing = {s, found, all};
	MemoryContext old;
	ErrorData  *error;

	if (!retention_brake_matters(&s->brake, found))
		return;
	old = MemoryContextSwitchTo(s->context);
	error = retention_attempt_run(weigh, &weighing);
	if (error != NULL)
		retention_window_fail(s, "the look at the share", error);
	s->stopped = s->stopped || s->brake.waits;
	MemoryContextSwitchTo(old);
	retention_sweep_commit();
}

/* Rows that were blocked earlier, one by one, a transaction for some of them. */
static void
retry_blocked(RetentionSweeping *s)
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
		if (entry->earlier &&
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
		row.clock = DT_NOBEGIN;
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
			retention_sweep_commit();
			CHECK_FOR_INTERRUPTS();
			if (retention_window_out_of_time(s))
			{
				s->stopped = true;
				break;
			}
		}
	}
}

/*
 * May this sweep leave out what an earlier one has seen done?  Only where a full
 * search costs more than its share of the time.  What the guards see come late
 * has moved the mark back (late_write); what they cannot see, such as a row whose
 * parent's clock was past already, is found by the next full search.
 */
static bool
may_skip_done(const RetentionSweeping *s)
{
	int			cheap = strcmp(s->due->unheld, "true") != 0 ? CHEAP_SEARCH_HELD : CHEAP_SEARCH;

	return !s->sweep->full && s->state.sweep_cost > cheap &&
		!TIMESTAMP_IS_NOBEGIN(s->state.swept_at) &&
		s->batch.now - s->state.swept_at <
		(int64) s->state.sweep_cost * SEARCH_SHARE * 1000;
}

/* A blocked row that a full search no longer finds due is gone, or has moved. */
static void
drop_stale(RetentionSweeping *s)
{
	HASH_SEQ_STATUS status;
	RetentionSkipped *entry;

	hash_seq_init(&status, s->batch.skipped);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->recorded && !entry->seen)
			retention_blocked_drop(s->rule, entry->key.leaf, &entry->key.tid);
}

typedef struct Outcome
{
	RetentionSweeping *s;
	double		rate;
} Outcome;

static void
remember(void *arg)
{
	Outcome    *outcome = (Outcome *) arg;
	RetentionSweeping *s = outcome->s;

	if (TIMESTAMP_IS_NOBEGIN(s->after))
		drop_stale(s);

	/*
	 * After a full search only: one from the mark on does not know what the
	 * engine's own statements, or their cascades, have made due before it.
	 */
	if (s->sweep->as_of <= s->batch.now && s->batch.locked == 0 &&
		TIMESTAMP_IS_NOBEGIN(s->after))
	{
		s->state.swept_to = retention_sweep_mark(s->due);
		s->state.swept_at = GetCurrentTimestamp();
		s->state.sweep_cost = s->search_ms;
	}
	retention_state_end(s->rule, s->batch.locked == 0, &s->state, outcome->rate, NULL);
	retention_brake_end(&s->brake, s->rule);
}

/* Rows that somebody has locked, such as the rule's confirmation, fail no pass. */
static void
finish(RetentionSweeping *s, TimestampTz began)
{
	RetentionSweep *sweep = s->sweep;
	long		ms = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	Outcome		outcome = {s, ms > 0 ? s->batch.rows * 1000.0 / ms : 0};
	ErrorData  *error;

	sweep->rows = s->batch.rows;
	sweep->stuck = s->batch.stuck;
	sweep->kept = strcmp(s->due->free, "true") != 0 ||
		retention_hold_text_waits(s->due->unheld);
	sweep->locked = s->batch.locked;
	sweep->complete = !s->stopped;
	sweep->waits = s->brake.waits;
	if (s->stopped)
		return;
	error = retention_attempt_run(remember, &outcome);
	if (error != NULL)
		retention_window_fail(s, "the end of the sweep", error);
}

static void
compute_next_due(void *arg)
{
	RetentionSweeping *s = (RetentionSweeping *) arg;

	s->sweep->next_due = retention_find_next_due(s->due);
}

static bool
references_itself(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		itself = false;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
		itself |= lfirst_node(ForeignKeyCacheInfo, lc)->confrelid == relid;
	table_close(rel, AccessShareLock);
	return itself;
}

typedef struct Preparation
{
	RetentionSweeping *s;
	Oid			relid;
	AttrNumber	attnum;
	int			stage;
} Preparation;

/* In s->context: rule, conditions, blocked rows. No due: there is nothing to sweep. */
static void
prepare(void *arg)
{
	Preparation *preparation = (Preparation *) arg;
	RetentionSweeping *s = preparation->s;
	RetentionDue *due;
	List	   *rules;

	s->rule = current_rule(preparation->relid, preparation->attnum,
						   preparation->stage, &rules);
	if (s->rule == NULL)
		return;
	s->batch.now = s->sweep->now;
	s->batch.context = s->context;
	s->batch.skipped = retention_row_skip_create(s->context);
	due = retention_due_build(s->rule, rules, s->sweep->as_of);
	s->brake = retention_brake_begin(due, s->batch.now, s->sweep->full);
	if (s->brake.waits)
		return;
	s->due = due;
	s->batch.due = due;
	s->state = retention_state_begin(s->rule, s->sweep->as_of, s->batch.now);
	retention_blocked_load(s->rule, s->batch.skipped);
	s->rows = palloc(sizeof(RetentionRow) * RETENTION_WINDOW_ROWS);
	s->batch_rows = retention_settings_batch_rows;
	s->backward = s->rule->attnum == 0 && references_itself(s->rule->relid);
	s->after = may_skip_done(s) ? s->state.swept_to : DT_NOBEGIN;
}

TimestampTz
retention_sweep_mark(const RetentionDue *due)
{
	return TIMESTAMP_IS_NOBEGIN(due->surely_due) ? DT_NOBEGIN :
		due->surely_due - OPEN_TRANSACTIONS;
}

/* Whole partitions first, a transaction each. */
static void
clear_partitions(RetentionSweeping *s)
{
	List	   *candidates = retention_partition_candidates(s->due);
	ListCell   *lc;

	if (candidates != NIL)
		retention_sweep_weigh(s, -1, false);
	foreach(lc, candidates)
	{
		MemoryContext old;

		if (s->stopped)
			break;
		old = MemoryContextSwitchTo(s->batch_context);
		(void) retention_partition_clear(&s->batch, lfirst_oid(lc));
		MemoryContextSwitchTo(old);
		MemoryContextReset(s->batch_context);
		retention_sweep_commit();
		CHECK_FOR_INTERRUPTS();
	}
}

void
retention_sweep_rule(Oid relid, AttrNumber attnum, int stage, RetentionSweep *sweep)
{
	RetentionSweeping s = {0};
	Preparation preparation = {&s, relid, attnum, stage};
	ErrorData  *error;
	MemoryContext old;
	TimestampTz began = GetCurrentTimestamp();
	ListCell   *lc;

	sweep->complete = true;
	sweep->waits = false;
	sweep->rows = sweep->stuck = sweep->locked = 0;
	sweep->next_due = DT_NOEND;
	s.sweep = sweep;
	s.context = AllocSetContextCreate(CurrentMemoryContext,
									  "privacy_retention sweep", ALLOCSET_DEFAULT_SIZES);
	s.batch_context = AllocSetContextCreate(s.context, "privacy_retention batch",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(s.context);
	s.generation = retention_labelled_generation();
	error = retention_attempt_run(prepare, &preparation);
	if (error != NULL && s.rule != NULL)
	{
		retention_window_fail(&s, "the preparation", error);
		retention_sweep_commit();
	}
	else if (error != NULL)
		ereport(LOG,
				(errmsg("privacy_retention: the rules of relation %u could not be read: SQLSTATE %s",
						relid, unpack_sql_state(error->sqlerrcode))));
	else if (s.due != NULL)
	{
		retention_sweep_commit();
		clear_partitions(&s);
		foreach(lc, s.due->arms)
			if (!s.stopped)
			retention_window_sweep(&s, (RetentionArm *) lfirst(lc));
		if (!s.stopped)
			retry_blocked(&s);
		/* What began or ended meanwhile must not be forgotten by a watermark. */
		if (!s.stopped)
			(void) retention_sweep_policy_changed(&s);

		/*
		 * Before the rule's state is written: who unprotects the table locks
		 * it first, too.
		 */
		if (!s.stopped && retention_attempt_run(compute_next_due, &s) != NULL)
			sweep->next_due = DT_NOEND;
		finish(&s, began);
		retention_batch_end(&s.batch);
		if (s.brake.waits)
			sweep->complete = true; /* for this pass */
		retention_sweep_commit();
	}
	else
	{
		sweep->waits = s.brake.waits;
		retention_sweep_commit();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(s.context);
}
