/*
 * ledger.h
 *		The append-only ledger and its hash chain.
 *
 * Invariant: an entry is inserted by the transaction that it testifies to; it
 * is numbered and hashed later, by a short transaction under a lock.
 */
#ifndef RETENTION_LEDGER_H
#define RETENTION_LEDGER_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct RetentionLedgerEntry
{
	const char *event;			/* "batch", "protect", "unprotect", ... */
	const char *relation;		/* schema-qualified; NULL = none */
	const char *column_name;	/* NULL = the row */
	const char *category;		/* NULL = none */
	const char *action;			/* NULL = none */
	const uint8 *policy_digest; /* 32 bytes, or NULL */
	TimestampTz cutoff;			/* DT_NOBEGIN = none */
	int64		rows;			/* -1 = none */
	int64		lateness;		/* us, of the most overdue row; -1 = none */
	const char *erasure_level;	/* "deleted", ...; NULL = none */
	const char *detail;			/* no personal data; NULL = none */
} RetentionLedgerEntry;

/* Inserts an unsealed entry in the current transaction; returns its id. */
extern int64 retention_ledger_append(const RetentionLedgerEntry *entry);

/*
 * As above, for an event that is not of a rule: relation NULL = none, rows -1 =
 * none, detail NULL = none.
 */
extern void retention_ledger_tell(const char *event, const char *relation,
								  int64 rows, const char *detail);

/*
 * Numbers and hashes all committed unsealed entries.  Caller: in a transaction
 * that has done nothing else and commits next.  Returns how many it sealed.
 * Seals nothing where it could fork the chain (a snapshot of before the lock),
 * where nothing can be written, and while another session is sealing: whoever
 * comes next does it then.
 */
extern int64 retention_ledger_seal(void);

/*
 * Keeps other sessions from sealing until the transaction ends.  False where a
 * seal could fork the chain (see above), or another session has the lock.
 */
extern bool retention_ledger_lock(void);

/*
 * Removes what the entries behind place "after" and up to place "last" say; their
 * hashes stay.  Caller: holds the lock, and appends and seals an entry that says so
 * in the same transaction.  Returns how many it emptied.
 */
extern int64 retention_ledger_empty(int64 after, int64 last);

#endif							/* RETENTION_LEDGER_H */
