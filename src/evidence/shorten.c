/*
 * shorten.c
 *		Entries of the ledger that are older than the ledger's own period.
 *
 * Invariant: what entries say goes, their hashes stay, and a sealed entry says
 * which were shortened: chain, checkpoints and proofs hold as before.
 *
 * Shortened are always the first ones, without a gap, in one transaction with the
 * entry that says so, and its seal.  That entry has the root of their hashes: it
 * holds them where they cannot be recomputed any more.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/settings.h"
#include "evidence/ledger.h"
#include "evidence/shorten.h"
#include "evidence/verify.h"

#define ENTRIES_AT_ONCE 100000	/* by the worker: some seconds */

typedef struct Shortening
{
	int64		before;			/* entries that are shortened already */
	int64		last;			/* the last one that is to be; before: none */
	TimestampTz oldest;			/* when the first whole entry was written */
	RetentionMerkleHash root;	/* of the entries up to the last */
} Shortening;

static void
keep_root(const RetentionChain *chain, const RetentionMerkleHash *leaf, void *arg)
{
	Shortening *shortening = (Shortening *) arg;

	if (chain->seq == shortening->last)
		shortening->root = retention_merkle_root(&chain->tree);
}

/* The number in the only column of the only row; missing = there is none. */
static int64
query_number(const char *statement, int nargs, Datum *values, int64 missing)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID};
	bool		isnull = true;
	int64		result = missing;

	if (SPI_execute_with_args(statement, nargs, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the ledger: %s", statement);
	if (SPI_processed > 0)
	{
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			result = DatumGetInt64(value);
	}
	return result;
}

/* What was shortened, and what comes next: by indexes, so that a visit may ask. */
static void
look(Shortening *shortening)
{
	RetentionIdentity saved;
	Datum		values[1];

	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_identity_become_extension(&saved);
	shortening->before = query_number("SELECT rows FROM retention.ledger"
									  " WHERE event = 'shorten' AND seq IS NOT NULL"
									  " ORDER BY seq DESC LIMIT 1", 0, NULL, 0);
	shortening->last = shortening->before;
	values[0] = Int64GetDatum(shortening->before + 1);
	/* timestamptz is passed by value as a bigint is */
	shortening->oldest = query_number("SELECT recorded_at FROM retention.ledger WHERE seq = $1",
									  1, values, DT_NOEND);
	retention_identity_restore(&saved);
	PopActiveSnapshot();
	SPI_finish();
}

/*
 * The last entry before the first one that is not older, or that is kept.  Returns
 * the kept one that stands in the way; 0 = none does.
 */
static int64
find_last(Shortening *shortening, TimestampTz before, int64 most, RetentionShortenFirstKept first_kept)
{
	RetentionIdentity saved;
	Datum		values[2];
	int64		first_younger;
	int64		kept;

	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_identity_become_extension(&saved);
	values[0] = Int64GetDatum(shortening->before);
	values[1] = TimestampTzGetDatum(before);
	first_younger = query_number("SELECT seq FROM retention.ledger"
								 " WHERE seq > $1 AND recorded_at >= $2 ORDER BY seq LIMIT 1",
								 2, values, 0);
	if (first_younger == 0)
		first_younger = 1 + query_number("SELECT max(seq) FROM retention.ledger", 0, NULL, 0);
	retention_identity_restore(&saved);
	kept = first_kept();
	shortening->last = Min(Min(first_younger, kept) - 1, shortening->before + most);
	PopActiveSnapshot();
	SPI_finish();
	return kept < first_younger ? Max(kept, shortening->before + 1) : 0;
}

/*
 * Shortens the entries up to the last one.  Caller holds the lock.  *problem: the
 * ledger does not hold, and stays as it is.
 */
static int64
shorten(Shortening *shortening, char **problem)
{
	RetentionVerification state;
	char		detail[RETENTION_CHAIN_DETAIL];
	int64		shortened;

	retention_verify_read(&state, keep_root, shortening);
	if (state.chain.problem[0] != '\0')
	{
		*problem = pstrdup(state.chain.problem);
		return 0;
	}
	shortened = retention_ledger_empty(state.chain.shortened, shortening->last);
	retention_chain_shortening(detail, shortening->last, &shortening->root);
	/* A worker has none. */
	PushActiveSnapshot(GetTransactionSnapshot());
	retention_ledger_tell(RETENTION_EVENT_SHORTEN, NULL, shortening->last, detail);
	PopActiveSnapshot();
	CommandCounterIncrement();
	if (retention_ledger_seal() == 0)
		elog(ERROR, "the entry about a shortening of the ledger was not sealed");
	return shortened;
}

static bool
is_kept(RetentionShortenFirstKept first_kept, int64 entry)
{
	bool		kept;

	PushActiveSnapshot(GetTransactionSnapshot());
	kept = first_kept() <= entry;
	PopActiveSnapshot();
	return kept;
}

int64
retention_shorten_due(TimestampTz now, RetentionShortenFirstKept first_kept)
{
	Shortening	shortening;
	TimestampTz before;
	char	   *problem = NULL;
	int64		shortened;

	if (retention_settings_ledger_period < 0)
		return 0;
	before = now - retention_settings_ledger_period * USECS_PER_SEC;
	look(&shortening);

	/*
	 * All of a day together: each shortening leaves an entry, and reads the
	 * ledger.
	 */
	if (shortening.oldest >= before - USECS_PER_DAY)
		return 0;

	/*
	 * Where the first one is kept, that may last: no lock, and no search, for
	 * it.
	 */
	if (is_kept(first_kept, shortening.before + 1) || !retention_ledger_lock())
		return 0;
	(void) find_last(&shortening, before, ENTRIES_AT_ONCE, first_kept);
	if (shortening.last <= shortening.before)
		return 0;
	shortened = shorten(&shortening, &problem);
	if (problem != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the ledger of this database is not shortened: %s", problem),
				 errhint("SELECT * FROM retention.verify_ledger();")));
	return shortened;
}

int64
retention_shorten_before(TimestampTz before, RetentionShortenFirstKept first_kept, int64 *kept)
{
	Shortening	shortening;
	char	   *problem = NULL;
	int64		shortened;

	if (!retention_ledger_lock())
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the ledger cannot be shortened now"),
				 errdetail("Another session seals it, or nothing can be written here."),
				 errhint("Try again.")));
	(void) retention_ledger_seal();
	CommandCounterIncrement();
	look(&shortening);
	*kept = find_last(&shortening, before, PG_INT64_MAX - shortening.before, first_kept);
	if (shortening.last <= shortening.before)
		return 0;
	shortened = shorten(&shortening, &problem);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the ledger of this database does not hold: %s", problem),
				 errhint("SELECT * FROM retention.verify_ledger();")));
	return shortened;
}
