/*
 * blocked.c
 *		Rows that are due and cannot go, and why.
 *
 * Invariant: no message of the server is kept, as it may quote a value; the
 * reason is told from the error code alone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/identity.h"
#include "enforce/blocked.h"
#include "pseudonym/keyring.h"

/* Failures until a row is left alone for a while, for how long, and at most. */
#define FREE_TRIES 3
#define FIRST_BACKOFF (5 * USECS_PER_MINUTE)

static Datum
column_datum(const RetentionRule *rule)
{
	return CStringGetTextDatum(rule->attnum ? rule->column_name : "");
}

int64
retention_blocked_count(const RetentionRule *rule)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(rule->relation), column_datum(rule),
	Int32GetDatum(rule->stage)};
	RetentionIdentity saved;
	bool		isnull;
	int64		count;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT count(*) FROM retention.blocked_row"
							  " WHERE relation = $1 AND column_name = $2 AND stage = $3",
							  3, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "retention.blocked_row could not be read");
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										1, &isnull));
	retention_identity_restore(&saved);
	SPI_finish();
	return count;
}

void
retention_blocked_load(const RetentionRule *rule, HTAB *skipped)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(rule->relation), column_datum(rule),
	Int32GetDatum(rule->stage)};
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT leaf, row_id, next_try FROM retention.blocked_row"
							  " WHERE relation = $1 AND column_name = $2 AND stage = $3",
							  3, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "retention.blocked_row could not be read");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		RetentionSkipped *entry;

		entry = retention_row_skip(skipped,
								   DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull)),
								   (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 2, &isnull)),
								   true);
		entry->recorded = true;
		entry->earlier = true;
		entry->seen = false;
		entry->next_try = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	retention_identity_restore(&saved);
}

/* The constraint that the error names; invalid if it names none that is there. */
static Oid
constraint_of(const ErrorData *error)
{
	Oid			schema = error->schema_name && error->constraint_name ?
	get_namespace_oid(error->schema_name, true) : InvalidOid;
	Oid			relid = OidIsValid(schema) && error->table_name ?
	get_relname_relid(error->table_name, schema) : InvalidOid;

	return OidIsValid(relid) ?
		get_relation_constraint_oid(relid, error->constraint_name, true) : InvalidOid;
}

/*
 * The name of the constraint as it was declared: those of the parts of a partitioned
 * table, which the server makes for itself, nobody knows.
 */
static const char *
constraint_name(const ErrorData *error)
{
	const char *name = error->constraint_name;
	Oid			constraint = constraint_of(error);

	while (OidIsValid(constraint))
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
		Form_pg_constraint form;

		if (!HeapTupleIsValid(tuple))
			break;
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		name = pstrdup(NameStr(form->conname));
		constraint = form->conparentid;
		ReleaseSysCache(tuple);
	}
	return name;
}

/* The guards of suspensions raise the same code, with no constraint of that name. */
bool
retention_blocked_is_referenced(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ||
		(error->sqlerrcode == ERRCODE_RESTRICT_VIOLATION && OidIsValid(constraint_of(error)));
}

/* What keeps a row, in words and without its values. */
static const char *
reason_text(const ErrorData *error)
{
	if (retention_blocked_is_referenced(error))
		return "a foreign key of another table points at the row";
	switch (error->sqlerrcode)
	{
		case ERRCODE_TRIGGERED_ACTION_EXCEPTION:
			return "a trigger or rule keeps the row as it is";
		case ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION:
			return "the changed value is not what the action makes of it: a trigger changes it, or the function is not idempotent";
		case ERRCODE_UNIQUE_VIOLATION:
			return "the new value would break a unique constraint";
		case ERRCODE_NOT_NULL_VIOLATION:
			return "the column may not be null";
		case ERRCODE_CHECK_VIOLATION:
			return "the new value would break a check constraint";
		case ERRCODE_EXCLUSION_VIOLATION:
			return "the new value would break an exclusion constraint";
		case ERRCODE_RAISE_EXCEPTION:
			return "a trigger raised an error";
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "the table's owner lacks a privilege";
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
			return "the new value is too long for the column";
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION):
			return "an expression cannot be computed for the row";
		case ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION):
			return "a constraint keeps the row";
		default:
			return "the server refused the change";
	}
}

/*
 * The primary key as text, for its keyed hash; NULL if there is none, or no key
 * to hash with.
 */
static bytea *
key_hash(Oid leaf, const ItemPointerData * tid)
{
	Relation	rel = table_open(leaf, AccessShareLock);
	Bitmapset  *columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	StringInfoData query;
	RetentionIdentity saved;
	Oid			types[] = {TIDOID};
	Datum		values[] = {PointerGetDatum(tid)};
	char	   *problem;
	char	   *hint;
	bytea	   *hash = NULL;
	int			column = -1;

	initStringInfo(&query);
	while ((column = bms_next_member(columns, column)) >= 0)
		appendStringInfo(&query, "%s%s", query.len > 0 ? ", " : "",
						 quote_identifier(get_attname(leaf, column + FirstLowInvalidHeapAttributeNumber,
													  false)));
	table_close(rel, AccessShareLock);
	if (query.len == 0 || !retention_keyring_ready(&problem, &hint))
		return NULL;

	retention_identity_become_owner(&saved, leaf);
	if (SPI_execute_with_args(psprintf("SELECT (ROW(%s))::text FROM ONLY %s WHERE ctid = $1",
									   query.data, retention_start_relation_name(leaf)),
							  1, types, values, NULL, false, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
	{
		char	   *key = psprintf("blocked row of %s: %s",
								   retention_start_relation_name(leaf),
								   SPI_getvalue(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 1));

		hash = palloc(VARHDRSZ + 32);
		SET_VARSIZE(hash, VARHDRSZ + 32);
		retention_keyring_mark_hmac(key, strlen(key), (uint8 *) VARDATA(hash));
	}
	SPI_freetuptable(SPI_tuptable);
	retention_identity_restore(&saved);
	return hash;
}

TimestampTz
retention_blocked_record(const RetentionRule *rule, Oid leaf,
						 const ItemPointerData * tid, const ErrorData *error,
						 TimestampTz now)
{
	static SPIPlanPtr plan = NULL;
	bytea	   *hash = key_hash(leaf, tid);
	const char *constraint = constraint_name(error);
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID, OIDOID, TIDOID, BYTEAOID, TEXTOID,
	TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(rule->relation), column_datum(rule),
		Int32GetDatum(rule->stage), ObjectIdGetDatum(leaf), PointerGetDatum(tid), PointerGetDatum(hash),
		CStringGetTextDatum(unpack_sql_state(error->sqlerrcode)),
		constraint ? CStringGetTextDatum(constraint) : (Datum) 0,
	CStringGetTextDatum(reason_text(error)), TimestampTzGetDatum(now)};
	char		nulls[] = {' ', ' ', ' ', ' ', ' ', hash ? ' ' : 'n', ' ',
	constraint ? ' ' : 'n', ' ', ' '};
	RetentionIdentity saved;
	TimestampTz next_try;
	bool		isnull;

	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare(psprintf("INSERT INTO retention.blocked_row AS b"
									" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $10, $10)"
									" ON CONFLICT (relation, column_name, stage, leaf, row_id) DO UPDATE"
									" SET key_hash = excluded.key_hash, sqlstate = excluded.sqlstate,"
									" constraint_name = excluded.constraint_name,"
									" reason = excluded.reason, last_try = excluded.last_try,"
									" tries = b.tries + (b.last_try < excluded.last_try)::int,"
									" next_try = CASE WHEN b.last_try = excluded.last_try THEN b.next_try"
									" WHEN b.tries + 1 < %d THEN excluded.last_try"
									" ELSE excluded.last_try + least('%d us'::interval"
									" * 2 ^ least(b.tries + 1 - %d, 20), '1 day'::interval) END"
									" RETURNING next_try",
									FREE_TRIES, (int) FIRST_BACKOFF, FREE_TRIES),
						   10, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.blocked_row could not be written");
	}
	if (SPI_execute_plan(plan, values, nulls, false, 1) != SPI_OK_INSERT_RETURNING)
		elog(ERROR, "retention.blocked_row could not be written");
	next_try = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
												 SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	retention_identity_restore(&saved);
	return next_try;
}

void
retention_blocked_drop(const RetentionRule *rule, Oid leaf, const ItemPointerData * tid)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID, OIDOID, TIDOID};
	Datum		values[] = {CStringGetTextDatum(rule->relation), column_datum(rule),
	Int32GetDatum(rule->stage), ObjectIdGetDatum(leaf), PointerGetDatum(tid)};
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (plan == NULL)
	{
		plan = SPI_prepare("DELETE FROM retention.blocked_row WHERE relation = $1"
						   " AND column_name = $2 AND stage = $3 AND leaf = $4 AND row_id = $5",
						   5, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "retention.blocked_row could not be written");
	}
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "retention.blocked_row could not be written");
	retention_identity_restore(&saved);
}

void
retention_blocked_drop_all(const char *relation)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(relation)};
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("DELETE FROM retention.blocked_row WHERE relation = $1",
							  1, types, values, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "retention.blocked_row could not be written");
	retention_identity_restore(&saved);
	SPI_finish();
}
