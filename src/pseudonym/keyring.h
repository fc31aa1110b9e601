/*
 * keyring.h
 *		The keys that this process uses, for as long as it uses them.
 *
 * Invariant: key material is never in a Datum, a setting, a message or a log,
 * and a process holds none beyond the end of a transaction.
 */
#ifndef RETENTION_KEYRING_H
#define RETENTION_KEYRING_H

#include "postgres.h"

/* Is there a usable current epoch?  If not, *problem and *hint say why. */
extern bool retention_keyring_ready(char **problem, char **hint);

/*
 * HMAC-SHA-256 of data under the current epoch's key for the domain (HKDF), or
 * under the mark key.  ERROR if there is no key.
 */
extern void retention_keyring_hmac(const char *domain,
								   const void *data, size_t length,
								   uint8 result[32]);
extern void retention_keyring_mark_hmac(const void *data, size_t length,
										uint8 result[32]);

/* Forgets all keys, as each end of a transaction does. Raises no error. */
extern void retention_keyring_wipe(void);

#endif							/* RETENTION_KEYRING_H */
