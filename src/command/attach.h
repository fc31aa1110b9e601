/*
 * attach.h
 *		A table that becomes a partition, or a child, of another.
 *
 * Invariant: what is found is what the command names; it may not be there, and
 * nothing is locked.
 */
#ifndef RETENTION_ATTACH_H
#define RETENTION_ATTACH_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Does the subcommand make one table a part of another?  Which ones? */
extern bool retention_attach_parts(const AlterTableStmt *statement,
								   const AlterTableCmd *command,
								   Oid *parent, Oid *part);

/* The table that CREATE TABLE has made; InvalidOid if it is not there. */
extern Oid	retention_attach_created(const CreateStmt *statement);

#endif							/* RETENTION_ATTACH_H */
