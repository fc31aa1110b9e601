/*
 * start.h
 *		Starting points: a label's path of hops, resolved against the catalogs.
 *
 * Invariant: every SQL text here was deparsed from an analysed tree, with all
 * names qualified; nothing that a user wrote is pasted into a statement.
 */
#ifndef RETENTION_START_H
#define RETENTION_START_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "policy/label.h"

/* One hop: from the table before it (hop 0: the labelled table) to relid. */
typedef struct RetentionJoin
{
	Oid			relid;			/* the table it arrives at */
	int			nkeys;
	AttrNumber *from_columns;	/* in the table before */
	AttrNumber *to_columns;		/* in relid, unique together */
	Oid		   *operators;		/* from = to */
	Oid			constraint;		/* the foreign key, or InvalidOid */
	bool		may_lose;		/* the reference can be null or become null */
} RetentionJoin;

/* One path: hops and, in the last table, the value. */
typedef struct RetentionClock
{
	List	   *joins;			/* of RetentionJoin * */
	Oid			relid;			/* the table that has the value */
	AttrNumber	column;			/* a bare column, or InvalidAttrNumber */
	Node	   *expression;		/* analysed, varno 1 = relid */
	Oid			type;			/* timestamptz, timestamp, date, or what "for" gave */
} RetentionClock;

#endif							/* RETENTION_START_H */
