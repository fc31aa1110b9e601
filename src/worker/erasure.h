/*
 * erasure.h
 *		The steps of a round that take long: VACUUM, REINDEX where only that helps,
 *		ANALYZE, scrub.
 *
 * Invariant: a level is stamped when its step is done for all tables that the round
 * reaches; whoever comes next goes on behind it.
 */
#ifndef RETENTION_ERASURE_H
#define RETENTION_ERASURE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "erase/round.h"

typedef struct RetentionErasure
{
	List	   *rounds;			/* RetentionRound *, what is to be done */
	RetentionRound *round;		/* the one at hand */
	List	   *tables;			/* that it reaches */
	List	   *heaps;			/* and their parts */
	bool		stop;			/* somebody does not want it to go on */
	const char *held_by;		/* why the round cannot be ended now; NULL =
								 * it can */
	const char *remedy;
} RetentionErasure;

/* A transaction in which rounds are read and written; ended by leave(). */
extern void retention_erasure_begin(const char *activity);

/*
 * May erasure go on, of that table (NULL: of any)?  If so the extension is locked until
 * leave().
 */
extern bool retention_erasure_enter(const char *relation);

extern void retention_erasure_leave(void);

/*
 * Brings the round at hand as far as it goes; its argument is a RetentionErasure.  For
 * retention_visit_attempt().
 */
extern void retention_erasure_advance(void *arg);

#endif							/* RETENTION_ERASURE_H */
