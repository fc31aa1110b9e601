/*
 * worker.h
 *		The short-lived process that visits one database.
 *
 * Invariant: a visit ends by itself within moments, so that whoever wants the
 * database for himself gets it.
 */
#ifndef RETENTION_WORKER_H
#define RETENTION_WORKER_H

#include "postgres.h"

/* The entry of the process; its argument is the database's OID. */
extern PGDLLEXPORT void retention_worker_main(Datum arg);

#endif							/* RETENTION_WORKER_H */
