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
	MemoryContext memory;		/* of it all */
	void	   *what;
} Remembered;

/* In the transaction's memory. */
static List *remembered = NIL;

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		remembered = NIL;
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
		Remembered *entry = lfirst(cell);

		if (entry->level < GetCurrentTransactionNestLevel())
			continue;
		remembered = foreach_delete_current(remembered, cell);
		MemoryContextDelete(entry->memory);
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

void *
retention_command_remember(const Node *command, const char *who, Size size,
						   MemoryContext *memory)
{
	static bool registered = false;
	MemoryContext caller;
	Remembered *entry;

	if (!registered)
	{
		RegisterXactCallback(transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	*memory = AllocSetContextCreate(TopTransactionContext, "privacy_retention command",
									ALLOCSET_SMALL_SIZES);
	entry = MemoryContextAlloc(*memory, sizeof(Remembered));
	entry->level = GetCurrentTransactionNestLevel();
	entry->command = command;
	entry->who = who;
	entry->memory = *memory;
	entry->what = MemoryContextAllocZero(*memory, size);
	caller = MemoryContextSwitchTo(TopTransactionContext);
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
			MemoryContextSetParent(entry->memory, CurrentMemoryContext);
			return entry->what;
		}
	}
	return NULL;
}
