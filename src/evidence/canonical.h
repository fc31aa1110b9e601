/*
 * canonical.h
 *		The bytes of a ledger entry that are hashed.
 *
 * Invariant: the bytes depend on what the entry says and on nothing else: on no
 * setting, no OID, no encoding of the database, no byte order of the machine.
 */
#ifndef RETENTION_CANONICAL_H
#define RETENTION_CANONICAL_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"

/* The columns that are hashed; queries select them in this order, from 1. */
#define RETENTION_CANONICAL_COLUMNS \
	"id, recorded_at, event, relation, column_name, category, action, " \
	"policy_digest, cutoff, rows, lateness, erasure_level, detail"
#define RETENTION_CANONICAL_NCOLUMNS 13

/*
 * Appends the canonical bytes of an entry at place seq.  False if the entry has
 * a value that no entry is written with, so that it has no such bytes.
 */
extern bool retention_canonical_append(StringInfo buffer, int64 seq,
									   HeapTuple tuple, TupleDesc desc);

/* SHA-256 of prev_hash (32 bytes) and the canonical bytes. */
extern void retention_canonical_hash(const uint8 *prev_hash, StringInfo bytes,
									 uint8 *hash);

#endif							/* RETENTION_CANONICAL_H */
