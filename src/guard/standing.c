/*
 * standing.c
 *		Which triggers of a table stand, and which come after the guard.
 *
 * Invariant: answered from the catalog alone, for one table, not for its
 * partitions.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "guard/guard.h"
#include "guard/standing.h"

typedef bool (*Question) (Form_pg_trigger trigger, Oid guard);

static bool
is_standing(Form_pg_trigger trigger, Oid guard)
{
	return trigger->tgfoid == guard && trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
		strncmp(NameStr(trigger->tgname), RETENTION_GUARD_NAME,
				strlen(RETENTION_GUARD_NAME)) == 0;
}

/* BEFORE triggers of a row fire in the order of their names. */
static bool
is_late(Form_pg_trigger trigger, Oid guard)
{
	return trigger->tgfoid != guard && !trigger->tgisinternal &&
		trigger->tgenabled != TRIGGER_DISABLED &&
		TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
		(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype)) &&
		strcmp(NameStr(trigger->tgname), RETENTION_GUARD_NAME) > 0;
}

static List *
names(Oid relid, Question question)
{
	List	   *result = NIL;
	Oid			guard = retention_guard_function();
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (question(trigger, guard))
			result = lappend(result, pstrdup(NameStr(trigger->tgname)));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

List *
retention_standing_guards(Oid relid)
{
	return names(relid, is_standing);
}

List *
retention_standing_late(Oid relid)
{
	return names(relid, is_late);
}
