/*
 * orders.h
 *		What a guard has to look at in the rows of one table, worked out once.
 *
 * Invariant: orders are as fresh as the catalogs that the backend knows: they are
 * made anew when a label, category, table or setting has changed, and each hour.
 *
 * A guard fires for each row, so what it asks is compiled: which columns matter,
 * and from which clock on nothing can be due. Only rows that may be due are then
 * judged by the conditions of the engine (judgement.h).
 */
#ifndef RETENTION_ORDERS_H
#define RETENTION_ORDERS_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/tupconvert.h"
#include "commands/trigger.h"
#include "sentry/dial.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/* A rule of the labelled table, for rows of the relation. */
typedef struct RetentionOrderRule
{
	AttrNumber	attnum;			/* in the labelled table; 0 = the row */
	AttrNumber	column;			/* in the relation */
	int			stage;
	char	   *category;
	int			dial;			/* its clock, in the row itself; -1 = by hops */
	int			fallback;		/* the clock in the row itself where hops find
								 * no row; -1 = none */
	Bitmapset  *columns;		/* whose change can make it due */
	Bitmapset  *ways;			/* columns where its hops begin */
} RetentionOrderRule;

/* A rule of another table whose way to the clock leads through the relation. */
typedef struct RetentionOrderDependent
{
	Oid			relid;			/* the protected table */
	AttrNumber	attnum;
	int			stage;
	int			path;			/* which one of "or", from 0 */
	int			hop;			/* that arrives here, from 0 */
	int			dial;			/* the clock, if it is here; -1 = further on */
	Bitmapset  *ways;			/* columns by which the way goes on, or comes */
} RetentionOrderDependent;

typedef struct RetentionOrders
{
	Oid			relid;			/* that stores the row: a partition, a child
								 * or the table itself */
	Oid			labelled;		/* the table that the trigger names */
	bool		parent;			/* for the guard of a clock's table */
	MemoryContext context;
	TimestampTz computed_for;
	List	   *dials;			/* of RetentionDial * */
	List	   *rules;			/* of RetentionOrderRule * */
	List	   *dependents;		/* of RetentionOrderDependent * */
	bool		values;			/* rules by dials change values */
	Bitmapset  *columns;		/* that matter; 0 among them = all */
	List	   *others;			/* OIDs of tables on which all this depends */
	struct RetentionJudgement *judgement;	/* judgement.h */
} RetentionOrders;

/*
 * The orders for the trigger's relation; they stay until the transaction ends,
 * whatever happens meanwhile.  "parent": for the guard of a clock's table.  Where
 * the trigger names another database or table they are empty.
 */
extern RetentionOrders *retention_orders_get(TriggerData *trigger, bool parent);

/* Which of the columns that matter does the UPDATE change?  NULL = none. */
extern Bitmapset *retention_orders_changed(RetentionOrders *orders,
										   TriggerData *trigger);

#endif							/* RETENTION_ORDERS_H */
