/*
 * guard.c
 *		The triggers that mark a table as enforced.
 *
 * Invariant: whoever asks whether a table is protected is answered from the
 * triggers themselves, never from a table of ours, so that a dump, a copy of the
 * database or a disabled trigger cannot make the answer untrue.
 *
 * On a partitioned table the server clones the row trigger to partitions; the
 * TRUNCATE triggers are put on each partition, because a TRUNCATE of one
 * partition does not fire its root's. Plain inheritance clones nothing: children
 * get both. All of them name the root in their arguments.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/identity.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "policy/rule.h"
#include "policy/start.h"

#define ROW_GUARD RETENTION_GUARD_NAME
#define TRUNCATE_GUARD RETENTION_GUARD_TRUNCATE_NAME

/* What is known about one trigger of ours on one table. */
typedef struct GuardTrigger
{
	bool		exists;			/* of that name and of our function */
	bool		cloned;			/* by the server, from a partitioned table */
	char		enabled;
	Oid			database;		/* its arguments */
	Oid			relation;
	List	   *others;			/* OIDs: of a clock's table, whose clocks */
} GuardTrigger;

/* The (sub)transaction levels at which the engine permitted itself. */
#define MAX_PERMITS 32
static int	permits[MAX_PERMITS];
static int	npermits = 0;

Oid
retention_guard_function(void)
{
	Oid			schema = get_namespace_oid("retention", true);
	oidvector  *arguments;

	if (!OidIsValid(schema))
		return InvalidOid;
	arguments = buildoidvector(NULL, 0);
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("guard"),
						   PointerGetDatum(arguments),
						   ObjectIdGetDatum(schema));
}

/* The arguments of a trigger of ours; 0 for what is not an OID. */
static void
read_arguments(HeapTuple tuple, TupleDesc desc, GuardTrigger *guard)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	bool		isnull;
	bytea	   *arguments;
	char	   *text;

	if (form->tgnargs < 2)
		return;
	arguments = DatumGetByteaPP(heap_getattr(tuple, Anum_pg_trigger_tgargs,
											 desc, &isnull));
	if (isnull)
		return;
	text = VARDATA_ANY(arguments);
	for (int i = 0; i < form->tgnargs; i++)
	{
		Oid			oid = (Oid) strtoul(text, NULL, 10);

		if (i == 0)
			guard->database = oid;
		else if (i == 1)
			guard->relation = oid;
		else
			guard->others = lappend_oid(guard->others, oid);
		text += strlen(text) + 1;
	}
}

static GuardTrigger
read_trigger(Oid relid, const char *name)
{
	GuardTrigger guard = {0};
	Oid			function = retention_guard_function();
	Relation	catalog;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(function))
		return guard;

	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) &&
		((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == function)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		guard.exists = true;
		guard.cloned = OidIsValid(form->tgparentid);
		guard.enabled = form->tgenabled;
		read_arguments(tuple, RelationGetDescr(catalog), &guard);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return guard;
}

static bool
names(const GuardTrigger *guard, Oid relid)
{
	return guard->database == MyDatabaseId && guard->relation == relid;
}

static bool
stands(const GuardTrigger *guard, Oid relid)
{
	return guard->exists && names(guard, relid) &&
		guard->enabled == TRIGGER_FIRES_ALWAYS;
}

RetentionProtection
retention_guard_state(Oid relid)
{
	Oid			root = retention_labelled_root(relid);
	GuardTrigger guard = read_trigger(root, ROW_GUARD);

	if (!guard.exists)
		return RETENTION_WATCHED;
	if (!names(&guard, root))
		return RETENTION_COPIED;
	if (guard.enabled != TRIGGER_FIRES_ALWAYS)
		return RETENTION_DISABLED;
	return RETENTION_PROTECTED;
}

/*
 * Can the member of a hierarchy hold rows of its own, or partitions that do?  Rows
 * of temporary children are another session's.
 */
bool
retention_guard_possible(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP;
}

Oid
retention_guard_gap(Oid relid)
{
	List	   *members = find_all_inheritors(relid, NoLock, NULL);
	ListCell   *lc;

	foreach(lc, members)
	{
		Oid			member = lfirst_oid(lc);
		GuardTrigger rows = read_trigger(member, ROW_GUARD);
		GuardTrigger truncates = read_trigger(member, TRUNCATE_GUARD);

		if (retention_guard_possible(member) &&
			(!stands(&rows, relid) || !stands(&truncates, relid)))
			return member;
	}
	return InvalidOid;
}

static void
run_utility(const char *command)
{
	int			code = SPI_execute(command, false, 0);

	if (code != SPI_OK_UTILITY)
		elog(ERROR, "unexpected result %s of \"%s\"",
			 SPI_result_code_string(code), command);
}

void
retention_guard_drop_one(Oid member, const char *name)
{
	GuardTrigger guard = read_trigger(member, name);

	if (guard.exists && !guard.cloned)
		run_utility(psprintf("DROP TRIGGER %s ON %s", name,
							 retention_start_relation_name(member)));
}

bool
retention_guard_others(Oid member, const char *name, List **others)
{
	GuardTrigger guard = read_trigger(member, name);

	*others = NIL;
	if (!guard.exists || guard.database != MyDatabaseId)
		return false;
	*others = guard.others;
	return guard.enabled == TRIGGER_FIRES_ALWAYS;
}

void
retention_guard_raise_one(Oid member, Oid relid, const char *name,
						  const char *events, const char *level, List *others)
{
	GuardTrigger guard = read_trigger(member, name);
	char	   *table = retention_start_relation_name(member);

	if (!guard.exists || (!guard.cloned && (!names(&guard, relid) ||
											!equal(guard.others, others))))
	{
		StringInfoData arguments;
		ListCell   *lc;

		initStringInfo(&arguments);
		appendStringInfo(&arguments, "'%u', '%u'", MyDatabaseId, relid);
		foreach(lc, others)
			appendStringInfo(&arguments, ", '%u'", lfirst_oid(lc));
		if (guard.exists)
			retention_guard_drop_one(member, name);
		run_utility(psprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH %s"
							 " EXECUTE FUNCTION retention.guard(%s)",
							 name, events, table, level, arguments.data));
		guard = read_trigger(member, name);
	}
	if (guard.enabled != TRIGGER_FIRES_ALWAYS)
		run_utility(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							 table, name));
}

void
retention_guard_raise_part(Oid relid, Oid part)
{
	RetentionIdentity saved;
	List	   *members = retention_lineage_lock(part, ShareRowExclusiveLock);
	ListCell   *lc;

	SPI_connect();
	retention_identity_become_extension(&saved);
	retention_guard_permit(true);
	foreach(lc, members)
	{
		Oid			member = lfirst_oid(lc);

		if (!retention_guard_possible(member))
			continue;

		/*
		 * Not on DELETE: there is nothing that it would refuse, and a trigger
		 * before a delete locks each row first, which costs a pass a third of
		 * its speed.
		 */
		retention_guard_raise_one(member, relid, ROW_GUARD,
								  "INSERT OR UPDATE", "ROW", NIL);
		retention_guard_raise_one(member, relid, TRUNCATE_GUARD,
								  "TRUNCATE", "STATEMENT", NIL);
	}
	retention_guard_permit(false);
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
	retention_hold_guard_raise(relid);
}

void
retention_guard_raise(Oid relid)
{
	retention_guard_raise_part(relid, relid);
}

void
retention_guard_remove(Oid relid)
{
	RetentionIdentity saved;
	List	   *members = retention_lineage_lock(relid, AccessExclusiveLock);
	ListCell   *lc;

	SPI_connect();
	retention_identity_become_extension(&saved);
	retention_guard_permit(true);
	foreach(lc, members)
	{
		Oid			member = lfirst_oid(lc);

		retention_guard_drop_one(member, ROW_GUARD);
		retention_guard_drop_one(member, TRUNCATE_GUARD);
	}
	retention_guard_permit(false);
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
	/* TRUNCATE is also a matter of suspensions. */
	retention_hold_guard_raise(relid);
}

List *
retention_guard_relations(void)
{
	Oid			function = retention_guard_function();
	List	   *result = NIL;
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (form->tgfoid == function)
			result = list_append_unique_oid(result, form->tgrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(result, list_oid_cmp);
	return result;
}

bool
retention_guard_protects_any(void)
{
	ListCell   *lc;

	foreach(lc, retention_guard_relations())
		if (retention_guard_state(lfirst_oid(lc)) == RETENTION_PROTECTED)
		return true;
	return false;
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		npermits = 0;
}

/* What failed in a subtransaction has not taken its permits back. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId subid,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (npermits > 0 && permits[npermits - 1] >= GetCurrentTransactionNestLevel())
			npermits--;
}

void
retention_guard_permit(bool permitted)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	if (permitted)
	{
		if (npermits == MAX_PERMITS)
			elog(ERROR, "too many permits of privacy_retention");
		permits[npermits++] = GetCurrentTransactionNestLevel();
	}
	else if (npermits > 0)
		npermits--;
}

bool
retention_guard_permitted(void)
{
	return npermits > 0;
}
