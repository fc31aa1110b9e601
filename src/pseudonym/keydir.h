/*
 * keydir.h
 *		The directory of the keys: whose it is, and which files are in it.
 *
 * Invariant: no key is read from, or written to, a directory that others than
 * the server's user can read, or that a base backup takes along.
 *
 * Nothing here raises an error, so that whoever holds the directory open need
 * not guard it: what is wrong comes back as a RetentionKeyProblem.
 */
#ifndef RETENTION_KEYDIR_H
#define RETENTION_KEYDIR_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define RETENTION_KEY_MARK 0	/* the mark key, in place of an epoch */
#define RETENTION_KEY_LEDGER (-1)	/* the key that signs checkpoints,
									 * likewise */
#define RETENTION_KEY_EPOCHS 1000	/* so many at most */
#define RETENTION_KEY_SUFFIX "key"
#define RETENTION_NOTE_SUFFIX "destroyed"

/* What is wrong: no paths, no key material, fit for anybody's eyes. */
typedef struct RetentionKeyProblem
{
	int			code;			/* SQLSTATE */
	char		message[160];	/* lower case, without a final stop */
	const char *hint;			/* a full sentence, or NULL */
	char		log_detail[MAXPGPATH + 160];	/* for the server's log; or "" */
} RetentionKeyProblem;

typedef struct RetentionKeyEpoch
{
	int			epoch;
	bool		present;		/* there is a key */
	bool		destroyed;		/* there is a note of its destruction */
	TimestampTz created_at;		/* DT_NOBEGIN = not known, or unusable */
	TimestampTz destroyed_at;	/* DT_NOBEGIN = not, or not known */
	TimestampTz destroy_on;		/* DT_NOEND = no date */
} RetentionKeyEpoch;

typedef struct RetentionKeyList
{
	bool		has_mark;
	int			count;
	RetentionKeyEpoch epochs[RETENTION_KEY_EPOCHS]; /* by number */
} RetentionKeyList;

/* Fills in the problem; always false. */
extern bool retention_keydir_fail(RetentionKeyProblem *problem, int code,
								  const char *hint, const char *format,...) pg_attribute_printf(4, 5);

/* The same for a system call; errno and the directory go to the log only. */
extern bool retention_keydir_fail_system(RetentionKeyProblem *problem,
										 const char *what, const char *name);

/*
 * Opens privacy_retention.key_directory and proves that it is outside the data
 * directory and nobody's but the server's user's. Returns a descriptor, which
 * the caller closes with close(), or -1 and the problem; the code is
 * ERRCODE_UNDEFINED_FILE where the directory does not exist yet.
 *
 * for_change: creates the directory where only its last name is missing, and
 * waits until no other process changes it.
 */
extern int	retention_keydir_open(bool for_change, RetentionKeyProblem *problem);

/* The epochs whose files are there, by their names: without any times. */
extern bool retention_keydir_list(int directory, RetentionKeyList *list,
								  RetentionKeyProblem *problem);

/* The epoch's place in a list, a new one if need be; NULL: the list is full. */
extern RetentionKeyEpoch *retention_keydir_find_or_add(RetentionKeyList *list,
													   int epoch);

/*
 * A key file, or the directory itself, to the disk, also with fsync = off: that is
 * meant for data that can be had again, and a key that is destroyed must not come back
 * with a crash.  False with errno: EINVAL where a file system cannot for directories.
 */
extern bool retention_keydir_sync(int fd);

extern void retention_keydir_file_name(char name[64], int epoch,
									   const char *suffix);

#endif							/* RETENTION_KEYDIR_H */
