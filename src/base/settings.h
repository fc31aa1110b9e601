/*
 * settings.h
 *		The settings privacy_retention.*.
 *
 * Invariant: every setting is the superuser's or the configuration file's
 * (PGC_SUSET, PGC_SIGHUP or PGC_POSTMASTER), and none holds a secret.
 */
#ifndef RETENTION_SETTINGS_H
#define RETENTION_SETTINGS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What becomes of a column, or a copy, without a label: privacy_retention.unlabelled. */
typedef enum RetentionUnlabelled
{
	RETENTION_UNLABELLED_IGNORE,
	RETENTION_UNLABELLED_WARNING,
	RETENTION_UNLABELLED_ERROR
} RetentionUnlabelled;

extern int	retention_settings_unlabelled;	/* RetentionUnlabelled */

/* What becomes of a row or value that is past its date when it is written. */
typedef enum RetentionLateRows
{
	RETENTION_LATE_TRANSFORM,	/* values as their action leaves them */
	RETENTION_LATE_REJECT,
	RETENTION_LATE_ACCEPT		/* the next pass takes them */
} RetentionLateRows;

extern bool retention_settings_enabled; /* enforce in this database? */
extern int	retention_settings_naptime; /* s, between two looks of the worker */
extern char *retention_settings_timezone;	/* of timestamp and date clocks */
extern char *retention_settings_officer_role;	/* "" = superuser only */
extern char *retention_settings_key_directory;	/* "" = no keys */
extern char *retention_settings_key_command;	/* "" = no vault */
extern int	retention_settings_promised_lateness;	/* s */
extern int	retention_settings_batch_rows;	/* rows in the first batch */
extern int	retention_settings_batch_time;	/* ms that a batch may take */
extern int	retention_settings_lock_timeout;	/* ms, for a locked row or
												 * table */
extern int	retention_settings_duty_cycle;	/* %, of its time that the worker
											 * works */
extern int	retention_settings_late_rows;	/* RetentionLateRows */
extern bool retention_settings_drop_partitions; /* drop, not truncate */
extern bool retention_settings_replication_origin;	/* mark what is changed */
extern bool retention_settings_enforce_subscribed;	/* also what a publisher
													 * sends */
extern char *retention_settings_governed_schemas;	/* "" = all that are not
													 * the system's */
extern int	retention_settings_largest_share;	/* %, of a table's rows, of a
												 * rule in one pass */
extern int	retention_settings_erase_within;	/* s, from deletion to scrub;
												 * 0 = not by the worker */
extern int	retention_settings_backup_retention;	/* s, as declared; 0 = no
													 * backups, -1 = not
													 * declared */
extern bool retention_settings_reindex; /* where only that removes values */

extern char *retention_settings_ledger_origin;	/* "" = derived */
extern int	retention_settings_ledger_period;	/* s; -1 = no entry is
												 * shortened */

/* Clocks before this instant are implausible (privacy_retention.earliest). */
extern TimestampTz retention_settings_earliest(void);

/*
 * The first instant from now on at which privacy_retention.time_window lets the worker
 * enforce: now, if it is open.
 */
extern TimestampTz retention_settings_next_opening(TimestampTz now);

/* The longest time, in seconds, for which the window is closed; 0 = never. */
extern int	retention_settings_longest_closed(void);

/*
 * Until the caller's GUC nest level ends, waits for no lock longer than
 * privacy_retention.lock_timeout: a table that is locked must not hang who only
 * looks at it.
 */
extern void retention_settings_limit_lock_waits(void);

/* Grows whenever what a clock means may have changed: time zone or earliest. */
extern uint64 retention_settings_generation(void);

/* Defines all settings; called once, from _PG_init. */
extern void retention_settings_define(void);

#endif							/* RETENTION_SETTINGS_H */
