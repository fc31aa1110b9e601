/*
 * closure.h
 *		Due rows that foreign keys make wait for each other.
 *
 * Invariant: a row goes together with the rows that reference it only if each of
 * them is due by a rule of its own table; all go in one statement, or none.
 */
#ifndef RETENTION_CLOSURE_H
#define RETENTION_CLOSURE_H

#include "postgres.h"

#include "due/due.h"
#include "due/row.h"

/*
 * After a foreign key kept a due row (violation): deletes it with all rows that reference it,
 * directly or through others, if all are due and their tables protected and of
 * one owner.  Returns how many rows of its own rule went, 0 if it has to stay;
 * the ledger entries of other rules are written here.  Subtransactions of its
 * own; caller has SPI connected.
 */
extern int64 retention_closure_delete(const RetentionDue *due, const RetentionArm *arm,
									  const RetentionRow *row,
									  const ErrorData *violation);

#endif							/* RETENTION_CLOSURE_H */
