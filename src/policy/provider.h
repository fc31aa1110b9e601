/*
 * provider.h
 *		The label provider: who may label what, checked as it is set.
 *
 * Invariant: no label that cannot be parsed is ever stored.
 */
#ifndef RETENTION_PROVIDER_H
#define RETENTION_PROVIDER_H

#include "postgres.h"

/* Makes the provider known; called once, from _PG_init. */
extern void retention_provider_register(void);

/* Does the guard's trigger stand on the table?  Its state does not matter. */
extern bool retention_provider_is_protected(Oid relid);

#endif							/* RETENTION_PROVIDER_H */
