/*
 * late.h
 *		Rows and values that are past their date when they are written.
 *
 * Invariant: privacy_retention.late_rows decides, by clocks in the row itself;
 * a row is never dropped silently, and what is let in is found by the next pass.
 */
#ifndef RETENTION_LATE_H
#define RETENTION_LATE_H

#include "postgres.h"

#include "access/htup.h"
#include "commands/trigger.h"
#include "sentry/orders.h"

/*
 * The row to store in place of the one that an INSERT or UPDATE writes: the same,
 * or one whose late values are as their actions leave them.  ERROR (check
 * violation) where late rows are refused.  "changed": the columns that an UPDATE
 * changes; NULL for an INSERT.
 */
extern HeapTuple retention_late_judge(RetentionOrders *orders, TriggerData *trigger,
									  Bitmapset *changed);

#endif							/* RETENTION_LATE_H */
