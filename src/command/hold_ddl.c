/*
 * hold_ddl.c
 *		Commands on tables under suspension.
 *
 * Before a command, what is suspended is noted; a table or column that the command
 * names is asked whether it has held rows, under the lock that the command will
 * take.  After it, names are followed, and what has gone along unasked (CASCADE)
 * is refused.
 *
 * Invariant: while the event triggers are enabled, no command removes or rewrites a
 * held row, nor what the condition of a suspension needs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/command.h"
#include "base/compat.h"
#include "guard/guard.h"
#include "guard/hold.h"
#include "guard/hold_condition.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "guard/suspension.h"
#include "policy/start.h"

PG_FUNCTION_INFO_V1(retention_hold_ddl_before_sql);
PG_FUNCTION_INFO_V1(retention_hold_ddl_after_sql);

#define WHO "hold"

/* A suspension as it was before the command. */
typedef struct Noted
{
	RetentionSuspension *suspension;
	char	   *table;			/* its name and schema then */
	Oid			namespace;
	bool		sound;			/* the condition could be asked */
} Noted;

/* A table with rows that may be held. */
typedef struct Member
{
	Oid			relid;
	char	   *relation;
} Member;

typedef struct Before
{
	List	   *suspensions;	/* of Noted * */
	List	   *members;		/* of Member * */
	List	   *asked;			/* of Oid: they have no held row */
} Before;

static bool
is_sound(const RetentionSuspension *suspension)
{
	char	   *error;

	return retention_hold_condition_analyse(suspension, suspension->relid, &error) != NULL;
}

static void
note(Before *before, List *suspensions)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, suspensions)
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		Noted	   *noted = palloc0(sizeof(Noted));
		ListCell   *lm;

		noted->suspension = suspension;
		before->suspensions = lappend(before->suspensions, noted);
		if (!OidIsValid(suspension->relid))
			continue;
		noted->table = get_rel_name(suspension->relid);
		noted->namespace = get_rel_namespace(suspension->relid);
		noted->sound = is_sound(suspension);
		foreach(lm, find_all_inheritors(suspension->relid, NoLock, NULL))
		{
			Member	   *member;

			if (list_member_oid(seen, lfirst_oid(lm)))
				continue;
			seen = lappend_oid(seen, lfirst_oid(lm));
			member = palloc0(sizeof(Member));
			member->relid = lfirst_oid(lm);
			member->relation = retention_start_relation_name(lfirst_oid(lm));
			before->members = lappend(before->members, member);
		}
	}
}

/* Has the table, or a part of it, to do with a suspension? */
static bool
is_noted(const Before *before, Oid relid)
{
	List	   *parts = find_all_inheritors(relid, NoLock, NULL);
	ListCell   *lc;

	foreach(lc, before->members)
		if (list_member_oid(parts, ((Member *) lfirst(lc))->relid))
		return true;
	return false;
}

/*
 * A suspension that holds a row of the table, asked under the lock that the command
 * is to take.  NULL also where the command will fail: for who does not own it.
 */
static const RetentionSuspension *
ask(const Before *before, Oid relid)
{
	if (!is_noted(before, relid) || !retention_compat_owns_relation(relid, GetUserId()))
		return NULL;
	(void) retention_lineage_lock(relid, AccessExclusiveLock);
	return get_rel_name(relid) != NULL ? retention_hold_any(relid, true) : NULL;
}

static void
refuse(Oid relid, const RetentionSuspension *suspension, const char *what)
{
	Relation	rel = table_open(relid, AccessShareLock);

	retention_hold_guard_refuse(rel, suspension,
								psprintf("cannot %s table %s: it has rows under suspension of deletion",
										 what, retention_start_relation_name(relid)));
}

static void
before_drop(Before *before, const DropStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->objects)
	{
		Oid			relid;
		const RetentionSuspension *suspension;

		if (statement->removeType == OBJECT_EXTENSION && before->suspensions != NIL &&
			strcmp(strVal(lfirst(lc)), "privacy_retention") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("suspensions of deletion are in force"),
					 errhint("Lift them first: SELECT retention.lift_suspension(id, 'why') FROM retention.suspension WHERE in_force;")));
		if (statement->removeType != OBJECT_TABLE)
			continue;
		relid = RangeVarGetRelid(makeRangeVarFromNameList((List *) lfirst(lc)), NoLock, true);
		if (!OidIsValid(relid))
			continue;
		suspension = ask(before, relid);
		if (suspension != NULL)
			refuse(relid, suspension, "drop");
		before->asked = list_concat_unique_oid(before->asked,
											   find_all_inheritors(relid, NoLock, NULL));
	}
}

/* May the column of held rows go, or be written anew? */
static bool
lets_change(Oid relid, const char *column)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	attnum = get_attnum(relid, column);
	bool		open = attnum <= 0 || retention_hold_lets_change(rel, attnum);

	table_close(rel, NoLock);
	return open;
}

/* The type that the table was made of, or InvalidOid. */
static Oid
type_of_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->reloftype;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Takes the values of a column away, or writes them anew. */
static bool
changes_column(const AlterTableCmd *command)
{
	return command->subtype == AT_DropColumn || command->subtype == AT_AlterColumnType;
}

static void
before_alter_table(const Before *before, const AlterTableStmt *statement, Oid relid)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = (AlterTableCmd *) lfirst(lc);
		const RetentionSuspension *suspension;

		if (!changes_column(command))
			continue;
		suspension = ask(before, relid);
		if (suspension != NULL && !lets_change(relid, command->name))
			refuse(relid, suspension,
				   psprintf(command->subtype == AT_DropColumn ?
							"drop column \"%s\" of" : "change the type of column \"%s\" of",
							command->name));
	}
}

/* ALTER TYPE ... CASCADE alters the tables that were made of the type. */
static void
before_alter(const Before *before, const AlterTableStmt *statement)
{
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	if (statement->objtype != OBJECT_TYPE)
		before_alter_table(before, statement, relid);
	else
		foreach(lc, before->members)
	{
		Oid			member = ((Member *) lfirst(lc))->relid;

		if (type_of_table(member) == get_rel_type_id(relid))
			before_alter_table(before, statement, member);
	}
}

/* Can the command take held rows away, or what tells that they are held? */
static bool
can_harm(const Node *command)
{
	return IsA(command, DropStmt) || IsA(command, DropOwnedStmt) ||
		IsA(command, AlterTableStmt) || IsA(command, RenameStmt);
}

Datum
retention_hold_ddl_before_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	MemoryContext memory;
	MemoryContext caller;
	bool		suspended;
	Before	   *before;

	if (command == NULL || retention_guard_permitted())
		PG_RETURN_NULL();
	suspended = retention_suspension_in_force() != NIL;
	if (!suspended && !can_harm(command))
		PG_RETURN_NULL();
	before = retention_command_remember(command, WHO, sizeof(Before), &memory);
	caller = MemoryContextSwitchTo(memory);
	if (suspended)
		note(before, retention_suspension_in_force());
	if (IsA(command, DropStmt))
		before_drop(before, (DropStmt *) command);
	else if (IsA(command, AlterTableStmt))
		before_alter(before, (AlterTableStmt *) command);
	MemoryContextSwitchTo(caller);
	PG_RETURN_NULL();
}

/* Dropped: asked before, or against the suspension. */
static void
after_drop(const Before *before)
{
	ListCell   *lc;

	foreach(lc, before->members)
	{
		Member	   *member = (Member *) lfirst(lc);

		if (get_rel_name(member->relid) != NULL)
			continue;
		if (!list_member_oid(before->asked, member->relid))
			ereport(ERROR,
					(errcode(ERRCODE_RESTRICT_VIOLATION),
					 errmsg("table %s would go along, and rows of it may be under suspension of deletion",
							member->relation),
					 errhint("Drop it by its name first, which asks about its rows: DROP TABLE %s;",
							 member->relation)));
		retention_suspension_end(member->relation, "the table was dropped");
	}
}

static void
follow_column(const RenameStmt *statement, const RetentionSuspension *suspension)
{
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, true);
	List	   *relids;
	bool		certain;
	char	   *condition;

	if (!OidIsValid(relid))
		return;
	relids = find_all_inheritors(relid, NoLock, NULL);
	if (!list_member_oid(relids, suspension->relid))
		return;
	condition = retention_hold_condition_rename(suspension, relids, statement->subname,
												statement->newname, &certain);
	if (!certain)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot rename: the condition of suspension " INT64_FORMAT " of table %s cannot be rewritten with certainty",
						suspension->id, suspension->relation),
				 errhint("Suspend with another condition, and lift this suspension, before.")));
	if (strcmp(condition, suspension->condition) != 0)
		retention_suspension_rewrite(suspension->id, suspension->relation, condition);
}

static void
follow_table(const Noted *noted)
{
	char	   *relation = retention_start_relation_name(noted->suspension->relid);

	if (strcmp(relation, noted->suspension->relation) != 0)
		retention_suspension_rewrite(noted->suspension->id, relation,
									 retention_hold_condition_translate(noted->suspension,
																		noted->suspension->relid,
																		noted->table, noted->namespace));
}

static bool
rewrites_column(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
		if (changes_column((AlterTableCmd *) lfirst(lc)))
		return true;
	return false;
}

/* Is the suspension of a table of which the command has changed a column? */
static bool
is_altered(const Node *command, const RetentionSuspension *suspension)
{
	Oid			relid;

	if (!IsA(command, AlterTableStmt) || !rewrites_column((const AlterTableStmt *) command))
		return false;
	relid = RangeVarGetRelid(((const AlterTableStmt *) command)->relation, NoLock, true);
	return OidIsValid(relid) &&
		(list_member_oid(retention_hold_lineage(relid), suspension->relid) ||
		 list_member_oid(find_all_inheritors(relid, NoLock, NULL), suspension->relid));
}

/*
 * The condition can be asked as before.  A suspension that began while the command
 * waited for its lock has not been asked whether it holds what has gone.
 */
static void
require_sound(const Before *before, const RetentionSuspension *suspension,
			  const Node *command)
{
	bool		noted = false;
	bool		was_sound = true;
	ListCell   *lc;

	foreach(lc, before->suspensions)
	{
		const Noted *entry = (const Noted *) lfirst(lc);

		if (entry->suspension->id == suspension->id)
		{
			noted = true;
			was_sound = entry->sound;
		}
	}
	if (!noted && (!is_sound(suspension) || is_altered(command, suspension)))
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("suspension " INT64_FORMAT " of table %s began under the command",
						suspension->id, suspension->relation),
				 errhint("Try it again: then it is asked whether it holds what the command removes.")));
	if (was_sound && !is_sound(suspension))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("the condition of suspension " INT64_FORMAT " of table %s needs what the command removes or changes",
						suspension->id, suspension->relation),
				 errhint("Suspend with another condition, and lift this suspension, before.")));
}

static void
guard(RangeVar *name)
{
	Oid			relid = name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	if (OidIsValid(relid))
		retention_hold_guard_raise(relid);
}

/* What becomes a part of a suspended table gets its guards at once. */
static void
guard_newcomers(Node *command)
{
	ListCell   *lc;

	if (IsA(command, CreateStmt) && ((CreateStmt *) command)->inhRelations != NIL)
		guard(((CreateStmt *) command)->relation);
	if (!IsA(command, AlterTableStmt))
		return;
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *part = (AlterTableCmd *) lfirst(lc);

		if (part->subtype == AT_AttachPartition)
			guard(((PartitionCmd *) part->def)->name);
		else if (part->subtype == AT_AddInherit)
			guard(((AlterTableStmt *) command)->relation);
	}
}

Datum
retention_hold_ddl_after_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Before	   *before = command ? retention_command_recall(command, WHO) : NULL;
	ListCell   *lc;

	if (command != NULL)
		guard_newcomers(command);
	if (before == NULL)
		PG_RETURN_NULL();
	after_drop(before);
	foreach(lc, before->suspensions)
	{
		Noted	   *noted = (Noted *) lfirst(lc);

		if (get_rel_name(noted->suspension->relid) == NULL)
			continue;
		if (IsA(command, RenameStmt) && ((RenameStmt *) command)->renameType == OBJECT_COLUMN)
			follow_column((RenameStmt *) command, noted->suspension);
		else
			follow_table(noted);
	}
	CommandCounterIncrement();
	foreach(lc, retention_suspension_in_force())
		require_sound(before, (RetentionSuspension *) lfirst(lc), command);
	PG_RETURN_NULL();
}
