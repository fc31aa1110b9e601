/*
 * state.c
 *		What a pass remembers of each rule: progress, results, how far it swept.
 *
 * Invariant: what is remembered under another policy digest is dropped.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "enforce/state.h"
#include "policy/rule_key.h"

static void
run(const char *query, int nargs, Oid *types, Datum *values, const char *nulls)
{
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(query, nargs, types, values, nulls, false, 0) < 0)
		elog(ERROR, "retention.rule_state could not be written");
	retention_identity_restore(&saved);
}

RetentionState
retention_state_begin(const RetentionRule *rule, TimestampTz cutoff, TimestampTz now)
{
	RetentionState state = {DT_NOBEGIN, DT_NOBEGIN, 0};
	Oid			types[RETENTION_RULE_KEY_ARGS + 3];
	Datum		values[RETENTION_RULE_KEY_ARGS + 3];

	retention_rule_key_bind(rule, types, values);
	types[3] = BYTEAOID;
	values[3] = retention_rule_key_digest(rule);
	types[4] = TIMESTAMPTZOID;
	values[4] = TimestampTzGetDatum(cutoff);
	types[5] = TIMESTAMPTZOID;
	values[5] = TimestampTzGetDatum(now);
	run("INSERT INTO retention.rule_state AS s"
		" (relation, column_name, stage, digest, cutoff, pass_started, running)"
		" VALUES ($1, $2, $3, $4, $5, $6, true)"
		" ON CONFLICT (relation, column_name, stage) DO UPDATE"
		" SET digest = excluded.digest, cutoff = excluded.cutoff,"
		" pass_started = excluded.pass_started, running = true,"
		" updated_at = NULL, rows_done = 0, batches = 0,"
		" swept_to = CASE WHEN s.digest = excluded.digest THEN s.swept_to END,"
		" swept_at = CASE WHEN s.digest = excluded.digest THEN s.swept_at END,"
		" sweep_cost = CASE WHEN s.digest = excluded.digest THEN s.sweep_cost END"
		" RETURNING swept_to, swept_at, sweep_cost",
		6, types, values, NULL);
	if (SPI_processed == 1)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		no_time;
		bool		no_cost;
		Datum		swept_to = SPI_getbinval(tuple, desc, 1, &no_time);
		Datum		swept_at = SPI_getbinval(tuple, desc, 2, &no_cost);

		if (!no_time && !no_cost)
		{
			state.swept_to = DatumGetTimestampTz(swept_to);
			state.swept_at = DatumGetTimestampTz(swept_at);
			state.sweep_cost = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &no_cost));
		}
	}
	SPI_freetuptable(SPI_tuptable);
	return state;
}

void
retention_state_progress(const RetentionRule *rule, int64 rows)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[RETENTION_RULE_KEY_ARGS + 1];
	Datum		values[RETENTION_RULE_KEY_ARGS + 1];
	RetentionIdentity saved;

	retention_rule_key_bind(rule, types, values);
	types[3] = INT8OID;
	values[3] = Int64GetDatum(rows);
	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare("UPDATE retention.rule_state SET rows_done = $4,"
						   " batches = batches + 1, updated_at = pg_catalog.clock_timestamp()"
						   RETENTION_RULE_KEY_WHERE, RETENTION_RULE_KEY_ARGS + 1, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.rule_state could not be written");
	}
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "retention.rule_state could not be written");
	retention_identity_restore(&saved);
}

void
retention_state_end(const RetentionRule *rule, bool complete,
					const RetentionState *state, double rate, const char *error)
{
	Oid			types[RETENTION_RULE_KEY_ARGS + 6];
	Datum		values[RETENTION_RULE_KEY_ARGS + 6];
	char		nulls[RETENTION_RULE_KEY_ARGS + 6];

	retention_rule_key_bind(rule, types, values);
	memset(nulls, ' ', sizeof(nulls));
	types[3] = BOOLOID;
	values[3] = BoolGetDatum(complete);
	types[4] = TIMESTAMPTZOID;
	values[4] = TimestampTzGetDatum(state->swept_to);
	types[5] = TIMESTAMPTZOID;
	values[5] = TimestampTzGetDatum(state->swept_at);
	nulls[4] = nulls[5] = TIMESTAMP_IS_NOBEGIN(state->swept_at) ? 'n' : ' ';
	types[6] = INT4OID;
	values[6] = Int32GetDatum(state->sweep_cost);
	types[7] = FLOAT8OID;
	values[7] = Float8GetDatum(rate);
	nulls[7] = rate > 0 ? ' ' : 'n';
	types[8] = TEXTOID;
	values[8] = error ? CStringGetTextDatum(error) : (Datum) 0;
	nulls[8] = error ? ' ' : 'n';
	run("UPDATE retention.rule_state SET running = NOT $4 AND $9 IS NULL,"
		" last_success = CASE WHEN $4 THEN pg_catalog.clock_timestamp() ELSE last_success END,"
		" due = CASE WHEN $4 THEN 0 ELSE due END,"
		" oldest_due = CASE WHEN $4 THEN NULL ELSE oldest_due END,"
		" counted_at = CASE WHEN $4 THEN pg_catalog.clock_timestamp() ELSE counted_at END,"
		" swept_to = $5, swept_at = $6, sweep_cost = $7,"
		" rate = coalesce($8, rate),"
		" last_error = coalesce($9, last_error),"
		" last_error_at = CASE WHEN $9 IS NOT NULL THEN pg_catalog.clock_timestamp()"
		" ELSE last_error_at END"
		RETENTION_RULE_KEY_WHERE, RETENTION_RULE_KEY_ARGS + 6, types, values, nulls);
}

void
retention_state_drop(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};

	SPI_connect();
	run("DELETE FROM retention.rule_state WHERE relation = $1", 1, types, values, NULL);
	SPI_finish();
}
