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

#include "pseudonym/keydir.h"

/*
 * Destroys keys whose date has come by "now" and those whose destruction stopped
 * midway.  *list: the epochs as they are then, none where they could not be read.
 * Returns the next date after now, DT_NOEND = none.
 *
 * A vault takes its time: caller has no snapshot and no lock, and is in no
 * transaction or in one that has done nothing yet; not on a standby.  Reads no catalog.
 * What is wrong with the keys is a WARNING, so that nothing else waits for them; it is
 * tried again next time.
 */
extern TimestampTz retention_epoch_tend(TimestampTz now, RetentionKeyList *list);

#endif							/* RETENTION_EPOCH_H */
