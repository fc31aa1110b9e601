/*
 * label_action.h
 *		The action at the end of a stage: what follows "then".
 *
 * Invariant: the canonical text of an action is read back as the same action.
 */
#ifndef RETENTION_LABEL_ACTION_H
#define RETENTION_LABEL_ACTION_H

#include "postgres.h"

#include "policy/label.h"
#include "policy/label_scan.h"

/* Reads an action at the cursor; ERROR with its position if there is none. */
extern RetentionAction *retention_label_action_parse(RetentionScan *scan);

#endif							/* RETENTION_LABEL_ACTION_H */
