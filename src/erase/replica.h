/*
 * replica.h
 *		Which standbys have not followed yet.
 *
 * Invariant: a standby counts as soon as this server knows of it: it is connected,
 * or has a slot.  Those behind another standby, and those that are away and have no
 * slot, nobody can see from here.
 */
#ifndef RETENTION_REPLICA_H
#define RETENTION_REPLICA_H

#include "postgres.h"

#include "access/xlogdefs.h"

/*
 * Have all standbys replayed what was written before "lsn"?  If not, *holder says
 * which has not, and *remedy what helps; palloc'd.  Their files follow at their next
 * restartpoint.  Caller: in a transaction with an active snapshot.
 */
extern bool retention_replica_followed(XLogRecPtr lsn, char **holder, char **remedy);

#endif							/* RETENTION_REPLICA_H */
