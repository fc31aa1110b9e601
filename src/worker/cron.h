/*
 * cron.h
 *		Jobs of pg_cron that make passes and erase, for servers without the worker.
 *
 * Invariant: a job is one CALL or VACUUM and nothing else, made as the role that asked for
 * it; pg_cron is found at run time, and only what belongs to that extension is
 * taken for it.
 */
#ifndef RETENTION_CRON_H
#define RETENTION_CRON_H

#include "postgres.h"

#include "erase/scrub.h"

/* All of our jobs are named so, and then after their table. */
#define RETENTION_CRON_PREFIX "privacy_retention: "

typedef enum RetentionCronKind
{
	RETENTION_CRON_KIND_ENFORCE,	/* a pass over one table, or all */
	RETENTION_CRON_KIND_VACUUM,
	RETENTION_CRON_KIND_SCRUB
} RetentionCronKind;

/* What a job executes: HEAD 'name' TAIL, or VACUUM and the name. */
#define RETENTION_CRON_ENFORCE "CALL retention.enforce("
#define RETENTION_CRON_SCRUB "CALL retention.scrub("
#define RETENTION_CRON_VACUUM "VACUUM (" RETENTION_SCRUB_VACUUM ", ANALYZE) "
#define RETENTION_CRON_TAIL "::pg_catalog.regclass)"

/*
 * Is pg_cron in this database?  What only goes by its names is not; with "loud"
 * that is an ERROR.
 */
extern bool retention_cron_is_here(bool loud);

#endif							/* RETENTION_CRON_H */
