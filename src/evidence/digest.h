/*
 * digest.h
 *		SHA-256, for what the server and bin/privacy_retention_verify share.
 *
 * Invariant: plain C, without the server's headers; each of the two links an
 * implementation of its own (digest.c here, bin/digest.c there), and both are
 * a library's, none is ours.
 */
#ifndef RETENTION_DIGEST_H
#define RETENTION_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define RETENTION_DIGEST_LENGTH 32

typedef struct RetentionDigest RetentionDigest;

/*
 * The digest of what is added between begin and end; end also frees it.  What
 * fails (memory) is an ERROR in the server and ends the verifier.
 */
extern RetentionDigest *retention_digest_begin(void);
extern void retention_digest_add(RetentionDigest *digest, const void *data,
								 size_t length);
extern void retention_digest_end(RetentionDigest *digest,
								 uint8_t hash[RETENTION_DIGEST_LENGTH]);

#endif							/* RETENTION_DIGEST_H */
