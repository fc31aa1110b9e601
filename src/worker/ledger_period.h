/*
 * ledger_period.h
 *		What becomes of old entries of the ledger, at a visit or because an officer
 *		says so.
 *
 * Invariant: no entry is shortened while the erasure of what it tells of goes on, or
 * backups may still hold it.
 */
#ifndef RETENTION_LEDGER_PERIOD_H
#define RETENTION_LEDGER_PERIOD_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* A visit's part.  Caller: in a transaction that has done nothing else and commits next. */
extern void retention_ledger_period_look_after(TimestampTz now);

#endif							/* RETENTION_LEDGER_PERIOD_H */
