/*
 * row.h
 *		Row versions that are due, and those that a pass leaves alone.
 *
 * Invariant: a row version is named by (leaf table, ctid), never by ctid alone.
 */
#ifndef RETENTION_ROW_H
#define RETENTION_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/itemptr.h"
#include "utils/hsearch.h"

typedef struct RetentionRow
{
	Oid			leaf;			/* the table that stores it */
	ItemPointerData tid;
	TimestampTz clock;			/* of rules with own periods: when it fell due */
} RetentionRow;

/* Sorts by leaf and place in it, last place first if "backward". */
extern void retention_row_sort(RetentionRow *rows, int count, bool backward);

/* A row that the pass must not find again. */
typedef struct RetentionSkipped
{
	struct
	{
		Oid			leaf;
		ItemPointerData tid;
	}			key;
	bool		recorded;		/* in retention.blocked */
	bool		earlier;		/* was there before this sweep */
	bool		seen;			/* found due by this pass */
	TimestampTz next_try;
} RetentionSkipped;

extern HTAB *retention_row_skip_create(MemoryContext context);

/* The entry of the row; NULL if there is none and "enter" is false. */
extern RetentionSkipped *retention_row_skip(HTAB *skipped, Oid leaf,
											const ItemPointerData * tid,
											bool enter);

#endif							/* RETENTION_ROW_H */
