/*
 * note.h
 *		Checkpoints as text: signed notes of C2SP (c2sp.org/signed-note,
 *		c2sp.org/tlog-checkpoint).
 *
 * Invariant: plain C, without the server's headers and without memory of its own.
 * What is read may be anything: it is a well-formed checkpoint or a problem.
 */
#ifndef RETENTION_NOTE_H
#define RETENTION_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/merkle.h"

#define RETENTION_NOTE_SIGNATURES 64	/* so many are read */
#define RETENTION_NOTE_KEY 32	/* an Ed25519 key, public or private */
#define RETENTION_NOTE_SIGNATURE 64 /* an Ed25519 signature */
#define RETENTION_NOTE_ORIGIN 255	/* the longest origin that is written */
#define RETENTION_NOTE_LENGTH 1024	/* enough for a note with one signature */

typedef struct RetentionNoteSignature
{
	const char *name;			/* of the key */
	size_t		name_length;
	uint8_t		key_id[4];
	bool		ed25519;		/* as long as such a signature */
	uint8_t		bytes[RETENTION_NOTE_SIGNATURE];
} RetentionNoteSignature;

/* Points into the text that was read. */
typedef struct RetentionNote
{
	const char *body;			/* what is signed */
	size_t		body_length;
	const char *origin;
	size_t		origin_length;
	uint64_t	size;
	RetentionMerkleHash root;
	int			count;
	RetentionNoteSignature signatures[RETENTION_NOTE_SIGNATURES];
} RetentionNote;

/* Who is believed: a key by its name. */
typedef struct RetentionNoteKey
{
	char		name[RETENTION_NOTE_ORIGIN + 1];
	uint8_t		id[4];
	uint8_t		key[RETENTION_NOTE_KEY];
} RetentionNoteKey;

/* NULL, or what is wrong: lower case, constant. A note without signatures is read, too. */
extern const char *retention_note_read(RetentionNote *note, const char *text, size_t length);

/* An origin is printable ASCII without a blank and a plus, so that it can also name a key. */
extern bool retention_note_is_origin(const char *origin);

/* Writes a note without a signature; it ends with a newline, and is its own body. */
extern void retention_note_write(char note[RETENTION_NOTE_LENGTH], const char *origin,
								 uint64_t size, const RetentionMerkleHash *root);
extern void retention_note_add_signature(char note[RETENTION_NOTE_LENGTH],
										 const RetentionNoteKey *key,
										 const uint8_t signature[RETENTION_NOTE_SIGNATURE]);

/* The key with this name, which must be an origin. */
extern void retention_note_make_key(RetentionNoteKey *key, const char *name,
									const uint8_t public_key[RETENTION_NOTE_KEY]);

/* A key as verifiers want it: name+id+key.  Of any text; false if it is not such a key. */
extern void retention_note_write_key(char text[RETENTION_NOTE_LENGTH], const RetentionNoteKey *key);
extern bool retention_note_read_key(RetentionNoteKey *key, const char *text);

/* The first signature by the key, or NULL. */
extern const RetentionNoteSignature *retention_note_find(const RetentionNote *note,
														 const RetentionNoteKey *key);

/*
 * Base64 of RFC 4648, section 4.  read returns the number of bytes, at most
 * "room", or -1: not base64, or more.  write ends the text with a zero byte and
 * returns its length.
 */
extern int	retention_note_read_base64(uint8_t *bytes, int room, const char *text, size_t length);
extern int	retention_note_write_base64(char *text, const uint8_t *bytes, int length);

#endif							/* RETENTION_NOTE_H */
