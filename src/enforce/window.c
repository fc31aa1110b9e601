/*
 * window.c
 *		Due rows, a window of them at a time: found, then changed in batches.
 *
 * Invariant: each row that is found is changed, recorded as blocked or left
 * alone, so that the next window is another one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "enforce/sweeping.h"

#define LARGEST_BATCH 10000
#define SMALLEST_BATCH 50

typedef struct Failure
{
	RetentionSweeping *s;
	const char *text;
} Failure;

static void
record_failure(void *arg)
{
	Failure    *failure = (Failure *) arg;
	RetentionSweeping *s = failure->s;

	/* It failed before it began. */
	if (s->due == NULL)
		s->state = retention_state_begin(s->rule, s->sweep->as_of, s->sweep->now);
	retention_state_end(s->rule, false, &s->state, 0, failure->text);
}

/* The SQLSTATE and where it happened; never the message, which may quote values. */
void
retention_window_fail(RetentionSweeping *s, const char *what, const ErrorData *error)
{
	char	   *text = psprintf("%s failed with SQLSTATE %s", what,
								unpack_sql_state(error->sqlerrcode));
	Failure		failure = {s, text};

	ereport(LOG,
			(errmsg("privacy_retention: rule of %s%s%s: %s", s->rule->relation,
					s->rule->column_name ? "." : "",
					s->rule->column_name ? s->rule->column_name : "", text)));
	/* Where even that is locked by somebody, the log has to do. */
	(void) retention_attempt_run(record_failure, &failure);
	s->stopped = true;
}

/* How late the most overdue of the rows is, in us. */
static int64
lateness_of(const RetentionSweeping *s, const RetentionRow *rows, int count)
{
	TimestampTz oldest = rows[0].clock;
	TimestampTz due_at;
	RetentionIdentity saved;

	for (int i = 1; i < count; i++)
		oldest = Min(oldest, rows[i].clock);
	due_at = oldest;
	if (s->rule->own_period == NULL)
	{
		retention_identity_become_owner(&saved, s->rule->relid);
		due_at = retention_due_at(s->rule, oldest);
		retention_identity_restore(&saved);
	}
	return Max(s->sweep->as_of - due_at, 0);
}

/* More rows at once while that is quick, fewer where it is not. */
static void
adapt_batch(RetentionSweeping *s, TimestampTz began)
{
	long		ms = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());

	if (ms > retention_settings_batch_time)
		s->batch_rows = Max(s->batch_rows / 2, SMALLEST_BATCH);
	else if (ms * 2 < retention_settings_batch_time)
		s->batch_rows = Min(s->batch_rows * 2, LARGEST_BATCH);
}

bool
retention_window_out_of_time(const RetentionSweeping *s)
{
	return !TIMESTAMP_IS_NOEND(s->sweep->stop_at) &&
		GetCurrentTimestamp() >= s->sweep->stop_at;
}

static void
find_window(void *arg)
{
	RetentionSweeping *s = (RetentionSweeping *) arg;

	s->found = retention_find_rows(s->due, s->arm, s->after, s->range,
								   s->batch.skipped, s->rows, RETENTION_WINDOW_ROWS);
}

/* One batch, one transaction. */
static void
commit_batch(RetentionSweeping *s, const RetentionRow *rows, int count)
{
	TimestampTz began = GetCurrentTimestamp();
	MemoryContext old = MemoryContextSwitchTo(s->batch_context);
	ErrorData  *error;
	int64		changed;

	changed = retention_batch_apply(&s->batch, s->arm, rows, count, &error);
	retention_batch_testify(&s->batch, changed,
							changed > 0 ? lateness_of(s, rows, count) : -1, NULL);
	if (error)
		retention_window_fail(s, "the statement for due rows", error);
	MemoryContextSwitchTo(old);
	MemoryContextReset(s->batch_context);
	retention_sweep_commit();
	adapt_batch(s, began);
}

/* All rows of a window, batch by batch, none across leaves. */
static void
apply_window(RetentionSweeping *s)
{
	int			first = 0;

	retention_row_sort(s->rows, s->found, s->backward);
	while (first < s->found && !s->stopped)
	{
		int			count = 1;

		while (first + count < s->found && count < s->batch_rows &&
			   s->rows[first + count].leaf == s->rows[first].leaf)
			count++;
		CHECK_FOR_INTERRUPTS();
		commit_batch(s, s->rows + first, count);
		first += count;
		if (retention_window_out_of_time(s) || retention_sweep_policy_changed(s))
			s->stopped = true;
	}
}

/*
 * All due rows of one way to the clock, in a range or everywhere; the error if
 * they cannot be found.
 */
static ErrorData *
sweep_range(RetentionSweeping *s, const RetentionRange *range)
{
	s->range = range;
	do
	{
		TimestampTz began = GetCurrentTimestamp();
		MemoryContext old = MemoryContextSwitchTo(s->context);
		ErrorData  *error = retention_attempt_run(find_window, s);

		MemoryContextSwitchTo(old);
		s->search_ms += TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
		if (error)
			return error;
		retention_sweep_commit();
		if (range == NULL)
			retention_sweep_weigh(s, s->found,
								  s->found < RETENTION_WINDOW_ROWS &&
								  list_length(s->due->arms) == 1);
		if (!s->stopped)
			apply_window(s);
	} while (s->found == RETENTION_WINDOW_ROWS && !s->stopped);
	return NULL;
}

/* May one row be to blame for the error? */
static bool
is_of_one_row(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
			return false;
		default:
			return true;
	}
}

/* Row by row: those whose expressions fail are blocked, the others go. */
static void
sweep_block(RetentionSweeping *s, Oid leaf, BlockNumber block)
{
	RetentionRange range = {leaf, block, block + 1, FirstOffsetNumber};
	RetentionRow *rows = palloc(sizeof(RetentionRow) * MaxHeapTuplesPerPage);
	int			count = 0;

	s->range = &range;
	for (; range.offset <= MaxHeapTuplesPerPage; range.offset++)
	{
		RetentionRow row = {.leaf = leaf};
		ErrorData  *error;

		ItemPointerSet(&row.tid, block, range.offset);
		if (retention_row_skip(s->batch.skipped, leaf, &row.tid, false) != NULL)
		{
			retention_row_skip(s->batch.skipped, leaf, &row.tid, false)->seen = true;
			continue;
		}
		error = retention_attempt_run(find_window, s);
		if (error)
			retention_batch_stuck(&s->batch, &row, error);
		else if (s->found == 1)
			rows[count++] = s->rows[0];
	}
	retention_sweep_commit();
	memcpy(s->rows, rows, sizeof(RetentionRow) * count);
	pfree(rows);
	s->found = count;
	apply_window(s);
}

/* Halves a range until the rows that make the search fail are alone. */
static void
sweep_part(RetentionSweeping *s, Oid leaf, BlockNumber first, BlockNumber end)
{
	RetentionRange range = {leaf, first, end, InvalidOffsetNumber};
	ErrorData  *error;

	CHECK_FOR_INTERRUPTS();
	if (s->stopped || first >= end)
		return;
	error = sweep_range(s, &range);
	if (error == NULL)
		return;
	FreeErrorData(error);
	if (end - first == 1)
		sweep_block(s, leaf, first);
	else
	{
		sweep_part(s, leaf, first, first + (end - first) / 2);
		sweep_part(s, leaf, first + (end - first) / 2, end);
	}
}

/* All due rows of one way to the clock. */
void
retention_window_sweep(RetentionSweeping *s, const RetentionArm *arm)
{
	ErrorData  *error;
	MemoryContext old;
	List	   *leaves;
	ListCell   *lc;

	s->arm = arm;
	error = sweep_range(s, NULL);
	if (error == NULL)
		return;
	if (!is_of_one_row(error))
	{
		retention_window_fail(s, "the search for due rows", error);
		return;
	}
	old = MemoryContextSwitchTo(s->context);
	leaves = find_all_inheritors(s->rule->relid, NoLock, NULL);
	MemoryContextSwitchTo(old);
	foreach(lc, leaves)
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);
		BlockNumber blocks = 0;

		if (rel == NULL)
			continue;
		if (rel->rd_rel->relkind == RELKIND_RELATION)
			blocks = RelationGetNumberOfBlocks(rel);
		relation_close(rel, AccessShareLock);
		sweep_part(s, lfirst_oid(lc), 0, blocks);
	}
}
