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

#include "erase/round.h"

/*
 * Begins rounds that are due, notes what open ones have reached, and has the launcher
 * start an eraser where there is work for one.  Returns when the next round is due,
 * DT_NOEND = none.  Caller is outside any transaction.
 */
extern TimestampTz retention_rounds_look_after(void);

/* From when on the eraser has something to do for a round; DT_NOEND = nothing. */
extern TimestampTz retention_rounds_wanted_at(const RetentionRound *round);

#endif							/* RETENTION_ROUNDS_H */
