/*
 * scrub_state.c
 *		retention.scrubbed: how far the scrub of a table is, and the last one was.
 *
 * Invariant: timeline and lsn are those of the last complete scrub.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"

#include "base/identity.h"
#include "erase/scrub_state.h"

typedef struct Argument
{
	Oid			type;
	Datum		value;
	bool		null;
} Argument;

/* Runs one statement over retention.scrubbed; true if it concerned a row. */
static bool
run(const char *sql, int count, const Argument *arguments, bool read_only, Datum *first)
{
	Oid			types[8];
	Datum		values[8];
	char		nulls[8];
	RetentionIdentity saved;
	bool		found;
	bool		isnull = false;

	Assert(count <= lengthof(types));
	for (int i = 0; i < count; i++)
	{
		types[i] = arguments[i].type;
		values[i] = arguments[i].value;
		nulls[i] = arguments[i].null ? 'n' : ' ';
	}
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(sql, count, types, values, nulls, read_only, 0) < 0)
		elog(ERROR, "retention.scrubbed could not be used");
	found = SPI_processed > 0;
	if (first != NULL && found)
		*first = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	retention_identity_restore(&saved);
	SPI_finish();
	return found && !isnull;
}

TimeLineID
retention_scrub_state_timeline(const char *relation)
{
	Argument	arguments[] = {{TEXTOID, CStringGetTextDatum(relation), false}};
	Datum		timeline;

	return run("SELECT timeline FROM retention.scrubbed"
			   " WHERE relation OPERATOR(pg_catalog.=) $1", 1, arguments, true, &timeline) ?
		DatumGetInt32(timeline) : 0;
}

void
retention_scrub_state_begin(const char *relation)
{
	Argument	arguments[] = {{TEXTOID, CStringGetTextDatum(relation), false}};

	(void) run("INSERT INTO retention.scrubbed AS s (relation, running, started_at, updated_at)"
			   " VALUES ($1, true, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())"
			   " ON CONFLICT (relation) DO UPDATE SET running = true,"
			   " started_at = excluded.started_at, updated_at = excluded.updated_at,"
			   " pages_total = NULL, pages_done = 0, pages_wiped = 0, bytes_wiped = 0,"
			   " skipped = NULL, missing = NULL", 1, arguments, false, NULL);
}

void
retention_scrub_state_note(const char *relation, int64 pages_total,
						   const RetentionScrubResult *result)
{
	Argument	arguments[] = {
		{TEXTOID, CStringGetTextDatum(relation), false},
		{INT8OID, Int64GetDatum(pages_total), false},
		{INT8OID, Int64GetDatum(result->pages), false},
		{INT8OID, Int64GetDatum(result->pages_wiped), false},
	{INT8OID, Int64GetDatum(result->bytes_wiped), false}};

	(void) run("UPDATE retention.scrubbed SET updated_at = pg_catalog.clock_timestamp(),"
			   " pages_total = $2, pages_done = $3, pages_wiped = $4, bytes_wiped = $5"
			   " WHERE relation OPERATOR(pg_catalog.=) $1", 5, arguments, false, NULL);
}

void
retention_scrub_state_end(const char *relation, const RetentionScrubResult *result,
						  const char *missing)
{
	Argument	arguments[] = {
		{TEXTOID, CStringGetTextDatum(relation), false},
		{TEXTOID, CStringGetTextDatum(result->skipped), result->skipped[0] == '\0'},
		{TEXTOID, missing ? CStringGetTextDatum(missing) : (Datum) 0, missing == NULL},
		{INT4OID, Int32GetDatum((int32) result->timeline), !result->complete},
	{LSNOID, LSNGetDatum(result->lsn), !result->complete}};

	(void) run("UPDATE retention.scrubbed SET running = false,"
			   " updated_at = pg_catalog.clock_timestamp(), pages_total = pages_done,"
			   " skipped = $2, missing = $3,"
			   " timeline = coalesce($4, timeline), lsn = coalesce($5, lsn)"
			   " WHERE relation OPERATOR(pg_catalog.=) $1", 5, arguments, false, NULL);
}
