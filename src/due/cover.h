/*
 * cover.h
 *		Which columns the labels of a table cover.
 *
 * Invariant: a column that holds personal data and has no rule is never counted
 * as covered: it has a label of its own, or the table's label speaks for it.
 */
#ifndef RETENTION_COVER_H
#define RETENTION_COVER_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* What a label says of the columns that it covers. */
typedef enum RetentionCoverKind
{
	RETENTION_COVER_NONE,		/* there is no label, or it names no rule for
								 * whole rows */
	RETENTION_COVER_NOT_PERSONAL,	/* 'no personal data' */
	RETENTION_COVER_PERSONAL	/* goes with the row, or by its own rule */
} RetentionCoverKind;

/*
 * What the table's own label says of columns that have none, also of those added
 * later.  A label that cannot be parsed says nothing.
 */
extern RetentionCoverKind retention_cover_table(Oid relid);

/*
 * The same of one column, of a table whose labels are those of "root": the table
 * itself, or the one that it inherits from.
 */
extern RetentionCoverKind retention_cover_column(Oid root, const char *column,
												 RetentionCoverKind table);

/* The names of the columns that no label covers; root as above. */
extern List *retention_cover_missing(Oid relid, Oid root);

#endif							/* RETENTION_COVER_H */
