/*
 * entry.h
 *		An entry of the ledger, and its hash.
 *
 * Invariant: plain C, without the server's headers.  The hash depends on what the
 * entry says and on nothing else: on no setting, no OID, no encoding of the
 * database, no byte order of the machine.
 */
#ifndef RETENTION_ENTRY_H
#define RETENTION_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/digest.h"

typedef enum RetentionFieldKind
{
	RETENTION_FIELD_NUMBER,
	RETENTION_FIELD_INSTANT,	/* us since 1970 UTC; INT64_MIN, INT64_MAX =
								 * infinities */
	RETENTION_FIELD_DURATION,	/* us */
	RETENTION_FIELD_TEXT,		/* UTF-8 */
	RETENTION_FIELD_BYTES
} RetentionFieldKind;

/* The columns that are hashed, in this order. */
typedef enum RetentionEntryColumn
{
	RETENTION_ENTRY_ID,
	RETENTION_ENTRY_RECORDED_AT,
	RETENTION_ENTRY_EVENT,
	RETENTION_ENTRY_RELATION,
	RETENTION_ENTRY_COLUMN_NAME,
	RETENTION_ENTRY_CATEGORY,
	RETENTION_ENTRY_ACTION,
	RETENTION_ENTRY_POLICY_DIGEST,
	RETENTION_ENTRY_CUTOFF,
	RETENTION_ENTRY_ROWS,
	RETENTION_ENTRY_LATENESS,
	RETENTION_ENTRY_ERASURE_LEVEL,
	RETENTION_ENTRY_DETAIL,
	RETENTION_ENTRY_COLUMNS
} RetentionEntryColumn;

extern const struct RetentionEntryField
{
	const char *name;
	RetentionFieldKind kind;
}			retention_entry_fields[RETENTION_ENTRY_COLUMNS];

typedef struct RetentionFieldValue
{
	bool		null;
	int64_t		number;			/* numbers, instants, durations */
	const char *data;			/* text and bytes; not terminated */
	size_t		length;
} RetentionFieldValue;

typedef struct RetentionEntry
{
	int64_t		seq;
	RetentionFieldValue values[RETENTION_ENTRY_COLUMNS];
} RetentionEntry;

/* The event of entries that were shortened, and of the entry that says so. */
#define RETENTION_EVENT_SHORTENED "shortened"
#define RETENTION_EVENT_SHORTEN "shorten"

/* SHA-256 of prev_hash and the entry's bytes. */
extern void retention_entry_hash(const RetentionEntry *entry,
								 const uint8_t prev_hash[RETENTION_DIGEST_LENGTH],
								 uint8_t hash[RETENTION_DIGEST_LENGTH]);

/* Is this its event? */
extern bool retention_entry_is(const RetentionEntry *entry, const char *event);

/* Nothing is left of it but id, recorded_at and an event that says so. */
extern bool retention_entry_is_shortened(const RetentionEntry *entry);

#endif							/* RETENTION_ENTRY_H */
