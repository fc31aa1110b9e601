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

#include "fmgr.h"

#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "guard/statement.h"
#include "sentry/clock.h"
#include "sentry/clock_guard.h"
#include "sentry/late.h"
#include "sentry/orders.h"
#include "sentry/sentry.h"

PG_FUNCTION_INFO_V1(retention_guard_fire_sql);

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

/* The trigger function retention.guard(). */
Datum
retention_guard_fire_sql(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function retention.guard() was not called as a trigger")));
	return PointerGetDatum(retention_sentry_answer((TriggerData *) fcinfo->context));
}

void
retention_sentry_post(Oid relid)
{
	retention_guard_raise(relid);
	retention_clock_guard_settle(relid, true);
}

void
retention_sentry_relieve(Oid relid)
{
	retention_guard_remove(relid);
	retention_clock_guard_settle(relid, false);
}
