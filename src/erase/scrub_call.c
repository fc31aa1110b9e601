/*
 * scrub_call.c
 *		CALL retention.scrub(): a scrub that a person, or a job, asks for.
 *
 * Invariant: refuses before it begins, and says what is missing: bytes of rows that
 * VACUUM has not removed are not free, so a scrub alone erases nothing of them.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/procedure.h"
#include "erase/horizon.h"
#include "erase/round.h"
#include "erase/scrub.h"
#include "erase/scrub_shortfall.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "policy/start.h"

PG_FUNCTION_INFO_V1(retention_scrub_call_sql);

static void
refuse_relation(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	retention_identity_require_owner(relid);
	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
		case RELKIND_TOASTVALUE:
		case RELKIND_INDEX:
			break;
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_PARTITIONED_INDEX:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s has no pages to scrub", retention_start_relation_name(relid)),
					 errhint("Name a table, a materialized view or an index.")));
	}
	if (get_rel_persistence(relid) == RELPERSISTENCE_UNLOGGED && RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is unlogged: a standby has nothing of it",
						retention_start_relation_name(relid))));
	if (isOtherTempNamespace(get_rel_namespace(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is a temporary table of another session",
						retention_start_relation_name(relid)),
				 errhint("Only that session can scrub it; its files go when it ends.")));
}

static void
refuse(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	retention_procedure_require_nonatomic(fcinfo, "retention.scrub", "chunk");
	refuse_relation(PG_GETARG_OID(0));
}

/* Deletions of a protected table that this scrub can prove erased: open rounds. */
static List *
rounds_of(const char *relation)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_round_open())
	{
		RetentionRound *round = (RetentionRound *) lfirst(lc);

		if (strcmp(round->relation, relation) == 0 &&
			round->reached[RETENTION_ROUND_SCRUBBED] == 0)
			result = lappend(result, round);
	}
	return result;
}

/* Rounds begin before the scrub, so that it is about all deletions until then. */
static FullTransactionId
begin_rounds(const char *relation, Oid table)
{
	FullTransactionId horizon = InvalidFullTransactionId;
	ListCell   *lc;

	retention_procedure_connect();
	retention_procedure_commit();
	(void) retention_ledger_seal();
	retention_procedure_commit();
	EnsurePortalSnapshotExists();
	(void) retention_round_begin(relation, table);
	retention_procedure_commit();
	EnsurePortalSnapshotExists();
	foreach(lc, rounds_of(relation))
	{
		RetentionRound *round = (RetentionRound *) lfirst(lc);

		if (FullTransactionIdPrecedes(horizon, round->horizon))
			horizon = round->horizon;
	}
	retention_procedure_commit();
	SPI_finish();
	return horizon;
}

/* The next scrub would not bring them further either. */
static void
hold_rounds(const char *relation, const char *skipped)
{
	ListCell   *lc;

	EnsurePortalSnapshotExists();
	foreach(lc, rounds_of(relation))
		retention_round_hold(lfirst(lc), psprintf("what could not be scrubbed: %s", skipped), NULL);
	retention_procedure_commit();
}

/* What became of a protected table is in the ledger, in one transaction with its rounds. */
static void
tell(Oid relid, const char *relation, FullTransactionId horizon,
	 const RetentionScrubResult *result, bool proved)
{
	retention_procedure_connect();
	EnsurePortalSnapshotExists();
	retention_ledger_tell("scrub", relation, -1,
						  psprintf("%s; " INT64_FORMAT " pages, " INT64_FORMAT " of them wiped",
								   proved ? "complete" :
								   result->skipped[0] != '\0' ? "incomplete" : "deleted rows are not vacuumed yet",
								   result->pages, result->pages_wiped));

	/*
	 * Not those that began meanwhile: the scrub may have been past their
	 * rows.
	 */
	if (proved)
		retention_round_scrubbed(relid, horizon, result->lsn, result->timeline);
	retention_procedure_commit();
	(void) retention_ledger_seal();
	retention_procedure_commit();
	EnsurePortalSnapshotExists();
	retention_horizon_advance();
	retention_procedure_commit();
	if (result->skipped[0] != '\0')
		hold_rounds(relation, result->skipped);
	SPI_finish();
}

static void
warn(const char *relation, const RetentionScrubResult *result, const char *missing)
{
	if (result->skipped[0] != '\0')
		ereport(WARNING,
				(errmsg("not all of %s was scrubbed", relation),
				 errdetail("%s.", result->skipped)));
	if (result->dead_tuples > 0 || result->dead_items > 0)
		ereport(WARNING,
				(errmsg("deleted rows of %s are still in its pages", relation),
				 errdetail(INT64_FORMAT " rows and " INT64_FORMAT " index entries or line pointers wait for VACUUM.",
						   result->dead_tuples, result->dead_items),
				 errhint("%s Then scrub again.", missing)));
	else if (missing != NULL)
		ereport(NOTICE,
				(errmsg("statistics from before the last ANALYZE are still in the catalog's pages"),
				 errhint("%s Then scrub again.", missing)));
}

/* CALL retention.scrub(relation, check_only, force) */
Datum
retention_scrub_call_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	RetentionScrubOrder order = {.pace = true};
	RetentionScrubResult result;
	MemoryContext context = CurrentMemoryContext;
	char	   *name;
	const char *missing;
	bool		protected;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	refuse(fcinfo);
	order.check_only = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	order.force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	order.statistics = !IsCatalogRelationOid(relid) && get_rel_relkind(relid) != RELKIND_INDEX;
	if (RecoveryInProgress() && !order.check_only)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("nothing is scrubbed on a standby"),
				 errdetail("It does what the primary's WAL tells."),
				 errhint("Call it on the primary, or look only: check_only => true.")));
	name = retention_start_relation_name(relid);
	protected = !order.check_only &&
		retention_guard_state(relid) == RETENTION_PROTECTED;
	if (protected)
		order.horizon = begin_rounds(name, relid);
	retention_scrub_table(relid, &order, &result);
	if (result.busy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another session is scrubbing %s", name),
				 errhint("How far it is: SELECT * FROM retention.scrubbed;")));
	if (protected)
		tell(relid, name, order.horizon, &result, result.complete && !result.elsewhere && result.dead_tuples == 0 &&
			 result.dead_items == 0);
	MemoryContextSwitchTo(context);
	missing = retention_scrub_shortfall_statement(name, &result);
	warn(name, &result, missing);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "retention.scrub() returns a record");
	values[0] = Int64GetDatum(result.pages);
	values[1] = Int64GetDatum(result.pages_wiped);
	values[2] = Int64GetDatum(result.bytes_wiped);
	nulls[3] = missing == NULL;
	values[3] = missing == NULL ? (Datum) 0 : CStringGetTextDatum(missing);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
