/*
 * subscription.h
 *		Tables whose rows come from a publisher.
 *
 * Invariant: what the publisher deletes is deleted once, by it: nothing is
 * enforced in a table that an enabled subscription fills.
 */
#ifndef RETENTION_SUBSCRIPTION_H
#define RETENTION_SUBSCRIPTION_H

#include "postgres.h"

/*
 * The name of an enabled subscription by which rows reach the table, one of its
 * partitions or children, or a root that it is a partition of; palloc'd.  NULL:
 * there is none, or privacy_retention.enforce_subscribed is on.
 */
extern char *retention_subscription_name(Oid relid);

/* Why the table waits then, and the statement that helps; palloc'd. */
extern char *retention_subscription_reason(const char *name);
extern char *retention_subscription_remedy(void);

#endif							/* RETENTION_SUBSCRIPTION_H */
