/*
 * keep.c
 *		What a command must leave as it is: rules, indexes and guards.
 *
 * Before a command that may hurt protected tables, their state is noted; after
 * it, the state is compared.  So it does not matter by which way a command broke
 * something, CASCADE included, and two changes that cancel each other pass in one
 * ALTER TABLE.
 *
 * Invariant: while the event triggers are enabled, no command leaves a protected
 * table with a rule that was valid and is not, without an index that served its
 * search, or with less guards than before.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/attempt.h"
#include "base/command.h"
#include "command/suspect.h"
#include "due/index.h"
#include "due/rewrite.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "guard/lineage.h"
#include "guard/standing.h"
#include "policy/label.h"
#include "policy/rule.h"
#include "policy/start.h"

PG_FUNCTION_INFO_V1(retention_keep_before_sql);
PG_FUNCTION_INFO_V1(retention_keep_after_sql);

/* One rule of a protected table. */
typedef struct KeptRule
{
	AttrNumber	attnum;
	int			stage;
	bool		valid;
	char	   *problem;
	char	   *hint;
	char	   *index;			/* that it misses, as a statement */
} KeptRule;

/* The triggers of one table of a protected tree. */
typedef struct KeptMember
{
	Oid			relid;
	List	   *guards;			/* of char * */
	List	   *late;
} KeptMember;

typedef struct KeptTable
{
	Oid			relid;
	char	   *relation;
	List	   *rules;			/* of KeptRule * */
	List	   *members;		/* of KeptMember * */
	char	   *subject_problem;	/* of a label, beside its rules */
	char	   *rewriting;		/* CREATE RULE: what removes it */
} KeptTable;

typedef struct Kept
{
	List	   *suspects;		/* of Oid */
	List	   *touched;
	List	   *gone;			/* indexes that are going, of Oid */
	List	   *tables;			/* of KeptTable * */
	List	   *members;		/* of KeptMember *: touched, and in no tree */
} Kept;

static KeptMember *
keep_member(Oid relid)
{
	KeptMember *member = palloc0(sizeof(KeptMember));

	member->relid = relid;
	member->guards = retention_standing_guards(relid);
	member->late = retention_standing_late(relid);
	return member;
}

static void
judge_label(void *arg)
{
	Oid			relid = *(Oid *) arg;
	char	   *label = retention_labelled_text(relid, 0);

	if (label != NULL)
		retention_rule_judge(relid, 0, label);
}

static KeptTable *
keep_table(Oid relid, const List *gone)
{
	KeptTable  *table = palloc0(sizeof(KeptTable));
	ErrorData  *error;
	ListCell   *lc;

	table->relid = relid;
	table->relation = retention_start_relation_name(relid);
	foreach(lc, retention_rule_compile(relid))
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		KeptRule   *kept = palloc0(sizeof(KeptRule));

		kept->attnum = rule->attnum;
		kept->stage = rule->stage;
		kept->valid = rule->valid;
		kept->problem = rule->problem;
		kept->hint = rule->hint;
		if (rule->valid && rule->action != NULL)
			kept->index = retention_index_missing_without(rule, gone);
		table->rules = lappend(table->rules, kept);
	}
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		table->members = lappend(table->members, keep_member(lfirst_oid(lc)));
	error = retention_attempt_run(judge_label, &relid);
	if (error != NULL)
		table->subject_problem = error->message;
	table->rewriting = retention_rewrite_remedy(relid);
	return table;
}

/* Notes the state of all suspects that are there. */
static void
keep_all(void *arg)
{
	Kept	   *kept = (Kept *) arg;
	ListCell   *lc;

	foreach(lc, kept->suspects)
		if (get_rel_name(lfirst_oid(lc)) != NULL)
		kept->tables = lappend(kept->tables,
							   keep_table(lfirst_oid(lc), kept->gone));
	foreach(lc, kept->touched)
		if (get_rel_name(lfirst_oid(lc)) != NULL)
		kept->members = lappend(kept->members, keep_member(lfirst_oid(lc)));
}

/* Takes the state, and keeps none of the locks that this needs. */
static void
look(Kept *kept)
{
	ErrorData  *error = retention_attempt_look(keep_all, kept);

	if (error == NULL)
		return;
	/* Nothing passes unseen because somebody had a lock. */
	if (error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	/* For example a table that another session has just dropped. */
	kept->tables = kept->members = NIL;
}

static void
refuse(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
}

static const KeptRule *
find_rule(const KeptTable *table, const KeptRule *rule)
{
	ListCell   *lc;

	foreach(lc, table->rules)
	{
		KeptRule   *candidate = (KeptRule *) lfirst(lc);

		if (candidate->attnum == rule->attnum && candidate->stage == rule->stage)
			return candidate;
	}
	return NULL;
}

static char *
describe_rule(const KeptTable *table, const KeptRule *rule)
{
	return rule->attnum == 0 ?
		psprintf("a rule of protected table %s", table->relation) :
		psprintf("a rule of column %s.%s of a protected table", table->relation,
				 quote_identifier(get_attname(table->relid, rule->attnum, false)));
}

/* A rule that is there before and after. */
static void
compare_rule(const KeptTable *table, const KeptRule *before, const KeptRule *after)
{
	if (!before->valid)
		return;
	if (!after->valid)
		refuse(psprintf("this would make %s invalid: %s",
						describe_rule(table, after), after->problem),
			   psprintf("The label is \"%s\".",
						retention_labelled_text(table->relid, after->attnum)),
			   "Set the label anew first, or do what cancels it in the same ALTER TABLE.");
	if (before->index == NULL && after->index != NULL)
		refuse(psprintf("this would leave %s without an index by which its due rows are found",
						describe_rule(table, after)),
			   "Each pass would read the whole table.",
			   psprintf("Create another one first: %s;", after->index));
}

/* The owner's change is followed by its parents' or children's. */
static void
warn_rule(const KeptTable *table, const KeptRule *before, const KeptRule *after)
{
	if (before->valid && !after->valid)
		ereport(WARNING,
				(errmsg("%s is invalid now: %s", describe_rule(table, after), after->problem),
				 after->hint ? errhint("%s", after->hint) : 0));
}

static void
compare_rules(const KeptTable *before, const KeptTable *after, bool only_warn)
{
	ListCell   *lc;

	foreach(lc, after->rules)
	{
		KeptRule   *rule = (KeptRule *) lfirst(lc);
		const KeptRule *was = find_rule(before, rule);

		if (was == NULL)
			continue;
		if (only_warn)
			warn_rule(after, was, rule);
		else
			compare_rule(after, was, rule);
	}
	if (only_warn)
		return;
	if (before->subject_problem == NULL && after->subject_problem != NULL)
		refuse(psprintf("this would make the label of protected table %s invalid: %s",
						after->relation, after->subject_problem),
			   psprintf("The label is \"%s\".", retention_labelled_text(after->relid, 0)),
			   "Set the label anew first.");
	if (before->rewriting == NULL && after->rewriting != NULL)
		refuse(psprintf("a rule ON UPDATE or ON DELETE cannot be on protected table %s",
						after->relation),
			   "It would turn the statements of the engine into others.",
			   "Use a trigger instead.");
}

static bool
has_name(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
		if (strcmp((char *) lfirst(lc), name) == 0)
		return true;
	return false;
}

static void
compare_member(const KeptMember *before, const KeptMember *after)
{
	ListCell   *lc;
	char	   *relation = retention_start_relation_name(after->relid);
	Oid			labelled = retention_lineage_labelled(after->relid);

	foreach(lc, before->guards)
		if (!has_name(after->guards, (char *) lfirst(lc)))
		refuse(psprintf("trigger \"%s\" of table %s cannot be dropped, disabled, changed or renamed",
						(char *) lfirst(lc), relation),
			   strcmp((char *) lfirst(lc), RETENTION_HOLD_GUARD_NAME) == 0 ?
			   "By it rows are under suspension of deletion." : "By it the table is protected.",
			   strcmp((char *) lfirst(lc), RETENTION_HOLD_GUARD_NAME) == 0 ?
			   "It goes when the officer lifts the last suspension: SELECT id, relation FROM retention.suspension WHERE in_force;" :
			   OidIsValid(labelled) ?
			   psprintf("The officer ends the protection: SELECT retention.unprotect(%s);",
						quote_literal_cstr(retention_start_relation_name(labelled))) :
			   "It goes with the protection of the tables that need it.");
	foreach(lc, after->late)
		if (has_name(before->guards, RETENTION_GUARD_NAME) && !has_name(before->late, (char *) lfirst(lc)))
		refuse(psprintf("trigger \"%s\" cannot fire after \"%s\" on protected table %s",
						(char *) lfirst(lc), RETENTION_GUARD_NAME, relation),
			   "Triggers fire in the order of their names, and it could write back what the guard has refused.",
			   psprintf("Choose a name that sorts before \"%s\".", RETENTION_GUARD_NAME));
}

static void
compare_members(List *before, List *after)
{
	ListCell   *lb;
	ListCell   *la;

	foreach(lb, before)
		foreach(la, after)
		if (((KeptMember *) lfirst(lb))->relid == ((KeptMember *) lfirst(la))->relid)
		compare_member(lfirst(lb), lfirst(la));
}

static bool
changes_owner(const Node *command)
{
	ListCell   *lc;

	if (!IsA(command, AlterTableStmt))
		return false;
	foreach(lc, ((const AlterTableStmt *) command)->cmds)
		if (((AlterTableCmd *) lfirst(lc))->subtype == AT_ChangeOwner)
		return true;
	return false;
}

/* Rows would go elsewhere, without labels. */
static void
refuse_diversion(const Node *command, const KeptTable *table, List *touched)
{
	const RuleStmt *rule = (const RuleStmt *) command;

	if (IsA(command, RuleStmt) && rule->instead && rule->event == CMD_INSERT &&
		list_member_oid(touched, table->relid))
		refuse(psprintf("a rule ON INSERT DO INSTEAD cannot be on protected table %s",
						table->relation),
			   "It would put the rows elsewhere.",
			   "Use a trigger instead.");
}

static void
compare(const Node *command, const Kept *before, const Kept *after)
{
	ListCell   *lb;
	ListCell   *la;

	compare_members(before->members, after->members);
	foreach(lb, before->tables)
		foreach(la, after->tables)
	{
		const KeptTable *was = (KeptTable *) lfirst(lb);
		const KeptTable *is = (KeptTable *) lfirst(la);

		if (was->relid != is->relid)
			continue;
		compare_members(was->members, is->members);
		refuse_diversion(command, is, before->touched);
		/* While a dump is restored, what is missing may still come. */
		if (check_function_bodies)
			compare_rules(was, is, changes_owner(command));
	}
}

/*
 * DROP INDEX CONCURRENTLY commits while it runs: what it would leave is judged
 * before.
 */
static void
refuse_concurrent_drop(const DropStmt *statement, const Kept *before)
{
	Kept		after = *before;
	ListCell   *lc;

	after.tables = after.members = NIL;
	foreach(lc, statement->objects)
	{
		Oid			index = RangeVarGetRelid(makeRangeVarFromNameList((List *) lfirst(lc)),
											 NoLock, true);

		if (OidIsValid(index))
			after.gone = lappend_oid(after.gone, index);
	}
	look(&after);
	compare((const Node *) statement, before, &after);
}

Datum
retention_keep_before_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	MemoryContext memory;
	MemoryContext caller;
	Kept	   *before;
	List	   *touched;
	List	   *suspects;

	if (command == NULL || retention_guard_permitted())
		PG_RETURN_NULL();
	suspects = retention_suspect_tables(command, &touched);
	if (suspects == NIL && touched == NIL)
		PG_RETURN_NULL();

	before = retention_command_remember(command, "keep", sizeof(Kept), &memory);
	caller = MemoryContextSwitchTo(memory);
	before->suspects = list_copy(suspects);
	before->touched = list_copy(touched);
	look(before);
	MemoryContextSwitchTo(caller);
	if (IsA(command, DropStmt) && ((DropStmt *) command)->concurrent)
		refuse_concurrent_drop((DropStmt *) command, before);
	PG_RETURN_NULL();
}

Datum
retention_keep_after_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Kept	   *before = command ? retention_command_recall(command, "keep") : NULL;
	Kept		after = {0};

	if (before == NULL || (before->tables == NIL && before->members == NIL))
		PG_RETURN_NULL();
	after.suspects = before->suspects;
	after.touched = before->touched;
	look(&after);
	compare(command, before, &after);
	PG_RETURN_NULL();
}
