/*
 * confirmation.c
 *		What was confirmed of each rule, and what it waits for.
 *
 * Invariant: a confirmation counts for one policy, and its number for one pass.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "enforce/confirmation.h"
#include "policy/rule_key.h"

/* The objects of 1.0 have no brakes. */
bool
retention_confirmation_known(void)
{
	return OidIsValid(retention_identity_find_own("confirmation"));
}

static bool
fetch_bool(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/* The value, or the other if it is NULL. */
static int64
fetch_int64(int column, int64 otherwise)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? otherwise : DatumGetInt64(value);
}

RetentionConfirmation
retention_confirmation_read(const RetentionRule *rule)
{
	static SPIPlanPtr plan = NULL;
	RetentionConfirmation record = {0};
	Oid			types[RETENTION_RULE_KEY_ARGS + 1];
	Datum		values[RETENTION_RULE_KEY_ARGS + 1];
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	char	   *waiting;

	retention_rule_key_bind(rule, types, values);
	types[3] = BYTEAOID;
	values[3] = retention_rule_key_digest(rule);
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare("SELECT b.relation IS NOT NULL, b.digest = $4,"
						   " EXISTS (SELECT FROM retention.rule_state AS s"
						   " WHERE s.relation = $1 AND s.column_name = $2"
						   " AND s.stage = $3 AND s.digest = $4),"
						   " b.jumps::bigint, (SELECT jumps FROM retention.pass_clock)::bigint,"
						   " b.at_most, b.admitted, b.waiting, b.waiting_digest = $4,"
						   " b.rows, b.counted_at"
						   " FROM (SELECT) AS one LEFT JOIN retention.confirmation AS b"
						   " ON b.relation = $1 AND b.column_name = $2 AND b.stage = $3",
						   RETENTION_RULE_KEY_ARGS + 1, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.confirmation could not be read");
	}
	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "retention.confirmation could not be read");
	record.exists = fetch_bool(1);
	record.confirmed = fetch_bool(2);
	record.swept = fetch_bool(3);
	record.jumps = fetch_int64(4, 0);
	record.jumps_now = fetch_int64(5, 0);
	record.at_most = fetch_int64(6, -1);
	record.admitted = fetch_bool(7);
	waiting = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 8);
	record.waiting = waiting ? MemoryContextStrdup(context, waiting) : NULL;
	record.same = fetch_bool(9);
	record.rows = fetch_int64(10, -1);
	record.counted_at = fetch_int64(11, DT_NOBEGIN);
	retention_identity_restore(&saved);
	SPI_finish();
	return record;
}

static void
execute(const char *statement, int nargs, Oid *types, Datum *values, const char *nulls)
{
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(statement, nargs, types, values, nulls, false, 0) < 0)
		elog(ERROR, "retention.confirmation could not be written");
	retention_identity_restore(&saved);
	SPI_finish();
}

void
retention_confirmation_give(const RetentionRule *rule, int64 at_most)
{
	Oid			types[RETENTION_RULE_KEY_ARGS + 2];
	Datum		values[RETENTION_RULE_KEY_ARGS + 2];
	char		nulls[] = "     ";

	retention_rule_key_bind(rule, types, values);
	types[3] = BYTEAOID;
	values[3] = retention_rule_key_digest(rule);
	types[4] = INT8OID;
	values[4] = Int64GetDatum(at_most);
	if (at_most < 0)
		nulls[4] = 'n';
	execute("INSERT INTO retention.confirmation"
			" (relation, column_name, stage, digest, jumps, at_most, confirmed_at)"
			" VALUES ($1, $2, $3, $4, coalesce((SELECT jumps FROM retention.pass_clock), 0),"
			" $5, pg_catalog.clock_timestamp())"
			" ON CONFLICT (relation, column_name, stage) DO UPDATE"
			" SET digest = excluded.digest, jumps = excluded.jumps,"
			" at_most = excluded.at_most, admitted = false,"
			" confirmed_at = excluded.confirmed_at, waiting = NULL,"
			" waiting_digest = NULL, waiting_since = NULL, rows = NULL,"
			" counted_at = NULL, counted_as_of = NULL",
			RETENTION_RULE_KEY_ARGS + 2, types, values, nulls);
}

void
retention_confirmation_want(const RetentionRule *rule, const char *waiting,
							TimestampTz now, TimestampTz as_of, int64 rows)
{
	Oid			types[RETENTION_RULE_KEY_ARGS + 5];
	Datum		values[RETENTION_RULE_KEY_ARGS + 5];
	char		nulls[] = "        ";

	retention_rule_key_bind(rule, types, values);
	types[3] = TEXTOID;
	values[3] = CStringGetTextDatum(waiting);
	types[4] = BYTEAOID;
	values[4] = retention_rule_key_digest(rule);
	types[5] = TIMESTAMPTZOID;
	values[5] = TimestampTzGetDatum(now);
	types[6] = TIMESTAMPTZOID;
	values[6] = TimestampTzGetDatum(as_of);
	types[7] = INT8OID;
	values[7] = Int64GetDatum(rows);
	if (rows < 0)
		nulls[7] = 'n';
	execute("INSERT INTO retention.confirmation AS b"
			" (relation, column_name, stage, jumps, waiting, waiting_digest,"
			" waiting_since, counted_at, counted_as_of, rows)"
			" VALUES ($1, $2, $3, -1, $4, $5, $6, $6, $7, $8)"
			" ON CONFLICT (relation, column_name, stage) DO UPDATE"
			" SET waiting = $4, waiting_digest = $5, admitted = false,"
			" waiting_since = CASE WHEN b.waiting = $4 AND b.waiting_digest = $5"
			" THEN b.waiting_since ELSE $6 END,"
			" counted_at = $6, counted_as_of = $7, rows = $8",
			RETENTION_RULE_KEY_ARGS + 5, types, values, nulls);
}

void
retention_confirmation_admit(const RetentionRule *rule, TimestampTz now)
{
	Oid			types[RETENTION_RULE_KEY_ARGS + 1];
	Datum		values[RETENTION_RULE_KEY_ARGS + 1];

	retention_rule_key_bind(rule, types, values);
	types[3] = TIMESTAMPTZOID;
	values[3] = TimestampTzGetDatum(now);
	execute("UPDATE retention.confirmation SET admitted = true, waiting = NULL,"
			" counted_at = $4" RETENTION_RULE_KEY_WHERE, RETENTION_RULE_KEY_ARGS + 1, types, values, NULL);
}

void
retention_confirmation_use(const RetentionRule *rule)
{
	Oid			types[RETENTION_RULE_KEY_ARGS];
	Datum		values[RETENTION_RULE_KEY_ARGS];

	retention_rule_key_bind(rule, types, values);
	execute("UPDATE retention.confirmation SET at_most = NULL, admitted = false,"
			" waiting = NULL" RETENTION_RULE_KEY_WHERE, RETENTION_RULE_KEY_ARGS, types, values, NULL);
}

void
retention_confirmation_accept_jump(int jumps)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(jumps)};

	execute("UPDATE retention.confirmation SET jumps = $1,"
			" waiting = nullif(waiting, 'clock')", 1, types, values, NULL);
}

void
retention_confirmation_drop(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};

	if (retention_confirmation_known())
		execute("DELETE FROM retention.confirmation WHERE relation = $1",
				1, types, values, NULL);
}

TimestampTz
retention_confirmation_asked(const char *relation, TimestampTz now)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};
	RetentionIdentity saved;
	TimestampTz asked;

	if (!retention_confirmation_known())
		return now;
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT pg_catalog.max(counted_as_of)"
							  " FROM retention.confirmation"
							  " WHERE relation = $1 AND waiting IS NOT NULL",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.confirmation could not be read");
	asked = fetch_int64(1, now);
	retention_identity_restore(&saved);
	SPI_finish();
	return asked;
}
