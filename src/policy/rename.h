/*
 * rename.h
 *		What a rename does to one label's text.
 *
 * Invariant: only the tokens that name the renamed object are replaced; the
 * rest of the label stays as the user wrote it.
 */
#ifndef RETENTION_RENAME_H
#define RETENTION_RENAME_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"

/* What was renamed; the catalogs have the new names already. */
typedef struct RetentionRename
{
	/* a column, of these tables (one and its inheritors) */
	List	   *column_relids;
	const char *old_column;		/* NULL = no column */
	const char *new_column;
	/* a constraint, of this table */
	Oid			constraint_relid;
	const char *old_constraint; /* NULL = no constraint */
	const char *new_constraint;
	/* a table's name or schema */
	Oid			table_relid;
	const char *old_table;		/* NULL = no table */
	Oid			old_namespace;
	/* a schema */
	Oid			schema;
	const char *old_schema;		/* NULL = no schema */
} RetentionRename;

typedef enum RetentionRenameOutcome
{
	RETENTION_RENAME_UNTOUCHED, /* does not name the object */
	RETENTION_RENAME_CERTAIN,	/* the new text means what the old one meant */
	RETENTION_RENAME_UNCERTAIN, /* probably: a person must look */
	RETENTION_RENAME_CLASH		/* the new name would be taken for another */
} RetentionRenameOutcome;

/*
 * What becomes of the label of the table, or of its column; *text is the label
 * with the new name.  A part that cannot be resolved is left alone.
 */
extern RetentionRenameOutcome retention_rename_label(const RetentionRename *rename,
													 Oid relid, AttrNumber attnum,
													 const char *label, char **text);

#endif							/* RETENTION_RENAME_H */
