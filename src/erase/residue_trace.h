/*
 * residue_trace.h
 *		Traces: where bytes of deleted values lie, and what removes them.
 *
 * Invariant: a trace says how many and where, never what.
 */
#ifndef RETENTION_RESIDUE_TRACE_H
#define RETENTION_RESIDUE_TRACE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* In the order in which their remedies help: one makes work for the next. */
typedef enum RetentionTracePlace
{
	RETENTION_TRACE_SKIPPED,	/* pages that nobody can read */
	RETENTION_TRACE_UNFINISHED, /* indexes that VACUUM passes by */
	RETENTION_TRACE_ELSEWHERE,	/* a foreign table: nobody can tell from here */
	RETENTION_TRACE_DROPPED_COLUMN,
	RETENTION_TRACE_RECENTLY_DEAD,	/* somebody may still see them */
	RETENTION_TRACE_DEAD,
	RETENTION_TRACE_DEAD_ITEMS,
	RETENTION_TRACE_SEPARATORS, /* B-tree: high keys of which no row is left */
	RETENTION_TRACE_EMPTY_ENTRIES,	/* GIN: keys without a row */
	RETENTION_TRACE_SUMMARIES,	/* GiST, SP-GiST, BRIN: wider than their rows */
	RETENTION_TRACE_STATISTICS,
	RETENTION_TRACE_HOLE,
	RETENTION_TRACE_GAP
} RetentionTracePlace;

/* Doubles: samples are scaled. */
typedef struct RetentionTally
{
	double		pages;
	double		bytes;
	double		items;
} RetentionTally;

typedef struct RetentionTrace
{
	Oid			relation;
	RetentionTracePlace place;
	RetentionTally found;
	bool		counted;		/* items are values; otherwise nobody can tell */
	double		share;			/* of the pages that were read; 1 = all */
	char	   *remedy;			/* a statement, or NULL */
	int			order;			/* among those of its place */
} RetentionTrace;

extern const char *retention_residue_trace_name(RetentionTracePlace place);

/*
 * The statement that builds an index anew, beside those who use it where that can be.
 * Where what is in it cannot be judged, it also makes the index a younger one.
 */
extern char *retention_residue_trace_rebuild(Oid index, bool judged);

/*
 * Adds a trace to the list, scaled up from the share, unless nothing was found.
 * table: whose relation it is, itself, its TOAST table or an index.  The remedy
 * is the place's own where NULL is given.
 */
extern List *retention_residue_trace_add(List *traces, Oid relation, Oid table,
										 RetentionTracePlace place,
										 const RetentionTally *found, bool counted,
										 double share, const char *remedy);

/* By place, then as they were added. */
extern void retention_residue_trace_sort(List *traces);

#endif							/* RETENTION_RESIDUE_TRACE_H */
