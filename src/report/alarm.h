/*
 * alarm.h
 *		Tells when the state of a rule changes, or the erasure of what was deleted is
 *		late: a line in the server's log, and a notification for whoever listens.
 *
 * Invariant: each change from or to a state that is not well is told once, and
 * without any value of a row; what cannot be told now is told later.
 */
#ifndef RETENTION_ALARM_H
#define RETENTION_ALARM_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Compares the states of the rules, and behind the last table those of erasures,
 * with those last told, and tells what has changed when the transaction commits.  relid: of one table; InvalidOid = of all,
 * those behind the table "after" first, for budget ms (0 = all of them).  Returns
 * the table behind which to go on, InvalidOid = none is left.  Nothing where the
 * SQL objects of 1.0 know no alarms, and on a standby.
 */
extern Oid	retention_alarm_tell(Oid relid, Oid after, TimestampTz now, int budget);

/*
 * As above for one table, or for some of all those behind "after"; what fails is
 * only logged.  Keeps locks of the tables until the transaction ends.
 */
extern Oid	retention_alarm_try(Oid relid, Oid after, TimestampTz now);

#endif							/* RETENTION_ALARM_H */
