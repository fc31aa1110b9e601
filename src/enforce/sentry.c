/*
 * sentry.c
 *		What the guards do when they fire: which rooms are asked, in turn.
 *
 * The engine's own statements pass: what they write is what its rules make of the
 * rows.  Not so what a user's function or trigger writes meanwhile.
 *
 * Invariant: a row that no room has anything to say about passes unchanged.
 */
#include "postgres.h"

#include "enforce/clock.h"
#include "enforce/guard.h"
#include "enforce/hold_guard.h"
#include "enforce/late.h"
#include "enforce/orders.h"
#include "enforce/sentry.h"
#include "enforce/statement.h"

/* The new row, or another in its place. */
static HeapTuple
answer_insert(TriggerData *trigger)
{
	RetentionOrders *orders;

	orders = retention_orders_get(trigger, false);
	if (orders->dials == NIL)
		return trigger->tg_trigtuple;
	return retention_late_judge(orders, trigger, NULL);
}

static HeapTuple
answer_update(TriggerData *trigger)
{
	RetentionOrders *orders;
	Bitmapset  *changed;

	if (retention_statement_is_ours())
		return trigger->tg_newtuple;
	orders = retention_orders_get(trigger, false);
	changed = retention_orders_changed(orders, trigger);
	if (changed == NULL)
		return trigger->tg_newtuple;
	retention_clock_check(orders, trigger, changed);
	return retention_late_judge(orders, trigger, changed);
}

/* A row in which other tables' rows have their clocks. */
static HeapTuple
answer_clock(TriggerData *trigger)
{
	RetentionOrders *orders;
	Bitmapset  *changed;

	if (retention_statement_is_ours())
		return trigger->tg_newtuple;
	orders = retention_orders_get(trigger, true);
	changed = retention_orders_changed(orders, trigger);
	if (changed != NULL)
		retention_clock_check(orders, trigger, changed);
	return trigger->tg_newtuple;
}

static HeapTuple
answer_delete(TriggerData *trigger)
{
	return trigger->tg_trigtuple;
}

/*
 * The engine's own TRUNCATE is asked, too, although it has asked by itself: a
 * user's trigger may empty other partitions on the occasion.
 */
static void
answer_truncate(TriggerData *trigger)
{
	retention_hold_guard_check_truncate(trigger->tg_relation);
}

/* The row as it has been deleted or changed, whatever other triggers made of it. */
static void
answer_after(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		retention_hold_guard_check_row(trigger);
}

HeapTuple
retention_sentry_answer(TriggerData *trigger)
{
	if (TRIGGER_FIRED_AFTER(trigger->tg_event) && TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
	{
		answer_after(trigger);
		return NULL;
	}
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		answer_truncate(trigger);

	/* Users may make others of our function, in which there is no row. */
	if (!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		return NULL;
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return answer_insert(trigger);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return strcmp(trigger->tg_trigger->tgname, RETENTION_CLOCK_GUARD_NAME) == 0 ?
			answer_clock(trigger) : answer_update(trigger);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return answer_delete(trigger);
	return NULL;
}
