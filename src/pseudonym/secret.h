/*
 * secret.h
 *		Memory for key material.
 *
 * Invariant: what is in it is in no core dump and in no child process, where the
 * system can be asked for that (Linux), and is wiped before it is given back.
 */
#ifndef RETENTION_SECRET_H
#define RETENTION_SECRET_H

#include "postgres.h"

/* Zeroes, beyond transactions, in pages of its own.  ERROR: out of memory. */
extern void *retention_secret_alloc(size_t size);

/* Wipes and gives back; NULL is allowed.  Raises no error. */
extern void retention_secret_free(void *secret, size_t size);

#endif							/* RETENTION_SECRET_H */
