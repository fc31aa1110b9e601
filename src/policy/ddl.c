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

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/command.h"
#include "policy/label.h"
#include "policy/label_scan.h"
#include "policy/rename.h"
#include "policy/rule.h"

PG_FUNCTION_INFO_V1(retention_ddl_before);
PG_FUNCTION_INFO_V1(retention_ddl_after);

/* A command that has begun. */
typedef struct Before
{
	Oid			relid;
	char	   *table;
	Oid			namespace;
} Before;

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

static bool
is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/* Before the command: nothing is locked or checked yet, the command does that. */
Datum
retention_ddl_before(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	RangeVar   *relation = command ? command_relation(command) : NULL;
	Oid			relid = relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
	MemoryContext memory;
	MemoryContext caller;
	Before	   *before;

	if (!OidIsValid(relid) || get_rel_name(relid) == NULL)
		PG_RETURN_NULL();
	before = retention_command_remember(command, "ddl", sizeof(Before), &memory);
	caller = MemoryContextSwitchTo(memory);
	before->relid = relid;
	before->table = get_rel_name(relid);
	before->namespace = get_rel_namespace(relid);
	MemoryContextSwitchTo(caller);
	PG_RETURN_NULL();
}

/* Fills in what the command has renamed; false if nothing that labels name. */
static bool
describe_rename(Node *command, RetentionRename *rename)
{
	RenameStmt *statement = (RenameStmt *) command;
	Before	   *before;

	memset(rename, 0, sizeof(*rename));
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_SCHEMA)
	{
		rename->old_schema = statement->subname;
		rename->schema = get_namespace_oid(statement->newname, false);
		return true;
	}
	before = retention_command_recall(command, "ddl");
	if (before == NULL || !is_table(before->relid))
		return false;

	if (IsA(command, AlterObjectSchemaStmt) ||
		(IsA(command, RenameStmt) &&
		 (statement->renameType == OBJECT_TABLE || statement->renameType == OBJECT_INDEX)))
	{
		rename->table_relid = before->relid;
		rename->old_table = before->table;
		rename->old_namespace = before->namespace;
		return true;
	}
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_COLUMN)
	{
		rename->column_relids = find_all_inheritors(before->relid, NoLock, NULL);
		rename->old_column = statement->subname;
		rename->new_column = statement->newname;
		return true;
	}
	if (IsA(command, RenameStmt) && statement->renameType == OBJECT_TABCONSTRAINT)
	{
		rename->constraint_relid = before->relid;
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

/* After the command. */
Datum
retention_ddl_after(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	RetentionRename rename;
	Before	   *before;
	ListCell   *cell;

	if (command == NULL)
		PG_RETURN_NULL();
	if (!IsA(command, AlterTableStmt))
	{
		if ((IsA(command, RenameStmt) || IsA(command, AlterObjectSchemaStmt)) &&
			describe_rename(command, &rename))
			visit_labels(visit_renamed, &rename);
		PG_RETURN_NULL();
	}

	before = retention_command_recall(command, "ddl");
	if (before == NULL || !is_table(before->relid) || !check_function_bodies)
		PG_RETURN_NULL();
	foreach(cell, retyped_columns((AlterTableStmt *) command))
	{
		Retyped		retyped = {0};

		/* A rename to itself finds the labels that name the column. */
		retyped.relid = before->relid;
		retyped.column.column_relids = find_all_inheritors(before->relid, NoLock, NULL);
		retyped.column.old_column = retyped.column.new_column = lfirst(cell);
		visit_labels(visit_retyped, &retyped);
	}
	PG_RETURN_NULL();
}
