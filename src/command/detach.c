/*
 * detach.c
 *		A partition, or an inheritance child, that leaves its labelled root.
 *
 * Its rows were under the root's labels and its protection. It takes both along,
 * as labels and guards of its own: what was promised of a row does not end with
 * DETACH PARTITION.
 *
 * Invariant: no table leaves a labelled root silently without its labels, nor a
 * protected one without its protection.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/schedule.h"
#include "command/detach.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "guard/hold.h"
#include "guard/lineage.h"
#include "guard/suspension.h"
#include "policy/label.h"
#include "policy/rename.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "sentry/sentry.h"

PG_FUNCTION_INFO_V1(retention_detach_follow_sql);

typedef struct Leaving
{
	Oid			relid;			/* what has left */
	Oid			root;			/* what has the labels */
	bool		protected;
	const char *problem;		/* of the first rule that is invalid now */
} Leaving;

static AttrNumber
column_count(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	AttrNumber	result = RelationGetNumberOfAttributes(rel);

	relation_close(rel, NoLock);
	return result;
}

char *
retention_detach_label(Oid root, Oid part, AttrNumber attnum)
{
	char	   *label = retention_labelled_text(root, attnum);
	RetentionRename rename = {0};
	char	   *text;

	if (label == NULL)
		return NULL;
	/* Where it names the table, the table has another name now. */
	rename.table_relid = part;
	rename.old_table = get_rel_name(root);
	rename.old_namespace = get_rel_namespace(root);
	(void) retention_rename_label(&rename, part, attnum, label, &text);
	return text;
}

static void
copy_label(const Leaving *leaving, AttrNumber from, AttrNumber to)
{
	ObjectAddress object;
	char	   *label = retention_detach_label(leaving->root, leaving->relid, from);

	if (label == NULL && retention_labelled_text(leaving->relid, to) == NULL)
		return;
	ObjectAddressSubSet(object, RelationRelationId, leaving->relid, to);
	SetSecurityLabel(&object, RETENTION_PROVIDER, label);
}

/* Columns by name: a partition may have them in another order. */
static void
copy_labels(const Leaving *leaving)
{
	AttrNumber	ncolumns = column_count(leaving->root);

	copy_label(leaving, 0, 0);
	for (AttrNumber from = 1; from <= ncolumns; from++)
	{
		char	   *name = get_attname(leaving->root, from, true);
		AttrNumber	to = name ? get_attnum(leaving->relid, name) : InvalidAttrNumber;

		if (to > 0)
			copy_label(leaving, from, to);
	}
	CacheInvalidateRelcacheByRelid(leaving->relid);
	CommandCounterIncrement();
}

static void
take_along(void *arg)
{
	Leaving    *leaving = arg;
	ListCell   *lc;

	copy_labels(leaving);
	if (leaving->protected)
	{
		retention_sentry_post(leaving->relid);
		retention_ledger_tell("protect", retention_start_relation_name(leaving->relid), -1,
							  psprintf("no longer a part of %s",
									   retention_start_relation_name(leaving->root)));
		retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	}
	foreach(lc, retention_rule_compile(leaving->relid))
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (!rule->valid && leaving->problem == NULL)
			leaving->problem = rule->problem;
	}
}

/* Nothing was taken along: says so, and how to do it by hand. */
static void
warn_bare(const Leaving *leaving, const char *why)
{
	char	   *name = retention_start_relation_name(leaving->relid);
	char	   *label = retention_labelled_text(leaving->root, 0);

	ereport(WARNING,
			(errmsg("table %s has no labels and no protection any more", name),
			 errdetail("It has left %s. %s", retention_start_relation_name(leaving->root), why),
			 errhint("SECURITY LABEL FOR %s ON TABLE %s IS %s; SELECT retention.protect(%s);",
					 RETENTION_PROVIDER, name,
					 label ? quote_literal_cstr(label) : "'...'",
					 quote_literal_cstr(name))));
}

static void
leave(Oid relid, Oid parent, bool was_partition)
{
	Leaving		leaving = {relid, InvalidOid, false, NULL};
	ErrorData  *error;

	leaving.root = retention_lineage_labelled(parent);
	if (!OidIsValid(leaving.root) ||
		get_rel_relispartition(relid))
		return;
	/* Labels of its own count for a child, and did not for a partition. */
	if (!was_partition && OidIsValid(retention_lineage_labelled(relid)))
		return;
	if (get_rel_relkind(relid) != RELKIND_RELATION &&
		get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	leaving.protected = retention_guard_state(leaving.root) != RETENTION_WATCHED;

	/* The root's expressions would run as somebody who has not written them. */
	if (retention_identity_owner(relid) != retention_identity_owner(leaving.root))
	{
		warn_bare(&leaving, "It has another owner, who must label it.");
		return;
	}
	error = retention_attempt_run(take_along, &leaving);
	if (error != NULL)
		warn_bare(&leaving, psprintf("Taking them along failed with SQLSTATE %s.",
									 unpack_sql_state(error->sqlerrcode)));
	else if (leaving.problem != NULL)
		ereport(WARNING,
				(errmsg("a rule that table %s has taken along from %s is invalid: %s",
						retention_start_relation_name(relid),
						retention_start_relation_name(leaving.root), leaving.problem),
				 errhint("Set its labels anew: retention.status shows them.")));
	else
		ereport(NOTICE,
				(errmsg(leaving.protected ?
						"table %s keeps the labels and the protection of %s" :
						"table %s keeps the labels of %s",
						retention_start_relation_name(relid),
						retention_start_relation_name(leaving.root))));
}

/* What was held as a part of another table is held on its own. */
static void
keep_holding(Oid relid, Oid parent)
{
	List	   *left = list_difference_oid(retention_hold_lineage(parent),
										   retention_hold_lineage(relid));
	int			count = retention_suspension_continue(relid, left);

	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural("table %s stays under %d suspension of deletion",
							   "table %s stays under %d suspensions of deletion", count,
							   retention_start_relation_name(relid), count)));
}

static void
follow(const AlterTableStmt *statement)
{
	Oid			relid;
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		bool		detach = command->subtype == AT_DetachPartition ||
		command->subtype == AT_DetachPartitionFinalize;
		Oid			other;

		if (!detach && command->subtype != AT_DropInherit)
			continue;
		relid = RangeVarGetRelid(statement->relation, NoLock, true);
		other = RangeVarGetRelid(detach ? ((PartitionCmd *) command->def)->name :
								 (RangeVar *) command->def, NoLock, true);
		if (!OidIsValid(relid) || !OidIsValid(other))
			continue;
		if (detach)
		{
			leave(other, relid, true);
			keep_holding(other, relid);
		}
		else
		{
			leave(relid, other, false);
			keep_holding(relid, other);
		}
	}
}

/* After ALTER TABLE: DETACH PARTITION and NO INHERIT. */
Datum
retention_detach_follow_sql(PG_FUNCTION_ARGS)
{
	AlterTableStmt *statement;
	bool		bare;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by event trigger manager")));
	statement = (AlterTableStmt *) ((EventTriggerData *) fcinfo->context)->parsetree;
	if (!IsA(statement, AlterTableStmt))
		PG_RETURN_NULL();

	/*
	 * DETACH CONCURRENTLY has committed, and its new transaction has no
	 * snapshot; labels that are long go into a TOAST table.
	 */
	bare = !ActiveSnapshotSet();
	if (bare)
		PushActiveSnapshot(GetTransactionSnapshot());
	follow(statement);
	if (bare)
		PopActiveSnapshot();
	PG_RETURN_NULL();
}
