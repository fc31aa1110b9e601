/*
 * keyprogram.h
 *		The process of privacy_retention.key_command.
 *
 * Invariant: whatever happens to the caller, no process is left behind, no zombie
 * and no descriptor.
 */
#ifndef RETENTION_KEYPROGRAM_H
#define RETENTION_KEYPROGRAM_H

#include "postgres.h"

#include "pseudonym/keydir.h"

/*
 * Runs the program with an operation and perhaps an argument of it, neither of
 * which comes from a user's text. True: it ended with exit code 0, and "answer"
 * is what it wrote, with a 0 behind. Else the problem, and "answer" is wiped.
 * Cancelled or terminated, the caller never comes back, but the program is killed.
 */
extern bool retention_keyprogram_run(const char *operation, const char *argument,
									 char *answer, size_t size,
									 RetentionKeyProblem *problem);

#endif							/* RETENTION_KEYPROGRAM_H */
