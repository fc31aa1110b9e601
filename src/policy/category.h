/*
 * category.h
 *		Data categories: the lines of the privacy notice.
 *
 * Invariant: exactly one deletion rule, hence one period, each; a clock that
 * started under a shorter period keeps that one.
 */
#ifndef RETENTION_CATEGORY_H
#define RETENTION_CATEGORY_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What was promised, and still counts, for clocks that started before "until". */
typedef struct RetentionFormerPeriod
{
	TimestampTz until;
	Interval	period;
} RetentionFormerPeriod;

typedef struct RetentionCategory
{
	char	   *name;
	Interval	period;

	/*
	 * By "until", ascending: the first whose "until" is after the clock is
	 * the clock's period, "period" if there is none. Hence the periods ascend
	 * too, and all are shorter than "period".
	 */
	int			nformer;
	RetentionFormerPeriod *former;
} RetentionCategory;

/* The category of that name, palloc'd, or NULL.  Needs no privilege. */
extern RetentionCategory *retention_category_find(const char *name);

/* The name of the category that is spelled most alike, or NULL. */
extern char *retention_category_nearest(const char *name);

#endif							/* RETENTION_CATEGORY_H */
