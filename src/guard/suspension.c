/*
 * suspension.c
 *		Suspensions of deletion: who ordered what, and until when.
 *
 * Invariant: each suspension that begins or ends is in the ledger, by its number
 * only: conditions and reasons can name a person.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "evidence/ledger.h"
#include "guard/hold_condition.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "guard/suspension.h"
#include "policy/labelled.h"
#include "policy/start.h"

#define OUR_SCHEMA "retention"

PG_FUNCTION_INFO_V1(retention_suspension_suspend_sql);
PG_FUNCTION_INFO_V1(retention_suspension_changed_sql);

/* ---- Reading ---- */

Relation
retention_suspension_open(LOCKMODE lock)
{
	Oid			relid = retention_identity_find_own("hold");

	return OidIsValid(relid) ? try_relation_open(relid, lock) : NULL;
}

static Oid
find_relation(const char *name)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(name));
	Oid			schema = list_length(names) == 2 ?
	get_namespace_oid(strVal(linitial(names)), true) : InvalidOid;

	return OidIsValid(schema) ? get_relname_relid(strVal(lsecond(names)), schema) : InvalidOid;
}

RetentionSuspension *
retention_suspension_read(const Datum *values)
{
	RetentionSuspension *suspension = palloc0(sizeof(RetentionSuspension));

	suspension->id = DatumGetInt64(values[HOLD_ID - 1]);
	suspension->relation = TextDatumGetCString(values[HOLD_RELATION - 1]);
	suspension->condition = TextDatumGetCString(values[HOLD_CONDITION - 1]);
	suspension->review_on = DatumGetDateADT(values[HOLD_REVIEW_ON - 1]);
	suspension->restricts = DatumGetBool(values[HOLD_RESTRICTS - 1]);
	suspension->relid = find_relation(suspension->relation);
	return suspension;
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int64		left = ((RetentionSuspension *) lfirst(a))->id;
	int64		right = ((RetentionSuspension *) lfirst(b))->id;

	return left < right ? -1 : left > right;
}

List *
retention_suspension_in_force(void)
{
	Relation	holds = retention_suspension_open(AccessShareLock);
	List	   *result = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (holds == NULL)
		return NIL;
	/* No snapshot: a fresh one, in REPEATABLE READ, too. */
	scan = systable_beginscan(holds, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[HOLD_COLUMNS];
		bool		nulls[HOLD_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(holds), values, nulls);
		if (nulls[HOLD_LIFTED_AT - 1])
			result = lappend(result, retention_suspension_read(values));
	}
	systable_endscan(scan);
	table_close(holds, AccessShareLock);
	list_sort(result, compare_ids);
	return result;
}

/* ---- Writing ---- */

static void
run(const char *query, int nargs, Oid *types, Datum *values, int expected)
{
	RetentionIdentity saved;

	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args(query, nargs, types, values, NULL, false, 0) != expected)
		elog(ERROR, "retention.hold could not be written");
	retention_identity_restore(&saved);
}

char *
retention_suspension_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *result;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	result = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (result[strspn(result, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name)));
	return result;
}

/* Refuses what has no rows of its own that could be held. */
static void
require_table(Oid relid)
{
	char		kind = get_rel_relkind(relid);
	Oid			root;

	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if ((kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) ||
		IsCatalogNamespace(get_rel_namespace(relid)) ||
		get_rel_namespace(relid) == get_namespace_oid(OUR_SCHEMA, true) ||
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("deletion cannot be suspended in %s", retention_start_relation_name(relid)),
				 errdetail("Suspensions are for users' tables and partitioned tables that are not temporary.")));
	root = retention_labelled_root(relid);
	if (root != relid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", retention_start_relation_name(relid)),
				 errhint("Name the root of the partition tree, %s, and say which rows in the condition.",
						 retention_start_relation_name(root))));
}

Datum
retention_suspension_suspend_sql(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, DATEOID, TEXTOID, TEXTOID};
	Datum		values[6];
	Oid			relid;
	char	   *condition;
	DateADT		review_on;
	DateADT		today;
	int64		id;
	bool		isnull;

	PreventCommandIfReadOnly("retention.suspend()");
	PreventCommandDuringRecovery("retention.suspend()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("condition must not be null"),
				 errhint("The condition 'true' holds every row of the table.")));
	condition = retention_suspension_argument(fcinfo, 1, "condition");
	values[2] = CStringGetTextDatum(retention_suspension_argument(fcinfo, 2, "reason"));
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("review_on must not be null"),
				 errhint("Name the day on which somebody asks whether the rows must still stay.")));
	review_on = PG_GETARG_DATEADT(3);
	today = DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
												TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())));
	if (DATE_NOT_FINITE(review_on) || review_on <= today)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("review_on must be a day in the future")));
	values[4] = CStringGetTextDatum(retention_suspension_argument(fcinfo, 4, "approved_by"));

	relid = PG_GETARG_OID(0);
	require_table(relid);
	retention_identity_require_owner(relid);

	/* Statements that are under way end first; later ones meet the guards. */
	(void) retention_lineage_lock(relid, ShareRowExclusiveLock);
	require_table(relid);
	retention_hold_condition_judge(relid, condition);

	values[0] = CStringGetTextDatum(retention_start_relation_name(relid));
	values[1] = CStringGetTextDatum(condition);
	values[3] = DateADTGetDatum(review_on);
	values[5] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	SPI_connect();
	run("INSERT INTO retention.hold (relation, condition, reason, review_on, approved_by, suspended_by)"
		" VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
		6, types, values, SPI_OK_INSERT_RETURNING);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	CommandCounterIncrement();
	retention_hold_guard_raise(relid);
	retention_ledger_tell("suspend", retention_start_relation_name(relid), -1, psprintf("suspension " INT64_FORMAT, id));
	PG_RETURN_INT64(id);
}

/*
 * What was held may be due: the next passes look at everything.  Their own marks
 * are left to them: a transaction that stays open must not keep them from a table.
 */
static void
look_again(void)
{
	run("INSERT INTO retention.late_write (relid, clock)"
		" SELECT DISTINCT pg_catalog.to_regclass(relation)::oid, '-infinity'::timestamptz"
		" FROM retention.rule_state WHERE pg_catalog.to_regclass(relation) IS NOT NULL",
		0, NULL, NULL, SPI_OK_INSERT);
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
}

Oid
retention_suspension_lift(int64 id, const char *reason)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum		values[3];
	char	   *relation;
	bool		lifted;
	bool		restricts;
	bool		isnull;
	Oid			relid;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;

	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[2] = CStringGetTextDatum(reason);
	SPI_connect();
	run("SELECT relation, lifted_at IS NOT NULL, restricts FROM retention.hold WHERE id = $1 FOR UPDATE",
		1, types, values, SPI_OK_SELECT);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("suspension " INT64_FORMAT " does not exist", id),
				 errhint("SELECT id, relation, review_on FROM retention.suspension WHERE in_force;")));
	lifted = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	restricts = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull));
	if (lifted)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("suspension " INT64_FORMAT " was lifted before", id)));
	if (restricts)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("entry " INT64_FORMAT " is a restriction, not a suspension", id)));
	spi = MemoryContextSwitchTo(caller);
	relation = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	relation = pstrdup(relation);
	MemoryContextSwitchTo(spi);
	run("UPDATE retention.hold SET lifted_at = pg_catalog.now(), lifted_by = $2, lift_reason = $3 WHERE id = $1",
		3, types, values, SPI_OK_UPDATE);
	look_again();
	SPI_finish();
	CommandCounterIncrement();

	relid = find_relation(relation);
	if (OidIsValid(relid))
		retention_hold_guard_lower(relid);
	retention_ledger_tell("lift", relation, -1, psprintf("suspension " INT64_FORMAT, id));
	return relid;
}

int
retention_suspension_continue(Oid relid, List *ancestors)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT8OID};
	char	   *name = retention_start_relation_name(relid);
	int			count = 0;
	ListCell   *lc;

	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		Datum		values[3];
		bool		isnull;
		int64		id;

		if (!OidIsValid(suspension->relid) || !list_member_oid(ancestors, suspension->relid))
			continue;
		values[0] = CStringGetTextDatum(name);
		/* A condition must not run as somebody who has not written it. */
		values[1] = CStringGetTextDatum(retention_identity_owner(suspension->relid) == retention_identity_owner(relid) ?
										retention_hold_condition_translate(suspension, relid,
																		   get_rel_name(suspension->relid),
																		   get_rel_namespace(suspension->relid)) : "true");
		values[2] = Int64GetDatum(suspension->id);
		SPI_connect();
		run("INSERT INTO retention.hold (relation, condition, reason, review_on, approved_by,"
			" restricts, continues, suspended_by)"
			" SELECT $1, $2, reason, review_on, approved_by, restricts, id, suspended_by"
			" FROM retention.hold WHERE id = $3 RETURNING id",
			3, types, values, SPI_OK_INSERT_RETURNING);
		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		SPI_finish();
		retention_ledger_tell("suspend", name, -1, psprintf("suspension " INT64_FORMAT ", as suspension " INT64_FORMAT " of %s",
															id, suspension->id, suspension->relation));
		count++;
	}
	CommandCounterIncrement();
	if (count > 0)
		retention_hold_guard_raise(relid);
	return count;
}

void
retention_suspension_end(const char *relation, const char *why)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	ListCell   *lc;

	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		Datum		values[3];

		if (strcmp(suspension->relation, relation) != 0)
			continue;
		values[0] = Int64GetDatum(suspension->id);
		values[1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
		values[2] = CStringGetTextDatum(why);
		SPI_connect();
		run("UPDATE retention.hold SET lifted_at = pg_catalog.now(), lifted_by = $2, lift_reason = $3 WHERE id = $1",
			3, types, values, SPI_OK_UPDATE);
		SPI_finish();
		retention_ledger_tell("lift", relation, -1, psprintf("suspension " INT64_FORMAT ": %s", suspension->id, why));
	}
	CommandCounterIncrement();
}

void
retention_suspension_rewrite(int64 id, const char *relation, const char *condition)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(id), CStringGetTextDatum(condition),
	CStringGetTextDatum(relation)};

	SPI_connect();
	run("UPDATE retention.hold SET condition = $2, relation = $3 WHERE id = $1", 3, types, values,
		SPI_OK_UPDATE);
	SPI_finish();
	CommandCounterIncrement();
}

/* After any change of retention.hold, whoever makes it. */
Datum
retention_suspension_changed_sql(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by trigger manager")));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation));
	PG_RETURN_POINTER(NULL);
}
