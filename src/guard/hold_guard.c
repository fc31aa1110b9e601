/*
 * hold_guard.c
 *		The triggers that refuse what would touch a held row.
 *
 * They are AFTER triggers, for two reasons. What a later BEFORE trigger makes of
 * the row counts. And a BEFORE DELETE trigger makes the server lock each row
 * first, which costs a pass a third of its speed; the engine's own deletions pass
 * this one in the trigger's WHEN.
 *
 * Invariant: they are on every table under a suspension, on its partitions and
 * children, and on no other: what they cost is paid for held tables only.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "guard/guard.h"
#include "guard/hold.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "guard/statement.h"
#include "guard/suspension.h"
#include "policy/start.h"

#define TRUNCATE_GUARD RETENTION_GUARD_TRUNCATE_NAME

PG_FUNCTION_INFO_V1(retention_hold_guard_holding_sql);

/* ---- Triggers as objects ---- */

typedef enum Standing
{
	MISSING,
	CLONED,						/* from a partitioned table's */
	OWN,
} Standing;

/* Is there a trigger of that name?  *enabled: does it always fire? */
static Standing
look_at(Oid relid, const char *name, bool *enabled)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Standing	standing = MISSING;

	*enabled = false;
	if (rel->trigdesc != NULL)
		for (int i = 0; i < rel->trigdesc->numtriggers; i++)
		{
			Trigger    *trigger = &rel->trigdesc->triggers[i];

			if (strcmp(trigger->tgname, name) != 0)
				continue;
			standing = trigger->tgisclone ? CLONED : OWN;
			*enabled = trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
		}
	table_close(rel, NoLock);
	return standing;
}

static bool
has_rows(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
}

/* Tables that suspensions in force name, and that are part of, or around, this one. */
static List *
suspended_around(Oid relid)
{
	List	   *lineage = retention_hold_lineage(relid);
	List	   *members = find_all_inheritors(relid, NoLock, NULL);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_suspension_in_force())
	{
		Oid			suspended = ((RetentionSuspension *) lfirst(lc))->relid;

		if (list_member_oid(lineage, suspended))
			return list_make1_oid(relid);	/* all of it */
		if (list_member_oid(members, suspended))
			result = list_append_unique_oid(result, suspended);
	}
	return result;
}

static void
run_utility(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not raise the guards of a suspension");
}

static void
raise_on(Oid relid)
{
	char	   *table = retention_start_relation_name(relid);
	bool		enabled;

	if (look_at(relid, RETENTION_HOLD_GUARD_NAME, &enabled) == MISSING)
		run_utility(psprintf("CREATE TRIGGER %s AFTER DELETE OR UPDATE ON %s FOR EACH ROW"
							 " WHEN (retention.holding()) EXECUTE FUNCTION retention.guard()",
							 RETENTION_HOLD_GUARD_NAME, table));
	if (!enabled)
		run_utility(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							 table, RETENTION_HOLD_GUARD_NAME));
	if (look_at(relid, TRUNCATE_GUARD, &enabled) == MISSING)
		run_utility(psprintf("CREATE TRIGGER %s BEFORE TRUNCATE ON %s FOR EACH STATEMENT"
							 " EXECUTE FUNCTION retention.guard('%u', '%u')",
							 TRUNCATE_GUARD, table, MyDatabaseId, relid));
	if (!enabled)
		run_utility(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							 table, TRUNCATE_GUARD));
}

static void
raise_all(Oid relid)
{
	ListCell   *lc;

	foreach(lc, retention_lineage_lock(relid, ShareRowExclusiveLock))
		if (has_rows(lfirst_oid(lc)))
		raise_on(lfirst_oid(lc));
}

void
retention_hold_guard_raise(Oid relid)
{
	List	   *suspended = suspended_around(relid);
	RetentionIdentity saved;
	ListCell   *lc;

	if (suspended == NIL)
		return;
	SPI_connect();
	retention_identity_become_extension(&saved);
	retention_guard_permit(true);
	foreach(lc, suspended)
		raise_all(lfirst_oid(lc));
	retention_guard_permit(false);
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
}

void
retention_hold_guard_lower(Oid relid)
{
	RetentionIdentity saved;
	ListCell   *lc;

	/* An ancestor's suspension may hold all of it still. */
	if (list_member_oid(suspended_around(relid), relid))
		return;
	SPI_connect();
	retention_identity_become_extension(&saved);
	retention_guard_permit(true);
	foreach(lc, retention_lineage_lock(relid, AccessExclusiveLock))
	{
		Oid			member = lfirst_oid(lc);
		char	   *table = retention_start_relation_name(member);
		bool		enabled;

		if (!has_rows(member))
			continue;
		if (look_at(member, RETENTION_HOLD_GUARD_NAME, &enabled) == OWN)
			run_utility(psprintf("DROP TRIGGER %s ON %s", RETENTION_HOLD_GUARD_NAME, table));
		if (look_at(member, RETENTION_GUARD_NAME, &enabled) == MISSING &&
			look_at(member, TRUNCATE_GUARD, &enabled) == OWN)
			run_utility(psprintf("DROP TRIGGER %s ON %s", TRUNCATE_GUARD, table));
	}
	retention_guard_permit(false);
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
	retention_hold_guard_raise(relid);
}

Oid
retention_hold_guard_gap(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Oid			member = lfirst_oid(lc);
		bool		rows;
		bool		truncates;

		if (!has_rows(member))
			continue;
		(void) look_at(member, RETENTION_HOLD_GUARD_NAME, &rows);
		(void) look_at(member, TRUNCATE_GUARD, &truncates);
		if (!rows || !truncates)
			return member;
	}
	return InvalidOid;
}

static void
guard_newcomer(void *arg)
{
	Oid			relid = *(Oid *) arg;

	if (OidIsValid(retention_hold_guard_gap(relid)))
		retention_hold_guard_raise(relid);
}

void
retention_hold_guard_newcomers(void)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		ErrorData  *error;

		if (!OidIsValid(suspension->relid) || list_member_oid(seen, suspension->relid))
			continue;
		seen = lappend_oid(seen, suspension->relid);
		error = retention_attempt_run(guard_newcomer, &suspension->relid);
		if (error != NULL)
			ereport(LOG,
					(errmsg("privacy_retention: the guards of suspension " INT64_FORMAT " of %s could not be raised: SQLSTATE %s",
							suspension->id, suspension->relation,
							unpack_sql_state(error->sqlerrcode))));
	}
}

/* ---- What they do ---- */

static void
refuse(Relation rel, const RetentionSuspension *suspension, const char *message)
{
	char	   *name = psprintf("suspension " INT64_FORMAT, suspension->id);
	int			year;
	int			month;
	int			day;

	j2date(suspension->review_on + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	ereport(ERROR,
			(errcode(ERRCODE_RESTRICT_VIOLATION),
			 errmsg_internal("%s", message),
			 suspension->restricts ?
			 errdetail("Entry " INT64_FORMAT " restricts the processing of such rows.", suspension->id) :
			 errdetail("Suspension " INT64_FORMAT " holds it; its review is due on %04d-%02d-%02d.",
					   suspension->id, year, month, day),
			 suspension->restricts ? 0 :
			 errhint("An officer ends it: SELECT retention.lift_suspension(" INT64_FORMAT ", 'why');",
					 suspension->id),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(RelationGetNamespace(rel))),
			 err_generic_string(PG_DIAG_TABLE_NAME, RelationGetRelationName(rel)),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, name)));
}

void
retention_hold_guard_refuse(Relation rel, const RetentionSuspension *suspension,
							const char *message)
{
	refuse(rel, suspension, message);
}

/* The first column that differs and may not, or InvalidAttrNumber. */
static AttrNumber
changed_column(Relation rel, TupleTableSlot *before, TupleTableSlot *after, bool any)
{
	TupleDesc	desc = RelationGetDescr(rel);

	slot_getallattrs(before);
	slot_getallattrs(after);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped ||
			(before->tts_isnull[i] && after->tts_isnull[i]))
			continue;
		if (before->tts_isnull[i] == after->tts_isnull[i] &&
			datum_image_eq(before->tts_values[i], after->tts_values[i],
						   attribute->attbyval, attribute->attlen))
			continue;
		if (any || !retention_hold_lets_change(rel, i + 1))
			return i + 1;
	}
	return InvalidAttrNumber;
}

static bool
is_among(const RetentionSuspension *suspension, List *suspensions)
{
	ListCell   *lc;

	foreach(lc, suspensions)
		if (((RetentionSuspension *) lfirst(lc))->id == suspension->id)
		return true;
	return false;
}

static void
check_update(Relation rel, TupleTableSlot *before, TupleTableSlot *after, List *suspensions)
{
	const char *table = retention_start_relation_name(RelationGetRelid(rel));
	List	   *still;
	ListCell   *lc;

	foreach(lc, suspensions)
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		AttrNumber	attnum = changed_column(rel, before, after, suspension->restricts);

		if (attnum != InvalidAttrNumber)
			refuse(rel, suspension,
				   psprintf("cannot change column \"%s\" of a row of table %s that is under %s",
							NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname), table,
							suspension->restricts ? "restriction" : "suspension of deletion"));
	}
	still = retention_hold_of_row(rel, after);
	foreach(lc, suspensions)
		if (!is_among((RetentionSuspension *) lfirst(lc), still))
		refuse(rel, (RetentionSuspension *) lfirst(lc),
			   psprintf("a row of table %s that is under suspension of deletion would leave it by the change",
						table));
}

void
retention_hold_guard_check_row(TriggerData *trigger)
{
	Relation	rel = trigger->tg_relation;
	List	   *suspensions;

	if (!retention_hold_is_suspended(rel))
		return;
	suspensions = retention_hold_of_row(rel, trigger->tg_trigslot);
	if (suspensions == NIL)
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		check_update(rel, trigger->tg_trigslot, trigger->tg_newslot, suspensions);
	else
		refuse(rel, linitial(suspensions),
			   psprintf("cannot delete a row of table %s that is under %s",
						retention_start_relation_name(RelationGetRelid(rel)),
						((RetentionSuspension *) linitial(suspensions))->restricts ?
						"restriction" : "suspension of deletion"));
}

void
retention_hold_guard_check_truncate(Relation rel)
{
	const RetentionSuspension *suspension = retention_hold_any(RelationGetRelid(rel), false);

	if (suspension != NULL)
		refuse(rel, suspension,
			   psprintf("cannot truncate table %s: it has rows under suspension of deletion",
						retention_start_relation_name(RelationGetRelid(rel))));
}

/* ---- The engine's permit ---- */

static bool delete_permitted = false;	/* while the statement is the engine's */

void
retention_hold_guard_permit(bool permitted)
{
	delete_permitted = permitted;
}

/* The WHEN of the triggers: must they ask about the row? */
Datum
retention_hold_guard_holding_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!delete_permitted || !retention_statement_is_ours());
}
