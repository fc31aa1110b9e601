/*
 * category.h
 *		Data categories: the lines of the privacy notice.
 *
 * Invariant: exactly one deletion rule, hence one period, each.
 */
#ifndef RETENTION_CATEGORY_H
#define RETENTION_CATEGORY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct RetentionCategory
{
	char	   *name;
	Interval	period;
} RetentionCategory;

/* The category of that name, palloc'd, or NULL.  Needs no privilege. */
extern RetentionCategory *retention_category_find(const char *name);

/* The name of the category that is spelled most alike, or NULL. */
extern char *retention_category_nearest(const char *name);

#endif							/* RETENTION_CATEGORY_H */
