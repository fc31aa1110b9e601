/*
 * ledger.c
 *		The append-only ledger and the seal that chains its entries.
 *
 * Invariant: a sealed entry is written again only to be emptied of what it says,
 * in one transaction with a sealed entry that says so; its hashes stay.  And the
 * chain never forks: entries are numbered under a lock that is held to the end of
 * the transaction, with a snapshot that was taken after the lock was got.
 *
 * Entries are inserted unsealed, so that neither a long erasure nor a REPEATABLE
 * READ transaction makes anybody wait.  The lock is on the head, a table of one
 * row: on the ledger itself it would collide with vacuum.  It conflicts with
 * itself and with no insert.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/identity.h"
#include "evidence/canonical.h"
#include "evidence/ledger.h"

#define ENTRIES_A_FETCH 1000

PG_FUNCTION_INFO_V1(retention_ledger_guard_sql);

/* The guards let this session's update of the ledger pass. */
static bool rewriting = false;

/* The plan of a statement, made once a session. */
static SPIPlanPtr
kept_plan(SPIPlanPtr *kept, const char *statement, int nargs, Oid *types)
{
	if (*kept == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement, nargs, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		*kept = plan;
	}
	return *kept;
}

static void
execute(SPIPlanPtr plan, Datum *values, const char *nulls, bool read_only,
		int expected)
{
	int			result = SPI_execute_plan(plan, values, nulls, read_only, 0);

	if (result != expected)
		elog(ERROR, "a statement on the ledger failed: %s",
			 SPI_result_code_string(result));
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

int64
retention_ledger_append(const RetentionLedgerEntry *entry)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TEXTOID, BYTEAOID, TIMESTAMPTZOID, INT8OID, INTERVALOID, TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	RetentionIdentity saved;
	bool		isnull;
	int64		id;

	SPI_connect();
	memset(nulls, ' ', sizeof(nulls));
	values[0] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[1] = text_or_null(entry->event, &nulls[1]);
	values[2] = text_or_null(entry->relation, &nulls[2]);
	values[3] = text_or_null(entry->column_name, &nulls[3]);
	values[4] = text_or_null(entry->category, &nulls[4]);
	values[5] = text_or_null(entry->action, &nulls[5]);
	if (entry->policy_digest == NULL)
		nulls[6] = 'n';
	else
	{
		bytea	   *digest = palloc(VARHDRSZ + RETENTION_DIGEST_LENGTH);

		SET_VARSIZE(digest, VARHDRSZ + RETENTION_DIGEST_LENGTH);
		memcpy(VARDATA(digest), entry->policy_digest, RETENTION_DIGEST_LENGTH);
		values[6] = PointerGetDatum(digest);
	}
	values[7] = TimestampTzGetDatum(entry->cutoff);
	if (TIMESTAMP_IS_NOBEGIN(entry->cutoff))
		nulls[7] = 'n';
	values[8] = Int64GetDatum(entry->rows);
	if (entry->rows < 0)
		nulls[8] = 'n';
	if (entry->lateness < 0)
		nulls[9] = 'n';
	else
	{
		Interval   *lateness = palloc0(sizeof(Interval));

		lateness->time = entry->lateness;
		values[9] = IntervalPGetDatum(lateness);
	}
	values[10] = text_or_null(entry->erasure_level, &nulls[10]);
	values[11] = text_or_null(entry->detail, &nulls[11]);

	retention_identity_become_extension(&saved);
	execute(kept_plan(&plan,
					  "INSERT INTO retention.ledger (recorded_at, event, relation,"
					  " column_name, category, action, policy_digest, cutoff, rows,"
					  " lateness, erasure_level, detail)"
					  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
					  " RETURNING id", lengthof(types), types),
			values, nulls, false, SPI_OK_INSERT_RETURNING);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									 SPI_tuptable->tupdesc, 1, &isnull));
	retention_identity_restore(&saved);
	SPI_finish();
	return id;
}

void
retention_ledger_tell(const char *event, const char *relation, int64 rows, const char *detail)
{
	RetentionLedgerEntry entry = {0};

	entry.event = event;
	entry.relation = relation;
	entry.cutoff = DT_NOBEGIN;
	entry.rows = rows;
	entry.lateness = -1;
	entry.detail = detail;
	(void) retention_ledger_append(&entry);
}

/*
 * Reads the head: 0 and zero bytes before the first seal.  False when sealed
 * entries lie behind it: somebody has been at the head or at the entries, and a
 * seal would hide that.  Caller holds the lock and an active snapshot.
 */
static bool
read_head(int64 *seq, uint8 *hash)
{
	static SPIPlanPtr plan = NULL;
	bool		isnull;
	int64		last = 0;

	*seq = 0;
	memset(hash, 0, RETENTION_DIGEST_LENGTH);
	execute(kept_plan(&plan,
					  "SELECT h.seq, h.hash, l.seq FROM"
					  " (SELECT seq FROM retention.ledger WHERE seq IS NOT NULL"
					  " ORDER BY seq DESC LIMIT 1) AS l"
					  " FULL JOIN retention.ledger_head AS h ON true", 0, NULL),
			NULL, NULL, true, SPI_OK_SELECT);
	if (SPI_processed > 0)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Datum		value = SPI_getbinval(tuple, desc, 1, &isnull);

		if (!isnull)
		{
			bytea	   *bytes;

			*seq = DatumGetInt64(value);
			value = SPI_getbinval(tuple, desc, 2, &isnull);
			bytes = DatumGetByteaPP(value);
			if (VARSIZE_ANY_EXHDR(bytes) != RETENTION_DIGEST_LENGTH)
				return false;
			memcpy(hash, VARDATA_ANY(bytes), RETENTION_DIGEST_LENGTH);
		}
		value = SPI_getbinval(tuple, desc, 3, &isnull);
		if (!isnull)
			last = DatumGetInt64(value);
	}
	SPI_freetuptable(SPI_tuptable);
	return last <= *seq;
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea	   *bytes = palloc(VARHDRSZ + RETENTION_DIGEST_LENGTH);

	SET_VARSIZE(bytes, VARHDRSZ + RETENTION_DIGEST_LENGTH);
	memcpy(VARDATA(bytes), hash, RETENTION_DIGEST_LENGTH);
	return PointerGetDatum(bytes);
}

static void
seal_entry(int64 id, int64 seq, const uint8 *prev_hash, const uint8 *hash)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT8OID, BYTEAOID, BYTEAOID};
	Datum		values[] = {Int64GetDatum(id), Int64GetDatum(seq),
	hash_datum(prev_hash), hash_datum(hash)};

	execute(kept_plan(&plan,
					  "UPDATE retention.ledger SET seq = $2, prev_hash = $3, hash = $4"
					  " WHERE id OPERATOR(pg_catalog.=) $1",
					  lengthof(types), types),
			values, NULL, false, SPI_OK_UPDATE);
}

static void
move_head(int64 seq, const uint8 *hash)
{
	static SPIPlanPtr update = NULL;
	static SPIPlanPtr insert = NULL;
	Oid			types[] = {INT8OID, BYTEAOID};
	Datum		values[] = {Int64GetDatum(seq), hash_datum(hash)};

	execute(kept_plan(&update,
					  "UPDATE retention.ledger_head SET seq = $1, hash = $2",
					  lengthof(types), types),
			values, NULL, false, SPI_OK_UPDATE);
	if (SPI_processed == 0)
		execute(kept_plan(&insert,
						  "INSERT INTO retention.ledger_head (seq, hash) VALUES ($1, $2)",
						  lengthof(types), types),
				values, NULL, false, SPI_OK_INSERT);
}

/*
 * Seals what the active snapshot sees, streaming: entries may be many after a
 * time without a seal.  Caller holds the lock.
 */
static int64
seal_entries(const int64 *places)
{
	static SPIPlanPtr plan = NULL;
	uint8		prev_hash[RETENTION_DIGEST_LENGTH];
	uint8		hash[RETENTION_DIGEST_LENGTH];
	int64		seq;
	int64		sealed = 0;
	Portal		portal;
	MemoryContext context;
	MemoryContext old;

	if (!read_head(&seq, prev_hash))
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the ledger of this database is not sealed: it does not end where its head says"),
				 errhint("SELECT * FROM retention.verify_ledger() names the first entry that is wrong.")));
		return 0;
	}

	context = AllocSetContextCreate(CurrentMemoryContext, "retention ledger seal",
									ALLOCSET_SMALL_SIZES);
	portal = SPI_cursor_open("retention_ledger_unsealed",
							 kept_plan(&plan,
									   "SELECT " RETENTION_CANONICAL_COLUMNS
									   " FROM retention.ledger WHERE seq IS NULL"
									   " ORDER BY id", 0, NULL),
							 NULL, NULL, true);
	for (;;)
	{
		SPITupleTable *table;
		uint64		fetched;

		SPI_cursor_fetch(portal, true, ENTRIES_A_FETCH);
		table = SPI_tuptable;
		fetched = SPI_processed;
		if (fetched == 0)
			break;
		old = MemoryContextSwitchTo(context);
		for (uint64 i = 0; i < fetched; i++)
		{
			RetentionEntry entry;
			bool		isnull;
			int64		id;

			CHECK_FOR_INTERRUPTS();
			if (!retention_canonical_entry(&entry, seq + 1, table->vals[i],
										   table->tupdesc))
				ereport(ERROR,
						(errcode(ERRCODE_DATA_CORRUPTED),
						 errmsg("an unsealed entry of the ledger was not written by this extension")));
			retention_entry_hash(&entry, prev_hash, hash);
			id = DatumGetInt64(SPI_getbinval(table->vals[i], table->tupdesc, 1,
											 &isnull));
			seal_entry(id, ++seq, prev_hash, hash);
			memcpy(prev_hash, hash, sizeof(hash));
			sealed++;
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(old);
		SPI_freetuptable(table);
	}
	SPI_cursor_close(portal);
	if (sealed > 0)
		move_head(seq, hash);
	MemoryContextDelete(context);
	return sealed;
}

/*
 * Could a seal here fork the chain, or hold its lock for long?  A snapshot that
 * the transaction keeps may be older than the lock.
 */
static bool
may_seal(void)
{
	if (RecoveryInProgress() || XactReadOnly || IsInParallelMode())
		return false;
	if (IsTransactionBlock())
		return false;
	return !(IsolationUsesXactSnapshot() && FirstSnapshotSet);
}

bool
retention_ledger_lock(void)
{
	if (!may_seal())
		return false;
	/* Nothing was read yet: a seal that waits for nobody needs no more. */
	if (IsolationUsesXactSnapshot())
		XactIsoLevel = XACT_READ_COMMITTED;
	return ConditionalLockRelationOid(retention_identity_own_relation("ledger_head"),
									  ShareUpdateExclusiveLock);
}

typedef int64 (*Rewriting) (const int64 *places);

/* Does what the guards would refuse.  Caller holds the lock. */
static int64
rewrite(Rewriting how, const int64 *places)
{
	RetentionIdentity saved;
	int64		rewritten;

	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_identity_become_extension(&saved);
	Assert(!rewriting);
	rewriting = true;
	PG_TRY();
	{
		rewritten = how(places);
	}
	PG_FINALLY();
	{
		rewriting = false;
	}
	PG_END_TRY();
	retention_identity_restore(&saved);
	PopActiveSnapshot();
	SPI_finish();
	return rewritten;
}

int64
retention_ledger_seal(void)
{
	return retention_ledger_lock() ? rewrite(seal_entries, NULL) : 0;
}

/* places: the last before those that are emptied, and the last of them. */
static int64
empty_entries(const int64 *places)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(places[0]), Int64GetDatum(places[1])};

	execute(kept_plan(&plan,
					  "UPDATE retention.ledger SET event = '" RETENTION_EVENT_SHORTENED "',"
					  " relation = NULL, column_name = NULL, category = NULL,"
					  " action = NULL, policy_digest = NULL, cutoff = NULL, rows = NULL,"
					  " lateness = NULL, erasure_level = NULL, detail = NULL"
					  " WHERE seq OPERATOR(pg_catalog.>) $1"
					  " AND seq OPERATOR(pg_catalog.<=) $2",
					  lengthof(types), types),
			values, NULL, false, SPI_OK_UPDATE);
	return SPI_processed;
}

int64
retention_ledger_empty(int64 after, int64 last)
{
	int64		places[] = {after, last};

	return rewrite(empty_entries, places);
}

Datum
retention_ledger_guard_sql(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("retention.ledger_guard() was not called as a trigger")));
	if (rewriting && TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(NULL);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the ledger is append-only"),
			 errdetail("No role may change or remove its entries.")));
	return PointerGetDatum(NULL);
}
