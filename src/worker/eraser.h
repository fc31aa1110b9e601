/*
 * eraser.h
 *		The process that brings the bytes of deleted rows to their end, in one
 *		database at a time.
 *
 * Invariant: it gives way, as autovacuum does: whoever waits for a lock of its
 * cancels it, whoever drops its database ends it.
 */
#ifndef RETENTION_ERASER_H
#define RETENTION_ERASER_H

#include "postgres.h"

/* The entry of the process; its argument is the database's OID. */
extern PGDLLEXPORT void retention_eraser_main(Datum arg);

#endif							/* RETENTION_ERASER_H */
