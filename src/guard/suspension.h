/*
 * suspension.h
 *		Suspensions of deletion: who ordered what, and until when.
 *
 * Invariant: each suspension that begins or ends is in the ledger, by its number
 * only: conditions and reasons can name a person.
 */
#ifndef RETENTION_SUSPENSION_H
#define RETENTION_SUSPENSION_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/date.h"
#include "utils/rel.h"

/* Columns of retention.hold; suspension.sql creates it. */
enum
{
	HOLD_ID = 1,
	HOLD_RELATION,
	HOLD_CONDITION,
	HOLD_REASON,
	HOLD_REVIEW_ON,
	HOLD_APPROVED_BY,
	HOLD_RESTRICTS,
	HOLD_CONTINUES,
	HOLD_SUSPENDED_AT,
	HOLD_SUSPENDED_BY,
	HOLD_LIFTED_AT,
	HOLD_LIFTED_BY,
	HOLD_LIFT_REASON
};
#define HOLD_COLUMNS HOLD_LIFT_REASON

typedef struct RetentionSuspension
{
	int64		id;
	Oid			relid;			/* InvalidOid: there is no such table now */
	char	   *relation;		/* schema-qualified, quoted */
	char	   *condition;		/* as it was given */
	DateADT		review_on;
	bool		restricts;		/* the rows cannot be changed at all */
} RetentionSuspension;

/* An argument that says something; ERROR where it is null or empty. */
extern char *retention_suspension_argument(FunctionCallInfo fcinfo, int n, const char *name);

/*
 * Ends a suspension: guards and ledger included.  Returns its table, InvalidOid if
 * that is gone.  Caller has checked that the officer does it.
 */
extern Oid	retention_suspension_lift(int64 id, const char *reason);

/* The table, or NULL where the extension's objects are of 1.0. */
extern Relation retention_suspension_open(LOCKMODE lock);

/* From a row of it, deformed; in the current memory context. */
extern RetentionSuspension *retention_suspension_read(const Datum *values);

/*
 * All suspensions in force, as RetentionSuspension *, in the order of their
 * numbers; in the current memory context.  Sees what is committed now, whatever
 * the transaction's snapshot.  None where the extension's objects are of 1.0.
 */
extern List *retention_suspension_in_force(void);

/*
 * The table leaves another one, as a partition or child: enters, for each
 * suspension in force of these, one of its own with the same condition, and
 * raises its guards.  Returns how many there are.
 */
extern int	retention_suspension_continue(Oid relid, List *ancestors);

/* Ends the suspensions of a table of that name: it has been dropped. */
extern void retention_suspension_end(const char *relation, const char *why);

/* The table, or what the condition names, has another name now. */
extern void retention_suspension_rewrite(int64 id, const char *relation, const char *condition);

#endif							/* RETENTION_SUSPENSION_H */
