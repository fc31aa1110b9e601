/*
 * personal.h
 *		Does a column look as if it held personal data?
 *
 * Invariant: a guess from names and types; no value is read, and none is needed.
 */
#ifndef RETENTION_PERSONAL_H
#define RETENTION_PERSONAL_H

#include "postgres.h"

/* What it looks like, as "a telephone number"; NULL if like nothing of a person. */
extern const char *retention_personal_judge(const char *table,
											const char *column, Oid type);

#endif							/* RETENTION_PERSONAL_H */
