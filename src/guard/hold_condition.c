/*
 * hold_condition.c
 *		The conditions of suspensions: analysed, judged, and kept true by renames.
 *
 * Invariant: nobody but an officer or a superuser can make a condition, once it is
 * accepted, hold less.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "guard/hold_condition.h"
#include "guard/hold_guard.h"
#include "policy/expression.h"
#include "policy/label.h"
#include "policy/rename.h"
#include "policy/start.h"

/* A condition as the label of which it might be a part: for renames. */
#define LABEL_PREFIX "held, where ("
#define LABEL_SUFFIX "), then delete"

static Node *
analyse(Oid relid, const char *condition)
{
	RetentionLabel *label = palloc0(sizeof(RetentionLabel));
	RetentionValue *value = palloc0(sizeof(RetentionValue));
	Node	   *expression;

	label->text = value->text = pstrdup(condition);
	label->called = "the condition of a suspension";
	expression = retention_expression_analyse(label, value, relid);
	if (exprType(expression) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the condition of a suspension must be boolean, not %s",
						format_type_be(exprType(expression)))));
	return expression;
}

/* As the label of which it might be the condition: renames rewrite it there. */
static char *
as_label(const char *condition)
{
	return psprintf("%s%s%s", LABEL_PREFIX, condition, LABEL_SUFFIX);
}

/* Whoever may replace a function could end the suspension by it. */
static bool
is_replaceable(Oid function, void *arg)
{
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		ReleaseSysCache(tuple);
	}
	return !OidIsValid(owner) || !superuser_arg(owner);
}

static bool
calls_replaceable(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_replaceable, arg))
		return true;
	return expression_tree_walker(node, calls_replaceable, arg);
}

static void
parse_label(void *arg)
{
	(void) retention_label_parse((const char *) arg, false);
}

void
retention_hold_condition_judge(Oid relid, const char *condition)
{
	RetentionIdentity saved;
	Node	   *expression;

	retention_identity_become_owner(&saved, relid);
	expression = analyse(relid, condition);
	retention_identity_restore(&saved);
	if (calls_replaceable(expression, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in the condition of a suspension must belong to a superuser"),
				 errdetail("Whoever may replace a function could end the suspension by it.")));
	if (retention_attempt_run(parse_label, as_label(condition)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the parentheses of the condition do not match")));
}

typedef struct Analysis
{
	const RetentionSuspension *suspension;
	Oid			relid;
	Node	   *condition;
} Analysis;

static void
analyse_for(void *arg)
{
	Analysis   *analysis = (Analysis *) arg;
	Oid			suspended = analysis->suspension->relid;
	RetentionIdentity saved;
	Node	   *condition;

	retention_identity_become_owner(&saved, suspended);
	condition = analyse(suspended, analysis->suspension->condition);
	retention_identity_restore(&saved);
	if (suspended != analysis->relid)
	{
		Relation	from = table_open(suspended, AccessShareLock);
		Relation	to = table_open(analysis->relid, AccessShareLock);

		condition = linitial(map_partition_varattnos(list_make1(condition), 1, to, from));
		table_close(to, AccessShareLock);
		table_close(from, AccessShareLock);
	}
	analysis->condition = condition;
}

Node *
retention_hold_condition_analyse(const RetentionSuspension *suspension, Oid relid, char **error)
{
	Analysis	analysis = {suspension, relid, NULL};
	ErrorData  *failure;

	*error = NULL;
	failure = retention_attempt_run(analyse_for, &analysis);
	if (failure == NULL)
		return analysis.condition;
	*error = pstrdup(failure->message);
	FreeErrorData(failure);
	return NULL;
}

char *
retention_hold_condition_problem(const RetentionSuspension *suspension, bool in_full)
{
	char	   *error;

	if (!OidIsValid(suspension->relid))
		return pstrdup("the table does not exist");
	if (retention_hold_condition_analyse(suspension, suspension->relid, &error) == NULL)
		return psprintf("every row is held, as the condition cannot be asked%s%s",
						in_full ? ": " : "", in_full ? error : "");
	if (OidIsValid(retention_hold_guard_gap(suspension->relid)))
		return psprintf("%s has no guard of the suspension",
						retention_start_relation_name(retention_hold_guard_gap(suspension->relid)));
	return NULL;
}

typedef struct Rewriting
{
	RetentionRename rename;
	Oid			relid;
	const char *label;
	RetentionRenameOutcome outcome;
	char	   *text;
} Rewriting;

static void
rewrite(void *arg)
{
	Rewriting  *rewriting = (Rewriting *) arg;

	rewriting->outcome = retention_rename_label(&rewriting->rename, rewriting->relid, 0,
												rewriting->label, &rewriting->text);
}

/* The condition after a rename; as it was where nobody can tell. */
static char *
rewritten(const RetentionSuspension *suspension, Rewriting *rewriting, bool *certain)
{
	ErrorData  *error;
	char	   *text;

	rewriting->label = as_label(suspension->condition);
	error = retention_attempt_run(rewrite, rewriting);
	*certain = error == NULL &&
		(rewriting->outcome == RETENTION_RENAME_CERTAIN ||
		 rewriting->outcome == RETENTION_RENAME_UNTOUCHED);
	if (error != NULL)
	{
		FreeErrorData(error);
		return suspension->condition;
	}
	text = pstrdup(rewriting->text + strlen(LABEL_PREFIX));
	text[strlen(text) - strlen(LABEL_SUFFIX)] = '\0';
	return text;
}

char *
retention_hold_condition_translate(const RetentionSuspension *suspension, Oid relid,
								   const char *old_table, Oid old_namespace)
{
	Rewriting	rewriting = {.relid = relid};
	bool		certain;

	/* Where it names the table, the table has another name now. */
	rewriting.rename.table_relid = relid;
	rewriting.rename.old_table = old_table;
	rewriting.rename.old_namespace = old_namespace;
	return rewritten(suspension, &rewriting, &certain);
}

char *
retention_hold_condition_rename(const RetentionSuspension *suspension, List *relids,
								const char *old_column, const char *new_column, bool *certain)
{
	Rewriting	rewriting = {.relid = suspension->relid};

	rewriting.rename.column_relids = relids;
	rewriting.rename.old_column = old_column;
	rewriting.rename.new_column = new_column;
	return rewritten(suspension, &rewriting, certain);
}
