/*
 * value.h
 *		Reads values of the ledger as the server writes them into a dump.
 *
 * Invariant: a value has one text, the one that the server writes: any other would
 * be another value that has the same hash.
 */
#ifndef VALUE_H
#define VALUE_H

#include "evidence/entry.h"

/* Texts end with a zero byte.  False: the server writes no such value. */
extern bool value_read_number(const char *text, int64_t *number);
extern bool value_read_hash(const char *text, size_t length, uint8_t hash[RETENTION_DIGEST_LENGTH]);

/* NULL is null.  The value points into the text, which bytes are decoded into. */
extern bool value_read(RetentionFieldValue *value, RetentionFieldKind kind, char *text, size_t length);

#endif							/* VALUE_H */
