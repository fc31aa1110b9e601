/*
 * hold_text.h
 *		Which rows are under suspension, as SQL conditions.
 *
 * Invariant: what these conditions let through, the guards let through; what
 * they cannot see (another owner's table), the guards refuse.
 */
#ifndef RETENTION_HOLD_TEXT_H
#define RETENTION_HOLD_TEXT_H

#include "postgres.h"

#include "access/attnum.h"

/*
 * SQL text over the row t of the table: nothing that is under suspension would be
 * deleted or changed by deleting the row (attnum 0), or by changing that column
 * of it, at any depth of foreign keys.  "true" where nothing can be.
 */
extern char *retention_hold_text_unheld(Oid relid, AttrNumber attnum);

/*
 * Which suspensions in force are of the table, of what it is part of, or of its
 * parts, in words: "suspension 3, suspension 7 (what is wrong with it)"; NULL: none.
 */
extern char *retention_hold_text_numbers(Oid relid);

/* May rows wait, by that condition, for others that go before them? */
extern bool retention_hold_text_waits(const char *unheld);

/*
 * SQL text: a value of the table's row type, with that alias, would be held; NULL
 * where none can be.  Suspensions of the table's children are not asked: such a
 * value does not tell which child it is of.
 */
extern char *retention_hold_text_held(Oid relid, const char *alias);

#endif							/* RETENTION_HOLD_TEXT_H */
