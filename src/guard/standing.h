/*
 * standing.h
 *		Which triggers of a table stand, and which come after the guard.
 *
 * Invariant: answered from the catalog alone, for one table, not for its
 * partitions.
 */
#ifndef RETENTION_STANDING_H
#define RETENTION_STANDING_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The names (char *) of our triggers on the table that fire always, by our names. */
extern List *retention_standing_guards(Oid relid);

/*
 * The names (char *) of others' triggers that fire before a row is written, and
 * after our guard: they could write back what it has refused.
 */
extern List *retention_standing_late(Oid relid);

#endif							/* RETENTION_STANDING_H */
