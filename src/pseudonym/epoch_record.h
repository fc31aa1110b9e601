/*
 * epoch_record.h
 *		Keys that were made and destroyed, in the ledger of each database.
 *
 * Invariant: keys know no transactions: what a rollback or a crash kept out of the
 * ledger gets its entry later, with the time at which it happened, and only one.
 */
#ifndef RETENTION_EPOCH_RECORD_H
#define RETENTION_EPOCH_RECORD_H

#include "postgres.h"

#include "pseudonym/keydir.h"

/* False with the SQL objects of a release that recorded no keys. */
extern bool retention_epoch_record_is_known(void);

/* Has this database recorded anything yet? */
extern bool retention_epoch_record_any(void);

/* Records one epoch, in the transaction that made or destroyed its key. */
extern void retention_epoch_record(const RetentionKeyEpoch *epoch);

/*
 * Records all that has not been yet.  Does nothing while another transaction, which
 * may take its time, records something: whoever comes next does it then.
 */
extern void retention_epoch_record_missing(const RetentionKeyList *list);

#endif							/* RETENTION_EPOCH_RECORD_H */
