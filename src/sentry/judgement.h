/*
 * judgement.h
 *		A row that is being written, judged by the conditions of the engine.
 *
 * Invariant: the conditions and actions are those of due.h and action.h, as of
 * the start of the transaction; what fails in a user's expression fails here
 * alone, never the statement that writes the row.
 */
#ifndef RETENTION_JUDGEMENT_H
#define RETENTION_JUDGEMENT_H

#include "postgres.h"

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "sentry/orders.h"
#include "utils/rel.h"

/* What a row is judged for. */
typedef enum RetentionQuestion
{
	RETENTION_ASK_VALUES,		/* by the clocks in it; with new values */
	RETENTION_ASK_CLOCKS		/* by all clocks; without values */
} RetentionQuestion;

/* Of one rule of the orders. */
typedef struct RetentionVerdict
{
	bool		past;			/* a clock of the rule is past its period */
	bool		pending;		/* and the rule decides for the row, and is
								 * not done */
	bool		here;			/* pending, by the clock that is in the row
								 * where hops find none; asked for with all
								 * clocks */
	bool		has_value;		/* pending, and there is a value to store */
	Datum		value;
	bool		isnull;
} RetentionVerdict;

/*
 * Verdicts in the order of orders->rules, in the current memory context; NULL if
 * the row cannot be judged.
 */
extern RetentionVerdict *retention_judgement_row(RetentionOrders *orders, Relation rel,
												 HeapTuple tuple,
												 RetentionQuestion question);

/*
 * Is a row of a dependent's table due and not done by a rule whose way leads
 * through this row of the relation, as it is stored?
 */
extern bool retention_judgement_dependent(RetentionOrders *orders,
										  const RetentionOrderDependent *dependent,
										  Relation rel, HeapTuple stored);

#endif							/* RETENTION_JUDGEMENT_H */
