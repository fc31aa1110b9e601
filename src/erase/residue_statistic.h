/*
 * residue_statistic.h
 *		Values in the planner's statistics that no row has any more.
 *
 * Invariant: a value is called lost only after all rows were seen; otherwise
 * statistics are judged by what happened to the table since they were made.
 */
#ifndef RETENTION_RESIDUE_STATISTIC_H
#define RETENTION_RESIDUE_STATISTIC_H

#include "postgres.h"

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

typedef struct RetentionStatistics RetentionStatistics;

/*
 * Collects what pg_statistic and pg_statistic_ext_data have of the tables and
 * their indexes.  Call it in the memory context that the rows are to be seen in.
 */
extern RetentionStatistics *retention_residue_statistic_begin(List *tables);

/* The rows that follow are those of this table. */
extern void retention_residue_statistic_table(RetentionStatistics *statistics, Relation table);

/* A row that is there. */
extern void retention_residue_statistic_see(RetentionStatistics *statistics, HeapTuple tuple);

/* How the table was read: all of it, and how many rows it has. */
extern void retention_residue_statistic_seen(RetentionStatistics *statistics, Oid table,
											 bool all, double rows);

/* Adds traces of what is lost, or may be, to the list. */
extern List *retention_residue_statistic_report(RetentionStatistics *statistics, List *traces);

#endif							/* RETENTION_RESIDUE_STATISTIC_H */
