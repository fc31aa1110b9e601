/*
 * category_record.h
 *		Periods of data categories in the ledger: what was promised when.
 *
 * Invariant: a period that changes, and a category that goes, is in the ledger, by the
 * transaction that does it, in words that no setting changes.
 */
#ifndef RETENTION_CATEGORY_RECORD_H
#define RETENTION_CATEGORY_RECORD_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* before NULL: a new category.  Nothing is recorded where nothing changes. */
extern void retention_category_record_period(const char *name, const Interval *before,
											 const Interval *period, bool retroactive);

/* The category goes; period is what it had. */
extern void retention_category_record_drop(const char *name, const Interval *period);

#endif							/* RETENTION_CATEGORY_RECORD_H */
