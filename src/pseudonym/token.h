/*
 * token.h
 *		Pseudonyms: marked tokens by type.
 *
 * Invariant: a token is never tokenised again.
 *
 * A token is 80 bits of payload and a mark of 48 bits, an HMAC of the payload
 * under the mark key. Types without room for a mark have a range of their own.
 *
 *		text, varchar, char(n >= 26), citext	26 characters, lower-case base32
 *		bytea									16 bytes
 *		uuid									version 8; 74 bits of payload
 *		bigint									2^62 to 2^63 - 1; 62 bits of payload
 *		inet									an address in a ULA /48 of the mark key
 */
#ifndef RETENTION_TOKEN_H
#define RETENTION_TOKEN_H

#include "postgres.h"

/* How tokens of a type look; domains count as their base type. */
typedef enum RetentionPseudonymKind
{
	RETENTION_PSEUDONYM_NONE,	/* values of the type cannot be tokenised */
	RETENTION_PSEUDONYM_TEXT,
	RETENTION_PSEUDONYM_BYTEA,
	RETENTION_PSEUDONYM_UUID,
	RETENTION_PSEUDONYM_BIGINT,
	RETENTION_PSEUDONYM_INET
} RetentionPseudonymKind;

extern RetentionPseudonymKind retention_token_kind(Oid type);

/* NULL if values of the type can be tokenised; else why not. */
extern char *retention_token_problem(Oid type, int32 typmod, char **hint);

/* Is it citext, or a domain over it? */
extern bool retention_token_is_citext(Oid type);

/*
 * The engine's statements run as the table's owner, who has no right to ask for
 * pseudonyms: they may be made only while this is true.  Set and cleared by
 * enforce/batch; cleared also when a transaction ends, and when the
 * subtransaction that set it, or one around it, is rolled back.
 */
extern void retention_token_permit(bool permitted);
extern bool retention_token_permitted(void);

#endif							/* RETENTION_TOKEN_H */
