/*
 * opening.h
 *		The times of day at which the worker is allowed to work.
 *
 * Invariant: pure: a text, a zone and an instant are all that counts.
 *
 *		text := '' | span { ',' span }
 *		span := HH:MM '-' HH:MM		from 00:00 to 24:00; an end before the begin
 *									is the next day's
 *
 * The empty text is open all day.
 */
#ifndef RETENTION_OPENING_H
#define RETENTION_OPENING_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

/* NULL if the text is one of these; else what is wrong, a sentence. */
extern const char *retention_opening_problem(const char *text);

/*
 * The first instant from now on at which it is open: now, if it is.  The text must
 * have no problem; times of day are those of the zone.
 */
extern TimestampTz retention_opening_next(const char *text, pg_tz *zone,
										  TimestampTz now);

/* The longest time between two openings, in seconds. */
extern int	retention_opening_longest_closed(const char *text);

#endif							/* RETENTION_OPENING_H */
