/*
 * signature.c
 *		Ed25519 (RFC 8032), by OpenSSL.
 *
 * Invariant: plain C; nothing that fails passes for a signature.  What OpenSSL
 * keeps of a private key is wiped by it when the key is freed.
 */
#include "evidence/signature.h"

#ifdef RETENTION_WITH_OPENSSL

#include <openssl/evp.h>

bool
retention_signature_available(void)
{
	return true;
}

bool
retention_signature_public(const uint8_t private_key[RETENTION_NOTE_KEY],
						   uint8_t public_key[RETENTION_NOTE_KEY])
{
	EVP_PKEY   *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key,
												   RETENTION_NOTE_KEY);
	size_t		length = RETENTION_NOTE_KEY;
	bool		done = key != NULL &&
	EVP_PKEY_get_raw_public_key(key, public_key, &length) == 1 &&
	length == RETENTION_NOTE_KEY;

	EVP_PKEY_free(key);
	return done;
}

bool
retention_signature_sign(const uint8_t private_key[RETENTION_NOTE_KEY],
						 const void *text, size_t length,
						 uint8_t signature[RETENTION_NOTE_SIGNATURE])
{
	EVP_PKEY   *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key,
												   RETENTION_NOTE_KEY);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t		signed_length = RETENTION_NOTE_SIGNATURE;
	bool		done = key != NULL && context != NULL &&
	EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
	EVP_DigestSign(context, signature, &signed_length, text, length) == 1 &&
	signed_length == RETENTION_NOTE_SIGNATURE;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return done;
}

bool
retention_signature_verify(const uint8_t public_key[RETENTION_NOTE_KEY],
						   const void *text, size_t length,
						   const uint8_t signature[RETENTION_NOTE_SIGNATURE])
{
	EVP_PKEY   *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key,
												  RETENTION_NOTE_KEY);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		done = key != NULL && context != NULL &&
	EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
	EVP_DigestVerify(context, signature, RETENTION_NOTE_SIGNATURE, text, length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return done;
}

#else

bool
retention_signature_available(void)
{
	return false;
}

bool
retention_signature_public(const uint8_t private_key[RETENTION_NOTE_KEY],
						   uint8_t public_key[RETENTION_NOTE_KEY])
{
	return false;
}

bool
retention_signature_sign(const uint8_t private_key[RETENTION_NOTE_KEY],
						 const void *text, size_t length,
						 uint8_t signature[RETENTION_NOTE_SIGNATURE])
{
	return false;
}

bool
retention_signature_verify(const uint8_t public_key[RETENTION_NOTE_KEY],
						   const void *text, size_t length,
						   const uint8_t signature[RETENTION_NOTE_SIGNATURE])
{
	return false;
}

#endif							/* RETENTION_WITH_OPENSSL */
