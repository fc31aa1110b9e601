/*
 * label_start.h
 *		Paths to a value: what follows "from", "for", "subject" and "where".
 *
 * Invariant: the canonical text of a start is read back as the same start.
 */
#ifndef RETENTION_LABEL_START_H
#define RETENTION_LABEL_START_H

#include "postgres.h"

#include "policy/label.h"
#include "policy/label_scan.h"

/*
 * Each reads at the cursor and leaves it behind; ERROR with the position when
 * it is not there. "where" says what it follows, for the message.
 */
extern RetentionStart *retention_label_start_parse(RetentionScan *scan);
extern RetentionPath *retention_label_start_path(RetentionScan *scan, const char *where);
extern RetentionValue *retention_label_start_condition(RetentionScan *scan);

#endif							/* RETENTION_LABEL_START_H */
