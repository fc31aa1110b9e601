/*
 * keys.h
 *		What a visit, or a CALL, does about the keys of pseudonyms.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored.
 * Nobody waits for a vault but who asked for it.
 *
 * In three steps, because keys may be a program's, which takes its time: look and
 * record are each in a transaction with an active snapshot, which has the extension
 * locked and commits next; tend, between them, has no snapshot and no lock.
 */
#ifndef RETENTION_KEYS_H
#define RETENTION_KEYS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "pseudonym/keydir.h"

typedef struct RetentionKeysCare
{
	TimestampTz now;			/* as of which keys are destroyed: the
								 * caller's */
	bool		wanted;			/* is there anything to tend? */
	int64		ahead;			/* by so much the clock may have jumped ahead */
	TimestampTz next;			/* the next date, DT_NOEND = none */
	RetentionKeyList list;		/* the keys as they were left */
} RetentionKeysCare;

/* Are there keys, and what time is it for them? */
extern void retention_keys_look(RetentionKeysCare *care);

/* Destroys the keys whose date has come. */
extern void retention_keys_tend(RetentionKeysCare *care);

/* Records in the ledger what is not in it. */
extern void retention_keys_record(RetentionKeysCare *care);

#endif							/* RETENTION_KEYS_H */
