/*
 * round.h
 *		Rounds: deletions of one table whose bytes are erased together.
 *
 * Invariant: each sealed batch entry of the ledger belongs to at most one round;
 * a level is stamped once, in one transaction with its entry in the ledger.
 *
 * All of it connects to SPI by itself, as the extension's owner; callers are in a
 * transaction, and with the objects of an earlier release there are no rounds.
 */
#ifndef RETENTION_ROUND_H
#define RETENTION_ROUND_H

#include "postgres.h"

#include "access/transam.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* In the order in which they are reached. */
typedef enum RetentionRoundLevel
{
	RETENTION_ROUND_REMOVABLE,
	RETENTION_ROUND_VACUUMED,
	RETENTION_ROUND_REINDEXED,
	RETENTION_ROUND_ANALYZED,
	RETENTION_ROUND_SCRUBBED,
	RETENTION_ROUND_DURABLE,
	RETENTION_ROUND_REPLICAS,
	RETENTION_ROUND_WAL_CLEAR
} RetentionRoundLevel;

#define RETENTION_ROUND_LEVELS (RETENTION_ROUND_WAL_CLEAR + 1)

typedef struct RetentionRound
{
	int64		id;
	char	   *relation;		/* as the ledger names it */
	Oid			table;			/* may be gone */
	int64		first_entry;	/* places in the ledger */
	int64		last_entry;
	TimestampTz first_deleted_at;
	TimestampTz deleted_at;
	FullTransactionId horizon;
	TimestampTz reached[RETENTION_ROUND_LEVELS];	/* 0 = not yet */
	XLogRecPtr	scrub_lsn;		/* with SCRUBBED */
	TimeLineID	timeline;
	TimestampTz tried_at;		/* the eraser's last attempt; 0 = none yet */
	char	   *held_by;		/* NULL = nothing known */
	char	   *remedy;
} RetentionRound;

/* A table with deletions that no round covers yet. */
typedef struct RetentionRoundWaiting
{
	char	   *relation;		/* as the ledger names it */
	int64		first_entry;	/* its place in the ledger */
	TimestampTz first_deleted_at;
	bool		has_table;		/* is there one of that name now? */
} RetentionRoundWaiting;

/* Open rounds (those whose WAL is not clear), RetentionRound *, oldest first; palloc'd. */
extern List *retention_round_open(void);

/*
 * The first entry of a round whose WAL has not been clear since before an instant, and
 * whose table is there; PG_INT64_MAX = there is none.
 */
extern int64 retention_round_first_not_clear(TimestampTz instant);

/* The newest round of a table as the ledger names it; NULL = none.  palloc'd. */
extern RetentionRound *retention_round_last(const char *relation);

/* Tables with deletions that no round covers, RetentionRoundWaiting *. */
extern List *retention_round_waiting(void);

/*
 * Begins a round of all sealed deletions of the table that no round covers; NULL
 * if there are none, or another session is beginning it.  table: InvalidOid = the
 * one that has that name now, or had when its last round began.
 */
extern RetentionRound *retention_round_begin(const char *relation, Oid table);

/*
 * Begins rounds for the tables of a schema that was renamed.  Prefixes: of the names
 * of its tables in the ledger, before and now.
 */
extern void retention_round_follow_schema(const char *old_prefix, const char *new_prefix);

/*
 * Is the table of the round gone for good, rather than called otherwise by somebody
 * whom nobody saw?
 */
extern bool retention_round_table_is_gone(const RetentionRound *round);

/*
 * The round has reached a level: stamps it and tells the ledger.  False if it was
 * stamped before.  For SCRUBBED, scrub_lsn and timeline of *round are stored, too.
 */
extern bool retention_round_reach(RetentionRound *round, RetentionRoundLevel level,
								  TimestampTz at);

/*
 * Are there rounds whose levels were judged on another timeline than this?  Then what
 * they say of a server's files may be of another server.
 */
extern bool retention_round_strange(TimeLineID timeline);

/*
 * From now on all levels are of this timeline.  Where not all is done and clear here
 * up to "clear", what was said of a server's files (durable, replicas, wal_clear) is
 * forgotten.
 */
extern void retention_round_settle(TimeLineID timeline, XLogRecPtr clear);

/*
 * Was wal_clear noted of a round before this server was started, and not looked at
 * since?  Then it may be of the server that this one is a copy of: a base backup that
 * is started without a recovery goes on on the same timeline.
 */
extern bool retention_round_unproved(TimestampTz started);

/*
 * It was looked at: there is nothing from before "clear".  What was said of more is
 * forgotten.
 */
extern void retention_round_prove(TimestampTz started, XLogRecPtr clear);

/*
 * Rounds of which settle() and prove() would forget something: RetentionRound *, of this
 * timeline only wal_clear.
 */
extern List *retention_round_doubted(TimeLineID timeline, XLogRecPtr settled, XLogRecPtr proved);

/* What keeps it from the next level (NULL: nothing), and what helps. */
extern void retention_round_hold(RetentionRound *round, const char *held_by,
								 const char *remedy);

/*
 * A scrub of the table, of its partitions, TOAST and indexes, went through all pages
 * and found nothing that was deleted before "horizon", be it dead rows or entries of
 * indexes: so that much is removed and overwritten, up to "lsn".  Stamps the rounds
 * for which this was all that was left to scrub.
 */
extern void retention_round_scrubbed(Oid table, FullTransactionId horizon,
									 XLogRecPtr lsn, TimeLineID timeline);

/* The eraser begins to work on it. */
extern void retention_round_try(RetentionRound *round, TimestampTz at);

/* The level's name, as the ledger has it. */
extern const char *retention_round_level_name(RetentionRoundLevel level);

#endif							/* RETENTION_ROUND_H */
