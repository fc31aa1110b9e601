/*
 * batch.c
 *		Applies a rule to found rows, a transaction a batch.
 *
 * Invariant: no change without evidence and none the other way: rows, ledger
 * entry, blocked rows and progress commit together.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/attempt.h"
#include "enforce/batch.h"
#include "enforce/blocked.h"
#include "enforce/closure.h"
#include "enforce/state.h"
#include "evidence/ledger.h"

typedef struct Work
{
	RetentionChange *change;
	const RetentionRow *rows;
	int			count;
	RetentionChangeMode mode;
	int64		changed;
} Work;

typedef struct Preparation
{
	RetentionBatch *batch;
	const RetentionArm *arm;
	Oid			leaf;
	RetentionChange *change;
} Preparation;

static void
prepare_change(void *arg)
{
	Preparation *preparation = (Preparation *) arg;

	preparation->change = retention_change_prepare(preparation->batch->due,
												   preparation->arm, preparation->leaf);
}

/* The statement for an arm and leaf, prepared once; NULL, with *error, if it cannot be. */
static RetentionChange *
change_for(RetentionBatch *batch, const RetentionArm *arm, Oid leaf, ErrorData **error)
{
	Preparation preparation = {batch, arm, leaf, NULL};
	MemoryContext old;
	RetentionChange *change;
	ListCell   *lc;

	*error = NULL;

	foreach(lc, batch->changes)
	{
		change = (RetentionChange *) lfirst(lc);
		if (change->arm == arm && change->leaf == leaf)
			return change;
	}
	old = MemoryContextSwitchTo(batch->context);
	*error = retention_attempt_run(prepare_change, &preparation);
	if (*error == NULL)
		batch->changes = lappend(batch->changes, preparation.change);
	MemoryContextSwitchTo(old);
	return preparation.change;
}

static void
run_change(void *arg)
{
	Work	   *work = (Work *) arg;

	work->changed = retention_change_run(work->change, work->rows, work->count,
										 work->mode);
}

/* Others are at work on the row: nothing is wrong with it. */
static bool
is_contention(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

/* The pass does not look at these rows again. */
static void
leave_alone(RetentionBatch *batch, const RetentionRow *rows, int count)
{
	for (int i = 0; i < count; i++)
		(void) retention_row_skip(batch->skipped, rows[i].leaf, &rows[i].tid, true);
}

void
retention_batch_stuck(RetentionBatch *batch, const RetentionRow *row,
					  const ErrorData *error)
{
	RetentionSkipped *entry = retention_row_skip(batch->skipped, row->leaf,
												 &row->tid, true);

	entry->recorded = true;
	entry->next_try = retention_blocked_record(batch->due->rule, row->leaf, &row->tid,
											   error, batch->now);
	batch->stuck++;
}

/*
 * All rows at once; when that fails, half and half, until the rows that fail are
 * alone.
 */
static int64
apply_rows(RetentionBatch *batch, RetentionChange *change,
		   const RetentionRow *rows, int count)
{
	Work		work = {change, rows, count, RETENTION_CHANGE_PLAIN, 0};
	ErrorData  *error = NULL;

	CHECK_FOR_INTERRUPTS();
	if (!batch->contended)
	{
		error = retention_attempt_run(run_change, &work);
		if (error == NULL)
			return work.changed;
		batch->contended = is_contention(error);
	}
	if (batch->contended)
	{
		work.mode = RETENTION_CHANGE_SKIP_LOCKED;
		error = retention_attempt_run(run_change, &work);
		if (error == NULL)
		{
			if (work.changed < count)
			{
				batch->locked += count - work.changed;
				leave_alone(batch, rows, count);
			}
			return work.changed;
		}
	}
	if (count > 1)
	{
		int			half = count / 2;

		FreeErrorData(error);
		return apply_rows(batch, change, rows, half) +
			apply_rows(batch, change, rows + half, count - half);
	}
	/* The plan may have stumbled over another row of a hop's table. */
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION &&
		change->arm->from != NULL)
	{
		FreeErrorData(error);
		work.mode = RETENTION_CHANGE_CAREFUL;
		error = retention_attempt_run(run_change, &work);
		if (error == NULL)
			return work.changed;
	}
	if (batch->due->rule->attnum == 0 && retention_blocked_is_referenced(error))
	{
		int64		changed = retention_closure_delete(batch->due, change->arm, rows, error);

		if (changed > 0)
		{
			FreeErrorData(error);
			return changed;
		}
	}
	if (is_contention(error))
	{
		batch->locked++;
		leave_alone(batch, rows, 1);
	}
	else
		retention_batch_stuck(batch, rows, error);
	FreeErrorData(error);
	return 0;
}

int64
retention_batch_apply(RetentionBatch *batch, const RetentionArm *arm,
					  const RetentionRow *rows, int count, ErrorData **error)
{
	RetentionChange *change = change_for(batch, arm, rows[0].leaf, error);
	int64		changed;

	if (change == NULL)
		return 0;
	changed = apply_rows(batch, change, rows, count);
	batch->rows += changed;
	return changed;
}

typedef struct Look
{
	RetentionChange *change;
	const RetentionRow *row;
	bool		still_due;
} Look;

static void
look_again(void *arg)
{
	Look	   *look = (Look *) arg;

	look->still_due = retention_change_still_due(look->change, look->row);
}

int64
retention_batch_retry(RetentionBatch *batch, const RetentionRow *row)
{
	ListCell   *lc;

	foreach(lc, batch->due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);
		ErrorData  *error;
		Look		look = {change_for(batch, arm, row->leaf, &error), row, false};
		int64		changed;

		if (error == NULL)
			error = retention_attempt_run(look_again, &look);
		if (error)
		{
			retention_batch_stuck(batch, row, error);
			FreeErrorData(error);
			return 0;
		}
		if (!look.still_due)
			continue;
		changed = apply_rows(batch, look.change, row, 1);
		batch->rows += changed;
		if (changed > 0)
			retention_blocked_drop(batch->due->rule, row->leaf, &row->tid);
		return changed;
	}
	/* Gone, moved or no longer due: what is there now is found anew. */
	retention_blocked_drop(batch->due->rule, row->leaf, &row->tid);
	return 0;
}

void
retention_batch_enter(const RetentionDue *due, int64 rows, int64 lateness,
					  const char *detail)
{
	const RetentionRule *rule = due->rule;
	RetentionLedgerEntry entry = {0};

	entry.event = "batch";
	entry.relation = rule->relation;
	entry.column_name = rule->column_name;
	entry.category = rule->category;
	entry.action = rule->action_text;
	entry.policy_digest = rule->digest;
	entry.cutoff = due->as_of;
	entry.rows = rows;
	entry.lateness = lateness;
	entry.erasure_level = rule->attnum == 0 ? "deleted" : "changed";
	entry.detail = detail;
	(void) retention_ledger_append(&entry);
}

void
retention_batch_testify(const RetentionBatch *batch, int64 rows, int64 lateness,
						const char *detail)
{
	if (rows > 0)
		retention_batch_enter(batch->due, rows, lateness, detail);
	retention_state_progress(batch->due->rule, batch->rows);
}

void
retention_batch_end(RetentionBatch *batch)
{
	ListCell   *lc;

	foreach(lc, batch->changes)
		retention_change_free((RetentionChange *) lfirst(lc));
	batch->changes = NIL;
}
