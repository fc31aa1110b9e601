/*
 * horizon.h
 *		How far the erasure of each deletion has got.
 *
 * Invariant: a level is only stamped once the one before it is, and once what it
 * says has been looked at on this server; nothing is concluded from what was asked
 * for.
 */
#ifndef RETENTION_HORIZON_H
#define RETENTION_HORIZON_H

#include "postgres.h"

/*
 * Stamps what open rounds have reached of removable, durable, replicas and wal_clear,
 * and notes what holds the next level and what helps.  Cheap where no round is open.
 * After a change of the timeline, the levels that are about this server's files are
 * judged anew.  Does nothing on a standby, and where another session is at it.
 * Caller: in a transaction that has done nothing else, and commits next.
 */
extern void retention_horizon_advance(void);

#endif							/* RETENTION_HORIZON_H */
