/*
 * clock.c
 *		Clocks that have passed: nobody but the officer moves them later.
 *
 * Invariant: what has ended stays ended, and what is due stays due, whatever an
 * application writes; activity may renew a clock by which nothing is due.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "evidence/ledger.h"
#include "policy/start.h"
#include "sentry/clock.h"
#include "sentry/judgement.h"

/*
 * Clocks of clients go a little ahead of the server's; a date is its whole day,
 * in whatever zone the client lives.
 */
#define AHEAD USECS_PER_MINUTE
#define AHEAD_DATE USECS_PER_DAY

/* One UPDATE of one row. */
typedef struct Moving
{
	RetentionOrders *orders;
	TriggerData *trigger;
	Bitmapset  *changed;
	RetentionVerdict *old;		/* of the row before; NULL = not asked for */
	bool		asked;
} Moving;

/* Tables of which this transaction's ledger entry is written; in its memory. */
static List *testified = NIL;

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		testified = NIL;
}

/* The entry may be gone with it: rather one more than none. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		testified = NIL;
}

static void
testify(Oid relid)
{
	static bool registered = false;
	MemoryContext old;

	if (list_member_oid(testified, relid))
		return;
	if (!registered)
	{
		RegisterXactCallback(transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	retention_ledger_tell("clock", retention_start_relation_name(relid), -1,
						  "a starting point that had passed was moved later");
	old = MemoryContextSwitchTo(TopTransactionContext);
	testified = lappend_oid(testified, relid);
	MemoryContextSwitchTo(old);
}

/* What only the officer may do. */
static void
forbid(const Moving *moving, const char *detail)
{
	Oid			relid = moving->orders->labelled;

	if (retention_identity_is_officer(GetUserId()))
	{
		testify(relid);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a starting point in table %s has passed and cannot be moved later",
					retention_start_relation_name(relid)),
			 errdetail("%s", detail),
			 errhint("Only the data protection officer may do that: a superuser, or a member of the role that privacy_retention.officer_role names."),
			 errtable(moving->trigger->tg_relation)));
}

/* The verdict of one rule over the row as it was; NULL = it cannot be judged. */
static const RetentionVerdict *
verdict_before(Moving *moving, int number)
{
	if (!moving->asked)
		moving->old = retention_judgement_row(moving->orders, moving->trigger->tg_relation,
											  moving->trigger->tg_trigtuple,
											  RETENTION_ASK_CLOCKS);
	moving->asked = true;
	return moving->old ? &moving->old[number] : NULL;
}

/* Is a row due, and not done, by the clock as it was? */
static bool
something_is_due(Moving *moving, int dial)
{
	int			number = 0;
	ListCell   *lc;

	foreach(lc, moving->orders->rules)
	{
		RetentionOrderRule *order = (RetentionOrderRule *) lfirst(lc);
		const RetentionVerdict *verdict;

		if (order->dial == dial || order->fallback == dial)
		{
			verdict = verdict_before(moving, number);
			if (verdict != NULL && (order->dial == dial ? verdict->pending : verdict->here))
				return true;
		}
		number++;
	}
	foreach(lc, moving->orders->dependents)
	{
		RetentionOrderDependent *dependent = (RetentionOrderDependent *) lfirst(lc);

		if (dependent->dial == dial &&
			retention_judgement_dependent(moving->orders, dependent,
										  moving->trigger->tg_relation,
										  moving->trigger->tg_trigtuple))
			return true;
	}
	return false;
}

static bool
is_future(const RetentionDial *dial, TimestampTz time)
{
	return time > GetCurrentTimestamp() +
		(dial->type == DATEOID ? AHEAD_DATE : AHEAD);
}

static void
check_dial(Moving *moving, RetentionDial *dial, int number)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz before;
	TimestampTz after = DT_NOEND;
	RetentionReading reading;

	if (retention_dial_read(dial, moving->trigger->tg_trigslot, &before) != RETENTION_READ_TIME ||
		before > now || before < dial->earliest)
		return;
	reading = retention_dial_read(dial, moving->trigger->tg_newslot, &after);
	if (reading == RETENTION_READ_NULL)
		forbid(moving, "It would become null: what has ended would not have ended.");
	else if (reading == RETENTION_READ_NOT)
		return;
	else if (after < dial->earliest)
		forbid(moving, "It would become implausible: before privacy_retention.earliest.");
	else if (is_future(dial, after))
		forbid(moving, "It would lie in the future: what has ended would not have ended.");
	else if (after > before &&
			 (dial->elsewhere ||
			  retention_dial_may_be_due(dial, moving->trigger->tg_trigslot, before, now)) &&
			 something_is_due(moving, number))
		forbid(moving, "By the present one a row is due already.");
}

/* A row that is due would get its clock from elsewhere. */
static void
check_ways(Moving *moving)
{
	RetentionVerdict *after = NULL;
	bool		asked = false;
	int			number = 0;
	ListCell   *lc;

	foreach(lc, moving->orders->rules)
	{
		RetentionOrderRule *order = (RetentionOrderRule *) lfirst(lc);
		const RetentionVerdict *before;

		if (bms_overlap(order->ways, moving->changed) &&
			(before = verdict_before(moving, number)) != NULL && before->pending)
		{
			if (!asked)
				after = retention_judgement_row(moving->orders, moving->trigger->tg_relation,
												moving->trigger->tg_newtuple,
												RETENTION_ASK_CLOCKS);
			asked = true;
			if (after != NULL && !after[number].past)
				forbid(moving, "The row is due, and would get a starting point from another row by which it is not.");
		}
		number++;
	}
	foreach(lc, moving->orders->dependents)
	{
		RetentionOrderDependent *dependent = (RetentionOrderDependent *) lfirst(lc);

		if (bms_overlap(dependent->ways, moving->changed) &&
			retention_judgement_dependent(moving->orders, dependent,
										  moving->trigger->tg_relation,
										  moving->trigger->tg_trigtuple))
			forbid(moving, "A row is due that would get its starting point from another row.");
	}
}

/* A parent's clock that makes rows due which passes may have seen already. */
static void
note_dependents(Moving *moving, RetentionDial *dial)
{
	TimestampTz time;

	switch (retention_dial_read(dial, moving->trigger->tg_newslot, &time))
	{
		case RETENTION_READ_TIME:
			if (time >= dial->earliest)
				retention_dial_note(dial, time, false);
			break;
		case RETENTION_READ_NOT:
			retention_dial_note(dial, DT_NOBEGIN, true);
			break;
		case RETENTION_READ_NULL:
			break;
	}
}

void
retention_clock_check(RetentionOrders *orders, TriggerData *trigger,
					  Bitmapset *changed)
{
	Moving		moving = {orders, trigger, changed, NULL, false};
	bool		judged = IsLogicalWorker(); /* by the publisher */
	int			number = 0;
	ListCell   *lc;

	foreach(lc, orders->dials)
	{
		RetentionDial *dial = (RetentionDial *) lfirst(lc);

		if (bms_overlap(dial->columns, changed))
		{
			if (!judged)
				check_dial(&moving, dial, number);
			if (orders->parent)
				note_dependents(&moving, dial);
		}
		number++;
	}
	if (!judged)
		check_ways(&moving);
}
