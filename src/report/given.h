/*
 * given.h
 *		A row that somebody hands over, stored or not.
 *
 * Invariant: only who may read the table is told anything of its rows.
 */
#ifndef RETENTION_GIVEN_H
#define RETENTION_GIVEN_H

#include "postgres.h"

#include "fmgr.h"

/*
 * The type of the row that is the function's first argument: also of an anonymous
 * record that holds a table's row.
 */
extern Oid	retention_given_type(FunctionCallInfo fcinfo);

/* The table whose rows are of the type, or InvalidOid. */
extern Oid	retention_given_relation(Oid type);

/*
 * The table whose labels count for rows of the type.  ERROR, in the name of
 * "function", if there is none, or if the current user may not read the rows.
 */
extern Oid	retention_given_labelled(Oid type, const char *function);

/* SQL text that makes of $1, such a row, a row of the labelled table. */
extern char *retention_given_row(Oid labelled);

/* May the current user read all rows of the table, whatever its policies say? */
extern bool retention_given_sees_all(Oid relid);

#endif							/* RETENTION_GIVEN_H */
