/*
 * suspect.c
 *		Which protected tables may a command hurt?
 *
 * Found by foreign keys, by inheritance and by the labels' words: rules are not
 * compiled for it, so that a command on another table costs next to nothing.
 *
 * Invariant: a protected table that is not a suspect keeps its rules and guards,
 * whatever the command does.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

#include "command/suspect.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "guard/suspension.h"
#include "policy/labelled.h"

static bool
is_protected(Oid relid)
{
	return retention_guard_state(relid) != RETENTION_WATCHED;
}

static List *
all_protected(void)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_labelled_relations())
		if (is_protected(lfirst_oid(lc)))
		result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

/* The protected tables a label of which has the word. */
static List *
protected_with_word(const char *word)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_labelled_with(word))
		if (is_protected(lfirst_oid(lc)))
		result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

/* The pairs (referencing, referenced) of all foreign keys, one after the other. */
static List *
foreign_keys(void)
{
	List	   *pairs = NIL;
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->contype != CONSTRAINT_FOREIGN)
			continue;
		pairs = lappend_oid(pairs, form->conrelid);
		pairs = lappend_oid(pairs, form->confrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return pairs;
}

/* The table, what it inherits from, and what references these, through any table. */
static List *
reachable(Oid relid)
{
	List	   *reached = list_make1_oid(relid);
	List	   *pairs = foreign_keys();

	for (int i = 0; i < list_length(reached); i++)
	{
		Oid			candidate = list_nth_oid(reached, i);

		reached = list_concat_unique_oid(reached, retention_lineage_parents(candidate));
		for (int pair = 0; pair < list_length(pairs); pair += 2)
			if (list_nth_oid(pairs, pair + 1) == candidate)
				reached = list_append_unique_oid(reached, list_nth_oid(pairs, pair));
	}
	return reached;
}

List *
retention_suspect_of(Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, reachable(relid))
	{
		Oid			table = retention_labelled_root(lfirst_oid(lc));

		if (retention_lineage_has_label(table) && is_protected(table))
			result = list_append_unique_oid(result, table);
	}
	return list_concat_unique_oid(result, protected_with_word("references"));
}

/* Can the subcommand break a rule, an index or a guard? */
static bool
can_hurt(AlterTableType kind)
{
	switch (kind)
	{
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_AddConstraint:
		case AT_AddIndexConstraint:
		case AT_AlterConstraint:
		case AT_DropConstraint:
		case AT_ChangeOwner:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AttachPartition:
		case AT_DetachPartition:
			return true;
		default:
			return false;
	}
}

static RangeVar *
altered_table(AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
		if (can_hurt(((AlterTableCmd *) lfirst(lc))->subtype))
		return statement->relation;
	return NULL;
}

/* The table that the command is about; NULL if none that it could hurt. */
static RangeVar *
command_table(Node *command)
{
	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			return altered_table((AlterTableStmt *) command);
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) command)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) command)->relation;
		case T_RenameStmt:
			if (((RenameStmt *) command)->renameType == OBJECT_TRIGGER)
				return ((RenameStmt *) command)->relation;
			return NULL;
		default:
			return NULL;
	}
}

/* The table that an entry of DROP is about: itself, or what it stands on. */
static Oid
dropped_from(ObjectType kind, List *name)
{
	Oid			relid;

	if (kind == OBJECT_TRIGGER || kind == OBJECT_RULE)
		name = list_truncate(list_copy(name), list_length(name) - 1);
	if (name == NIL)
		return InvalidOid;
	relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
	if (OidIsValid(relid) && kind == OBJECT_INDEX)
		relid = IndexGetRelation(relid, true);
	return relid;
}

static List *
dropped_tables(DropStmt *statement)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, statement->objects)
	{
		Oid			relid = dropped_from(statement->removeType, (List *) lfirst(lc));

		if (OidIsValid(relid))
			result = list_append_unique_oid(result, relid);
	}
	return result;
}

static List *
suspects_of_all(List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		result = list_concat_unique_oid(result, retention_suspect_of(lfirst_oid(lc)));
	return result;
}

/* The tables whose labels may call the function. */
static List *
callers_of(Node *object)
{
	if (object == NULL || !IsA(object, ObjectWithArgs))
		return NIL;
	return protected_with_word(strVal(llast(((ObjectWithArgs *) object)->objname)));
}

static List *
suspects_of_drop(DropStmt *statement, List **touched)
{
	List	   *result = NIL;
	ListCell   *lc;

	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
			*touched = dropped_tables(statement);
			return suspects_of_all(*touched);
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			return NIL;
		case OBJECT_FUNCTION:
		case OBJECT_ROUTINE:
			if (statement->behavior == DROP_CASCADE)
				return all_protected();
			foreach(lc, statement->objects)
				result = list_concat_unique_oid(result, callers_of(lfirst(lc)));
			return result;
		default:
			return statement->behavior == DROP_CASCADE ? all_protected() : NIL;
	}
}

List *
retention_suspect_tables(Node *command, List **touched)
{
	RangeVar   *relation;
	Oid			relid;

	*touched = NIL;
	if (!retention_labelled_any() && retention_suspension_in_force() == NIL)
		return NIL;
	if (IsA(command, DropStmt))
		return suspects_of_drop((DropStmt *) command, touched);
	if (IsA(command, DropOwnedStmt))
		return all_protected();
	if (IsA(command, AlterFunctionStmt))
		return callers_of((Node *) ((AlterFunctionStmt *) command)->func);
	if (IsA(command, RenameStmt) &&
		(((RenameStmt *) command)->renameType == OBJECT_FUNCTION ||
		 ((RenameStmt *) command)->renameType == OBJECT_ROUTINE))
		return callers_of(((RenameStmt *) command)->object);
	/* ALTER TYPE ... CASCADE goes on to tables that were made of the type. */
	if ((IsA(command, AlterTableStmt) && ((AlterTableStmt *) command)->objtype == OBJECT_TYPE) ||
		(IsA(command, RenameStmt) && ((RenameStmt *) command)->renameType == OBJECT_ATTRIBUTE))
		return all_protected();
	if (IsA(command, AlterObjectSchemaStmt))
		return callers_of(((AlterObjectSchemaStmt *) command)->object);

	relation = command_table(command);
	relid = relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
	if (!OidIsValid(relid))
		return NIL;
	*touched = list_make1_oid(relid);
	return retention_suspect_of(relid);
}
