/*
 * health.h
 *		The state of a rule, why, and what helps.
 *
 * Invariant: whatever is not enforced as promised is not "ok", and says why and
 * what helps, without any value of a row.
 */
#ifndef RETENTION_HEALTH_H
#define RETENTION_HEALTH_H

#include "postgres.h"

#include "report/survey.h"

typedef struct RetentionHealth
{
	const char *state;			/* ok, watched, late, blocked, paused,
								 * invalid, waiting */
	char	   *reason;			/* NULL = nothing to say */
	char	   *remedy;			/* a statement, or what to do; or NULL */
} RetentionHealth;

/* Is the SQLSTATE that of a lock that could not be had in time? */
extern bool retention_health_is_lock(const char *state);

/*
 * What keeps the engine from the rule altogether, whatever its rows; state NULL =
 * nothing does.  Needs no counts in the survey.
 */
extern RetentionHealth retention_health_hindrance(const RetentionSurvey *survey);

extern RetentionHealth retention_health_judge(const RetentionSurvey *survey);

#endif							/* RETENTION_HEALTH_H */
