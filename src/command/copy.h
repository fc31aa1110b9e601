/*
 * copy.h
 *		Which columns of protected tables does a query give out?
 *
 * Invariant: a value that leaves its table as it is, or in an expression, is
 * found through views, subqueries, CTEs and joins; what a function reads by
 * itself is not.
 */
#ifndef RETENTION_COPY_H
#define RETENTION_COPY_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * Adds the protected columns with personal data that the query gives out to a
 * List of char *: "column of schema.table".  The query is analysed.
 */
extern List *retention_copy_of_query(List *found, Query *query);

/* The same for all columns of a table. */
extern List *retention_copy_of_table(List *found, Oid relid);

#endif							/* RETENTION_COPY_H */
