/*
 * clock.h
 *		Clocks that have passed: nobody but the officer moves them later.
 *
 * Invariant: what has ended stays ended, and what is due stays due, whatever an
 * application writes; activity may renew a clock by which nothing is due.
 */
#ifndef RETENTION_CLOCK_H
#define RETENTION_CLOCK_H

#include "postgres.h"

#include "commands/trigger.h"
#include "sentry/orders.h"

/*
 * Looks at what an UPDATE does to clocks in the row, and to the way to clocks in
 * other rows.  ERROR (insufficient privilege) where a clock that has passed would
 * become NULL, implausible or future, or would become later while a row is due
 * and not done by it.  The officer may; that is in the ledger.
 */
extern void retention_clock_check(RetentionOrders *orders, TriggerData *trigger,
								  Bitmapset *changed);

#endif							/* RETENTION_CLOCK_H */
