/*
 * epoch.h
 *		Key epochs: made, listed, and destroyed, by hand or on their date.
 *
 * Invariant: an epoch that has a date is destroyed when it has come; where it is
 * the one that makes new tokens, another takes its place first, for as long.
 */
#ifndef RETENTION_EPOCH_H
#define RETENTION_EPOCH_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Destroys keys whose date has come and those whose destruction stopped midway, and,
 * where "records" says so, records in the ledger what is not in it.  Returns the next date after now,
 * DT_NOEND = none.  Caller: in a transaction with an active snapshot, which commits
 * next; not on a standby.  What is wrong with the keys is a WARNING, so that nothing
 * else waits for them; it is tried again next time.
 */
extern TimestampTz retention_epoch_visit(TimestampTz now, bool (*records) (void));

#endif							/* RETENTION_EPOCH_H */
