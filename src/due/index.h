/*
 * index.h
 *		Indexes that the search for due rows wants.
 *
 * Invariant: an index that is named as missing would be used: it leads with the
 * very value that the search compares.
 */
#ifndef RETENTION_INDEX_H
#define RETENTION_INDEX_H

#include "postgres.h"

#include "policy/rule.h"

/*
 * The statement that would create the missing index which the rule's search
 * wants, or NULL. Several are separated by "; ".
 */
extern char *retention_index_missing(const RetentionRule *rule);

/* The same, where the indexes "gone" (OIDs) are not counted. */
extern char *retention_index_missing_without(const RetentionRule *rule, const List *gone);

#endif							/* RETENTION_INDEX_H */
