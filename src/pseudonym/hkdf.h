/*
 * hkdf.h
 *		HMAC-SHA-256 with a key that is used many times, and HKDF (RFC 5869).
 *
 * Invariant: key material is wiped when a key is destroyed, and no function
 * here puts it into a message.
 */
#ifndef RETENTION_HKDF_H
#define RETENTION_HKDF_H

#include "postgres.h"

#define RETENTION_HMAC_LENGTH 32

typedef struct RetentionHmac RetentionHmac;

/* A key, ready for use. It lives until it is destroyed, beyond transactions. */
extern RetentionHmac *retention_hkdf_hmac_create(const uint8 *key, size_t length);

extern void retention_hkdf_hmac(RetentionHmac *hmac, const void *data,
								size_t length,
								uint8 result[RETENTION_HMAC_LENGTH]);

/* Wipes and frees; NULL is allowed. Never raises an error. */
extern void retention_hkdf_hmac_destroy(RetentionHmac *hmac);

/*
 * HKDF-SHA-256, extract and expand. No salt: salt_length 0. At most
 * 255 * RETENTION_HMAC_LENGTH bytes.
 */
extern void retention_hkdf_derive(const uint8 *secret, size_t secret_length,
								  const uint8 *salt, size_t salt_length,
								  const uint8 *info, size_t info_length,
								  uint8 *result, size_t result_length);

#endif							/* RETENTION_HKDF_H */
