/*
 * brake.h
 *		What stops a rule until somebody has confirmed a number of rows.
 *
 * Invariant: no rule takes more rows at once than anybody has seen: not under
 * another policy than was confirmed, not after the clock jumped, and not more than
 * a large share of the table.
 */
#ifndef RETENTION_BRAKE_H
#define RETENTION_BRAKE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "due/due.h"
#include "policy/rule.h"

/* What a pass may do with a rule. */
typedef struct RetentionBrake
{
	bool		waits;			/* nothing */
	bool		settle;			/* the end of the pass is to be noted */
	bool		admitted;		/* the share was looked at in this pass */
} RetentionBrake;

/*
 * May the rule begin?  "recount": also where it waits already; else only an hour
 * after the last count.  Caller has SPI connected and commits next, as it does
 * below.
 */
extern RetentionBrake retention_brake_begin(const RetentionDue *due,
											TimestampTz now, bool recount);

/*
 * Sets brake->waits if the rows that would go now are more than the largest share
 * of the table and more than confirmed.  "found": that many were found, -1 = nobody has
 * looked; "all": no others are due.
 */
extern void retention_brake_weigh(RetentionBrake *brake, const RetentionDue *due,
								  int64 found, bool all, TimestampTz now);

/* Would that look at anything? */
extern bool retention_brake_matters(const RetentionBrake *brake, int64 found);

/* The pass has done all of the rule: what was confirmed for it is used up. */
extern void retention_brake_end(const RetentionBrake *brake,
								const RetentionRule *rule);

/* protect(): all rules as they are now are confirmed; at_most -1 = no number. */
extern void retention_brake_confirm(List *rules, int64 at_most);

/*
 * The officer has ended a suspension of the table: what is due now, in it and in the
 * tables that its foreign keys lead to, is no surprise to the next pass.  A rule that
 * waits for other reasons goes on waiting.
 */
extern void retention_brake_release(Oid relid);

/* Why a rule is not enforced now, though it is valid and its table protected. */
typedef struct RetentionBrakeState
{
	const char *state;			/* "paused", "waiting"; NULL = it is enforced */
	char	   *reason;
	char	   *remedy;			/* a statement */
} RetentionBrakeState;

/* Changes nothing; also on a standby. */
extern RetentionBrakeState retention_brake_state(const RetentionRule *rule,
												 TimestampTz now);

#endif							/* RETENTION_BRAKE_H */
