/*
 * verify.c
 *		Reads the ledger and judges its chain.
 *
 * Invariant: entries and head are read with one snapshot, as a stream: memory
 * does not grow with the ledger.
 *
 * Who may write the tables can write another chain as well; what shows that is
 * a checkpoint that somebody else keeps.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/identity.h"
#include "evidence/canonical.h"
#include "evidence/ledger.h"
#include "evidence/verify.h"

#define ENTRIES_A_FETCH 1000

PG_FUNCTION_INFO_V1(retention_verify_ledger_sql);

/* Columns behind those of RETENTION_CANONICAL_COLUMNS */
#define COLUMN_SEQ			(RETENTION_CANONICAL_NCOLUMNS + 1)
#define COLUMN_PREV_HASH	(RETENTION_CANONICAL_NCOLUMNS + 2)
#define COLUMN_HASH			(RETENTION_CANONICAL_NCOLUMNS + 3)

/* The hash in a column, or NULL. */
static const uint8 *
hash_of(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, column, &isnull);
	bytea	   *bytes = isnull ? NULL : DatumGetByteaPP(value);

	if (bytes == NULL || VARSIZE_ANY_EXHDR(bytes) != RETENTION_DIGEST_LENGTH)
		return NULL;
	return (const uint8 *) VARDATA_ANY(bytes);
}

static void
judge_entry(RetentionVerification *state, HeapTuple tuple, TupleDesc desc,
			RetentionVerifyEach each, void *arg)
{
	bool		isnull;
	int64		seq = DatumGetInt64(SPI_getbinval(tuple, desc, COLUMN_SEQ, &isnull));
	RetentionEntry entry;
	bool		proper = retention_canonical_entry(&entry, seq, tuple, desc);
	RetentionMerkleHash leaf;

	if (!retention_chain_add(&state->chain, seq, proper ? &entry : NULL,
							 hash_of(tuple, desc, COLUMN_PREV_HASH),
							 hash_of(tuple, desc, COLUMN_HASH)) || each == NULL)
		return;
	leaf = retention_chain_leaf(state->chain.hash);
	each(&state->chain, &leaf, arg);
}

/* Reads the chain, to the end also behind a problem: entries are counted. */
static void
read_chain(RetentionVerification *state, RetentionVerifyEach each, void *arg)
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
		for (uint64 i = 0; i < fetched && state->chain.problem[0] == '\0'; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			CHECK_FOR_INTERRUPTS();
			judge_entry(state, table->vals[i], table->tupdesc, each, arg);
			MemoryContextSwitchTo(old);
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
judge_head(RetentionVerification *state)
{
	HeapTuple	tuple = one_row("SELECT seq, hash FROM retention.ledger_head");
	bool		isnull;
	int64		seq = 0;
	const uint8 *hash = NULL;

	if (tuple != NULL)
	{
		seq = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
		hash = hash_of(tuple, SPI_tuptable->tupdesc, 2);
	}
	(void) retention_chain_end(&state->chain, tuple != NULL, seq, hash);
}

void
retention_verify_read(RetentionVerification *state, RetentionVerifyEach each, void *arg)
{
	RetentionIdentity saved;
	HeapTuple	tuple;
	bool		isnull;

	memset(state, 0, sizeof(*state));
	retention_chain_begin(&state->chain);
	(void) retention_ledger_seal();

	SPI_connect();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_identity_become_extension(&saved);
	read_chain(state, each, arg);
	judge_head(state);
	tuple = one_row("SELECT pg_catalog.count(*) FROM retention.ledger WHERE seq IS NULL");
	state->unsealed = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1,
												  &isnull));
	retention_identity_restore(&saved);
	PopActiveSnapshot();
	SPI_finish();
}

Datum
retention_verify_ledger_sql(PG_FUNCTION_ARGS)
{
	RetentionVerification state;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	retention_verify_read(&state, NULL, NULL);
	values[0] = BoolGetDatum(state.chain.problem[0] == '\0');
	values[1] = Int64GetDatum(state.entries);
	values[2] = Int64GetDatum(state.unsealed);
	nulls[3] = state.chain.problem[0] == '\0';
	if (!nulls[3])
		values[3] = CStringGetTextDatum(state.chain.problem);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
