/*
 * entry.c
 *		An entry of the ledger, and its hash.
 *
 * Invariant: the hash depends on what the entry says and on nothing else: on no
 * setting, no OID, no encoding of the database, no byte order of the machine.
 *
 *	hash  := SHA-256(prev_hash || bytes)		prev_hash of entry 1: 32 zero bytes
 *	bytes := version seq id recorded_at event relation column_name category
 *			 action policy_digest cutoff rows lateness erasure_level detail
 *	each  := length(4 bytes) value, or the 4 bytes FF FF FF FF for NULL
 *
 * Numbers are big-endian, two's complement. version is the text
 * "privacy_retention ledger 1"; text is UTF-8; numbers are 8 bytes; instants
 * are 8 bytes, microseconds since 1970-01-01 00:00:00 UTC (the least and the
 * greatest number for -infinity and infinity); lateness is 8 bytes, microseconds.
 *
 * The same is in docs/ledger.md, for those who write a verifier of their own.
 * Whoever changes it raises the version and keeps reading the old one.
 */
#include <string.h>

#include "evidence/entry.h"

#define VERSION "privacy_retention ledger 1"

const struct RetentionEntryField retention_entry_fields[RETENTION_ENTRY_COLUMNS] = {
	{"id", RETENTION_FIELD_NUMBER},
	{"recorded_at", RETENTION_FIELD_INSTANT},
	{"event", RETENTION_FIELD_TEXT},
	{"relation", RETENTION_FIELD_TEXT},
	{"column_name", RETENTION_FIELD_TEXT},
	{"category", RETENTION_FIELD_TEXT},
	{"action", RETENTION_FIELD_TEXT},
	{"policy_digest", RETENTION_FIELD_BYTES},
	{"cutoff", RETENTION_FIELD_INSTANT},
	{"rows", RETENTION_FIELD_NUMBER},
	{"lateness", RETENTION_FIELD_DURATION},
	{"erasure_level", RETENTION_FIELD_TEXT},
	{"detail", RETENTION_FIELD_TEXT}
};

static void
add_big_endian(RetentionDigest *digest, uint64_t number, int length)
{
	uint8_t		bytes[8];

	for (int i = 0; i < length; i++)
		bytes[i] = (uint8_t) (number >> (8 * (length - 1 - i)));
	retention_digest_add(digest, bytes, length);
}

static void
add_bytes(RetentionDigest *digest, const char *data, size_t length)
{
	add_big_endian(digest, length, 4);
	retention_digest_add(digest, data, length);
}

static void
add_number(RetentionDigest *digest, int64_t number)
{
	add_big_endian(digest, 8, 4);
	add_big_endian(digest, (uint64_t) number, 8);
}

void
retention_entry_hash(const RetentionEntry *entry,
					 const uint8_t prev_hash[RETENTION_DIGEST_LENGTH],
					 uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	RetentionDigest *digest = retention_digest_begin();

	retention_digest_add(digest, prev_hash, RETENTION_DIGEST_LENGTH);
	add_bytes(digest, VERSION, strlen(VERSION));
	add_number(digest, entry->seq);
	for (int i = 0; i < RETENTION_ENTRY_COLUMNS; i++)
	{
		const RetentionFieldValue *value = &entry->values[i];

		if (value->null)
			add_big_endian(digest, 0xFFFFFFFF, 4);
		else if (retention_entry_fields[i].kind == RETENTION_FIELD_TEXT ||
				 retention_entry_fields[i].kind == RETENTION_FIELD_BYTES)
			add_bytes(digest, value->data, value->length);
		else
			add_number(digest, value->number);
	}
	retention_digest_end(digest, hash);
}

bool
retention_entry_is(const RetentionEntry *entry, const char *event)
{
	const RetentionFieldValue *value = &entry->values[RETENTION_ENTRY_EVENT];

	return !value->null && value->length == strlen(event) &&
		memcmp(value->data, event, value->length) == 0;
}

bool
retention_entry_is_shortened(const RetentionEntry *entry)
{
	for (int i = RETENTION_ENTRY_EVENT + 1; i < RETENTION_ENTRY_COLUMNS; i++)
		if (!entry->values[i].null)
			return false;
	return retention_entry_is(entry, RETENTION_EVENT_SHORTENED);
}
