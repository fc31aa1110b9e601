/*
 * dial.h
 *		A clock in the rows of one table, read as they are written.
 *
 * Invariant: a dial says at most that a row may be due; whether it is, only the
 * conditions of due.h decide. It never says of a due row that it is not.
 */
#ifndef RETENTION_DIAL_H
#define RETENTION_DIAL_H

#include "postgres.h"

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/rel.h"

typedef struct RetentionDial
{
	Node	   *source;			/* over the relation that stores the row */
	Node	   *expression;		/* the same, of what is there when it is
								 * written */
	AttrNumber	column;			/* bare and stored; else 0 */
	Oid			type;			/* timestamptz, timestamp or date */
	Bitmapset  *columns;		/* that it reads; 0 among them = all */
	ExprState  *state;			/* NULL with a column */
	ExprContext *econtext;
	bool		safe;			/* evaluating it cannot fail */
	bool		busy;			/* it is being evaluated */
	Oid			owned;			/* a table whose owner evaluates it;
								 * InvalidOid: anybody may */
	pg_tz	   *zone;			/* of local times and dates */
	TimestampTz earliest;		/* clocks before it are never due */
	TimestampTz greatest;		/* clocks after it are not due at computed_for */
	TimestampTz computed_for;
	bool		exact;			/* greatest moves with the time */
	Node	   *own;			/* the row's own period, if it is in the row */
	AttrNumber	own_column;		/* it is bare, and stored; else 0 */
	ExprState  *own_state;
	bool		elsewhere;		/* rules by it have periods in other rows */
	List	   *relids;			/* the protected tables with rules by it */
	TimestampTz least;			/* that this transaction has noted */
	bool		noted;
	bool		late;			/* and is due by a row's own period */
} RetentionDial;

typedef enum RetentionReading
{
	RETENTION_READ_NULL,		/* not started */
	RETENTION_READ_TIME,
	RETENTION_READ_NOT			/* the expression failed */
} RetentionReading;

/*
 * Fills in a dial in the current memory context, which must live as long as the
 * dial: the expression is one over the relation, and of the labels of "labelled".
 */
extern void retention_dial_make(RetentionDial *dial, Relation rel, Node *expression,
								Oid labelled);

/* The columns that an expression over one table reads; 0 among them = all. */
extern Bitmapset *retention_dial_columns(Node *expression);

/*
 * Reads the clock in a row of the relation.  What calls users' functions, or
 * depends on settings, is evaluated as the engine does it: as the table's owner.
 */
extern RetentionReading retention_dial_read(RetentionDial *dial, TupleTableSlot *slot,
											TimestampTz *time);

/* Adds the row's own period, an expression over the relation, to a dial. */
extern void retention_dial_add_period(RetentionDial *dial, Relation rel, Node *period);

/*
 * May something be due at that time, by a clock that was read in the row?  Periods
 * in other rows are not asked: of them only that they are not longer is known.
 */
extern bool retention_dial_may_be_due(RetentionDial *dial, TupleTableSlot *slot,
									  TimestampTz time, TimestampTz now);

/*
 * The transaction has written this clock: if it is due already ("late"), or by
 * the end of the transaction, passes will look for it (late_write.h).  DT_NOBEGIN:
 * which clock is not known.
 */
extern void retention_dial_note(RetentionDial *dial, TimestampTz time, bool late);

#endif							/* RETENTION_DIAL_H */
