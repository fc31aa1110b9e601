/*
 * finding.h
 *		What retention.check() has found: a list that its sources add to.
 *
 * Invariant: a finding says what is wrong with which object and what helps, and
 * holds no value of a row.
 */
#ifndef RETENTION_FINDING_H
#define RETENTION_FINDING_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef enum RetentionSeverity
{
	RETENTION_SEVERITY_ERROR,	/* a promise is not kept, or will not be */
	RETENTION_SEVERITY_WARNING, /* it may not be, or data escapes the rules */
	RETENTION_SEVERITY_INFO		/* to be known */
} RetentionSeverity;

typedef struct RetentionFinding
{
	RetentionSeverity severity;
	char	   *object;
	char	   *finding;
	char	   *hint;			/* a statement, or what to do */
} RetentionFinding;

typedef struct RetentionFindings
{
	List	   *list;			/* of RetentionFinding * */
} RetentionFindings;

extern const char *retention_finding_severity_name(RetentionSeverity severity);

/* False if it is no name of a severity. */
extern bool retention_finding_severity_parse(const char *name, RetentionSeverity *severity);

/* Adds one; the texts are copied. */
extern void retention_finding_add(RetentionFindings *findings, RetentionSeverity severity,
								  const char *object, const char *finding, const char *hint);

/*
 * Adds the rows of a query of ours: severity, object, finding, hint, as text.
 * Read only, as the extension's owner.
 */
extern void retention_finding_add_query(RetentionFindings *findings, const char *sql);

/*
 * Runs work(arg), which adds findings, in a subtransaction. What fails becomes a
 * finding about "object", with its SQLSTATE alone.
 */
extern void retention_finding_attempt(RetentionFindings *findings, const char *object,
									  void (*work) (void *arg), void *arg);

/* Orders by severity, object, finding, hint; drops doubles. */
extern void retention_finding_sort(RetentionFindings *findings);

#endif							/* RETENTION_FINDING_H */
