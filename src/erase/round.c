/*
 * round.c
 *		Rounds: deletions of one table whose bytes are erased together.
 *
 * Invariant: each sealed batch entry of the ledger belongs to at most one round;
 * a level is stamped once, in one transaction with its entry in the ledger.
 *
 * A round's horizon is taken with the snapshot that saw its entries sealed: their
 * transactions had committed, so all of their ids, those of subtransactions too,
 * are before it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/varlena.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/identity.h"
#include "erase/reach.h"
#include "erase/round.h"
#include "evidence/ledger.h"
#include "policy/start.h"

static const char *const level_names[RETENTION_ROUND_LEVELS] = {
	"removable", "vacuumed", "reindexed", "analyzed", "scrubbed", "durable",
	"replicas", "wal_clear"
};

#define COLUMNS \
	" id, relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon," \
	" removable_at, vacuumed_at, reindexed_at, analyzed_at, scrubbed_at, durable_at," \
	" replicas_at, wal_clear_at, scrub_lsn, timeline, held_by, remedy, tried_at"
#define FIRST_LEVEL 9			/* removable_at, from 1 */

/*
 * The entries of a table that no round covers: those behind its newest one.  An alias
 * l of the ledger's is in sight.
 */
#define UNCOVERED \
	" l.event = 'batch' AND l.relation = $1 AND l.seq >" \
	" coalesce((SELECT r.last_entry FROM retention.erasure_round AS r" \
	" WHERE r.relation = $1 ORDER BY r.first_entry DESC LIMIT 1), 0)"

/* The objects of an earlier release know of no rounds. */
static bool
is_known(void)
{
	return OidIsValid(retention_identity_find_own("erasure_round"));
}

static TimestampTz
time_or_zero(HeapTuple row, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, desc, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* SPI is connected; the round is allocated in "context". */
static RetentionRound *
read_round(HeapTuple row, TupleDesc desc, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RetentionRound *round = palloc0(sizeof(RetentionRound));
	bool		isnull;
	Datum		value;

	round->id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	round->relation = TextDatumGetCString(SPI_getbinval(row, desc, 2, &isnull));
	round->table = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	round->first_entry = DatumGetInt64(SPI_getbinval(row, desc, 4, &isnull));
	round->last_entry = DatumGetInt64(SPI_getbinval(row, desc, 5, &isnull));
	round->first_deleted_at = time_or_zero(row, desc, 6);
	round->deleted_at = time_or_zero(row, desc, 7);
	round->horizon = DatumGetFullTransactionId(SPI_getbinval(row, desc, 8, &isnull));
	for (int level = 0; level < RETENTION_ROUND_LEVELS; level++)
		round->reached[level] = time_or_zero(row, desc, FIRST_LEVEL + level);
	value = SPI_getbinval(row, desc, FIRST_LEVEL + RETENTION_ROUND_LEVELS, &isnull);
	round->scrub_lsn = isnull ? InvalidXLogRecPtr : DatumGetLSN(value);
	value = SPI_getbinval(row, desc, FIRST_LEVEL + RETENTION_ROUND_LEVELS + 1, &isnull);
	round->timeline = isnull ? 0 : DatumGetInt32(value);
	value = SPI_getbinval(row, desc, FIRST_LEVEL + RETENTION_ROUND_LEVELS + 2, &isnull);
	round->held_by = isnull ? NULL : TextDatumGetCString(value);
	value = SPI_getbinval(row, desc, FIRST_LEVEL + RETENTION_ROUND_LEVELS + 3, &isnull);
	round->remedy = isnull ? NULL : TextDatumGetCString(value);
	round->tried_at = time_or_zero(row, desc, FIRST_LEVEL + RETENTION_ROUND_LEVELS + 4);
	MemoryContextSwitchTo(old);
	return round;
}

/* Runs a query for rounds.  type, value: of $1; InvalidOid = there is none. */
static List *
query_rounds(const char *sql, Oid type, Datum value, bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	List	   *rounds = NIL;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(sql, OidIsValid(type) ? 1 : 0, &type, &value, NULL,
							  read_only, 0) < 0)
		elog(ERROR, "retention.erasure_round could not be read");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RetentionRound *round = read_round(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, context);
		MemoryContext old = MemoryContextSwitchTo(context);

		rounds = lappend(rounds, round);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return rounds;
}

/* Runs one statement as the extension; returns how many rows it concerned. */
static uint64
run(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls,
	bool read_only, int expected)
{
	RetentionIdentity saved;
	uint64		rows;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(sql, nargs, types, values, nulls, read_only,
							  read_only ? 1 : 0) != expected)
		elog(ERROR, "a statement on rounds of erasure failed: %s",
			 SPI_result_code_string(SPI_result));
	rows = SPI_processed;
	retention_identity_restore(&saved);
	SPI_finish();
	return rows;
}

List *
retention_round_open(void)
{
	if (!is_known())
		return NIL;
	return query_rounds("SELECT" COLUMNS " FROM retention.erasure_round"
						" WHERE wal_clear_at IS NULL ORDER BY id", InvalidOid, (Datum) 0, true);
}

int64
retention_round_first_not_clear(TimestampTz instant)
{
	List	   *rounds;

	if (!is_known())
		return PG_INT64_MAX;
	rounds = query_rounds("SELECT" COLUMNS " FROM retention.erasure_round AS r"
						  " WHERE (wal_clear_at IS NULL OR wal_clear_at > $1)"
						  " AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = r.table_id)"
						  " ORDER BY first_entry LIMIT 1",
						  TIMESTAMPTZOID, TimestampTzGetDatum(instant), true);
	return rounds == NIL ? PG_INT64_MAX : ((RetentionRound *) linitial(rounds))->first_entry;
}

RetentionRound *
retention_round_last(const char *relation)
{
	List	   *rounds;

	if (!is_known())
		return NULL;
	rounds = query_rounds("SELECT" COLUMNS " FROM retention.erasure_round"
						  " WHERE relation = $1 ORDER BY first_entry DESC LIMIT 1",
						  TEXTOID, CStringGetTextDatum(relation), true);
	return rounds == NIL ? NULL : linitial(rounds);
}

/* Steps from table to table in the index, whatever the number of entries. */
List *
retention_round_waiting(void)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	List	   *result = NIL;

	if (!is_known())
		return NIL;
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute("WITH RECURSIVE t (relation) AS ("
					"(SELECT relation FROM retention.ledger"
					" WHERE event = 'batch' AND seq IS NOT NULL AND relation IS NOT NULL"
					" ORDER BY relation, seq LIMIT 1)"
					" UNION ALL SELECT"
					" (SELECT n.relation FROM retention.ledger AS n"
					" WHERE n.event = 'batch' AND n.seq IS NOT NULL AND n.relation > t.relation"
					" ORDER BY n.relation, n.seq LIMIT 1) FROM t WHERE t.relation IS NOT NULL)"
					" SELECT t.relation, e.recorded_at, e.seq, pg_catalog.to_regclass(t.relation)"
					" FROM t CROSS JOIN LATERAL"
					" (SELECT l.recorded_at, l.seq FROM retention.ledger AS l"
					" WHERE l.event = 'batch' AND l.relation = t.relation AND l.seq >"
					" coalesce((SELECT r.last_entry FROM retention.erasure_round AS r"
					" WHERE r.relation = t.relation ORDER BY r.first_entry DESC LIMIT 1), 0)"
					" ORDER BY l.seq LIMIT 1) AS e ORDER BY 2", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the deletions that wait for a round could not be read");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(context);
		RetentionRoundWaiting *waiting = palloc(sizeof(RetentionRoundWaiting));
		bool		isnull;

		waiting->relation = TextDatumGetCString(SPI_getbinval(row, desc, 1, &isnull));
		waiting->first_deleted_at = time_or_zero(row, desc, 2);
		waiting->first_entry = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
		waiting->has_table = SPI_getvalue(row, desc, 4) != NULL;
		result = lappend(result, waiting);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return result;
}

RetentionRound *
retention_round_begin(const char *relation, Oid table)
{
	List	   *rounds;

	if (!is_known())
		return NULL;
	rounds = query_rounds(psprintf("INSERT INTO retention.erasure_round"
								   " (relation, table_id, first_entry, last_entry,"
								   " first_deleted_at, deleted_at, horizon)"
								   " SELECT $1, CASE WHEN %u <> 0 THEN %u::oid"
								   " ELSE coalesce(pg_catalog.to_regclass($1)::oid,"
								   " (SELECT b.table_id FROM retention.erasure_round AS b"
								   " JOIN pg_catalog.pg_class AS c ON c.oid = b.table_id"
								   " WHERE b.relation = $1 ORDER BY b.id DESC LIMIT 1), 0) END,"
								   " min(l.seq), max(l.seq), min(l.recorded_at), max(l.recorded_at),"
								   " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())"
								   " FROM retention.ledger AS l WHERE" UNCOVERED
								   " HAVING count(*) > 0"
								   " ON CONFLICT (relation, first_entry) DO NOTHING"
								   " RETURNING" COLUMNS, table, table),
						  TEXTOID, CStringGetTextDatum(relation), false);
	return rounds == NIL ? NULL : linitial(rounds);
}

void
retention_round_follow_schema(const char *old_prefix, const char *new_prefix)
{
	int			length = strlen(old_prefix);
	ListCell   *lc;

	foreach(lc, retention_round_waiting())
	{
		RetentionRoundWaiting *waiting = (RetentionRoundWaiting *) lfirst(lc);
		char	   *name = psprintf("%s%s", new_prefix, waiting->relation + Min(length, strlen(waiting->relation)));
		Oid			table;

		if (strncmp(waiting->relation, old_prefix, length) != 0)
			continue;
		table = RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name))),
								 NoLock, true);
		if (OidIsValid(table))
			(void) retention_round_begin(waiting->relation, table);
	}
}

bool
retention_round_table_is_gone(const RetentionRound *round)
{
	Oid			types[] = {TEXTOID, INT8OID};
	Datum		values[] = {CStringGetTextDatum(round->relation), Int64GetDatum(round->first_entry)};

	if (OidIsValid(round->table))
		return get_rel_name(round->table) == NULL;
	/* Of what is protected no more nobody tells that it is dropped. */
	return run("SELECT FROM retention.ledger WHERE relation = $1"
			   " AND event IN ('drop', 'unprotect', 'uninstall')"
			   " AND (seq IS NULL OR seq > $2)",
			   lengthof(types), types, values, NULL, true, SPI_OK_SELECT) > 0;
}

static void
tell_ledger(const RetentionRound *round, RetentionRoundLevel level)
{
	RetentionLedgerEntry entry = {0};

	entry.event = "erasure";
	entry.relation = round->relation;
	entry.cutoff = DT_NOBEGIN;
	entry.rows = -1;
	entry.lateness = -1;
	entry.erasure_level = level_names[level];
	entry.detail = psprintf("entries " INT64_FORMAT " to " INT64_FORMAT,
							round->first_entry, round->last_entry);
	(void) retention_ledger_append(&entry);
}

bool
retention_round_reach(RetentionRound *round, RetentionRoundLevel level, TimestampTz at)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID, LSNOID, INT4OID};
	Datum		values[] = {Int64GetDatum(round->id), TimestampTzGetDatum(at),
	LSNGetDatum(round->scrub_lsn), Int32GetDatum(round->timeline)};

	if (run(psprintf("UPDATE retention.erasure_round"
					 " SET %s_at = $2, held_by = NULL, remedy = NULL%s"
					 " WHERE id = $1 AND %s_at IS NULL",
					 level_names[level],
					 level == RETENTION_ROUND_SCRUBBED ?
					 ", scrub_lsn = $3, timeline = $4" : "",
					 level_names[level]),
			level == RETENTION_ROUND_SCRUBBED ? 4 : 2, types, values,
			NULL, false, SPI_OK_UPDATE) == 0)
		return false;
	round->reached[level] = at;
	round->held_by = round->remedy = NULL;
	tell_ledger(round, level);
	return true;
}

void
retention_round_hold(RetentionRound *round, const char *held_by, const char *remedy)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum		values[3] = {Int64GetDatum(round->id)};
	char		nulls[] = "   ";

	if (held_by == NULL)
		nulls[1] = 'n';
	else
		values[1] = CStringGetTextDatum(held_by);
	if (remedy == NULL)
		nulls[2] = 'n';
	else
		values[2] = CStringGetTextDatum(remedy);
	(void) run("UPDATE retention.erasure_round SET held_by = $2, remedy = $3"
			   " WHERE id = $1 AND (held_by IS DISTINCT FROM $2"
			   " OR remedy IS DISTINCT FROM $3)",
			   lengthof(types), types, values, nulls, false, SPI_OK_UPDATE);
	round->held_by = held_by == NULL ? NULL : pstrdup(held_by);
	round->remedy = remedy == NULL ? NULL : pstrdup(remedy);
}

bool
retention_round_strange(TimeLineID timeline)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(timeline)};

	return is_known() &&
		run("SELECT FROM retention.erasure_round WHERE timeline < $1 OR timeline > $1",
			lengthof(types), types, values, NULL, true, SPI_OK_SELECT) > 0;
}

void
retention_round_settle(TimeLineID timeline, XLogRecPtr clear)
{
	Oid			types[] = {INT4OID, LSNOID};
	Datum		values[] = {Int32GetDatum(timeline), LSNGetDatum(clear)};

	(void) run("UPDATE retention.erasure_round SET timeline = $1,"
			   " durable_at = CASE WHEN scrub_lsn <= $2 THEN durable_at END,"
			   " replicas_at = CASE WHEN scrub_lsn <= $2 THEN replicas_at END,"
			   " wal_clear_at = CASE WHEN scrub_lsn <= $2 THEN wal_clear_at END"
			   " WHERE timeline < $1 OR timeline > $1",
			   lengthof(types), types, values, NULL, false, SPI_OK_UPDATE);
}

bool
retention_round_unproved(TimestampTz started)
{
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(started)};

	return is_known() &&
		run("SELECT FROM retention.erasure_round WHERE wal_clear_at IS NOT NULL"
			" AND NOT EXISTS (SELECT FROM retention.erasure_server AS s WHERE s.started_at = $1)",
			lengthof(types), types, values, NULL, true, SPI_OK_SELECT) > 0;
}

void
retention_round_prove(TimestampTz started, XLogRecPtr clear)
{
	Oid			types[] = {TIMESTAMPTZOID, LSNOID};
	Datum		values[] = {TimestampTzGetDatum(started), LSNGetDatum(clear)};

	(void) run("UPDATE retention.erasure_round SET wal_clear_at = NULL"
			   " WHERE wal_clear_at IS NOT NULL AND scrub_lsn > $2",
			   lengthof(types), types, values, NULL, false, SPI_OK_UPDATE);
	(void) run("INSERT INTO retention.erasure_server AS s (started_at) VALUES ($1)"
			   " ON CONFLICT (single) DO UPDATE SET started_at = excluded.started_at",
			   1, types, values, NULL, false, SPI_OK_INSERT);
}

List *
retention_round_doubted(TimeLineID timeline, XLogRecPtr settled, XLogRecPtr proved)
{
	return query_rounds(psprintf("SELECT" COLUMNS " FROM retention.erasure_round"
								 " WHERE timeline <> %u AND durable_at IS NOT NULL AND scrub_lsn > '%X/%X'"
								 " OR wal_clear_at IS NOT NULL AND scrub_lsn > '%X/%X'",
								 timeline, LSN_FORMAT_ARGS(settled), LSN_FORMAT_ARGS(proved)),
						InvalidOid, (Datum) 0, true);
}

/*
 * The first of the other tables that the round reaches that was not scrubbed since it
 * was begun, with nothing missing.  What such a scrub did not find was removed.
 */
static Oid
unscrubbed_other(const RetentionRound *round, Oid table)
{
	ListCell   *lc;

	foreach(lc, retention_reach_tables(round->table))
	{
		Oid			other = lfirst_oid(lc);
		Oid			types[] = {TEXTOID, INT8OID};
		Datum		values[] = {(Datum) 0, Int64GetDatum(round->id)};

		if (other == table)
			continue;
		values[0] = CStringGetTextDatum(retention_start_relation_name(other));
		if (run("SELECT FROM retention.scrubbed AS s, retention.erasure_round AS r"
				" WHERE s.relation = $1 AND r.id = $2 AND NOT s.running"
				" AND s.missing IS NULL AND s.skipped IS NULL"
				" AND s.started_at >= r.begun_at",
				lengthof(types), types, values, NULL, true, SPI_OK_SELECT) == 0)
			return other;
	}
	return InvalidOid;
}

void
retention_round_scrubbed(Oid table, FullTransactionId horizon, XLogRecPtr lsn,
						 TimeLineID timeline)
{
	ListCell   *lc;

	foreach(lc, retention_round_open())
	{
		RetentionRound *round = (RetentionRound *) lfirst(lc);
		TimestampTz now = GetCurrentTimestamp();
		Oid			other;

		if (round->reached[RETENTION_ROUND_SCRUBBED] != 0 ||
			!list_member_oid(retention_reach_tables(round->table), table) ||
			FullTransactionIdPrecedes(horizon, round->horizon))
			continue;
		other = unscrubbed_other(round, table);
		/* first, as it forgets what held the round */
		(void) retention_round_reach(round, RETENTION_ROUND_REMOVABLE, now);
		if (OidIsValid(other))
		{
			char	   *name = retention_start_relation_name(other);

			retention_round_hold(round,
								 psprintf("table %s, which its deletions reach and which was not scrubbed since", name),
								 psprintf("CALL retention.scrub(%s), and then CALL retention.scrub(%s)",
										  quote_literal_cstr(name), quote_literal_cstr(round->relation)));
			continue;
		}
		round->scrub_lsn = lsn;
		round->timeline = timeline;
		(void) retention_round_reach(round, RETENTION_ROUND_VACUUMED, now);
		(void) retention_round_reach(round, RETENTION_ROUND_SCRUBBED, now);
	}
}

void
retention_round_try(RetentionRound *round, TimestampTz at)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(round->id), TimestampTzGetDatum(at)};

	(void) run("UPDATE retention.erasure_round SET tried_at = $2 WHERE id = $1",
			   lengthof(types), types, values, NULL, false, SPI_OK_UPDATE);
	round->tried_at = at;
}

const char *
retention_round_level_name(RetentionRoundLevel level)
{
	return level_names[level];
}
