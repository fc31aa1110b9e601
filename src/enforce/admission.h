/*
 * admission.h
 *		What must be true of a table before it is protected.
 *
 * Invariant: no table becomes protected with a rule that cannot hold, with a
 * column that no label covers, or with more rows due at once than somebody has
 * confirmed.
 */
#ifndef RETENTION_ADMISSION_H
#define RETENTION_ADMISSION_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * ERROR unless the table can be protected; WARNING of what will not go well.
 * at_most: the number of rows, due as of a time, that may go at once, or -1.
 * Returns how many are due, or -1 if that cannot be told.  Caller has locked the
 * table against changes of its labels.
 */
extern int64 retention_admission_check(Oid relid, int64 at_most, TimestampTz as_of);

/*
 * Counts the rows of the table that are due by any of its valid rules, each once.
 * NULL, or the SQLSTATE with which an expression failed.
 */
extern char *retention_admission_count(Oid relid, TimestampTz as_of, int64 *rows);

/* Are these more rows of the table than may go at once without confirmation? */
extern bool retention_admission_is_many(Oid relid, int64 rows);

#endif							/* RETENTION_ADMISSION_H */
