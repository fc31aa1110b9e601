/*
 * feasibility.h
 *		Can the promise be kept, as far as anybody can tell before?
 *
 * Invariant: warns, never refuses: it estimates.
 */
#ifndef RETENTION_FEASIBILITY_H
#define RETENTION_FEASIBILITY_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Warns where the rules of a table ask for more than the settings and the measured
 * rate let expect.  due: rows that are due now, -1 = unknown.  Connects to SPI by
 * itself.
 */
extern void retention_feasibility_warn(Oid relid, List *rules, int64 due);

#endif							/* RETENTION_FEASIBILITY_H */
