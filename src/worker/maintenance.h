/*
 * maintenance.h
 *		VACUUM, REINDEX and ANALYZE, as a background worker gives them.
 *
 * Invariant: each is a top-level command outside a transaction block, as a client
 * would send it; the server runs the code in users' indexes as their owner.
 *
 * Callers are outside any transaction.
 */
#ifndef RETENTION_MAINTENANCE_H
#define RETENTION_MAINTENANCE_H

#include "postgres.h"

/*
 * Removes dead rows of a table, of its TOAST and from its indexes; the file keeps its
 * length, so that what lies in freed pages can be overwritten.  Leaves out pages that
 * others have pinned.  Does nothing if the table is gone.
 */
extern void retention_maintenance_vacuum(Oid relid);

/*
 * Makes the statistics of a table, its partitions and its heirs anew, and drops those
 * that ANALYZE left as they were (of tables that are empty, of columns that have no
 * target).  Those of foreign tables are their server's: it leaves them alone.
 */
extern void retention_maintenance_analyze(Oid relid);

/*
 * Drops what REINDEX CONCURRENTLY left of the indexes of a table when it failed: VACUUM
 * passes that by.  Leaves alone what is being made, and other indexes that are not valid.
 */
extern void retention_maintenance_drop_leftovers(Oid table);

/* Builds an index anew and unlinks the old one, beside those who use it. */
extern void retention_maintenance_reindex(Oid index);

#endif							/* RETENTION_MAINTENANCE_H */
