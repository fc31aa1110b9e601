/*
 * rewrite.h
 *		Rules of the server's rule system on a table: CREATE RULE.
 *
 * Invariant: a table with a rule ON UPDATE or ON DELETE is not enforced: its
 * statements would become others, on other tables.
 */
#ifndef RETENTION_REWRITE_H
#define RETENTION_REWRITE_H

#include "postgres.h"

/*
 * The statement that drops such a rule of the table or of one of its partitions
 * and children, palloc'd; NULL if there is none.
 */
extern char *retention_rewrite_remedy(Oid relid);

#endif							/* RETENTION_REWRITE_H */
