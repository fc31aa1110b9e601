/*
 * draft.h
 *		Orders, drafted from the rules of the tables that they are about.
 *
 * Invariant: what a guard looks at is taken from the same compiled rules as the
 * engine's conditions; here is no opinion of what is due.
 */
#ifndef RETENTION_DRAFT_H
#define RETENTION_DRAFT_H

#include "postgres.h"

#include "sentry/orders.h"
#include "utils/rel.h"

/*
 * Fills in empty orders, for rows that "rel" stores; in the current memory
 * context, which is the orders' own.  "dependents": OIDs of the tables that a
 * clock's table is guarded for.  ERROR where rules cannot be read: call it in an
 * attempt.
 */
extern void retention_draft_write(RetentionOrders *orders, Relation rel,
								  List *dependents, MemoryContext scratch);

#endif							/* RETENTION_DRAFT_H */
