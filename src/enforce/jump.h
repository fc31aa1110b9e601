/*
 * jump.h
 *		Clocks that jump: what the last pass saw, and what this one sees.
 *
 * Invariant: no pass runs by a clock that went back behind the last pass or the
 * newest commit; after one that went ahead each rule is counted before it goes on.
 */
#ifndef RETENTION_JUMP_H
#define RETENTION_JUMP_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Compares the clock with what the last pass noted, and notes it.  False: it went
 * back, and the pass enforces nothing.  Caller has SPI connected, in a READ
 * COMMITTED transaction that it commits next.
 */
extern bool retention_jump_note(void);

/* Is the clock behind what the last pass saw?  *last: that.  Changes nothing. */
extern bool retention_jump_is_back(TimestampTz now, TimestampTz *last);

/*
 * By how many microseconds the clock may be ahead of the true time, as long as
 * nobody has accepted it; 0 = it is not.  For what no count of rows can stop and
 * nobody can undo.  Changes nothing.
 */
extern int64 retention_jump_ahead(void);

/* The statement that accepts the clock as it is. */
#define RETENTION_JUMP_REMEDY "SELECT retention.accept_clock()"

#endif							/* RETENTION_JUMP_H */
