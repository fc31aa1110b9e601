/*
 * storage.h
 *		The relations that store a table's values, and how their pages are laid out.
 *
 * Invariant: whatever holds a copy of a value of the table in a page is among
 * them; a relation whose pages nobody knows has RETENTION_PAGE_UNKNOWN.
 */
#ifndef RETENTION_STORAGE_H
#define RETENTION_STORAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "erase/page.h"

/* By its access method, or as privacy_retention.scrub_access_methods vouches for it. */
extern RetentionPageFormat retention_storage_format(Relation rel);

/*
 * OIDs of what stores a table, with its partitions, TOAST tables and indexes: those
 * that have files, tables before their indexes.  An index, or a TOAST table, comes
 * with its own alone.  Locks none of them; what is dropped meanwhile may be
 * among them.  With a snapshot or without.
 */
extern List *retention_storage_of(Oid table);

/* OIDs of foreign tables among its partitions and heirs: what is theirs no scrub of ours reaches. */
extern List *retention_storage_elsewhere(Oid table);

/* OIDs of what stores the catalogs that keep values as statistics. */
extern List *retention_storage_of_statistics(void);

/* OIDs of all indexes of one table, in whatever state they are. */
extern List *retention_storage_indexes(Oid table);

/*
 * Is it an index that VACUUM passes by: not finished, or half dropped?  Entries of rows
 * that go stay in it.  Not those of TOAST tables, which have no values.
 */
extern bool retention_storage_unfinished(Relation rel);

/*
 * Opens one of them; NULL if it is gone, has no file here (unlogged, on a standby)
 * or is another session's temporary table.
 */
extern Relation retention_storage_open(Oid relid, LOCKMODE mode);

#endif							/* RETENTION_STORAGE_H */
