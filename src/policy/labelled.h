/*
 * labelled.h
 *		What is labelled: the server's own record of security labels.
 *
 * Invariant: reads the catalogs, keeps nothing of its own.
 */
#ifndef RETENTION_LABELLED_H
#define RETENTION_LABELLED_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"

/*
 * A number that changes whenever a label, a category or a table may have changed,
 * as far as this backend has heard of it.
 */
extern uint64 retention_labelled_generation(void);

/* Is there any label at all? */
extern bool retention_labelled_any(void);

/* OIDs of the tables that have a label with that word in it. */
extern List *retention_labelled_with(const char *word);

/* OIDs of all labelled tables. */
extern List *retention_labelled_relations(void);

/* The table whose labels count: the topmost partitioned ancestor, or itself. */
extern Oid	retention_labelled_root(Oid relid);

/* The label on a table or column, palloc'd, or NULL. */
extern char *retention_labelled_text(Oid relid, AttrNumber attnum);

/* The number of the table's last column, dropped or not; -1 if there is no table. */
extern AttrNumber retention_labelled_natts(Oid relid);

#endif							/* RETENTION_LABELLED_H */
