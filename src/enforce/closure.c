/*
 * closure.c
 *		Due rows that foreign keys make wait for each other.
 *
 * Invariant: a row goes together with the rows that reference it only if each of
 * them is due by a rule of its own table; all go in one statement, or none.
 *
 * Two tables that reference each other, or a ring of rows within one, have no
 * child that could go first. The server checks foreign keys at the end of a
 * statement: one statement that deletes the whole ring satisfies it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/identity.h"
#include "enforce/batch.h"
#include "enforce/brake.h"
#include "enforce/closure.h"
#include "enforce/subscription.h"
#include "guard/guard.h"
#include "policy/foreign_key.h"

/* A ring of more rows is left to a person. */
#define MOST_ROWS 1000

typedef struct Member
{
	RetentionRow row;
	const RetentionDue *due;
	const RetentionArm *arm;
} Member;

typedef struct Closure
{
	const RetentionDue *due;
	const RetentionArm *arm;
	RetentionRow row;
	List	   *members;		/* of Member * */
	List	   *dues;			/* of RetentionDue *: row rules of tables met */
	List	   *tables;			/* whose rules are in dues */
	bool		whole;			/* all rows that must go are due */
	int64		changed;		/* of the first member's rule */
} Closure;

/*
 * The delete rules of a protected table, as of the same time; not those that its
 * own pass would not touch now.
 */
static void
learn_rules(Closure *closure, Oid relid)
{
	List	   *rules;
	ListCell   *lc;

	if (list_member_oid(closure->tables, relid))
		return;
	closure->tables = lappend_oid(closure->tables, relid);
	if (retention_guard_state(relid) != RETENTION_PROTECTED ||
		retention_subscription_name(relid) != NULL)
		return;
	rules = retention_rule_compile(relid);
	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->attnum == 0 && rule->valid &&
			retention_brake_state(rule, GetCurrentTimestamp()).state == NULL)
			closure->dues = lappend(closure->dues,
									retention_due_build(rule, rules,
														closure->due->as_of));
	}
}

static char *
conditions(const Member *member)
{
	return psprintf("%s AND %s AND %s AND %s AND %s", member->arm->path, member->arm->due,
					member->due->applies, member->due->unheld, member->due->free);
}

/* Finds the rule by which the row is due; false if it has to stay. */
static bool
is_due(Closure *closure, Member *member)
{
	Oid			root = retention_labelled_root(member->row.leaf);
	Oid			types[] = {TIDOID};
	Datum		values[] = {PointerGetDatum(&member->row.tid)};
	ListCell   *lc;

	learn_rules(closure, root);
	foreach(lc, closure->dues)
	{
		RetentionDue *due = (RetentionDue *) lfirst(lc);
		ListCell   *path;

		if (due->rule->relid != root)
			continue;
		foreach(path, due->arms)
		{
			member->due = due;
			member->arm = (RetentionArm *) lfirst(path);
			if (SPI_execute_with_args(psprintf("SELECT FROM ONLY %s AS t%s%s WHERE t.ctid = $1 AND %s",
											   retention_start_relation_name(member->row.leaf),
											   member->arm->from ? ", " : "",
											   member->arm->from ? member->arm->from : "",
											   conditions(member)),
									  1, types, values, NULL, false, 1) != SPI_OK_SELECT)
				elog(ERROR, "could not look at a referencing row");
			SPI_freetuptable(SPI_tuptable);
			if (SPI_processed == 1)
				return true;
		}
	}
	return false;
}

static bool
is_member(const Closure *closure, Oid leaf, ItemPointer tid)
{
	ListCell   *lc;

	foreach(lc, closure->members)
	{
		Member	   *member = (Member *) lfirst(lc);

		if (member->row.leaf == leaf && ItemPointerEquals(&member->row.tid, tid))
			return true;
	}
	return false;
}

/* Adds the rows of one table that reference the member. */
static void
add_referencing(Closure *closure, const Member *member, const RetentionForeignKey *key)
{
	Oid			types[] = {TIDOID};
	Datum		values[] = {PointerGetDatum(&member->row.tid)};
	SPITupleTable *found;
	uint64		count;

	if (SPI_execute_with_args(psprintf("SELECT c.tableoid, c.ctid FROM %s AS c, ONLY %s AS t"
									   " WHERE t.ctid = $1 AND %s",
									   retention_start_relation_name(key->relid),
									   retention_start_relation_name(member->row.leaf),
									   retention_start_join_text(key->join, key->relid,
																 "c", "t")),
							  1, types, values, NULL, false, MOST_ROWS) != SPI_OK_SELECT)
		elog(ERROR, "could not look for referencing rows");
	found = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count && closure->whole; i++)
	{
		bool		isnull;
		Oid			leaf = DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc, 1, &isnull));
		ItemPointer tid = (ItemPointer) DatumGetPointer(SPI_getbinval(found->vals[i], found->tupdesc,
																	  2, &isnull));
		Member	   *next;

		if (is_member(closure, leaf, tid))
			continue;
		next = palloc0(sizeof(Member));
		next->row.leaf = leaf;
		next->row.tid = *tid;
		closure->members = lappend(closure->members, next);
		closure->whole = list_length(closure->members) <= MOST_ROWS &&
			retention_compat_owns_relation(leaf, GetUserId()) &&
			retention_identity_is_trusted(leaf, closure->row.leaf) &&
			is_due(closure, next);
	}
	SPI_freetuptable(found);
}

/* Everything that must go with the row, breadth first. */
static void
collect(void *arg)
{
	Closure    *closure = (Closure *) arg;
	RetentionIdentity saved;
	Member	   *first = palloc0(sizeof(Member));

	first->row = closure->row;
	first->due = closure->due;
	first->arm = closure->arm;
	closure->members = list_make1(first);
	closure->whole = true;

	retention_identity_become_owner(&saved, closure->row.leaf);
	for (int i = 0; i < list_length(closure->members) && closure->whole; i++)
	{
		Member	   *member = (Member *) list_nth(closure->members, i);
		List	   *tables = list_make1_oid(member->row.leaf);
		ListCell   *table;

		if (get_rel_relispartition(member->row.leaf))
			tables = list_concat(tables, get_partition_ancestors(member->row.leaf));
		foreach(table, tables)
		{
			ListCell   *lc;

			foreach(lc, retention_foreign_key_to(lfirst_oid(table)))
			{
				RetentionForeignKey *key = (RetentionForeignKey *) lfirst(lc);

				/*
				 * Another's table is not read as this one's owner; rows of it
				 * make the DELETE fail, and the row stays blocked.
				 */
				if (!retention_identity_is_trusted(key->relid, closure->row.leaf))
					continue;
				if (closure->whole && (key->on_delete == FKCONSTR_ACTION_NOACTION ||
									   key->on_delete == FKCONSTR_ACTION_RESTRICT))
					add_referencing(closure, member, key);
			}
		}
	}
	retention_identity_restore(&saved);
}

/* One DELETE for each leaf and arm, all in one statement. */
static void
delete_members(void *arg)
{
	Closure    *closure = (Closure *) arg;
	RetentionIdentity saved;
	StringInfoData statement;
	StringInfoData counts;
	List	   *groups = NIL;	/* first member of each */
	List	   *sizes = NIL;
	ListCell   *lc;
	ListCell   *size;
	int			column = 0;
	ConstraintsSetStmt *immediate = makeNode(ConstraintsSetStmt);

	initStringInfo(&statement);
	initStringInfo(&counts);
	foreach(lc, closure->members)
	{
		Member	   *member = (Member *) lfirst(lc);
		StringInfoData tids;
		bool		known = false;
		int			n = 0;
		ListCell   *other;

		foreach(other, groups)
			known |= ((Member *) lfirst(other))->row.leaf == member->row.leaf &&
			((Member *) lfirst(other))->arm == member->arm;
		if (known)
			continue;
		initStringInfo(&tids);
		foreach(other, closure->members)
		{
			Member	   *same = (Member *) lfirst(other);

			if (same->row.leaf == member->row.leaf && same->arm == member->arm)
				appendStringInfo(&tids, "%s\"(%u,%u)\"", n++ > 0 ? "," : "",
								 ItemPointerGetBlockNumber(&same->row.tid),
								 ItemPointerGetOffsetNumber(&same->row.tid));
		}
		groups = lappend(groups, member);
		sizes = lappend_int(sizes, n);
		appendStringInfo(&statement, "%sd%d AS (DELETE FROM ONLY %s AS t%s%s"
						 " WHERE t.ctid = ANY ('{%s}'::tid[]) AND %s RETURNING 1)",
						 statement.len > 0 ? ", " : "WITH ", list_length(groups),
						 retention_start_relation_name(member->row.leaf),
						 member->arm->from ? " USING " : "",
						 member->arm->from ? member->arm->from : "",
						 tids.data, conditions(member));
		appendStringInfo(&counts, "%s(SELECT pg_catalog.count(*) FROM d%d)",
						 counts.len > 0 ? ", " : "", list_length(groups));
	}

	immediate->deferred = false;
	AfterTriggerSetState(immediate);
	retention_identity_become_owner(&saved, closure->row.leaf);
	if (SPI_execute(psprintf("%s SELECT %s", statement.data, counts.data), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not delete a ring of rows");
	forboth(lc, groups, size, sizes)
	{
		bool		isnull;

		if (DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										++column, &isnull)) != lfirst_int(size))
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("a trigger or rule kept a row")));
	}
	SPI_freetuptable(SPI_tuptable);
	retention_identity_restore(&saved);

	forboth(lc, groups, size, sizes)
	{
		Member	   *member = (Member *) lfirst(lc);

		if (member->due == closure->due)
			closure->changed += lfirst_int(size);
		else
			retention_batch_enter(member->due, lfirst_int(size), -1,
								  "rows that referenced each other");
	}
}

/* Has the table that references the row rules by which its rows could go, too? */
static bool
may_go_together(const ErrorData *violation)
{
	Oid			schema = violation->schema_name ?
	get_namespace_oid(violation->schema_name, true) : InvalidOid;
	Oid			relid = OidIsValid(schema) && violation->table_name ?
	get_relname_relid(violation->table_name, schema) : InvalidOid;

	return OidIsValid(relid) &&
		retention_guard_state(relid) == RETENTION_PROTECTED &&
		retention_subscription_name(relid) == NULL;
}

int64
retention_closure_delete(const RetentionDue *due, const RetentionArm *arm,
						 const RetentionRow *row, const ErrorData *violation)
{
	Closure		closure = {.due = due,.arm = arm,.row = *row};
	ErrorData  *error;

	if (!may_go_together(violation))
		return 0;

	/* The first rule's own due is among the rules that can be met again. */
	closure.dues = list_make1(unconstify(RetentionDue *, due));
	closure.tables = list_make1_oid(due->rule->relid);
	error = retention_attempt_run(collect, &closure);
	if (error == NULL && closure.whole && list_length(closure.members) > 1)
		error = retention_attempt_run(delete_members, &closure);
	if (error != NULL)
	{
		FreeErrorData(error);
		return 0;
	}
	return closure.changed;
}
