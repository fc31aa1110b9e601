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

/*
 * Brings the round at hand as far as it goes; its argument is a RetentionErasure.  For
 * retention_visit_attempt().
 */
extern void retention_erasure_advance(void *arg);

#endif							/* RETENTION_ERASURE_H */
