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
 * judged anew, and wal_clear after each start of the server.  Does nothing on a
 * standby, and where another session is at it.
 * Caller: in a transaction that has done nothing else, and commits next.
 */
extern void retention_horizon_advance(void);

/*
 * The place in the ledger of the first deletion that has not reached the last level
 * that is promised: backup_clear where that is declared, else wal_clear, and none
 * where erase_within is 0.  PG_INT64_MAX = there is none.  Of tables that are gone
 * nothing is waited for.
 */
extern int64 retention_horizon_first_open(void);

#endif							/* RETENTION_HORIZON_H */
