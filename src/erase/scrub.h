/*
 * scrub.h
 *		Freed bytes of a table's pages are overwritten, in all that stores the table.
 *
 * Invariant: what it says was wiped is in the WAL on disk when it returns; it
 * claims to be complete only if it has been through every page.
 */
#ifndef RETENTION_SCRUB_H
#define RETENTION_SCRUB_H

#include "postgres.h"

#include "access/transam.h"
#include "access/xlogdefs.h"

/* Namespace of the advisory locks of scrubs, (table, 0): "SC". */
#define RETENTION_SCRUB_LOCK_CLASS 21315

/*
 * What VACUUM has to do before a scrub: remove all entries of indexes, and leave pages
 * that it has freed at the end of a file, which the file system would get as they are.
 */
#define RETENTION_SCRUB_VACUUM "INDEX_CLEANUP ON, TRUNCATE OFF"

typedef struct RetentionScrubOrder
{
	bool		check_only;		/* write nothing; the only way on a standby */
	bool		force;			/* write each page that has free room, as an
								 * image: for nodes that were the primary */
	bool		pace;			/* as slow as privacy_retention.scrub_pages
								 * and scrub_wal say */
	bool		statistics;		/* then the catalogs with statistics, too */
	bool		(*wanted) (void);	/* asked after each chunk: is it to go on?
									 * NULL: it is */
	FullTransactionId horizon;	/* dead tuples of transactions before it are
								 * counted; invalid = the next xid at the
								 * start */
} RetentionScrubOrder;

typedef struct RetentionScrubResult
{
	int64		pages;
	int64		pages_wiped;	/* check_only: that would be */
	int64		bytes_wiped;
	int64		dead_tuples;	/* deleted before the horizon, not yet removed */
	int64		dead_items;		/* LP_DEAD: VACUUM has not been through
								 * indexes */
	int64		dead_statistics;	/* both, in the catalogs with statistics */
	char		skipped[512];	/* what was not scrubbed and why; "" = nothing */
	XLogRecPtr	lsn;			/* end of the WAL after the last page, flushed */
	TimeLineID	timeline;
	bool		busy;			/* another session is scrubbing it: nothing
								 * done */
	bool		stopped;		/* it was not wanted any more */
	bool		forced;
	bool		complete;		/* every page of everything here, nothing
								 * skipped */
	bool		elsewhere;		/* but another server stores some of it */
} RetentionScrubResult;

/*
 * Scrubs a table with partitions, TOAST and indexes, or one index, materialized
 * view or catalog.  Caller is in a transaction with nothing done in it, outside any
 * atomic context; it connects to SPI by itself, commits many times, and returns in
 * a transaction.  Asks nobody's permission.  No snapshot is held over chunks; each
 * chunk waits for its ShareUpdateExclusiveLock as lock_timeout says.
 *
 * Nothing may be claimed while dead_tuples or dead_items > 0, or of what is elsewhere.  Where the timeline
 * has changed since the table's last complete scrub, it is forced.
 */
extern void retention_scrub_table(Oid table, const RetentionScrubOrder *order,
								  RetentionScrubResult *result);

#endif							/* RETENTION_SCRUB_H */
