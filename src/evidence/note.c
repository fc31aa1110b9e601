/*
 * note.c
 *		Checkpoints as text: signed notes of C2SP (c2sp.org/signed-note,
 *		c2sp.org/tlog-checkpoint).
 *
 * Invariant: plain C.  There is one way to write a size, a root and a key: what
 * is read differs from what would be written again is refused.
 *
 *	origin LF size LF root LF  LF  "-" name " " base64(key id, signature) LF ...
 *
 * where "-" is an em dash and a blank.
 */
#include <stdio.h>
#include <string.h>

#include "evidence/note.h"

#define DASH "\xe2\x80\x94 "
#define ED25519 0x01

static const char alphabet[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
retention_note_write_base64(char *text, const uint8_t *bytes, int length)
{
	int			used = 0;

	for (int i = 0; i < length; i += 3)
	{
		int			left = length - i;
		uint32_t	three = (uint32_t) bytes[i] << 16 |
		(uint32_t) (left > 1 ? bytes[i + 1] : 0) << 8 | (left > 2 ? bytes[i + 2] : 0);

		text[used++] = alphabet[three >> 18];
		text[used++] = alphabet[three >> 12 & 63];
		text[used++] = left > 1 ? alphabet[three >> 6 & 63] : '=';
		text[used++] = left > 2 ? alphabet[three & 63] : '=';
	}
	text[used] = '\0';
	return used;
}

int
retention_note_read_base64(uint8_t *bytes, int room, const char *text, size_t length)
{
	int			used = 0;

	if (length % 4 != 0)
		return -1;
	for (size_t i = 0; i < length; i += 4)
	{
		uint32_t	three = 0;
		int			count = 3;

		for (int j = 0; j < 4; j++)
		{
			const char *at = text[i + j] == '\0' ? NULL : strchr(alphabet, text[i + j]);

			if (text[i + j] == '=' && i + 4 == length && j >= 2 && (j == 3 || text[i + 3] == '='))
			{
				if (count == 3)
					count = j - 1;
				three <<= 6;
			}
			else if (at == NULL)
				return -1;
			else
				three = three << 6 | (uint32_t) (at - alphabet);
		}
		/* Bits that no byte takes are zero. */
		if ((three & ((1u << (8 * (3 - count))) - 1)) != 0 || used + count > room)
			return -1;
		for (int j = 0; j < count; j++)
			bytes[used++] = (uint8_t) (three >> (16 - 8 * j));
	}
	return used;
}

/* The next line, without its end; false: there is none that is ended. */
static bool
next_line(const char **at, const char *end, const char **line, size_t *length)
{
	const char *newline = memchr(*at, '\n', end - *at);

	if (newline == NULL)
		return false;
	*line = *at;
	*length = newline - *at;
	*at = newline + 1;
	return true;
}

static bool
read_size(const char *text, size_t length, uint64_t *size)
{
	*size = 0;
	if (length == 0 || length > 18 || (text[0] == '0' && length > 1))
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		*size = *size * 10 + (uint64_t) (text[i] - '0');
	}
	return true;
}

static bool
read_signature(RetentionNoteSignature *signature, const char *line, size_t length)
{
	/* The longest that exist are post-quantum ones, of 5 kB. */
	uint8_t		bytes[8192];
	const char *blank;
	int			count;

	if (length < strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
		return false;
	line += strlen(DASH);
	length -= strlen(DASH);
	blank = memchr(line, ' ', length);
	if (blank == NULL || blank == line || memchr(line, '+', blank - line) != NULL)
		return false;
	signature->name = line;
	signature->name_length = blank - line;
	length -= signature->name_length + 1;
	count = retention_note_read_base64(bytes, sizeof(bytes), blank + 1, length);
	if (count < 5)
		return false;
	memcpy(signature->key_id, bytes, 4);
	signature->ed25519 = count == 4 + RETENTION_NOTE_SIGNATURE;
	if (signature->ed25519)
		memcpy(signature->bytes, bytes + 4, RETENTION_NOTE_SIGNATURE);
	return true;
}

static const char *
read_body(RetentionNote *note)
{
	const char *at = note->body;
	const char *end = note->body + note->body_length;
	const char *line;
	size_t		length;

	if (!next_line(&at, end, &note->origin, &note->origin_length) || note->origin_length == 0)
		return "the checkpoint has no origin";
	if (!next_line(&at, end, &line, &length) || !read_size(line, length, &note->size))
		return "the checkpoint's second line is not a number of entries";
	if (!next_line(&at, end, &line, &length) || length != 44 ||
		retention_note_read_base64(note->root.bytes, RETENTION_DIGEST_LENGTH, line,
								   length) != RETENTION_DIGEST_LENGTH)
		return "the checkpoint's third line is not a root";
	while (at < end)
		if (!next_line(&at, end, &line, &length) || length == 0)
			return "the checkpoint has an empty line where none may be";
	return NULL;
}

const char *
retention_note_read(RetentionNote *note, const char *text, size_t length)
{
	const char *end;
	const char *at;
	const char *line;
	size_t		line_length;

	memset(note, 0, sizeof(*note));
	for (size_t i = 0; i < length; i++)
		if ((unsigned char) text[i] < ' ' && text[i] != '\n')
			return "the checkpoint has control characters";
	/* Programs that print one tend to add a newline. */
	while (length > 1 && text[length - 1] == '\n' && text[length - 2] == '\n')
		length--;
	if (length == 0 || text[length - 1] != '\n')
		return "the checkpoint does not end with a newline";
	end = text + length;
	note->body = text;
	note->body_length = length;
	/* The last empty line ends the body. */
	at = end;
	for (size_t i = 1; i < length; i++)
		if (text[i] == '\n' && text[i - 1] == '\n')
		{
			note->body_length = i;
			at = text + i + 1;
		}
	while (at < end)
	{
		if (note->count == RETENTION_NOTE_SIGNATURES)
			return "the checkpoint has too many signatures";
		if (!next_line(&at, end, &line, &line_length) ||
			!read_signature(&note->signatures[note->count++], line, line_length))
			return "the checkpoint has a line that is not a signature";
	}
	return read_body(note);
}

bool
retention_note_is_origin(const char *origin)
{
	size_t		length = strlen(origin);

	if (length == 0 || length > RETENTION_NOTE_ORIGIN)
		return false;
	for (size_t i = 0; i < length; i++)
		if (origin[i] <= ' ' || origin[i] >= 0x7F || origin[i] == '+')
			return false;
	return true;
}

void
retention_note_write(char note[RETENTION_NOTE_LENGTH], const char *origin,
					 uint64_t size, const RetentionMerkleHash *root)
{
	char		base64[48];

	retention_note_write_base64(base64, root->bytes, RETENTION_DIGEST_LENGTH);
	snprintf(note, RETENTION_NOTE_LENGTH, "%s\n%llu\n%s\n", origin,
			 (unsigned long long) size, base64);
}

void
retention_note_add_signature(char note[RETENTION_NOTE_LENGTH], const RetentionNoteKey *key,
							 const uint8_t signature[RETENTION_NOTE_SIGNATURE])
{
	uint8_t		bytes[4 + RETENTION_NOTE_SIGNATURE];
	char		base64[4 * sizeof(bytes)];
	size_t		used = strlen(note);

	memcpy(bytes, key->id, 4);
	memcpy(bytes + 4, signature, RETENTION_NOTE_SIGNATURE);
	retention_note_write_base64(base64, bytes, sizeof(bytes));
	snprintf(note + used, RETENTION_NOTE_LENGTH - used, "\n" DASH "%s %s\n", key->name, base64);
}

void
retention_note_make_key(RetentionNoteKey *key, const char *name,
						const uint8_t public_key[RETENTION_NOTE_KEY])
{
	RetentionDigest *digest = retention_digest_begin();
	uint8_t		hash[RETENTION_DIGEST_LENGTH];
	uint8_t		kind[] = {'\n', ED25519};

	retention_digest_add(digest, name, strlen(name));
	retention_digest_add(digest, kind, sizeof(kind));
	retention_digest_add(digest, public_key, RETENTION_NOTE_KEY);
	retention_digest_end(digest, hash);
	snprintf(key->name, sizeof(key->name), "%s", name);
	memcpy(key->id, hash, 4);
	memcpy(key->key, public_key, RETENTION_NOTE_KEY);
}

void
retention_note_write_key(char text[RETENTION_NOTE_LENGTH], const RetentionNoteKey *key)
{
	uint8_t		bytes[1 + RETENTION_NOTE_KEY];
	char		base64[4 * sizeof(bytes)];

	bytes[0] = ED25519;
	memcpy(bytes + 1, key->key, RETENTION_NOTE_KEY);
	retention_note_write_base64(base64, bytes, sizeof(bytes));
	snprintf(text, RETENTION_NOTE_LENGTH, "%s+%02x%02x%02x%02x+%s", key->name,
			 key->id[0], key->id[1], key->id[2], key->id[3], base64);
}

bool
retention_note_read_key(RetentionNoteKey *key, const char *text)
{
	const char *plus = strchr(text, '+');
	const char *second = plus == NULL ? NULL : strchr(plus + 1, '+');
	char		name[RETENTION_NOTE_ORIGIN + 1];
	char		again[RETENTION_NOTE_LENGTH];
	uint8_t		bytes[1 + RETENTION_NOTE_KEY];

	if (second == NULL || plus - text > RETENTION_NOTE_ORIGIN)
		return false;
	memcpy(name, text, plus - text);
	name[plus - text] = '\0';
	if (!retention_note_is_origin(name) ||
		retention_note_read_base64(bytes, sizeof(bytes), second + 1,
								   strlen(second + 1)) != sizeof(bytes) ||
		bytes[0] != ED25519)
		return false;
	retention_note_make_key(key, name, bytes + 1);
	retention_note_write_key(again, key);
	return strcmp(text, again) == 0;
}

const RetentionNoteSignature *
retention_note_find(const RetentionNote *note, const RetentionNoteKey *key)
{
	for (int i = 0; i < note->count; i++)
	{
		const RetentionNoteSignature *signature = &note->signatures[i];

		if (signature->ed25519 && signature->name_length == strlen(key->name) &&
			memcmp(signature->name, key->name, signature->name_length) == 0 &&
			memcmp(signature->key_id, key->id, 4) == 0)
			return signature;
	}
	return NULL;
}
