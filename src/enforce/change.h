/*
 * change.h
 *		The statement that deletes or changes due rows.
 *
 * Invariant: the one place that changes user data. The statement repeats all
 * conditions, runs as the table's owner, and says how many rows went.
 */
#ifndef RETENTION_CHANGE_H
#define RETENTION_CHANGE_H

#include "postgres.h"

#include "due/due.h"
#include "due/row.h"

typedef enum RetentionChangeMode
{
	RETENTION_CHANGE_PLAIN,
	RETENTION_CHANGE_SKIP_LOCKED,	/* leaves out rows that others have locked */
	RETENTION_CHANGE_CAREFUL	/* a plan that looks at no other rows */
} RetentionChangeMode;

typedef struct RetentionChange
{
	const RetentionDue *due;
	const RetentionArm *arm;
	Oid			leaf;
	char	   *statement;
	void	   *plan;			/* private */
	void	   *check;			/* private */
	uint64		generation;		/* of the policy whose suspensions are in it */
} RetentionChange;

/* Prepares the statement for rows of one leaf.  Caller has SPI connected. */
extern RetentionChange *retention_change_prepare(const RetentionDue *due,
												 const RetentionArm *arm, Oid leaf);

extern void retention_change_free(RetentionChange *change);

/*
 * Changes the rows; returns how many.  ERROR if one of them cannot go, and if one
 * of them would stay though it is due (errcode TRIGGERED_ACTION): call it in an
 * attempt.
 */
extern int64 retention_change_run(RetentionChange *change,
								  const RetentionRow *rows, int count,
								  RetentionChangeMode mode);

/* Is the row still there, in that place, and due? */
extern bool retention_change_still_due(RetentionChange *change,
									   const RetentionRow *row);

#endif							/* RETENTION_CHANGE_H */
