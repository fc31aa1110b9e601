/*
 * reference.h
 *		Foreign keys that point at a column whose values change.
 *
 * Invariant: a value and the foreign keys that point at it change together, in
 * one statement, or not at all.
 */
#ifndef RETENTION_REFERENCE_H
#define RETENTION_REFERENCE_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "policy/label.h"

/* A column that references the changing one, directly or through others. */
typedef struct RetentionReference
{
	Oid			relid;
	AttrNumber	attnum;
	Oid			parent_relid;	/* the table that it references */
	AttrNumber	parent_attnum;
	bool		cascades;		/* ON UPDATE CASCADE: the server changes it */
} RetentionReference;

/* The referencing columns, parents before children. */
extern List *retention_reference_list(Oid relid, AttrNumber attnum);

/*
 * NULL if the action can hold on a column with the foreign keys that it has or
 * that point at it; else what is wrong, and in *hint what to do.
 */
extern char *retention_reference_problem(const RetentionAction *action,
										 Oid relid, AttrNumber attnum,
										 const char *category, char **hint);

/*
 * Does the column reference one that a rule of the category changes, and so
 * follows it?
 */
extern bool retention_reference_follows(Oid relid, AttrNumber attnum,
										const char *category);

#endif							/* RETENTION_REFERENCE_H */
