/*
 * dial.c
 *		A clock in the rows of one table, read as they are written.
 *
 * Invariant: a dial says at most that a row may be due; whether it is, only the
 * conditions of due.h decide. It never says of a due row that it is not.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "policy/expression.h"
#include "sentry/dial.h"
#include "sentry/late_write.h"

/* Dials whose clocks this transaction has written; in its memory. */
static List *noted = NIL;

/* Can evaluating it raise an error? */
static bool
may_fail(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_NullTest:
		case T_BoolExpr:
		case T_List:
			return expression_tree_walker(node, may_fail, context);
		default:
			return true;
	}
}

/* A generated column is not there yet when a row is written: what makes it is. */
static Node *
replace_generated(Node *node, void *context)
{
	Relation	rel = (Relation) context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varattno > 0 &&
		TupleDescAttr(RelationGetDescr(rel), ((Var *) node)->varattno - 1)->attgenerated)
		return build_column_default(rel, ((Var *) node)->varattno);
	return expression_tree_mutator(node, replace_generated, context);
}

Bitmapset *
retention_dial_columns(Node *expression)
{
	Bitmapset  *shifted = NULL;
	Bitmapset  *result = NULL;
	int			member = -1;

	pull_varattnos(expression, 1, &shifted);
	while ((member = bms_next_member(shifted, member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum >= 0)
			result = bms_add_member(result, attnum);
	}
	return result;
}

void
retention_dial_make(RetentionDial *dial, Relation rel, Node *expression, Oid labelled)
{
	dial->source = copyObject(expression);
	expression = replace_generated(dial->source, rel);
	dial->expression = expression;
	dial->type = getBaseType(exprType(expression));
	dial->columns = retention_dial_columns(expression);
	dial->least = DT_NOEND;
	if (IsA(expression, Var))
		dial->column = ((Var *) expression)->varattno;
	else
	{
		dial->state = ExecInitExpr(expression_planner((Expr *) expression), NULL);
		dial->econtext = CreateStandaloneExprContext();
		dial->safe = !may_fail(expression, NULL);
		if (retention_expression_calls_users_code(expression) || contain_mutable_functions(expression))
			dial->owned = labelled;
	}
}

void
retention_dial_add_period(RetentionDial *dial, Relation rel, Node *period)
{
	Node	   *expression = replace_generated(copyObject(period), rel);

	dial->own = copyObject(period);
	if (IsA(expression, Var))
		dial->own_column = ((Var *) expression)->varattno;
	dial->own_state = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	if (dial->econtext == NULL)
		dial->econtext = CreateStandaloneExprContext();
}

/* As SQL does it where TimeZone is privacy_retention.timezone. */
static TimestampTz
in_zone(Timestamp local, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	TimestampTz result;

	if (TIMESTAMP_NOT_FINITE(local) ||
		timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return local;
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, fsec, &offset, &result) != 0)
		return local < 0 ? DT_NOBEGIN : DT_NOEND;
	return result;
}

static TimestampTz
as_time(const RetentionDial *dial, Datum value)
{
	DateADT		date;

	switch (dial->type)
	{
		case TIMESTAMPTZOID:
			return DatumGetTimestampTz(value);
		case TIMESTAMPOID:
			return in_zone(DatumGetTimestamp(value), dial->zone);
		default:
			date = DatumGetDateADT(value);
			if (DATE_IS_NOBEGIN(date))
				return DT_NOBEGIN;
			if (DATE_IS_NOEND(date) ||
				date >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
				return DT_NOEND;
			return in_zone(date * USECS_PER_DAY, dial->zone);
	}
}

typedef struct Evaluation
{
	RetentionDial *dial;
	TupleTableSlot *slot;
	ExprState  *state;
	bool		owned;
	Datum		value;
	bool		isnull;
} Evaluation;

static void
evaluate(void *arg)
{
	Evaluation *evaluation = (Evaluation *) arg;
	RetentionDial *dial = evaluation->dial;
	RetentionIdentity saved;

	ResetExprContext(dial->econtext);
	dial->econtext->ecxt_scantuple = evaluation->slot;
	dial->busy = true;
	PG_TRY();
	{
		if (evaluation->owned)
			retention_identity_become_owner(&saved, linitial_oid(dial->relids));
		evaluation->value = ExecEvalExprSwitchContext(evaluation->state, dial->econtext,
													  &evaluation->isnull);
		if (evaluation->owned)
			retention_identity_restore(&saved);
	}
	PG_FINALLY();
	{
		dial->busy = false;
	}
	PG_END_TRY();
}

RetentionReading
retention_dial_read(RetentionDial *dial, TupleTableSlot *slot, TimestampTz *time)
{
	Evaluation	evaluation = {dial, slot, dial->state, OidIsValid(dial->owned)};

	if (dial->column > 0)
		evaluation.value = slot_getattr(slot, dial->column, &evaluation.isnull);
	else if (dial->busy)
		return RETENTION_READ_NOT;	/* a user's function writes such rows
									 * itself */
	else if (dial->safe)
		evaluate(&evaluation);
	else if (retention_attempt_run(evaluate, &evaluation) != NULL)
		return RETENTION_READ_NOT;
	if (evaluation.isnull)
		return RETENTION_READ_NULL;
	*time = as_time(dial, evaluation.value);
	return RETENTION_READ_TIME;
}

static TimestampTz
bound(const RetentionDial *dial, TimestampTz now)
{
	if (TIMESTAMP_NOT_FINITE(dial->greatest))
		return dial->greatest;
	if (dial->exact)
		return dial->greatest + (now - dial->computed_for);
	/* Days and months differ: a day more than has passed. */
	if (now > dial->computed_for)
		return dial->greatest + (now - dial->computed_for) + USECS_PER_DAY;
	return dial->greatest;
}

/* No calendar makes it end earlier. */
static int64
shortest(const Interval *period)
{
	return period->month * 28 * USECS_PER_DAY + period->day * 23 * USECS_PER_HOUR +
		period->time;
}

bool
retention_dial_may_be_due(RetentionDial *dial, TupleTableSlot *slot,
						  TimestampTz time, TimestampTz now)
{
	Evaluation	evaluation = {dial, slot, dial->own_state, true};

	if (time <= bound(dial, now))
		return true;
	if (dial->own_state == NULL || time > now)
		return false;
	if (dial->own_column > 0)
		evaluation.value = slot_getattr(slot, dial->own_column, &evaluation.isnull);
	else if (dial->busy || retention_attempt_run(evaluate, &evaluation) != NULL)
		return true;
	return !evaluation.isnull &&
		time + shortest(DatumGetIntervalP(evaluation.value)) <= now;
}

/* Leaves to passes what is due by now; the dials outlive the transaction's end. */
static void
record(void)
{
	TimestampTz now = GetCurrentTimestamp();
	List	   *relids = NIL;
	ListCell   *lc;
	ListCell   *lr;

	foreach(lc, noted)
	{
		RetentionDial *dial = (RetentionDial *) lfirst(lc);

		if (dial->late || dial->least <= bound(dial, now))
			relids = list_concat_unique_oid(relids, dial->relids);
	}
	foreach(lr, relids)
	{
		Oid			relid = lfirst_oid(lr);
		TimestampTz least = DT_NOEND;

		foreach(lc, noted)
		{
			RetentionDial *dial = (RetentionDial *) lfirst(lc);

			if (list_member_oid(dial->relids, relid))
				least = Min(least, dial->least);
		}
		retention_late_write_append(relid, least);
	}
}

static void
clear_notes(void)
{
	ListCell   *lc;

	foreach(lc, noted)
	{
		RetentionDial *dial = (RetentionDial *) lfirst(lc);

		dial->noted = dial->late = false;
		dial->least = DT_NOEND;
	}
	noted = NIL;
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (noted == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			record();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			clear_notes();
			break;
		default:
			break;
	}
}

void
retention_dial_note(RetentionDial *dial, TimestampTz time, bool late)
{
	static bool registered = false;

	dial->late |= late;
	if (time >= dial->least)
		return;
	dial->least = time;
	if (dial->noted)
		return;
	if (!registered)
	{
		RegisterXactCallback(transaction_ends, NULL);
		registered = true;
	}
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

		noted = lappend(noted, dial);
		MemoryContextSwitchTo(old);
	}
	dial->noted = true;
}
