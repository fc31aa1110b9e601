/*
 * rounds.h
 *		What a visit does about erasure: rounds begin, and what they have reached is
 *		noted.
 *
 * Invariant: moments only; what takes long is the eraser's.
 */
#ifndef RETENTION_ROUNDS_H
#define RETENTION_ROUNDS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "erase/round.h"

/*
 * Begins rounds that are due, notes what open ones have reached, and has the launcher
 * start an eraser where there is work for one.  Returns when the next round is due,
 * DT_NOEND = none.  Caller is outside any transaction.
 */
extern TimestampTz retention_rounds_look_after(void);

/*
 * The rounds that the eraser is to bring further now: of those of a table that may be
 * vacuumed the last, which ends the others together with itself; none of a table that
 * is paused.  *wanted: from when on there is one; DT_NOEND = never.
 */
extern List *retention_rounds_for_eraser(TimestampTz now, TimestampTz *wanted);

/* Those that a round for the eraser ends together with itself. */
extern List *retention_rounds_before(const RetentionRound *round);

#endif							/* RETENTION_ROUNDS_H */
