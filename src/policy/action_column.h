/*
 * action_column.h
 *		What an action must know of a column.
 *
 * Invariant: read from the catalogs under a lock of the table, and a copy: it
 * stays as it is when the lock is gone.
 */
#ifndef RETENTION_ACTION_COLUMN_H
#define RETENTION_ACTION_COLUMN_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/primnodes.h"

typedef struct RetentionActionColumn
{
	Oid			relid;
	AttrNumber	attnum;
	Oid			type;
	int32		typmod;
	Oid			base;			/* the type below all domains */
	int32		base_typmod;
	char	   *name;			/* of the type, for messages */
	char	   *type_text;		/* qualified, with the type modifier */
	char	   *base_text;		/* qualified, without */
	bool		is_text;		/* text, varchar, char, citext */
	bool		not_null;		/* the column, its primary key, or a domain */
	bool		unique;			/* alone in a unique index without condition */
	bool		unique_nulls;	/* ... with NULLS NOT DISTINCT */
	bool		generated;
	bool		identity_always;
	bool		partition_key;
	Node	   *default_value;	/* of the column's type; NULL = none */
} RetentionActionColumn;

extern RetentionActionColumn *retention_action_column_load(Oid relid,
														   AttrNumber attnum);

/*
 * SQL text: are the two values, of the column's type, the same? Never NULL. To
 * the byte for texts, whatever their collation or citext says; as text for types
 * without an equality of their own.
 */
extern char *retention_action_column_same(const RetentionActionColumn *column,
										  const char *a, const char *b);

#endif							/* RETENTION_ACTION_COLUMN_H */
