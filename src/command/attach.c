/*
 * attach.c
 *		A table that becomes a partition, or a child, of another.
 *
 * From then on the root's labels count, and the root's guards.  What the table
 * was promised before must not get lost by that.
 *
 * Invariant: no labelled table comes under a root without labels, no protected
 * one under a root without protection or with other labels; a new part of a
 * protected root has its guards when the command ends.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/command.h"
#include "base/compat.h"
#include "base/identity.h"
#include "command/attach.h"
#include "command/detach.h"
#include "enforce/blocked.h"
#include "enforce/state.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "policy/label.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "sentry/sentry.h"

PG_FUNCTION_INFO_V1(retention_attach_before_sql);
PG_FUNCTION_INFO_V1(retention_attach_after_sql);

static char *
name(Oid relid)
{
	return retention_start_relation_name(relid);
}

static bool
is_table(Oid relid)
{
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
}

bool
retention_attach_parts(const AlterTableStmt *statement, const AlterTableCmd *command,
					   Oid *parent, Oid *part)
{
	Oid			altered;

	if (command->subtype != AT_AttachPartition && command->subtype != AT_AddInherit)
		return false;
	altered = RangeVarGetRelid(statement->relation, NoLock, true);
	if (command->subtype == AT_AttachPartition)
	{
		*parent = altered;
		*part = RangeVarGetRelid(((PartitionCmd *) command->def)->name, NoLock, true);
	}
	else
	{
		*part = altered;
		*parent = RangeVarGetRelid((RangeVar *) command->def, NoLock, true);
	}
	return is_table(*parent) && is_table(*part);
}

Oid
retention_attach_created(const CreateStmt *statement)
{
	return get_relname_relid(statement->relation->relname,
							 RangeVarGetCreationNamespace(statement->relation));
}

/* The first label of the table that its new root does not have; NULL if none. */
static char *
disagreement(Oid root, Oid part)
{
	AttrNumber	natts = retention_labelled_natts(part);

	for (AttrNumber attnum = 0; attnum <= natts; attnum++)
	{
		char	   *own = retention_labelled_text(part, attnum);
		char	   *column = attnum > 0 ? get_attname(part, attnum, false) : NULL;
		AttrNumber	there = column ? get_attnum(root, column) : 0;
		char	   *label;

		if (own == NULL)
			continue;
		label = there < 0 || (column && there == 0) ? NULL :
			retention_detach_label(root, part, there);
		if (label == NULL || strcmp(label, own) != 0)
			return psprintf("The label of %s is \"%s\", that of its root %s.",
							column ? psprintf("its column %s", quote_identifier(column)) : "the table",
							own, label ? psprintf("is \"%s\"", label) : "is missing");
	}
	return NULL;
}

static void
refuse(Oid part, const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_internal("%s", message),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

static void
refuse_loss(Oid parent, Oid part, Oid root, bool guarded)
{
	char	   *label = retention_labelled_text(part, 0);
	char	   *detail;

	if (!OidIsValid(root))
		refuse(part, psprintf("labelled table %s cannot come under %s, which has no labels",
							  name(part), name(parent)),
			   "The labels of the root count for all of its partitions.",
			   psprintf("Label the root first: SECURITY LABEL FOR %s ON TABLE %s IS %s;",
						RETENTION_PROVIDER, name(retention_labelled_root(parent)),
						label ? quote_literal_cstr(label) : "'...'"));
	if (guarded && retention_guard_state(root) == RETENTION_WATCHED)
		refuse(part, psprintf("protected table %s cannot come under %s, which is not protected",
							  name(part), name(root)),
			   "The protection of the root counts for all of its parts.",
			   psprintf("Protect the root first: SELECT retention.protect(%s);",
						quote_literal_cstr(name(root))));
	detail = guarded ? disagreement(root, part) : NULL;
	if (detail != NULL)
		refuse(part, psprintf("protected table %s cannot come under %s, which has other labels",
							  name(part), name(root)),
			   detail,
			   psprintf("Give the table the labels of the root, or let the officer end its own protection: SELECT retention.unprotect(%s);",
						quote_literal_cstr(name(part))));
}

/* The root's labels count now: the table's own would only mislead. */
static void
remove_labels(Oid relid)
{
	AttrNumber	natts = retention_labelled_natts(relid);

	for (AttrNumber attnum = 0; attnum <= natts; attnum++)
	{
		ObjectAddress object;

		if (retention_labelled_text(relid, attnum) == NULL)
			continue;
		ObjectAddressSubSet(object, RelationRelationId, relid, attnum);
		SetSecurityLabel(&object, RETENTION_PROVIDER, NULL);
	}
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

/*
 * The server clones the root's trigger, and wants its name for it.  The guards of
 * the table's own suspensions are raised again after the command.
 */
static void
drop_hold_guard(Oid part)
{
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	retention_guard_permit(true);
	if (SPI_execute(psprintf("DROP TRIGGER %s ON %s", RETENTION_HOLD_GUARD_NAME, name(part)),
					false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not drop a guard of a suspension");
	retention_guard_permit(false);
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
}

static bool
has_hold_guard(Oid relid)
{
	return OidIsValid(get_trigger_oid(relid, RETENTION_HOLD_GUARD_NAME, true));
}

/*
 * The root's labels and guards take the place of the table's own: before the
 * command, which would fail at a trigger of the same name.
 */
static void
take_over(Oid parent, Oid part, bool as_partition)
{
	bool		guarded = retention_guard_state(part) != RETENTION_WATCHED;
	Oid			root = retention_lineage_labelled(parent);

	/* A child keeps labels of its own, unless its guards become the root's. */
	if (as_partition ? !guarded && !retention_lineage_has_label(part) :
		!guarded || !OidIsValid(root))
		return;
	refuse_loss(parent, part, root, guarded);
	if (guarded)
	{
		retention_sentry_relieve(part);
		retention_blocked_drop_all(name(part));
		retention_state_drop(name(part));
		retention_ledger_tell("protect", name(part), -1, psprintf("a part of %s", name(root)));
	}
	else if (disagreement(root, part) != NULL)
		ereport(NOTICE,
				(errmsg("table %s loses its labels: those of %s count from now on",
						name(part), name(root))));
	remove_labels(part);
}

/* Owners only: the command has not asked yet whose the tables are. */
static void
make_room(Oid parent, Oid part, bool as_partition)
{
	if (!retention_compat_owns_relation(parent, GetUserId()) ||
		!retention_compat_owns_relation(part, GetUserId()))
		return;
	take_over(parent, part, as_partition);
	if (as_partition && has_hold_guard(part) && has_hold_guard(parent))
		drop_hold_guard(part);
}

static void
raise_guards(Oid parent, Oid part)
{
	Oid			root = retention_lineage_labelled(parent);

	if (OidIsValid(root) && retention_guard_state(root) == RETENTION_PROTECTED &&
		retention_lineage_labelled(part) == root)
		retention_guard_raise_part(root, part);
	retention_hold_guard_raise(part);
}

/* Before ALTER TABLE. */
Datum
retention_attach_before_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	ListCell   *lc;

	if (command == NULL || !IsA(command, AlterTableStmt))
		PG_RETURN_NULL();
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *part_command = lfirst_node(AlterTableCmd, lc);
		Oid			parent;
		Oid			part;

		if (retention_attach_parts((AlterTableStmt *) command, part_command, &parent, &part) &&
			retention_labelled_any())
			make_room(parent, part, part_command->subtype == AT_AttachPartition);
	}
	PG_RETURN_NULL();
}

/* After ALTER TABLE and CREATE TABLE. */
Datum
retention_attach_after_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Oid			parent;
	Oid			part;
	ListCell   *lc;

	if (command == NULL)
		PG_RETURN_NULL();
	if (IsA(command, AlterTableStmt))
	{
		foreach(lc, ((AlterTableStmt *) command)->cmds)
			if (retention_attach_parts((AlterTableStmt *) command, lfirst(lc), &parent, &part))
			raise_guards(parent, part);
	}
	else if (IsA(command, CreateStmt))
	{
		foreach(lc, ((CreateStmt *) command)->inhRelations)
		{
			parent = RangeVarGetRelid((RangeVar *) lfirst(lc), NoLock, true);
			part = retention_attach_created((CreateStmt *) command);
			if (is_table(parent) && is_table(part))
				raise_guards(parent, part);
		}
	}
	PG_RETURN_NULL();
}
