/*
 * keyfile.h
 *		Key files: one key each, in the directory of the keys.
 *
 * Invariant: a number is given to one epoch only, ever; a key that was
 * destroyed leaves a file without a key that says so. A key file is complete
 * and on disk before it has its name.
 *
 * "directory" is a descriptor of retention_keydir_open(). As there, nothing
 * here raises an error.
 */
#ifndef RETENTION_KEYFILE_H
#define RETENTION_KEYFILE_H

#include "postgres.h"

#include "pseudonym/keydir.h"

#define RETENTION_KEY_LENGTH 32

/* Times of keys are told in microseconds since 1970 outside the server. */
#define RETENTION_UNIX_TO_POSTGRES_US (INT64CONST(946684800) * USECS_PER_SEC)

/*
 * Reads and checks one key, with the time of its creation and the date of its
 * destruction (DT_NOEND = none); key NULL: only those are wanted.
 */
extern bool retention_keyfile_read(int directory, int epoch,
								   uint8 *key, TimestampTz *created_at,
								   TimestampTz *destroy_on,
								   RetentionKeyProblem *problem);

/* When the key was destroyed; false if there is no such note. */
extern bool retention_keyfile_destroyed_at(int directory, int epoch,
										   TimestampTz *when);

/* Makes a random key. It is on disk when this returns true. Opened for change. */
extern bool retention_keyfile_create(int directory, int epoch, TimestampTz when,
									 TimestampTz destroy_on,
									 RetentionKeyProblem *problem);

/*
 * Notes the destruction of a key, overwrites it and removes it, all on disk when
 * this returns true. Can be repeated where it failed midway. Opened for change.
 */
extern bool retention_keyfile_destroy(int directory, int epoch, TimestampTz when,
									  RetentionKeyProblem *problem);

#endif							/* RETENTION_KEYFILE_H */
