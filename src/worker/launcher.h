/*
 * launcher.h
 *		The process that decides which database is looked at next.
 *
 * Invariant: it sits on no database, so it is in nobody's way.
 */
#ifndef RETENTION_LAUNCHER_H
#define RETENTION_LAUNCHER_H

#include "postgres.h"

/* Asks the postmaster for the launcher; called from _PG_init while preloading. */
extern void retention_launcher_register(void);

#endif							/* RETENTION_LAUNCHER_H */
