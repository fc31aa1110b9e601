/*
 * wal.h
 *		What content of earlier WAL still lies in this server's pg_wal.
 *
 * Invariant: judged by the address that each page of the files carries, never by
 * the files' names: a recycled file has a name of the future and content of the
 * past.  What cannot be told counts as old.
 */
#ifndef RETENTION_WAL_H
#define RETENTION_WAL_H

#include "postgres.h"

#include "access/xlogdefs.h"

typedef struct RetentionWal RetentionWal;

/* Looks at all files.  NULL while files keep coming and going.  Not on a standby. */
extern RetentionWal *retention_wal_look(void);

/* The least address of what lies there; invalid: something whose age nobody can tell. */
extern XLogRecPtr retention_wal_oldest(const RetentionWal *wal);

/*
 * The least address of what can be told.  Where all was clear before up to a place, no
 * less than that comes by itself, whatever a crash tears; with files of another server
 * it does.
 */
extern XLogRecPtr retention_wal_oldest_known(const RetentionWal *wal);

/*
 * Is there nothing from before "lsn", of this timeline's history?  If there is,
 * *holder says what keeps it and *remedy what helps; palloc'd.  Caller: in a
 * transaction with an active snapshot.
 */
extern bool retention_wal_clear(const RetentionWal *wal, XLogRecPtr lsn,
								char **holder, char **remedy);

#endif							/* RETENTION_WAL_H */
