/*
 * alarm_erasure.h
 *		Tells when the erasure of what was deleted is late, and when it is well again.
 *
 * Invariant: late is what retention.check() calls so: what was deleted
 * privacy_retention.erase_within ago is not yet gone from the data files.
 */
#ifndef RETENTION_ALARM_ERASURE_H
#define RETENTION_ALARM_ERASURE_H

#include "postgres.h"

#include "report/told.h"

/* Of all tables.  Looks at nothing: what holds a round is what was last noted of it. */
extern void retention_alarm_erasure_tell(RetentionTelling *telling);

#endif							/* RETENTION_ALARM_ERASURE_H */
