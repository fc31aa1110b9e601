/*
 * shorten.h
 *		Entries of the ledger that are older than the ledger's own period.
 *
 * Invariant: what entries say goes, their hashes stay, and a sealed entry says
 * which were shortened: chain, checkpoints and proofs hold as before.
 */
#ifndef RETENTION_SHORTEN_H
#define RETENTION_SHORTEN_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* The first entry that must be kept whole, however old it is; PG_INT64_MAX = none. */
typedef int64 (*RetentionShortenFirstKept) (void);

/*
 * Shortens what privacy_retention.ledger_period demands, about once a day and some
 * of it at a time.  Caller: in a transaction that has done nothing else and commits
 * next.  Returns how many entries it shortened; a ledger that does not hold is a
 * WARNING, and stays as it is.
 */
extern int64 retention_shorten_due(TimestampTz now, RetentionShortenFirstKept first_kept);

/*
 * Shortens all entries of before an instant.  Caller: as above, an officer.  Returns
 * how many it shortened; *kept: an older one that it kept, 0 = none.  Errors: another
 * session seals; the ledger does not hold.
 */
extern int64 retention_shorten_before(TimestampTz before, RetentionShortenFirstKept first_kept,
									  int64 *kept);

#endif							/* RETENTION_SHORTEN_H */
