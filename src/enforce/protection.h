/*
 * protection.h
 *		From watched to enforced, and back.
 *
 * Invariant: what is decided about a table is decided by its owner or by an
 * officer, about the table that has the labels.
 */
#ifndef RETENTION_PROTECTION_H
#define RETENTION_PROTECTION_H

#include "postgres.h"

/*
 * Locks a table (SHARE UPDATE EXCLUSIVE) against changes of its labels and
 * columns.  ERROR unless the caller owns it or is an officer, and for what is not
 * protected by itself: partitions and children, views.  The hint is
 * the call of "function" with the right table and "arguments" (", ..." or "").
 */
extern void retention_protection_open(Oid relid, const char *function,
									  const char *arguments);

#endif							/* RETENTION_PROTECTION_H */
