/*
 * holder.h
 *		What keeps deleted versions of rows from being removed.
 *
 * Invariant: the server's own horizon decides whether they may be; who holds it is
 * only looked for to be named, the one that is oldest first, and by its number: a
 * name that a user gave to a transaction or a session may be personal.
 */
#ifndef RETENTION_HOLDER_H
#define RETENTION_HOLDER_H

#include "postgres.h"

#include "access/transam.h"

/*
 * May VACUUM remove what transactions before "horizon" deleted in the table?  If
 * not, *holder says who still sees it, and *remedy what helps: a statement, or what
 * to do; palloc'd.  Nothing is held in a table that is gone, or that others have
 * locked exclusively: *holder says so of the latter.  Takes no lock for longer
 * than the call, and waits for none.  Caller: in a transaction; not on a standby.
 * Connects to SPI by itself.
 */
extern bool retention_holder_removable(Oid relation, FullTransactionId horizon,
									   char **holder, char **remedy);

#endif							/* RETENTION_HOLDER_H */
