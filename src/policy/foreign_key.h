/*
 * foreign_key.h
 *		Foreign keys as hops, and those that point at a table.
 *
 * Invariant: a foreign key of a partitioned table counts once, as declared on
 * its root, not once for each partition.
 */
#ifndef RETENTION_FOREIGN_KEY_H
#define RETENTION_FOREIGN_KEY_H

#include "postgres.h"

#include "policy/start.h"
#include "utils/rel.h"

/* A foreign key: the table that has it, and its way to the other one. */
typedef struct RetentionForeignKey
{
	Oid			relid;
	char		on_delete;		/* FKCONSTR_ACTION_...: what the server does */
	char		on_update;
	RetentionJoin *join;
} RetentionForeignKey;

/* A foreign key of the table, as one hop. */
extern RetentionJoin *retention_foreign_key_join(Oid relid, ForeignKeyCacheInfo *fk);

/* The foreign keys that point at the table; a List of RetentionForeignKey *. */
extern List *retention_foreign_key_to(Oid relid);

#endif							/* RETENTION_FOREIGN_KEY_H */
