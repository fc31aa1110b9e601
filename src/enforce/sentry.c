/*
 * sentry.c
 *		What the guards do when they fire: which rooms are asked, in turn.
 *
 * Invariant: a row that no room has anything to say about passes unchanged.
 */
#include "postgres.h"

#include "enforce/guard.h"
#include "enforce/hold_guard.h"
#include "enforce/sentry.h"

/* The new row, or another in its place. */
static HeapTuple
answer_insert(TriggerData *trigger)
{
	return trigger->tg_trigtuple;
}

static HeapTuple
answer_update(TriggerData *trigger)
{
	return trigger->tg_newtuple;
}

static HeapTuple
answer_delete(TriggerData *trigger)
{
	return trigger->tg_trigtuple;
}

/*
 * The engine's own TRUNCATE passes by its permit: it has asked by itself, under
 * its lock.
 */
static void
answer_truncate(TriggerData *trigger)
{
	if (!retention_guard_permitted())
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
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return answer_insert(trigger);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return answer_update(trigger);
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return answer_delete(trigger);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		answer_truncate(trigger);
	return NULL;
}
