/*
 * settings_scrub.h
 *		The settings privacy_retention.scrub_*.
 *
 * Invariant: as in settings.h.
 */
#ifndef RETENTION_SETTINGS_SCRUB_H
#define RETENTION_SETTINGS_SCRUB_H

#include "postgres.h"

#include "utils/guc.h"

extern int	retention_settings_scrub_pages; /* pages a second; 0 = no limit */
extern int	retention_settings_scrub_wal;	/* kB of WAL a second; 0 = no
											 * limit */
extern char *retention_settings_scrub_access_methods;	/* vouched for */

/* A check hook: a list of names, as in search_path. */
extern bool retention_settings_check_names(char **newval, void **extra, GucSource source);

/* Called by retention_settings_define(). */
extern void retention_settings_define_scrub(void);

#endif							/* RETENTION_SETTINGS_SCRUB_H */
