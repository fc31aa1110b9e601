/*
 * page.h
 *		What of a page's bytes is free, and whether anything is left in it.
 *
 * Invariant: a byte that a line pointer refers to, or that an access method may
 * read, is never called free; where that cannot be told, nothing of the page is.
 */
#ifndef RETENTION_PAGE_H
#define RETENTION_PAGE_H

#include "postgres.h"

#include "storage/bufpage.h"

/* How pages are laid out: by access method. */
typedef enum RetentionPageFormat
{
	RETENTION_PAGE_UNKNOWN,		/* nothing of its pages is free */
	RETENTION_PAGE_HEAP,
	RETENTION_PAGE_BTREE,
	RETENTION_PAGE_HASH,
	RETENTION_PAGE_GIN,
	RETENTION_PAGE_GIST,
	RETENTION_PAGE_SPGIST,
	RETENTION_PAGE_BRIN,
	RETENTION_PAGE_BLOOM,
	RETENTION_PAGE_STANDARD		/* somebody vouches for it: what pd_lower and
								 * pd_upper leave between them is free */
} RetentionPageFormat;

typedef enum RetentionPageVerdict
{
	RETENTION_PAGE_JUDGED,
	RETENTION_PAGE_NEW,			/* all zero */
	RETENTION_PAGE_INSANE,		/* not as its access method lays pages out */
	RETENTION_PAGE_PRIVATE		/* its "hole" may belong to the access method */
} RetentionPageVerdict;

typedef struct RetentionPageExtent
{
	uint16		begin;
	uint16		end;			/* the first byte behind it */
} RetentionPageExtent;

/* No two free extents touch, and all but the hole begin in a word of their own. */
#define RETENTION_PAGE_MOST_EXTENTS (BLCKSZ / MAXIMUM_ALIGNOF + 1)

typedef struct RetentionPageFree
{
	RetentionPageVerdict verdict;	/* unless JUDGED, all else is 0 */
	int			room;			/* free bytes, whatever is in them */
	int			bytes;			/* of these, how many are not zero */
	int			hole_bytes;		/* of these, how many lie in the hole */
	int			items;			/* LP_NORMAL */
	int			dead_items;		/* LP_DEAD, with bytes or without */
	bool		left;			/* items that the index has let go: pd_lower
								 * and pd_upper go back with the wipe */
	int			extents;		/* free extents that are not all zero */
	RetentionPageExtent extent[RETENTION_PAGE_MOST_EXTENTS];
} RetentionPageFree;

/*
 * Judges the BLCKSZ bytes of a page, MAXALIGNed.  Pure, never fails, whatever is
 * in them.  Of a buffer: under a content lock.
 */
extern void retention_page_judge(const char *page, RetentionPageFormat format,
								 RetentionPageFree *free);

/* Wipes what was judged; the page has not changed since. */
extern void retention_page_wipe(char *page, const RetentionPageFree *free);

#endif							/* RETENTION_PAGE_H */
