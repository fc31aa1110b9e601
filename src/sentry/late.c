/*
 * late.c
 *		Rows and values that are past their date when they are written.
 *
 * Invariant: privacy_retention.late_rows decides, by clocks in the row itself;
 * a row is never dropped silently, and what is let in is found by the next pass.
 *
 * An UPDATE is judged only where it changes something on which it depends whether
 * the value is due: what was there before is the business of passes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "guard/hold.h"
#include "policy/start.h"
#include "sentry/judgement.h"
#include "sentry/late.h"

/* The row that is being written. */
typedef struct Writing
{
	RetentionOrders *orders;
	TriggerData *trigger;
	Bitmapset  *changed;		/* NULL = everything is new */
	TupleTableSlot *slot;
	HeapTuple	tuple;
} Writing;

static bool
concerns(const Writing *writing, const RetentionOrderRule *order)
{
	return writing->changed == NULL ||
		bms_overlap(writing->changed, order->columns);
}

/* Is there a rule by the dial that is concerned, and of the kind? */
static bool
dial_concerns(const Writing *writing, int dial)
{
	ListCell   *lc;

	if (writing->changed == NULL)
		return true;
	foreach(lc, writing->orders->rules)
	{
		RetentionOrderRule *order = (RetentionOrderRule *) lfirst(lc);

		if ((order->dial == dial || order->fallback == dial) && concerns(writing, order))
			return true;
	}
	return false;
}

/* Notes the time of one dial; may something be due by it? */
static bool
note(const Writing *writing, RetentionDial *dial, TimestampTz time)
{
	bool		late;

	if (time < dial->earliest)
		return false;
	late = retention_dial_may_be_due(dial, writing->slot, time,
									 GetCurrentTransactionStartTimestamp());
	retention_dial_note(dial, time, late);
	return late;
}

/*
 * May the row be late?  What cannot be read a pass shall find, wherever it is:
 * the application does not fail for what a label says.
 */
static bool
may_be_late(const Writing *writing)
{
	bool		result = false;
	int			number = 0;
	ListCell   *lc;

	foreach(lc, writing->orders->dials)
	{
		RetentionDial *dial = (RetentionDial *) lfirst(lc);
		TimestampTz time;

		if (dial_concerns(writing, number++))
			switch (retention_dial_read(dial, writing->slot, &time))
			{
				case RETENTION_READ_TIME:
					result |= note(writing, dial, time);
					break;
				case RETENTION_READ_NOT:
					retention_dial_note(dial, DT_NOBEGIN, true);
					break;
				case RETENTION_READ_NULL:
					break;
			}
	}
	return result;
}

static void
refuse(const Writing *writing, const RetentionOrderRule *order)
{
	Relation	rel = writing->trigger->tg_relation;
	char	   *table = retention_start_relation_name(RelationGetRelid(rel));

	if (order->attnum == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a row of table %s is past its date", table),
				 errdetail("By its starting point, the period of category \"%s\" is over.",
						   order->category),
				 errhint("Do not store it. If privacy_retention.late_rows were \"transform\" or \"accept\", the next pass would delete it."),
				 errtable(rel)));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("a value of column %s.%s is past its date", table,
					quote_identifier(get_attname(RelationGetRelid(rel), order->column, false))),
			 errdetail("By the starting point of its row, the period of category \"%s\" is over.",
					   order->category),
			 errhint("Store it as the rule would leave it. If privacy_retention.late_rows were \"transform\", that would be done for you."),
			 errtablecol(rel, order->column)));
}

static HeapTuple
apply(const Writing *writing, const RetentionVerdict *verdicts)
{
	int			count = list_length(writing->orders->rules);
	int		   *columns = palloc(sizeof(int) * count);
	Datum	   *values = palloc(sizeof(Datum) * count);
	bool	   *nulls = palloc(sizeof(bool) * count);
	int			late = 0;
	ListCell   *lc;

	foreach(lc, writing->orders->rules)
	{
		RetentionOrderRule *order = (RetentionOrderRule *) lfirst(lc);
		const RetentionVerdict *verdict = verdicts++;

		if (!verdict->pending || !concerns(writing, order))
			continue;
		if (retention_settings_late_rows == RETENTION_LATE_REJECT)
			refuse(writing, order);
		if (!verdict->has_value)
			continue;			/* the row: the next pass takes it */
		columns[late] = order->column;
		values[late] = verdict->value;
		nulls[late++] = verdict->isnull;
	}
	if (late == 0)
		return writing->tuple;
	return heap_modify_tuple_by_cols(writing->tuple,
									 RelationGetDescr(writing->trigger->tg_relation),
									 late, columns, values, nulls);
}

HeapTuple
retention_late_judge(RetentionOrders *orders, TriggerData *trigger,
					 Bitmapset *changed)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	Writing		writing = {orders, trigger, changed,
		update ? trigger->tg_newslot : trigger->tg_trigslot,
	update ? trigger->tg_newtuple : trigger->tg_trigtuple};
	RetentionVerdict *verdicts;

	/* What a publisher sends has been judged there. */
	if (!may_be_late(&writing) ||
		retention_settings_late_rows == RETENTION_LATE_ACCEPT || IsLogicalWorker())
		return writing.tuple;
	/* No value of a held row is past its date. */
	if (update && retention_hold_is_suspended(trigger->tg_relation) &&
		retention_hold_of_row(trigger->tg_relation, trigger->tg_trigslot) != NIL)
		return writing.tuple;
	/* A row is let in, so there is nothing to find out. */
	if (retention_settings_late_rows == RETENTION_LATE_TRANSFORM && !orders->values)
		return writing.tuple;
	verdicts = retention_judgement_row(orders, trigger->tg_relation, writing.tuple,
									   RETENTION_ASK_VALUES);
	return verdicts ? apply(&writing, verdicts) : writing.tuple;
}
