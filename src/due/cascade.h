/*
 * cascade.h
 *		Which rows foreign keys would remove together with due ones.
 *
 * Invariant: each row is counted once, by however many ways it is reached, and
 * never when it is one of the due rows itself.
 */
#ifndef RETENTION_CASCADE_H
#define RETENTION_CASCADE_H

#include "postgres.h"

#include "due/due.h"

/*
 * Counts the rows that ON DELETE CASCADE would remove, on all levels, with the
 * due rows of a delete rule; up to cap due rows and cap others (0 = all).
 */
extern int64 retention_cascade_count(const RetentionDue *due, int64 cap,
									 bool *exact);

#endif							/* RETENTION_CASCADE_H */
