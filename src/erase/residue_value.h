/*
 * residue_value.h
 *		A set of values, and which of them were seen in rows.
 *
 * Invariant: values are compared as images: no operator is called.
 */
#ifndef RETENTION_RESIDUE_VALUE_H
#define RETENTION_RESIDUE_VALUE_H

#include "postgres.h"

#include "erase/residue_trace.h"

typedef struct RetentionValues RetentionValues;

/* An empty set of values of a type. */
extern RetentionValues *retention_residue_value_set(Oid type);

/* Adds values (copied).  All are added before the first is seen. */
extern void retention_residue_value_add(RetentionValues *set, const Datum *values, int count);

/* A value of a row.  What lies in its TOAST table is too wide to be in a set. */
extern void retention_residue_value_see(RetentionValues *set, Datum value);

/* Adds the values that were not seen, their bytes too. */
extern void retention_residue_value_lost(RetentionValues *set, RetentionTally *lost);

extern int	retention_residue_value_count(const RetentionValues *set);

#endif							/* RETENTION_RESIDUE_VALUE_H */
