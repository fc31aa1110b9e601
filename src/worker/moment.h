/*
 * moment.h
 *		A moment of the eraser: a short transaction between two commands, in which it
 *		asks whether it may go on, and reads and writes rounds.
 *
 * Invariant: the extension is locked for no longer than that.
 */
#ifndef RETENTION_MOMENT_H
#define RETENTION_MOMENT_H

#include "postgres.h"

/*
 * Does nothing of this session or of the last visit keep erasure from going on:
 * settings, the time of day?  Reads the configuration again where it has changed.  In
 * a transaction or outside; costs microseconds.
 */
extern bool retention_moment_wanted(void);

/* Begins the transaction, with a snapshot; ended by leave(). */
extern void retention_moment_begin(const char *activity);

/*
 * May erasure go on, of that table (NULL: of any)?  If so the extension is locked until
 * leave().
 */
extern bool retention_moment_enter(const char *relation);

extern void retention_moment_leave(void);

#endif							/* RETENTION_MOMENT_H */
