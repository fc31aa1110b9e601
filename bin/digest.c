/*
 * digest.c
 *		SHA-256 for the verifier, by OpenSSL.
 *
 * Invariant: a digest that fails ends the program; it is never a wrong hash.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "evidence/digest.h"

static void
check(int done)
{
	if (done)
		return;
	fprintf(stderr, "privacy_retention_verify: OpenSSL could not compute SHA-256\n");
	exit(2);
}

RetentionDigest *
retention_digest_begin(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	check(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
	return (RetentionDigest *) context;
}

void
retention_digest_add(RetentionDigest *digest, const void *data, size_t length)
{
	check(EVP_DigestUpdate((EVP_MD_CTX *) digest, data, length) == 1);
}

void
retention_digest_end(RetentionDigest *digest, uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	unsigned int length = 0;

	check(EVP_DigestFinal_ex((EVP_MD_CTX *) digest, hash, &length) == 1 &&
		  length == RETENTION_DIGEST_LENGTH);
	EVP_MD_CTX_free((EVP_MD_CTX *) digest);
}
