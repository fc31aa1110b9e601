/*
 * hold_text.c
 *		Which rows are under suspension, as SQL conditions.
 *
 * Deleting a row deletes others (ON DELETE CASCADE), changes others (SET NULL,
 * SET DEFAULT), or waits for others (NO ACTION, RESTRICT); changing a referenced
 * value changes others. Where one of these others is held, the row stays.
 *
 * Invariant: what these conditions let through, the guards let through; what
 * they cannot see (another owner's table), the guards refuse.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/identity.h"
#include "guard/hold.h"
#include "guard/hold_condition.h"
#include "guard/hold_text.h"
#include "guard/suspension.h"
#include "policy/expression.h"
#include "policy/foreign_key.h"
#include "policy/start.h"

/* Of rows that another one waits for, where foreign keys come back to a table. */
#define RING_ALIAS "hring"

typedef struct Walk
{
	List	   *suspensions;
	List	   *tables;			/* that have, or are part of what has, held
								 * rows */
} Walk;

static void
append_or(StringInfo text, const char *condition)
{
	if (condition == NULL)
		return;
	appendStringInfo(text, "%s%s", text->len > 0 ? " OR " : "", condition);
}

/* "tableoid is one of the members of the table" */
static char *
is_part_of(const char *alias, Oid relid)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		appendStringInfo(&text, "%s%u", text.len > 0 ? "," : "", lfirst_oid(lc));
	return psprintf("%s.tableoid = ANY ('{%s}'::oid[])", alias, text.data);
}

/* One suspension, for the row with that alias; NULL if it is of other tables. */
static char *
held_by(const RetentionSuspension *suspension, Oid relid, const char *alias)
{
	char	   *error;
	Node	   *condition;

	if (!OidIsValid(suspension->relid))
		return NULL;
	if (list_member_oid(retention_hold_lineage(relid), suspension->relid))
	{
		condition = retention_hold_condition_analyse(suspension, relid, &error);
		if (condition == NULL)
			return pstrdup("true");
		return psprintf("((%s) IS TRUE)", retention_expression_deparse(condition, relid, alias));
	}
	if (!list_member_oid(find_all_inheritors(relid, NoLock, NULL), suspension->relid))
		return NULL;
	/* A child's suspension may ask for columns that only the child has. */
	condition = retention_hold_condition_analyse(suspension, suspension->relid, &error);
	if (condition == NULL)
		return psprintf("(%s)", is_part_of(alias, suspension->relid));
	return psprintf("(%s AND EXISTS (SELECT 1 FROM %s AS hc"
					" WHERE hc.tableoid = %s.tableoid AND hc.ctid = %s.ctid AND (%s) IS TRUE))",
					is_part_of(alias, suspension->relid), suspension->relation, alias, alias,
					retention_expression_deparse(condition, suspension->relid, "hc"));
}

static char *
held(const Walk *walk, Oid relid, const char *alias)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, walk->suspensions)
		append_or(&text, held_by((RetentionSuspension *) lfirst(lc), relid, alias));
	return text.len > 0 ? text.data : NULL;
}

/* Can something that is held be reached from the table, against foreign keys? */
static bool
reaches(const Walk *walk, Oid relid)
{
	List	   *reached = list_make1_oid(relid);

	/* The list grows while it is walked. */
	for (int i = 0; i < list_length(reached); i++)
	{
		ListCell   *lc;

		if (list_member_oid(walk->tables, list_nth_oid(reached, i)))
			return true;
		foreach(lc, retention_foreign_key_to(list_nth_oid(reached, i)))
			reached = list_append_unique_oid(reached, ((RetentionForeignKey *) lfirst(lc))->relid);
	}
	return false;
}

static char *touches(const Walk *walk, Oid relid, const char *alias,
					 AttrNumber *columns, int ncolumns, List *visited);

/* "there is a row that references this one, and ..." */
static char *
references_that(const Walk *walk, const RetentionForeignKey *key, const char *alias,
				bool deleted, List *visited)
{
	bool		again = list_member_oid(visited, key->relid);
	char	   *child = psprintf("%s%d", again ? RING_ALIAS : "hk", list_length(visited));
	char	   *table;
	char	   *joined;
	char	   *inner;

	/*
	 * The guards see what this owner may not, or only by running another's
	 * code.
	 */
	if (!reaches(walk, key->relid) ||
		!retention_identity_is_trusted(key->relid, linitial_oid(visited)) ||
		pg_class_aclcheck(key->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return NULL;
	table = retention_start_relation_name(key->relid);
	joined = retention_start_join_text(key->join, key->relid, child, alias);

	/*
	 * Where foreign keys come back to a table there is no end to follow them
	 * to: the row waits until the rows that refer to it are gone.
	 */
	if (again)
		return psprintf("EXISTS (SELECT 1 FROM %s AS %s WHERE %s"
						" AND (%s.tableoid, %s.ctid) <> (%s.tableoid, %s.ctid))",
						table, child, joined, child, child, alias, alias);
	inner = deleted ? touches(walk, key->relid, child, NULL, 0, visited) :
		touches(walk, key->relid, child, key->join->from_columns, key->join->nkeys, visited);
	if (inner == NULL)
		return NULL;
	return psprintf("EXISTS (SELECT 1 FROM %s AS %s WHERE %s AND (%s))",
					table, child, joined, inner);
}

/*
 * Deleting the row with that alias, or changing these columns of it, touches a
 * held row.  NULL: never.
 */
static char *
touches(const Walk *walk, Oid relid, const char *alias,
		AttrNumber *columns, int ncolumns, List *visited)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	visited = lappend_oid(list_copy(visited), relid);
	append_or(&text, held(walk, relid, alias));
	foreach(lc, retention_foreign_key_to(relid))
	{
		RetentionForeignKey *key = (RetentionForeignKey *) lfirst(lc);
		bool		concerned = columns == NULL;

		for (int i = 0; i < key->join->nkeys; i++)
			for (int j = 0; j < ncolumns; j++)
				concerned |= key->join->to_columns[i] == columns[j];
		if (concerned)
			append_or(&text,
					  references_that(walk, key, alias,
									  columns == NULL &&
									  key->on_delete != FKCONSTR_ACTION_SETNULL &&
									  key->on_delete != FKCONSTR_ACTION_SETDEFAULT,
									  visited));
	}
	return text.len > 0 ? text.data : NULL;
}

/* False: nothing is suspended anywhere. */
static bool
begin_walk(Walk *walk)
{
	ListCell   *lc;

	walk->suspensions = retention_suspension_in_force();
	walk->tables = NIL;
	foreach(lc, walk->suspensions)
	{
		Oid			relid = ((RetentionSuspension *) lfirst(lc))->relid;

		if (!OidIsValid(relid))
			continue;
		walk->tables = list_concat_unique_oid(walk->tables,
											  find_all_inheritors(relid, NoLock, NULL));
		walk->tables = list_concat_unique_oid(walk->tables, retention_hold_lineage(relid));
	}
	return walk->tables != NIL;
}

char *
retention_hold_text_unheld(Oid relid, AttrNumber attnum)
{
	Walk		walk;
	RetentionIdentity saved;
	char	   *text;

	if (!begin_walk(&walk))
		return pstrdup("true");
	retention_identity_become_owner(&saved, relid);
	text = touches(&walk, relid, "t", attnum != 0 ? &attnum : NULL, attnum != 0, NIL);
	retention_identity_restore(&saved);
	return text != NULL ? psprintf("NOT (%s)", text) : pstrdup("true");
}

char *
retention_hold_text_numbers(Oid relid)
{
	List	   *around = list_concat_unique_oid(retention_hold_lineage(relid),
												find_all_inheritors(relid, NoLock, NULL));
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		char	   *problem;

		if (!list_member_oid(around, suspension->relid))
			continue;
		problem = retention_hold_condition_problem(suspension, false);
		appendStringInfo(&text, "%ssuspension " INT64_FORMAT, text.len > 0 ? ", " : "",
						 suspension->id);
		if (problem != NULL)
			appendStringInfo(&text, " (%s)", problem);
	}
	return text.len > 0 ? text.data : NULL;
}

bool
retention_hold_text_waits(const char *unheld)
{
	return strstr(unheld, " AS " RING_ALIAS) != NULL;
}

char *
retention_hold_text_held(Oid relid, const char *alias)
{
	List	   *lineage = retention_hold_lineage(relid);
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);

		if (list_member_oid(lineage, suspension->relid))
			append_or(&text, held_by(suspension, relid, alias));
	}
	return text.len > 0 ? text.data : NULL;
}
