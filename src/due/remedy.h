/*
 * remedy.h
 *		What helps against an invalid rule.
 *
 * Invariant: the remedy is never worse than the rule's own hint.
 */
#ifndef RETENTION_REMEDY_H
#define RETENTION_REMEDY_H

#include "postgres.h"

#include "policy/rule.h"

/* A statement, or what to do; NULL if nothing is known. */
extern char *retention_remedy_find(const RetentionRule *rule);

#endif							/* RETENTION_REMEDY_H */
