/*
 * start.h
 *		Starting points: a label's paths, resolved against the catalogs and
 *		deparsed again.
 *
 * Invariant: every SQL text made here was deparsed from an analysed tree, with
 * all names qualified; nothing that a user wrote is pasted into a statement.
 */
#ifndef RETENTION_START_H
#define RETENTION_START_H

#include "postgres.h"

#include "access/attnum.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "policy/label.h"

/* One hop: from the table before it (hop 0: the labelled table) to relid. */
typedef struct RetentionJoin
{
	Oid			relid;			/* the table it arrives at */
	int			nkeys;
	AttrNumber *from_columns;	/* in the table before */
	AttrNumber *to_columns;		/* in relid, unique together */
	Oid		   *operators;		/* to = from */
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
	Oid			type;			/* base type of the expression */
} RetentionClock;

/* Resolves one path; ERROR as above, and for hops that lead nowhere. */
extern RetentionClock *retention_start_resolve_path(const RetentionLabel *label,
													const RetentionPath *path,
													Oid relid);

/*
 * Resolves a START to a List of RetentionClock *, all of type timestamptz,
 * timestamp or date.
 */
extern List *retention_start_resolve(const RetentionLabel *label,
									 const RetentionStart *start, Oid relid);

/* SQL text, "to.a = from.x AND to.b = from.y". */
extern char *retention_start_join_text(const RetentionJoin *join, Oid from_relid,
									   const char *from_alias, const char *to_alias);

/*
 * Appends the hops from a row with that alias, "a AS prefix1, b AS prefix2", and
 * their joins, to what is there; returns the last alias.
 */
extern const char *retention_start_hops_text(List *joins, Oid relid, const char *alias,
											 const char *prefix,
											 StringInfo from, StringInfo where);

/*
 * SQL text of a clock as timestamptz; timestamp and date are taken in the
 * session's TimeZone, which become_owner sets to privacy_retention.timezone.
 */
extern char *retention_start_clock_text(const RetentionClock *clock,
										const char *alias);

/* "schema.table", quoted. */
extern char *retention_start_relation_name(Oid relid);

#endif							/* RETENTION_START_H */
