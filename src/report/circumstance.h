/*
 * circumstance.h
 *		What concerns every rule of a database: is there a worker, and does the
 *		extension stand as it should?
 *
 * Invariant: reading changes nothing, also on a standby, where none of it counts.
 */
#ifndef RETENTION_CIRCUMSTANCE_H
#define RETENTION_CIRCUMSTANCE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What is wrong, and what helps: a statement, or NULL. */
typedef struct RetentionCircumstance
{
	char	   *reason;			/* NULL = nothing is */
	char	   *remedy;
} RetentionCircumstance;

typedef struct RetentionCircumstances
{
	RetentionCircumstance worker;	/* one should come, and cannot */
	RetentionCircumstance absence;	/* none will come, or not now: as it is
									 * set up */
	RetentionCircumstance triggers; /* event triggers are off */
	RetentionCircumstance version;	/* an update of the extension is pending */
} RetentionCircumstances;

/* palloc'd.  Connects to SPI by itself. */
extern RetentionCircumstances *retention_circumstance_read(TimestampTz now);

#endif							/* RETENTION_CIRCUMSTANCE_H */
