/*
 * names.h
 *		Tables of ours that hold the names of users' tables.
 *
 * Invariant: any table of schema retention that has a column "relation" takes
 * part, but for the ledger, which is never rewritten, and the suspensions, whose
 * conditions have names in them, too (hold_ddl.c).
 */
#ifndef RETENTION_NAMES_H
#define RETENTION_NAMES_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Drops what they hold of tables that are gone; char *: "schema.table", quoted. */
extern void retention_names_drop(List *relations);

#endif							/* RETENTION_NAMES_H */
