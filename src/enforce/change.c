/*
 * change.c
 *		The statement that deletes or changes due rows.
 *
 * Invariant: the one place that changes user data. The statement repeats all
 * conditions, runs as the table's owner, and says how many rows went.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "enforce/change.h"
#include "enforce/find.h"
#include "guard/hold_guard.h"
#include "guard/hold_text.h"
#include "guard/statement.h"
#include "policy/action.h"
#include "policy/labelled.h"
#include "policy/reference.h"
#include "policy/start.h"
#include "pseudonym/token.h"

/*
 * $2 is the least clock of the rows: it keeps the plan from rows of the hops' tables
 * that have been due for longer, such as those that are held.
 */
static char *
all_conditions(const RetentionChange *change)
{
	return psprintf("t.ctid = ANY ($1) AND %s >= $2 AND %s AND %s AND %s AND %s AND %s AND %s",
					change->arm->clock, change->arm->path, change->arm->due, change->due->applies,
					change->due->pending, change->due->unheld, change->due->free);
}

static char *
delete_statement(const RetentionChange *change)
{
	return psprintf("DELETE FROM ONLY %s AS t%s%s WHERE %s",
					retention_start_relation_name(change->leaf),
					change->arm->from ? " USING " : "",
					change->arm->from ? change->arm->from : "",
					all_conditions(change));
}

/* A value whose references, without ON UPDATE CASCADE, change in the same statement. */
static char *
update_with_references(const RetentionChange *change, List *references)
{
	const RetentionRule *rule = change->due->rule;
	const char *leaf = retention_start_relation_name(change->leaf);
	const char *column = quote_identifier(rule->column_name);
	char	   *operand = psprintf("t.%s", column);
	StringInfoData text;
	int			number = 0;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, "WITH changing AS MATERIALIZED (SELECT t.ctid AS row_id, %s AS old_value, %s AS new_value"
					 " FROM ONLY %s AS t%s%s WHERE %s FOR UPDATE OF t)",
					 operand,
					 retention_action_value(rule->action, rule->relid, rule->attnum,
											rule->category, operand),
					 leaf,
					 change->arm->from ? ", " : "",
					 change->arm->from ? change->arm->from : "",
					 all_conditions(change));
	foreach(lc, references)
	{
		RetentionReference *reference = (RetentionReference *) lfirst(lc);
		const char *key = quote_identifier(get_attname(reference->relid,
													   reference->attnum, false));

		if (!reference->cascades)
			appendStringInfo(&text, ", reference_%d AS (UPDATE %s AS r SET %s = changing.new_value"
							 " FROM changing WHERE r.%s = changing.old_value)",
							 ++number, retention_start_relation_name(reference->relid),
							 key, key);
	}
	appendStringInfo(&text, " UPDATE ONLY %s AS t SET %s = changing.new_value FROM changing"
					 " WHERE t.ctid = changing.row_id RETURNING %s",
					 leaf, column,
					 retention_action_done(rule->action, rule->relid, rule->attnum,
										   rule->category, operand));
	return text.data;
}

static char *
update_statement(const RetentionChange *change)
{
	const RetentionRule *rule = change->due->rule;
	const char *column = quote_identifier(rule->column_name);
	char	   *operand = psprintf("t.%s", column);
	List	   *references = retention_reference_list(rule->relid, rule->attnum);
	ListCell   *lc;

	foreach(lc, references)
		if (!((RetentionReference *) lfirst(lc))->cascades)
		return update_with_references(change, references);

	return psprintf("UPDATE ONLY %s AS t SET %s = %s%s%s WHERE %s RETURNING %s",
					retention_start_relation_name(change->leaf), column,
					retention_action_value(rule->action, rule->relid, rule->attnum,
										   rule->category, operand),
					change->arm->from ? " FROM " : "",
					change->arm->from ? change->arm->from : "",
					all_conditions(change),
					retention_action_done(rule->action, rule->relid, rule->attnum,
										  rule->category, operand));
}

static SPIPlanPtr
prepare(const char *statement)
{
	Oid			types[] = {TIDARRAYOID, TIMESTAMPTZOID};
	SPIPlanPtr	plan = SPI_prepare(statement, 2, types);

	if (plan == NULL)
		elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep a statement");
	return plan;
}

RetentionChange *
retention_change_prepare(const RetentionDue *due, const RetentionArm *arm, Oid leaf)
{
	RetentionChange *change = palloc0(sizeof(RetentionChange));
	RetentionIdentity saved;

	change->due = due;
	change->arm = arm;
	change->leaf = leaf;
	retention_identity_become_owner(&saved, leaf);
	change->statement = due->rule->attnum == 0 ? delete_statement(change) :
		update_statement(change);
	change->plan = prepare(change->statement);
	change->check = prepare(psprintf("SELECT 1 FROM ONLY %s AS t%s%s WHERE %s",
									 retention_start_relation_name(leaf),
									 arm->from ? ", " : "",
									 arm->from ? arm->from : "",
									 all_conditions(change)));
	retention_identity_restore(&saved);
	return change;
}

void
retention_change_free(RetentionChange *change)
{
	SPI_freeplan((SPIPlanPtr) change->plan);
	SPI_freeplan((SPIPlanPtr) change->check);
	pfree(change);
}

static Datum
tid_array(const RetentionRow *rows, int count)
{
	Datum	   *tids = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		tids[i] = PointerGetDatum(&rows[i].tid);
	return PointerGetDatum(construct_array(tids, count, TIDOID,
										   sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

/* Before it no row of the batch had its clock when it was found. */
static TimestampTz
least_clock(const RetentionChange *change, const RetentionRow *rows, int count)
{
	TimestampTz least = rows[0].clock;

	/* Then it is the time at which the row fell due. */
	if (change->due->rule->own_period != NULL)
		return DT_NOBEGIN;
	for (int i = 1; i < count; i++)
		least = Min(least, rows[i].clock);
	return least;
}

/* How many of them are there and due. */
static int64
count_due(RetentionChange *change, Datum tids, TimestampTz least)
{
	Datum		values[] = {tids, TimestampTzGetDatum(least)};
	int64		count;

	if (SPI_execute_plan((SPIPlanPtr) change->check, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look at rows again");
	count = SPI_processed;
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Only those rows that nobody else has locked; locks them. */
static Datum
lock_rows(RetentionChange *change, Datum tids, int *count)
{
	Oid			types[] = {TIDARRAYOID};
	RetentionRow *rows;

	if (SPI_execute_with_args(psprintf("SELECT t.ctid FROM ONLY %s AS t WHERE t.ctid = ANY ($1)"
									   " FOR UPDATE SKIP LOCKED",
									   retention_start_relation_name(change->leaf)),
							  1, types, &tids, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not lock rows");
	*count = SPI_processed;
	rows = palloc(sizeof(RetentionRow) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		bool		isnull;

		rows[i].tid = *((ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[i],
																	SPI_tuptable->tupdesc,
																	1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	return tid_array(rows, *count);
}

/*
 * Constraints are checked and their triggers fired within the statement: what is
 * deferred would fail, or run a user's code, at our commit.
 */
static void
set_constraints_immediate(void)
{
	ConstraintsSetStmt *stmt = makeNode(ConstraintsSetStmt);

	stmt->deferred = false;
	AfterTriggerSetState(stmt);
}

/*
 * A rule of the server's rule system that was made after the sweep began would
 * turn the statement into another one.  With our lock there, none can be made.
 */
static void
refuse_rewriting(Oid leaf)
{
	Relation	rel = table_open(leaf, RowExclusiveLock);

	if (rel->rd_rules != NULL)
		for (int i = 0; i < rel->rd_rules->numLocks; i++)
			if (rel->rd_rules->rules[i]->event == CMD_DELETE ||
				rel->rd_rules->rules[i]->event == CMD_UPDATE)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("a rule would turn the statement into another one")));
	table_close(rel, NoLock);
}

/*
 * A suspension that began or ended after the sweep did is not in the statement's
 * conditions: the rows are left to the next sweep.
 */
static void
refuse_outdated(RetentionChange *change)
{
	uint64		generation = retention_labelled_generation();
	const RetentionRule *rule = change->due->rule;

	if (change->generation == generation)
		return;
	if (strcmp(change->due->unheld,
			   retention_hold_text_unheld(rule->relid, rule->attnum)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the suspensions of deletion have changed")));
	change->generation = generation;
}

static int
execute_carefully(RetentionChange *change, Datum *values)
{
	Oid			types[] = {TIDARRAYOID, TIMESTAMPTZOID};

	retention_find_carefully();
	return SPI_execute_with_args(change->statement, 2, types, values, NULL, false, 0);
}

int64
retention_change_run(RetentionChange *change, const RetentionRow *rows, int count,
					 RetentionChangeMode mode)
{
	RetentionIdentity saved;
	Datum		tids = tid_array(rows, count);
	TimestampTz least = least_clock(change, rows, count);
	Datum		values[2];
	int64		changed;
	int			result;

	set_constraints_immediate();
	retention_identity_become_owner(&saved, change->leaf);
	refuse_rewriting(change->leaf);
	refuse_outdated(change);
	if (mode == RETENTION_CHANGE_SKIP_LOCKED)
		tids = lock_rows(change, tids, &count);
	values[0] = tids;
	values[1] = TimestampTzGetDatum(least);

	retention_token_permit(true);
	if (mode == RETENTION_CHANGE_CAREFUL)
		retention_statement_expect_text(change->statement);
	else
		retention_statement_expect_plan((SPIPlanPtr) change->plan);
	retention_hold_guard_permit(change->due->rule->attnum == 0);
	result = mode == RETENTION_CHANGE_CAREFUL ?
		execute_carefully(change, values) :
		SPI_execute_plan((SPIPlanPtr) change->plan, values, NULL, false, 0);
	retention_token_permit(false);
	retention_statement_done();
	retention_hold_guard_permit(false);
	if (result < 0)
		elog(ERROR, "could not change rows: %s", SPI_result_code_string(result));
	changed = SPI_processed;

	/* ACTION(value) = value must hold of what is stored now. */
	if (result == SPI_OK_UPDATE_RETURNING)
		for (int64 i = 0; i < changed; i++)
		{
			bool		isnull;

			if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i],
											SPI_tuptable->tupdesc, 1, &isnull)))
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						 errmsg("a changed value is not what the action makes of it")));
		}
	if (SPI_tuptable)
		SPI_freetuptable(SPI_tuptable);

	/* Those that are missing are no longer due, or something kept them. */
	if (changed < count && count_due(change, tids, least) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger or rule kept a row")));
	retention_identity_restore(&saved);
	return changed;
}

bool
retention_change_still_due(RetentionChange *change, const RetentionRow *row)
{
	RetentionIdentity saved;
	bool		still;

	retention_identity_become_owner(&saved, change->leaf);
	still = count_due(change, tid_array(row, 1), DT_NOBEGIN) > 0;
	retention_identity_restore(&saved);
	return still;
}
