/*
 * keystore.h
 *		Where keys are kept: privacy_retention.key_directory, or the vault behind
 *		privacy_retention.key_command.
 *
 * Invariant: whoever needs a key asks here and does not know which of the two it
 * is. A number is given to one epoch only, ever.
 *
 * Nothing here raises an error, so that whoever holds a store open need not guard
 * it, with one exception: while the command runs, the statement can be cancelled.
 * No store of a command holds anything that would have to be closed then.
 */
#ifndef RETENTION_KEYSTORE_H
#define RETENTION_KEYSTORE_H

#include "postgres.h"

#include "pseudonym/keydir.h"
#include "pseudonym/keyfile.h"

typedef struct RetentionKeystore
{
	int			directory;		/* a descriptor; -1 = the command */
} RetentionKeystore;

/* The key that makes new tokens, and the key of the marks. */
typedef struct RetentionCurrentKeys
{
	int			epoch;			/* 0 = none: "problem" says why */
	uint8		key[RETENTION_KEY_LENGTH];
	RetentionKeyProblem problem;
	bool		has_mark;		/* else "mark_problem" says why */
	uint8		mark[RETENTION_KEY_LENGTH];
	RetentionKeyProblem mark_problem;
} RetentionCurrentKeys;

/* Is there a setting that says where keys are? */
extern bool retention_keystore_configured(void);

/* Is it a program's answer? It takes its time, and is not asked each statement. */
extern bool retention_keystore_is_command(void);

/*
 * As retention_keydir_open(): for_change also waits until no other process
 * changes the directory. A command locks by itself. Close it afterwards.
 */
extern bool retention_keystore_open(RetentionKeystore *store, bool for_change,
									RetentionKeyProblem *problem);
extern void retention_keystore_close(RetentionKeystore *store);

/* All epochs, with their times. */
extern bool retention_keystore_list(RetentionKeystore *store,
									RetentionKeyList *list,
									RetentionKeyProblem *problem);

/* The epoch that makes new tokens; 0 = none. */
extern int	retention_keystore_current(const RetentionKeyList *list);

/* Its key and the mark key. The caller wipes "keys", also after an error. */
extern void retention_keystore_read(RetentionKeystore *store,
									RetentionCurrentKeys *keys);

/*
 * Makes the key of a new epoch, and the mark key with the first; opened for
 * change. destroy_on DT_NOEND = no date. Returns its number, 0 = the problem.
 */
extern int	retention_keystore_create(RetentionKeystore *store, TimestampTz now,
									  TimestampTz destroy_on,
									  RetentionKeyProblem *problem);

/*
 * Destroys the key of an epoch of the list; opened for change. It is gone when
 * this returns true.
 */
extern bool retention_keystore_destroy(RetentionKeystore *store, int epoch,
									   TimestampTz now,
									   RetentionKeyProblem *problem);

/* The problem as an ERROR; paths go to the log only. */
extern void retention_keystore_raise(const RetentionKeyProblem *problem);

#endif							/* RETENTION_KEYSTORE_H */
