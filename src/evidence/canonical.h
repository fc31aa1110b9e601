/*
 * canonical.h
 *		From a row of retention.ledger to the entry that is hashed.
 *
 * Invariant: an entry has one form, whatever the database's encoding and the
 * session's settings are.
 */
#ifndef RETENTION_CANONICAL_H
#define RETENTION_CANONICAL_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"

#include "evidence/entry.h"

/* The columns that are hashed; queries select them in this order, from 1. */
#define RETENTION_CANONICAL_COLUMNS \
	"id, recorded_at, event, relation, column_name, category, action, " \
	"policy_digest, cutoff, rows, lateness, erasure_level, detail"
#define RETENTION_CANONICAL_NCOLUMNS 13

/*
 * The entry at place seq, in the current memory context.  False if it has a
 * value that no entry is written with, so that it has no hash.
 */
extern bool retention_canonical_entry(RetentionEntry *entry, int64 seq,
									  HeapTuple tuple, TupleDesc desc);

#endif							/* RETENTION_CANONICAL_H */
