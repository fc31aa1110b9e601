/*
 * command.h
 *		What event triggers remember of a command, from its start to its end.
 *
 * Invariant: nothing is remembered beyond the transaction, and nothing of one
 * command is ever told to another.
 */
#ifndef RETENTION_COMMAND_H
#define RETENTION_COMMAND_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * The command that an event trigger of ours was called for; NULL while
 * pg_upgrade rebuilds the catalogs, where nothing is asked of anybody.  ERROR
 * when the function was not called as an event trigger.
 */
extern Node *retention_command_of(FunctionCallInfo fcinfo);

/*
 * Zeroed memory in which the room "who" remembers the command; what points out
 * of it belongs into *memory.  It lasts until it is recalled, or the transaction
 * ends.
 */
extern void *retention_command_remember(const Node *command, const char *who,
										Size size, MemoryContext *memory);

/*
 * What was remembered, once; NULL if nothing.  From now on it lives in the current
 * memory context.
 */
extern void *retention_command_recall(const Node *command, const char *who);

#endif							/* RETENTION_COMMAND_H */
