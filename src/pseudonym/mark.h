/*
 * mark.h
 *		The mark by which a token is known to be one.
 *
 * Invariant: the mark key belongs to no epoch; whatever happens to those, a
 * token is recognised.
 */
#ifndef RETENTION_MARK_H
#define RETENTION_MARK_H

#include "postgres.h"

#define RETENTION_PAYLOAD_LENGTH 10
#define RETENTION_MARK_LENGTH 6
#define RETENTION_TOKEN_LENGTH (RETENTION_PAYLOAD_LENGTH + RETENTION_MARK_LENGTH)
#define RETENTION_TEXT_LENGTH 26	/* of 128 bits in base32, without padding */
#define RETENTION_ULA_LENGTH 6	/* bytes of a /48 */

/*
 * The mark of a payload. "what" keeps types apart: a payload marked as one is
 * none of another.
 */
extern void retention_mark_make(char what,
								const uint8 payload[RETENTION_PAYLOAD_LENGTH],
								uint8 mark[RETENTION_MARK_LENGTH]);
extern bool retention_mark_check(char what,
								 const uint8 token[RETENTION_TOKEN_LENGTH]);

/* Lower-case base32 (RFC 4648); decode: false for what encode never writes. */
extern void retention_mark_encode(const uint8 token[RETENTION_TOKEN_LENGTH],
								  char text[RETENTION_TEXT_LENGTH]);
extern bool retention_mark_decode(const char *text,
								  uint8 token[RETENTION_TOKEN_LENGTH]);

/* The /48 of this installation's inet tokens: RFC 4193, fd and 40 bits. */
extern void retention_mark_prefix(uint8 prefix[RETENTION_ULA_LENGTH]);

#endif							/* RETENTION_MARK_H */
