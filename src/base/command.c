/*
 * command.c
 *		What event triggers remember of a command, from its start to its end.
 *
 * Invariant: nothing is remembered beyond the transaction, and nothing of one
 * command is ever told to another.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/event_trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "base/command.h"

typedef struct Remembered
{
	int			level;			/* of the (sub)transaction */
	const Node *command;
	const char *who;
	void	   *what;
} Remembered;

static List *remembered = NIL;
static MemoryContext context = NULL;

/* The transaction has ended, and with it its memory. */
static void
drop_all(void *arg)
{
	remembered = NIL;
	context = NULL;
}

/* A command that has failed must not leave its address to another. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		foreach(cell, remembered)
	{
		if (((Remembered *) lfirst(cell))->level >= GetCurrentTransactionNestLevel())
			remembered = foreach_delete_current(remembered, cell);
	}
}

Node *
retention_command_of(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by event trigger manager")));
	if (IsBinaryUpgrade)
		return NULL;
	return ((EventTriggerData *) fcinfo->context)->parsetree;
}

MemoryContext
retention_command_context(void)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	if (context == NULL)
	{
		MemoryContextCallback *callback;

		context = AllocSetContextCreate(TopTransactionContext, "privacy_retention commands",
										ALLOCSET_SMALL_SIZES);
		callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
		callback->func = drop_all;
		MemoryContextRegisterResetCallback(context, callback);
	}
	return context;
}

void *
retention_command_remember(const Node *command, const char *who, Size size)
{
	MemoryContext caller = MemoryContextSwitchTo(retention_command_context());
	Remembered *entry;

	entry = palloc(sizeof(Remembered));
	entry->level = GetCurrentTransactionNestLevel();
	entry->command = command;
	entry->who = who;
	entry->what = palloc0(size);
	remembered = lappend(remembered, entry);
	MemoryContextSwitchTo(caller);
	return entry->what;
}

void *
retention_command_recall(const Node *command, const char *who)
{
	ListCell   *cell;

	foreach(cell, remembered)
	{
		Remembered *entry = lfirst(cell);

		if (entry->command == command && strcmp(entry->who, who) == 0)
		{
			remembered = foreach_delete_current(remembered, cell);
			return entry->what;
		}
	}
	return NULL;
}
