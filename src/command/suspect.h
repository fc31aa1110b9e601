/*
 * suspect.h
 *		Which protected tables may a command hurt?
 *
 * Invariant: a protected table that is not a suspect keeps its rules and guards,
 * whatever the command does.
 */
#ifndef RETENTION_SUSPECT_H
#define RETENTION_SUSPECT_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/*
 * The protected tables that the command may hurt: those that it is about, those
 * whose labels lead to what it is about, all of them where only the server knows
 * what goes along (CASCADE).  *touched: the tables that the command names.  Looks
 * at the catalogs only, and locks nothing.
 */
extern List *retention_suspect_tables(Node *command, List **touched);

/* The protected tables whose labels may lead to the table, and itself if it is one. */
extern List *retention_suspect_of(Oid relid);

#endif							/* RETENTION_SUSPECT_H */
