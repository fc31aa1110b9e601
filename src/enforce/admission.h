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

/*
 * ERROR unless the table can be protected; WARNING of what will not go well.
 * at_most: the number of rows that may go at once, or -1.  Returns how many are
 * due now, or -1 if that cannot be told.  Caller has locked the table against changes of its labels.
 */
extern int64 retention_admission_check(Oid relid, int64 at_most);

#endif							/* RETENTION_ADMISSION_H */
