/*
 * ledger_period.h
 *		What a visit does about old entries of the ledger.
 *
 * Invariant: nothing is written to the ledger of a database that is being restored.
 */
#ifndef RETENTION_LEDGER_PERIOD_H
#define RETENTION_LEDGER_PERIOD_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Caller: in a transaction that has done nothing else and commits next. */
extern void retention_ledger_period_look_after(TimestampTz now);

#endif							/* RETENTION_LEDGER_PERIOD_H */
