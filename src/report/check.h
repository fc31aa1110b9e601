/*
 * check.h
 *		The self-check of an installation: sources of findings.
 *
 * Invariant: a source reads and changes nothing, also on a standby; what it finds
 * it finds whoever asks.
 */
#ifndef RETENTION_CHECK_H
#define RETENTION_CHECK_H

#include "postgres.h"

#include "report/finding.h"

/* Adds what a wing or a table of it has to say; may raise errors. */
typedef void (*RetentionCheckSource) (RetentionFindings *findings);

/* Columns that look personal and have no label; foreign tables that look so. */
extern void retention_check_labels(RetentionFindings *findings);

/* Of each labelled table: partitions without guards, missing indexes. */
extern void retention_check_tables(RetentionFindings *findings);

/* Does a worker look after this database, and does it get on? */
extern void retention_check_worker(RetentionFindings *findings);

/* Changes that go out without an origin. */
extern void retention_check_downstream(RetentionFindings *findings);

#endif							/* RETENTION_CHECK_H */
