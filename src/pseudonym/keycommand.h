/*
 * keycommand.h
 *		A vault outside the server: privacy_retention.key_command.
 *
 * Invariant: a key comes over a pipe, never in an argument, the environment or a
 * file; what the program says on stderr goes to the server's log and to no client.
 *
 * The shell starts the program, with an operation behind what the setting says, which
 * is one program and its arguments:
 *
 *		list			a line an epoch: "epoch N CREATED" or "epoch N CREATED
 *						DESTROY_ON" or "destroyed N DESTROYED"
 *		get				"mark KEY", and "epoch N KEY" of the highest epoch that has
 *						a key; nothing where there is none
 *		create			makes a key under a number never used before, and the mark
 *		create DESTROY_ON	key with the first; answers "epoch N"
 *		destroy N		for good; nothing to answer; done already is well, too
 *
 * Times are microseconds since 1970, keys 64 hexadecimal digits in lower case.
 * Exit code 0: done. It does its own locking.
 *
 * The functions fill in a problem rather than raise errors, but a cancelled
 * statement or a terminated session ends them: then the program is killed.
 */
#ifndef RETENTION_KEYCOMMAND_H
#define RETENTION_KEYCOMMAND_H

#include "postgres.h"

#include "pseudonym/keystore.h"

#define RETENTION_KEYCOMMAND_TIMEOUT 10 /* s, then it is killed */

extern bool retention_keycommand_list(RetentionKeyList *list,
									  RetentionKeyProblem *problem);

/* "keys" is zero before. */
extern void retention_keycommand_get(RetentionCurrentKeys *keys);

/* The new epoch, or 0 and the problem. */
extern int	retention_keycommand_create(TimestampTz destroy_on,
										RetentionKeyProblem *problem);
extern bool retention_keycommand_destroy(int epoch,
										 RetentionKeyProblem *problem);

#endif							/* RETENTION_KEYCOMMAND_H */
