/*
 * cron.h
 *		Jobs of pg_cron that make passes, for servers without the worker.
 *
 * Invariant: a job is one CALL and nothing else, made as the role that asked for
 * it; pg_cron is found at run time, and only what belongs to that extension is
 * taken for it.
 */
#ifndef RETENTION_CRON_H
#define RETENTION_CRON_H

#include "postgres.h"

/* All of our jobs are named so, and then after their table. */
#define RETENTION_CRON_PREFIX "privacy_retention: "

/* What a job executes: a pass over one table (InvalidOid: over all); palloc'd. */
extern char *retention_cron_command(Oid relid);

/*
 * Is pg_cron in this database?  What only goes by its names is not; with "loud"
 * that is an ERROR.
 */
extern bool retention_cron_is_here(bool loud);

#endif							/* RETENTION_CRON_H */
