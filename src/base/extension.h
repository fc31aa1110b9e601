/*
 * extension.h
 *		The extension itself: is it there, and does it stay?
 *
 * Invariant: whoever works over several transactions holds the lock that DROP
 * EXTENSION takes before all others, so that neither waits for the other with
 * locks half taken.
 */
#ifndef RETENTION_EXTENSION_H
#define RETENTION_EXTENSION_H

#include "postgres.h"

#define RETENTION_EXTENSION_NAME "privacy_retention"
/* The version of the library: default_version in the control file. */
#define RETENTION_EXTENSION_VERSION "1.1"

/*
 * Locks the extension against DROP EXTENSION across transactions, without waiting.
 * False if it is not there, or if somebody drops it (*busy).  After true the caller
 * unlocks it, or ends its session; a transaction that is rolled back unlocks it, too.
 */
extern bool retention_extension_lock(bool *busy);

/* The same for a CALL.  ERROR instead of false: "nothing is enforced", or what is given. */
extern void retention_extension_require(const char *done);

/* Does nothing where it is not locked (any more). */
extern void retention_extension_unlock(void);

/*
 * Unlocks it as often as it is locked: for a session that waits for something outside
 * the server.  It may be gone, or another, afterwards.
 */
extern void retention_extension_release(void);

/*
 * Locks the extension as DROP EXTENSION will, until the transaction ends, and so
 * waits for whoever has it locked.
 */
extern void retention_extension_lock_exclusively(void);

#endif							/* RETENTION_EXTENSION_H */
