/*
 * late_write.h
 *		What users' transactions have made due behind a pass's back.
 *
 * Invariant: before a rule skips what an earlier sweep has seen done, all that
 * was recorded by committed transactions has moved that mark back.
 *
 * Transactions only insert here, one row a table at their end; the next pass over
 * the table takes the rows away and moves rule_state.swept_to. So nobody waits
 * for anybody. Without the table (objects of 1.0) nothing is recorded, and full
 * searches find what came late.
 */
#ifndef RETENTION_LATE_WRITE_H
#define RETENTION_LATE_WRITE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Records that the transaction has made rows of the table due whose clocks are
 * "clock" or later; DT_NOBEGIN: whichever.  Wakes the worker at commit.  To be
 * called at the end of a transaction, before it commits or is prepared.
 */
extern void retention_late_write_append(Oid relid, TimestampTz clock);

/*
 * A pass begins with the table: moves back how far its rules were swept.  Caller
 * has SPI connected, and is the only pass at work on the table.
 */
extern void retention_late_write_consume(Oid relid);

#endif							/* RETENTION_LATE_WRITE_H */
