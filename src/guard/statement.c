/*
 * statement.c
 *		Which statement is the engine's own, while users' code runs around it.
 *
 * Already to plan a statement the server runs users' code, so it is not ours before
 * the executor starts it.  From then on it has a command number of its own: all
 * that is executed inside has a later one.
 *
 * Invariant: what a user's function, trigger or index expression executes inside a
 * statement of the engine, or while that is being planned, is not the engine's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/plancache.h"
#include "utils/reltrigger.h"
#include "utils/snapmgr.h"

#include "guard/hold_guard.h"
#include "guard/statement.h"

/* By its address: nobody else executes that copy of the text. */
static const char *expected = NULL;
static CommandId command = InvalidCommandId;
static int	level = 0;			/* of the transaction that expects it */

static ExecutorStart_hook_type next_start = NULL;

/*
 * Our DELETE has asked for held rows in its conditions. To ask its trigger again for
 * each row, only to hear that it lets us pass, costs a third of a batch; so the
 * executor's own copy of the table's triggers goes without it.
 */
static void
spare_hold_guard(TriggerDesc *triggers)
{
	bool		others = false;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW,
								  TRIGGER_TYPE_AFTER, TRIGGER_TYPE_DELETE))
			continue;
		if (strcmp(trigger->tgname, RETENTION_HOLD_GUARD_NAME) == 0)
			trigger->tgenabled = TRIGGER_DISABLED;
		else
			others = true;
	}
	triggers->trig_delete_after_row = others;
}

static void
start(QueryDesc *query, int eflags)
{
	bool		ours = expected != NULL && query->sourceText == expected;
	ListCell   *lc;

	if (ours)
	{
		expected = NULL;
		command = query->snapshot->curcid;
	}
	if (next_start)
		next_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (!ours || query->operation != CMD_DELETE)
		return;
	foreach(lc, query->estate->es_opened_result_relations)
	{
		ResultRelInfo *result = (ResultRelInfo *) lfirst(lc);

		if (result->ri_TrigDesc != NULL)
			spare_hold_guard(result->ri_TrigDesc);
	}
}

static void
xact_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		retention_statement_done();
}

static void
subxact_ended(SubXactEvent event, SubTransactionId mine,
			  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && level >= GetCurrentTransactionNestLevel())
		retention_statement_done();
}

void
retention_statement_expect_text(const char *text)
{
	static bool registered = false;

	/* Only here: backends that run no pass have no hook. */
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		RegisterSubXactCallback(subxact_ended, NULL);
		next_start = ExecutorStart_hook;
		ExecutorStart_hook = start;
		registered = true;
	}
	expected = text;
	command = InvalidCommandId;
	level = GetCurrentTransactionNestLevel();
}

void
retention_statement_expect_plan(SPIPlanPtr plan)
{
	CachedPlanSource *source = (CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan));

	retention_statement_expect_text(source->query_string);
}

void
retention_statement_done(void)
{
	expected = NULL;
	command = InvalidCommandId;
	level = 0;
}

bool
retention_statement_is_ours(void)
{
	return command != InvalidCommandId && ActiveSnapshotSet() &&
		GetActiveSnapshot()->curcid == command;
}
