/*
 * coverage.h
 *		How far the tables of the governed schemas are labelled and protected.
 *
 * Invariant: each table that can hold rows of users counts once: a partition
 * counts with its root.
 */
#ifndef RETENTION_COVERAGE_H
#define RETENTION_COVERAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The first that is true. */
typedef enum RetentionCoverageState
{
	RETENTION_COVERAGE_UNLABELLED,	/* no label at all */
	RETENTION_COVERAGE_PARTIAL, /* a column is covered by none */
	RETENTION_COVERAGE_NOT_PERSONAL,	/* all of it is 'no personal data' */
	RETENTION_COVERAGE_WATCHED, /* covered, not protected */
	RETENTION_COVERAGE_PROTECTED
} RetentionCoverageState;

/* A column that looks personal, and no label covers it. */
typedef struct RetentionCoverageSuspect
{
	char	   *column;
	const char *meaning;
} RetentionCoverageSuspect;

typedef struct RetentionCoverage
{
	Oid			relid;
	char	   *relation;		/* schema-qualified, quoted */
	char		relkind;
	RetentionCoverageState state;
	int			columns;
	int			labelled;		/* have a label of their own */
	List	   *uncovered;		/* of char * */
	List	   *suspects;		/* of RetentionCoverageSuspect * */
} RetentionCoverage;

/*
 * OIDs of the tables of the governed schemas, by name: tables and roots of
 * partitions that are neither temporary nor an extension's; with_foreign: foreign
 * tables, too.
 */
extern List *retention_coverage_relations(bool with_foreign);

/*
 * Fills in what is to be known of a table; relid is given.  False if there is no
 * such table any more.
 */
extern bool retention_coverage_read(RetentionCoverage *coverage);

#endif							/* RETENTION_COVERAGE_H */
