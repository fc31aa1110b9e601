/*
 * ddl.c
 *		Renames are followed: event triggers around ALTER TABLE and ALTER SCHEMA.
 *
 * The first trigger remembers the table's OID and name, which the command's own
 * tree does not tell any more once it has run; the second rewrites the labels.
 *
 * Invariant: after a rename every label means what it meant before, or the
 * rename has failed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "policy/label.h"
#include "policy/label_scan.h"
#include "policy/provider.h"
#include "policy/rename.h"
#include "policy/rule.h"

PG_FUNCTION_INFO_V1(retention_ddl_before);
PG_FUNCTION_INFO_V1(retention_ddl_after);

/* A command that has begun; lives as long as the transaction. */
typedef struct Remembered
{
	const Node *command;
	Oid			relid;
	char	   *table;
	Oid			namespace;
	List	   *warnings;		/* of char *: labels that name what it drops */
} Remembered;

static List *remembered = NIL;
static bool reset_registered = false;

static void
drop_all(void *arg)
{
	remembered = NIL;
	reset_registered = false;
}

/* The relation that the command is about; NULL if it is none of our business. */
static RangeVar *
command_relation(Node *command)
{
	if (IsA(command, RenameStmt))
		return ((RenameStmt *) command)->relation;
	if (IsA(command, AlterObjectSchemaStmt))
		return ((AlterObjectSchemaStmt *) command)->relation;
	if (IsA(command, AlterTableStmt))
		return ((AlterTableStmt *) command)->relation;
	return NULL;
}

static EventTriggerData *
event_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by event trigger manager")));
	return (EventTriggerData *) fcinfo->context;
}

static bool
is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

static void find_losers(void *arg);

/* Before the command: nothing is locked or checked yet, the command does that. */
Datum
retention_ddl_before(PG_FUNCTION_ARGS)
{
	Node	   *command = event_data(fcinfo)->parsetree;
	RangeVar   *relation = command_relation(command);
	MemoryContext caller;
	Remembered *entry = NULL;
	ListCell   *cell;
	Oid			relid;

	if (relation == NULL)
		PG_RETURN_NULL();
	relid = RangeVarGetRelid(relation, NoLock, true);

	caller = MemoryContextSwitchTo(TopTransactionContext);
	if (!reset_registered)
	{
		MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

		callback->func = drop_all;
		MemoryContextRegisterResetCallback(TopTransactionContext, callback);

		reset_registered = true;
	}
	/* A command that failed in a subtransaction may have left its address. */
	foreach(cell, remembered)
		if (((Remembered *) lfirst(cell))->command == command)
		entry = lfirst(cell);
	if (entry == NULL)
	{
		entry = palloc0(sizeof(Remembered));
		remembered = lappend(remembered, entry);
	}
	entry->command = command;
	entry->relid = relid;
	entry->warnings = NIL;
	if (OidIsValid(relid))
	{
		entry->table = get_rel_name(relid);
		entry->namespace = get_rel_namespace(relid);
		if (entry->table == NULL)
			entry->relid = InvalidOid;
		else if (IsA(command, AlterTableStmt) && is_table(relid))
			/* A label that cannot be read shall not keep a column from going. */
			(void) retention_attempt_run(find_losers, entry);
	}
	MemoryContextSwitchTo(caller);
	PG_RETURN_NULL();
}

static bool
recall(const Node *command, Remembered *result)
{
	ListCell   *cell;

	foreach(cell, remembered)
	{
		Remembered *entry = lfirst(cell);

		if (entry->command == command)
		{
			*result = *entry;
			remembered = foreach_delete_current(remembered, cell);
			return OidIsValid(result->relid);
		}
	}
	return false;
}

/* Fills in what the command has renamed; false if nothing that labels name. */
static bool
describe_rename(Node *command, RetentionRename *rename)
{
	RenameStmt *statement = (RenameStmt *) command;
	Remembered	before;

	memset(rename, 0, sizeof(*rename));
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_SCHEMA)
	{
		rename->old_schema = statement->subname;
		rename->schema = get_namespace_oid(statement->newname, false);
		return true;
	}
	if (!recall(command, &before) || !is_table(before.relid))
		return false;

	if (IsA(command, AlterObjectSchemaStmt) ||
		(IsA(command, RenameStmt) &&
		 (statement->renameType == OBJECT_TABLE || statement->renameType == OBJECT_INDEX)))
	{
		rename->table_relid = before.relid;
		rename->old_table = before.table;
		rename->old_namespace = before.namespace;
		return true;
	}
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_COLUMN)
	{
		rename->column_relids = find_all_inheritors(before.relid, NoLock, NULL);
		rename->old_column = statement->subname;
		rename->new_column = statement->newname;
		return true;
	}
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_TABCONSTRAINT)
	{
		rename->constraint_relid = before.relid;
		rename->old_constraint = statement->subname;
		rename->new_constraint = statement->newname;
		return true;
	}
	return false;
}

typedef struct Labelled
{
	ObjectAddress object;
	const char *label;
} Labelled;

static char *
describe_object(const Labelled *labelled)
{
	return getObjectDescription(&labelled->object, false);
}

/* Every label of every table, as Labelled *, in an order that can be relied on. */
static List *
all_labels(void)
{
	List	   *result = NIL;
	List	   *relids = retention_labelled_relations();
	ListCell   *cell;

	list_sort(relids, list_oid_cmp);
	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
		AttrNumber	natts;

		if (!HeapTupleIsValid(tuple))
			continue;
		natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
		ReleaseSysCache(tuple);
		for (AttrNumber attnum = 0; attnum <= natts; attnum++)
		{
			char	   *label = retention_labelled_text(relid, attnum);
			Labelled   *labelled;

			if (label == NULL)
				continue;
			labelled = palloc(sizeof(Labelled));
			ObjectAddressSubSet(labelled->object, RelationRelationId, relid, attnum);
			labelled->label = label;
			result = lappend(result, labelled);
		}
	}
	return result;
}

static void
name_label(void *arg)
{
	errcontext("privacy_retention label of %s", describe_object((const Labelled *) arg));
}

static void
refuse_rename(const Labelled *labelled, RetentionRenameOutcome outcome, const char *text)
{
	const char *kind = labelled->object.objectSubId == 0 ? "TABLE" : "COLUMN";
	char	   *identity = getObjectIdentity(&labelled->object, false);

	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 outcome == RETENTION_RENAME_CLASH ?
			 errmsg("cannot rename: the label of %s would take the new name for another",
					describe_object(labelled)) :
			 errmsg("cannot rename: the label of %s cannot be rewritten with certainty",
					describe_object(labelled)),
			 errdetail("The label is: %s", labelled->label),
			 outcome == RETENTION_RENAME_CLASH ?
			 errhint("A hop names a column before it names a constraint: choose another name.") :
			 errhint("Remove the label, rename, and set it anew: SECURITY LABEL FOR %s ON %s %s IS %s;",
					 RETENTION_PROVIDER, kind, identity, quote_literal_cstr(text))));
}

/* Rewrites one label if it names what was renamed. */
static void
follow_rename(const RetentionRename *rename, Labelled *labelled)
{
	const ObjectAddress *object = &labelled->object;
	RetentionRenameOutcome outcome;
	char	   *text;

	if (retention_rename_label(rename, object->objectId, object->objectSubId,
							   labelled->label, &text) == RETENTION_RENAME_UNTOUCHED)
		return;

	/* As SECURITY LABEL locks it; then the label may have become another. */
	LockRelationOid(object->objectId, ShareUpdateExclusiveLock);
	labelled->label = retention_labelled_text(object->objectId, object->objectSubId);
	if (labelled->label == NULL)
		return;
	outcome = retention_rename_label(rename, object->objectId, object->objectSubId,
									 labelled->label, &text);
	if (outcome == RETENTION_RENAME_UNCERTAIN || outcome == RETENTION_RENAME_CLASH)
		refuse_rename(labelled, outcome, text);
	if (strcmp(text, labelled->label) == 0)
		return;
	(void) retention_label_parse(text, object->objectSubId != 0);
	SetSecurityLabel(object, RETENTION_PROVIDER, text);
	CacheInvalidateRelcacheByRelid(object->objectId);
}

/* Judges a label anew if it names the column, or is its own. */
static void
check_type(const RetentionRename *column, Oid relid, const char *name,
		   const Labelled *labelled)
{
	const ObjectAddress *object = &labelled->object;
	char	   *text;
	bool		is_own = object->objectId == relid && object->objectSubId != 0 &&
	object->objectSubId == get_attnum(relid, name);

	if (is_own ||
		retention_rename_label(column, object->objectId, object->objectSubId,
							   labelled->label, &text) != RETENTION_RENAME_UNTOUCHED)
		retention_rule_judge(object->objectId, object->objectSubId, labelled->label);
}

/* The columns whose type the command has changed, as names. */
static List *
retyped_columns(AlterTableStmt *statement)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AlterColumnType)
			result = lappend(result, command->name);
	}
	return result;
}

typedef void (*LabelVisit) (const void *what, Labelled *labelled);

/* Does something for each label; its errors name the label. */
static void
visit_labels(LabelVisit visit, const void *what)
{
	ListCell   *cell;

	foreach(cell, all_labels())
	{
		ErrorContextCallback callback;

		callback.callback = name_label;
		callback.arg = lfirst(cell);
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		visit(what, lfirst(cell));
		error_context_stack = callback.previous;
	}
}

typedef struct Retyped
{
	RetentionRename column;
	Oid			relid;
} Retyped;

static void
visit_renamed(const void *what, Labelled *labelled)
{
	follow_rename((const RetentionRename *) what, labelled);
}

static void
visit_retyped(const void *what, Labelled *labelled)
{
	const Retyped *retyped = what;

	check_type(&retyped->column, retyped->relid, retyped->column.old_column, labelled);
}

/* Adds a label that names the column, if its table is protected. */
static void
add_loser(Remembered *entry, const RetentionRename *column, const Labelled *labelled)
{
	const ObjectAddress *object = &labelled->object;
	char	   *text;

	/* A column's own label goes with it. */
	if (!retention_provider_is_protected(object->objectId) ||
		(list_member_oid(column->column_relids, object->objectId) &&
		 object->objectSubId != 0 &&
		 object->objectSubId == get_attnum(object->objectId, column->old_column)))
		return;
	if (retention_rename_label(column, object->objectId, object->objectSubId,
							   labelled->label, &text) != RETENTION_RENAME_UNTOUCHED)
		entry->warnings = lappend(entry->warnings,
								  psprintf("The label of %s names column \"%s\": %s.",
										   describe_object(labelled),
										   column->old_column, labelled->label));
}

/* Remembers the labels of protected tables that lose a column by the command. */
static void
find_losers(void *arg)
{
	Remembered *entry = arg;
	ListCell   *cell;

	foreach(cell, ((const AlterTableStmt *) entry->command)->cmds)
	{
		AlterTableCmd *command = lfirst(cell);
		RetentionRename column = {0};
		ListCell   *label;

		if (command->subtype != AT_DropColumn ||
			get_attnum(entry->relid, command->name) <= 0)
			continue;
		/* A rename to itself finds the labels that name the column. */
		column.column_relids = find_all_inheritors(entry->relid, NoLock, NULL);
		column.old_column = column.new_column = command->name;
		foreach(label, all_labels())
			add_loser(entry, &column, lfirst(label));
	}
}

static void
warn_losers(const Remembered *before)
{
	ListCell   *cell;

	foreach(cell, before->warnings)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("a label of a protected table names a column that is dropped: its rules are invalid now"),
				 errdetail("%s", (char *) lfirst(cell)),
				 errhint("Nothing more goes by these rules until the label names another column.")));
}

/* After the command. */
Datum
retention_ddl_after(PG_FUNCTION_ARGS)
{
	Node	   *command = event_data(fcinfo)->parsetree;
	RetentionRename rename;
	Remembered	before;
	ListCell   *cell;

	if (!IsA(command, AlterTableStmt))
	{
		if ((IsA(command, RenameStmt) || IsA(command, AlterObjectSchemaStmt)) &&
			describe_rename(command, &rename))
			visit_labels(visit_renamed, &rename);
		PG_RETURN_NULL();
	}

	if (!recall(command, &before) || !is_table(before.relid))
		PG_RETURN_NULL();
	warn_losers(&before);
	if (!check_function_bodies)
		PG_RETURN_NULL();
	foreach(cell, retyped_columns((AlterTableStmt *) command))
	{
		Retyped		retyped = {0};

		/* A rename to itself finds the labels that name the column. */
		retyped.relid = before.relid;
		retyped.column.column_relids = find_all_inheritors(before.relid, NoLock, NULL);
		retyped.column.old_column = retyped.column.new_column = lfirst(cell);
		visit_labels(visit_retyped, &retyped);
	}
	PG_RETURN_NULL();
}
