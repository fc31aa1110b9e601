/*
 * verify.c
 *		Recomputes the ledger's chain.
 *
 * Invariant: ok means that the sealed entries are exactly those that were
 * sealed, each in its place and unchanged, up to the head.  Entries and head
 * are read with one snapshot, as a stream: memory does not grow with the ledger.
 *
 * Who may write the tables can write another chain as well; what shows that is
 * a copy of the head that somebody else keeps.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/identity.h"
#include "evidence/canonical.h"
#include "evidence/ledger.h"

#define ENTRIES_A_FETCH 1000

PG_FUNCTION_INFO_V1(retention_verify_ledger_sql);

/* Columns behind those of RETENTION_CANONICAL_COLUMNS */
#define COLUMN_SEQ			(RETENTION_CANONICAL_NCOLUMNS + 1)
#define COLUMN_PREV_HASH	(RETENTION_CANONICAL_NCOLUMNS + 2)
#define COLUMN_HASH			(RETENTION_CANONICAL_NCOLUMNS + 3)

typedef struct Verification
{
	int64		seq;			/* of the last entry read */
	uint8		hash[PG_SHA256_DIGEST_LENGTH];	/* its hash */
	int64		entries;
	int64		unsealed;
	char	   *problem;		/* the first one; NULL = none yet */
} Verification;

static bool
is_hash(Datum value, bool isnull, const uint8 *hash)
{
	bytea	   *bytes;

	if (isnull)
		return false;
	bytes = DatumGetByteaPP(value);
	return VARSIZE_ANY_EXHDR(bytes) == PG_SHA256_DIGEST_LENGTH &&
		memcmp(VARDATA_ANY(bytes), hash, PG_SHA256_DIGEST_LENGTH) == 0;
}

/* What is wrong with the entry that comes after the one in "state", or NULL. */
static char *
judge_entry(Verification *state, HeapTuple tuple, TupleDesc desc)
{
	StringInfoData bytes;
	uint8		computed[PG_SHA256_DIGEST_LENGTH];
	bool		isnull;
	Datum		value;
	int64		seq = DatumGetInt64(SPI_getbinval(tuple, desc, COLUMN_SEQ, &isnull));
	int64		expected = state->seq + 1;

	state->seq = seq;
	if (seq != expected)
		return psprintf("entry %lld is missing", (long long) expected);
	value = SPI_getbinval(tuple, desc, COLUMN_PREV_HASH, &isnull);
	if (!is_hash(value, isnull, state->hash))
		return psprintf("entry %lld does not follow the entry before it",
						(long long) seq);
	initStringInfo(&bytes);
	if (!retention_canonical_append(&bytes, seq, tuple, desc))
		return psprintf("entry %lld has been changed", (long long) seq);
	retention_canonical_hash(state->hash, &bytes, computed);
	value = SPI_getbinval(tuple, desc, COLUMN_HASH, &isnull);
	if (!is_hash(value, isnull, computed))
		return psprintf("entry %lld has been changed", (long long) seq);
	memcpy(state->hash, computed, sizeof(computed));
	return NULL;
}

/* Reads the chain, to the end also behind a problem: entries are counted. */
static void
read_chain(Verification *state, MemoryContext result)
{
	SPIPlanPtr	plan;
	Portal		portal;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "retention ledger verify",
												  ALLOCSET_SMALL_SIZES);

	plan = SPI_prepare("SELECT " RETENTION_CANONICAL_COLUMNS
					   ", seq, prev_hash, hash FROM retention.ledger"
					   " WHERE seq IS NOT NULL ORDER BY seq", 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare a statement: %s",
			 SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open("retention_ledger_chain", plan, NULL, NULL, true);
	for (;;)
	{
		SPITupleTable *table;
		uint64		fetched;

		SPI_cursor_fetch(portal, true, ENTRIES_A_FETCH);
		table = SPI_tuptable;
		fetched = SPI_processed;
		if (fetched == 0)
			break;
		state->entries += fetched;
		for (uint64 i = 0; i < fetched && state->problem == NULL; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(context);
			char	   *problem;

			CHECK_FOR_INTERRUPTS();
			problem = judge_entry(state, table->vals[i], table->tupdesc);
			MemoryContextSwitchTo(old);
			if (problem != NULL)
				state->problem = MemoryContextStrdup(result, problem);
			MemoryContextReset(context);
		}
		SPI_freetuptable(table);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(context);
}

static HeapTuple
one_row(const char *statement)
{
	if (SPI_execute(statement, true, 2) != SPI_OK_SELECT || SPI_processed > 1)
		elog(ERROR, "could not read the ledger: %s", statement);
	return SPI_processed == 0 ? NULL : SPI_tuptable->vals[0];
}

/* The end of the chain against the head, which misses what was cut off. */
static void
judge_head(Verification *state, MemoryContext result)
{
	HeapTuple	tuple;
	bool		isnull;
	int64		seq;
	Datum		hash;

	if (state->problem != NULL)
		return;
	tuple = one_row("SELECT seq, hash FROM retention.ledger_head");
	if (tuple == NULL)
	{
		if (state->seq > 0)
			state->problem = MemoryContextStrdup(result, "the head of the ledger is missing");
		return;
	}
	seq = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
	hash = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull);
	if (seq > state->seq)
	{
		MemoryContext old = MemoryContextSwitchTo(result);

		if (seq == state->seq + 1)
			state->problem = psprintf("entry %lld, the last one, is missing",
									  (long long) seq);
		else
			state->problem = psprintf("entries %lld to %lld, the last ones, are missing",
									  (long long) state->seq + 1, (long long) seq);
		MemoryContextSwitchTo(old);
	}
	else if (seq < state->seq || !is_hash(hash, isnull, state->hash))
		state->problem = MemoryContextStrdup(result, "the head of the ledger has been changed");
}

/*
 * retention.verify_ledger().  Seals first where that is safe (see
 * retention_ledger_seal), and reads only on a standby.
 */
Datum
retention_verify_ledger_sql(PG_FUNCTION_ARGS)
{
	MemoryContext result = CurrentMemoryContext;
	Verification state;
	RetentionIdentity saved;
	TupleDesc	desc;
	HeapTuple	tuple;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	bool		isnull;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(&state, 0, sizeof(state));
	(void) retention_ledger_seal();

	SPI_connect();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_identity_become_extension(&saved);
	read_chain(&state, result);
	judge_head(&state, result);
	tuple = one_row("SELECT pg_catalog.count(*) FROM retention.ledger WHERE seq IS NULL");
	state.unsealed = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1,
												 &isnull));
	retention_identity_restore(&saved);
	PopActiveSnapshot();
	SPI_finish();

	values[0] = BoolGetDatum(state.problem == NULL);
	values[1] = Int64GetDatum(state.entries);
	values[2] = Int64GetDatum(state.unsealed);
	nulls[3] = state.problem == NULL;
	if (!nulls[3])
		values[3] = CStringGetTextDatum(state.problem);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
