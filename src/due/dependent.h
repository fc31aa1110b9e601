/*
 * dependent.h
 *		Rows whose clock is in another row.
 *
 * Invariant: a clock row (the event) is kept until its dependents are done.
 */
#ifndef RETENTION_DEPENDENT_H
#define RETENTION_DEPENDENT_H

#include "postgres.h"

/*
 * SQL text: no row of a labelled table, with something still to be done to it,
 * has its clock in the row t of this table or finds it through t.
 */
extern char *retention_dependent_none(Oid relid);

/*
 * The labelled tables in the order in which a pass must visit them: rows whose
 * clock or foreign key is in another table before that table.
 */
extern List *retention_dependent_order(List *relations);

#endif							/* RETENTION_DEPENDENT_H */
