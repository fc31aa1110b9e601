/*
 * attempt.h
 *		Work that may fail without failing its caller.
 *
 * Invariant: what failed was rolled back, user and settings included; a
 * cancelled or terminated backend is not kept alive by it.
 */
#ifndef RETENTION_ATTEMPT_H
#define RETENTION_ATTEMPT_H

#include "postgres.h"

/*
 * Runs work(arg) in a subtransaction and in the caller's memory context.  NULL
 * if it went well, else the error, in the caller's memory context.
 */
extern ErrorData *retention_attempt_run(void (*work) (void *arg), void *arg);

/*
 * The same for work that only reads: its subtransaction is rolled back in any
 * case, so that no lock which it took is kept.
 */
extern ErrorData *retention_attempt_look(void (*work) (void *arg), void *arg);

#endif							/* RETENTION_ATTEMPT_H */
