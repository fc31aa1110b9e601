/*
 * judgement.c
 *		A row that is being written, judged by the conditions of the engine.
 *
 * Invariant: the conditions and actions are those of due.h and action.h, as of
 * the start of the transaction; what fails in a user's expression fails here
 * alone, never the statement that writes the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "due/due.h"
#include "policy/action.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "pseudonym/token.h"
#include "sentry/judgement.h"

#define QUESTIONS 2

/* Kept with the orders, made when the first row has to be judged. */
typedef struct RetentionJudgement
{
	MemoryContextCallback callback;
	List	   *rules;			/* compiled, of the labelled table */
	TupleDesc	desc;			/* its rows */
	TupleConversionMap *map;	/* to them; NULL = only the type differs */
	TupleTableSlot *slot;		/* for generated columns; NULL = there are
								 * none */
	ExprState **generated;		/* by column; NULL = it is not generated */
	ExprContext *econtext;
	SPIPlanPtr	plans[QUESTIONS];
	TimestampTz as_of[QUESTIONS];
} RetentionJudgement;

static void
free_plans(void *arg)
{
	RetentionJudgement *judgement = (RetentionJudgement *) arg;

	for (int i = 0; i < QUESTIONS; i++)
		if (judgement->plans[i] != NULL)
			SPI_freeplan(judgement->plans[i]);
}

static void
prepare_generated(RetentionJudgement *judgement, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attgenerated || TupleDescAttr(desc, i)->attisdropped)
			continue;
		if (judgement->slot == NULL)
		{
			judgement->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc),
													   &TTSOpsHeapTuple);
			judgement->generated = palloc0(sizeof(ExprState *) * desc->natts);
			judgement->econtext = CreateStandaloneExprContext();
		}
		judgement->generated[i] = ExecInitExpr(expression_planner((Expr *) build_column_default(rel, i + 1)),
											   NULL);
	}
}

static RetentionJudgement *
get_judgement(RetentionOrders *orders, Relation rel)
{
	RetentionJudgement *judgement = orders->judgement;
	MemoryContext old;
	Relation	labelled;

	if (judgement != NULL)
		return judgement;
	old = MemoryContextSwitchTo(orders->context);
	judgement = palloc0(sizeof(RetentionJudgement));
	judgement->rules = retention_rule_compile(orders->labelled);
	labelled = table_open(orders->labelled, AccessShareLock);
	judgement->desc = CreateTupleDescCopy(RelationGetDescr(labelled));
	table_close(labelled, NoLock);
	if (orders->relid != orders->labelled)
		judgement->map = convert_tuples_by_name(CreateTupleDescCopy(RelationGetDescr(rel)),
												judgement->desc);
	prepare_generated(judgement, rel);
	judgement->callback.func = free_plans;
	judgement->callback.arg = judgement;
	MemoryContextRegisterResetCallback(orders->context, &judgement->callback);
	orders->judgement = judgement;
	MemoryContextSwitchTo(old);
	return judgement;
}

static RetentionRule *
find_rule(List *rules, AttrNumber attnum, int stage)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->attnum == attnum && rule->stage == stage && rule->valid && rule->action)
			return rule;
	}
	elog(ERROR, "a rule is not what it was when its orders were drafted");
}

/* Four columns a rule: past, pending, here, value. */
static void
append_rule(StringInfo sql, const RetentionOrderRule *order, List *rules,
			RetentionQuestion question, TimestampTz as_of)
{
	RetentionRule *rule;
	RetentionDue *due;
	char	   *past;
	char	   *pending;

	if (question == RETENTION_ASK_VALUES && order->dial < 0)
	{
		appendStringInfoString(sql, "false, false, false, NULL");
		return;
	}
	rule = find_rule(rules, order->attnum, order->stage);
	due = retention_due_build_for_row(rule, rules, as_of);
	past = retention_due_condition(due->arms);
	pending = psprintf("(%s) AND %s AND %s", past, due->applies, due->pending);
	appendStringInfo(sql, "(%s) IS TRUE, (%s) IS TRUE, ", past, pending);
	/* That clock is the last of the paths. */
	if (question == RETENTION_ASK_CLOCKS && order->fallback >= 0)
		appendStringInfo(sql, "((%s) AND %s AND %s) IS TRUE, ",
						 retention_due_condition(list_make1(llast(due->arms))),
						 due->applies, due->pending);
	else
		appendStringInfoString(sql, "false, ");
	if (question == RETENTION_ASK_CLOCKS || order->attnum == 0)
		appendStringInfoString(sql, "NULL");
	else
		appendStringInfo(sql, "CASE WHEN (%s) THEN %s END", pending,
						 retention_action_value(rule->action, rule->relid, rule->attnum,
												rule->category,
												psprintf("t.%s", quote_identifier(rule->column_name))));
}

static SPIPlanPtr
get_plan(RetentionJudgement *judgement, RetentionOrders *orders,
		 RetentionQuestion question)
{
	TimestampTz as_of = GetCurrentTransactionStartTimestamp();
	Oid			types[] = {judgement->desc->tdtypeid};
	RetentionIdentity saved;
	StringInfoData sql;
	SPIPlanPtr	plan;
	ListCell   *lc;

	if (judgement->plans[question] != NULL && judgement->as_of[question] == as_of)
		return judgement->plans[question];
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	foreach(lc, orders->rules)
	{
		append_rule(&sql, (RetentionOrderRule *) lfirst(lc), judgement->rules, question, as_of);
		if (lnext(orders->rules, lc))
			appendStringInfoString(&sql, ", ");
	}
	appendStringInfo(&sql, " FROM pg_catalog.unnest(ARRAY[$1::%s]) AS t",
					 retention_start_relation_name(orders->labelled));

	retention_identity_become_owner(&saved, orders->labelled);
	plan = SPI_prepare(sql.data, 1, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a judgement: %s", SPI_result_code_string(SPI_result));
	retention_identity_restore(&saved);
	if (judgement->plans[question] != NULL)
		SPI_freeplan(judgement->plans[question]);
	judgement->plans[question] = plan;
	judgement->as_of[question] = as_of;
	return plan;
}

/* The row as one of the labelled table, generated columns included. */
static Datum
as_datum(RetentionJudgement *judgement, Relation rel, HeapTuple tuple)
{
	if (judgement->slot != NULL)
	{
		int			natts = RelationGetDescr(rel)->natts;
		Datum	   *values = palloc0(sizeof(Datum) * natts);
		bool	   *nulls = palloc0(sizeof(bool) * natts);
		bool	   *replaced = palloc0(sizeof(bool) * natts);

		ExecStoreHeapTuple(tuple, judgement->slot, false);
		ResetExprContext(judgement->econtext);
		judgement->econtext->ecxt_scantuple = judgement->slot;
		for (int i = 0; i < natts; i++)
			if (judgement->generated[i] != NULL)
			{
				values[i] = ExecEvalExprSwitchContext(judgement->generated[i],
													  judgement->econtext, &nulls[i]);
				replaced[i] = true;
			}
		tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replaced);
		ExecClearTuple(judgement->slot);
	}
	if (judgement->map != NULL)
		tuple = execute_attr_map_tuple(tuple, judgement->map);
	return heap_copy_tuple_as_datum(tuple, judgement->desc);
}

typedef struct Asking
{
	RetentionOrders *orders;
	Relation	rel;
	HeapTuple	tuple;
	RetentionQuestion question;
	MemoryContext context;		/* of the verdicts */
	RetentionVerdict *verdicts;
} Asking;

static Datum
result(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* Out of SPI's memory, into the verdicts'. */
static void
read_results(Asking *asking)
{
	int			column = 0;
	bool		isnull;
	ListCell   *lc;
	MemoryContext old = MemoryContextSwitchTo(asking->context);
	RetentionVerdict *verdict;

	verdict = asking->verdicts = palloc0(sizeof(RetentionVerdict) *
										 list_length(asking->orders->rules));
	foreach(lc, asking->orders->rules)
	{
		RetentionOrderRule *order = (RetentionOrderRule *) lfirst(lc);

		verdict->past = DatumGetBool(result(++column, &isnull));
		verdict->pending = DatumGetBool(result(++column, &isnull));
		verdict->here = DatumGetBool(result(++column, &isnull));
		verdict->value = result(++column, &verdict->isnull);
		verdict->has_value = verdict->pending && order->attnum != 0 &&
			asking->question == RETENTION_ASK_VALUES;
		if (verdict->has_value && !verdict->isnull)
		{
			Form_pg_attribute type = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);

			verdict->value = datumCopy(verdict->value, type->attbyval, type->attlen);
		}
		verdict++;
	}
	MemoryContextSwitchTo(old);
}

static void
ask(void *arg)
{
	Asking	   *asking = (Asking *) arg;
	RetentionOrders *orders = asking->orders;
	RetentionJudgement *judgement;
	RetentionIdentity saved;
	SPIPlanPtr	plan;
	Datum		row;
	bool		permitted;

	SPI_connect();
	judgement = get_judgement(orders, asking->rel);
	plan = get_plan(judgement, orders, asking->question);
	row = as_datum(judgement, asking->rel, asking->tuple);

	/* We may be inside a statement of the engine, which has its own permit. */
	permitted = retention_token_permitted();
	retention_identity_become_owner(&saved, orders->labelled);
	if (!permitted)
		retention_token_permit(true);
	if (SPI_execute_plan(plan, &row, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "a row could not be judged");
	if (!permitted)
		retention_token_permit(false);
	retention_identity_restore(&saved);
	read_results(asking);
	SPI_finish();
}

RetentionVerdict *
retention_judgement_row(RetentionOrders *orders, Relation rel, HeapTuple tuple,
						RetentionQuestion question)
{
	Asking		asking = {orders, rel, tuple, question, CurrentMemoryContext};

	return retention_attempt_run(ask, &asking) == NULL ? asking.verdicts : NULL;
}

typedef struct Search
{
	RetentionOrders *orders;
	const RetentionOrderDependent *dependent;
	Relation	rel;
	HeapTuple	stored;
	bool		found;
} Search;

static void
search(void *arg)
{
	Search	   *search = (Search *) arg;
	const RetentionOrderDependent *dependent = search->dependent;
	List	   *rules = retention_rule_compile(dependent->relid);
	RetentionDue *due = retention_due_build_for_row(find_rule(rules, dependent->attnum, dependent->stage),
													rules, GetCurrentTransactionStartTimestamp());
	RetentionArm *arm = (RetentionArm *) list_nth(due->arms, dependent->path);
	Oid			types[] = {OIDOID, TIDOID};
	Datum		values[] = {ObjectIdGetDatum(RelationGetRelid(search->rel)),
	PointerGetDatum(&search->stored->t_self)};
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_owner(&saved, dependent->relid);
	if (SPI_execute_with_args(psprintf("SELECT 1 FROM %s AS t, %s WHERE %s AND %s AND %s AND %s"
									   " AND h%d.tableoid = $1 AND h%d.ctid = $2",
									   retention_start_relation_name(dependent->relid),
									   arm->from, arm->path, arm->due, due->applies,
									   due->pending, dependent->hop + 1, dependent->hop + 1),
							  2, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "dependent rows could not be looked for");
	search->found = SPI_processed > 0;
	retention_identity_restore(&saved);
	SPI_finish();
}

bool
retention_judgement_dependent(RetentionOrders *orders,
							  const RetentionOrderDependent *dependent,
							  Relation rel, HeapTuple stored)
{
	Search		what = {orders, dependent, rel, stored, false};

	(void) retention_attempt_run(search, &what);
	return what.found;
}
