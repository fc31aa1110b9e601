/*
 * signature.h
 *		Ed25519 (RFC 8032), by OpenSSL.
 *
 * Invariant: plain C, without the server's headers.  Built without OpenSSL there
 * are no signatures: everything returns false.
 */
#ifndef RETENTION_SIGNATURE_H
#define RETENTION_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/note.h"

/* Can this build sign and verify? */
extern bool retention_signature_available(void);

/* The public key of a private one. */
extern bool retention_signature_public(const uint8_t private_key[RETENTION_NOTE_KEY],
									   uint8_t public_key[RETENTION_NOTE_KEY]);
extern bool retention_signature_sign(const uint8_t private_key[RETENTION_NOTE_KEY],
									 const void *text, size_t length,
									 uint8_t signature[RETENTION_NOTE_SIGNATURE]);

/* Did the owner of the key sign the text?  Anything that fails is a no. */
extern bool retention_signature_verify(const uint8_t public_key[RETENTION_NOTE_KEY],
									   const void *text, size_t length,
									   const uint8_t signature[RETENTION_NOTE_SIGNATURE]);

#endif							/* RETENTION_SIGNATURE_H */
