/*
 * preview.c
 *		What a pass would do, without doing it.
 *
 * Invariant: it counts with the same conditions as the pass, changes nothing,
 * and one table that cannot be counted does not hide the others.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/identity.h"
#include "due/cascade.h"
#include "due/due.h"
#include "due/tally.h"
#include "enforce/blocked.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "policy/rule.h"
#include "policy/start.h"

#define CAP 10000
#define PREVIEW_COLUMNS 9

typedef struct Line
{
	const RetentionRule *rule;
	List	   *rules;
	TimestampTz as_of;
	int64		cap;
	int64		due;
	int64		cascades;
	int64		held;
	int64		blocked;
	bool		exact;
} Line;

PG_FUNCTION_INFO_V1(retention_preview_rows_sql);

static void
count_line(void *arg)
{
	Line	   *line = (Line *) arg;
	RetentionDue *due = retention_due_build(line->rule, line->rules, line->as_of);
	bool		all = true;

	(void) retention_tally_count(due, RETENTION_TALLY_DUE, line->cap, 0,
								 &line->due, &line->exact);
	if (line->rule->action->kind == RETENTION_DELETE && line->due > 0)
		line->cascades = retention_cascade_count(due, line->cap, &all);
	line->exact = line->exact && all;
	(void) retention_tally_count(due, RETENTION_TALLY_HELD, line->cap, 0, &line->held, &all);
	line->exact = line->exact && all;
	line->blocked = retention_blocked_count(line->rule);
}

static void
put_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	if (text != NULL)
		values[i] = CStringGetTextDatum(text);
}

static void
put_line(ReturnSetInfo *rsinfo, const RetentionRule *rule, List *rules,
		 TimestampTz as_of, bool exact)
{
	Line		line = {rule, rules, as_of, exact ? 0 : CAP};
	Datum		values[PREVIEW_COLUMNS] = {0};
	bool		nulls[PREVIEW_COLUMNS] = {0};
	char	   *state = NULL;
	int			i = 0;

	if (!rule->valid)
		ereport(WARNING,
				(errmsg("a rule of %s%s%s is invalid: %s", rule->relation,
						rule->attnum ? "." : "",
						rule->attnum ? quote_identifier(rule->column_name) : "",
						rule->problem),
				 rule->hint ? errhint("%s", rule->hint) : 0));
	else if ((state = retention_tally_try(count_line, &line)) != NULL)
		ereport(WARNING,
				(errmsg("due rows of %s could not be counted: SQLSTATE %s",
						rule->relation, state)));

	values[i++] = ObjectIdGetDatum(rule->relid);
	if (rule->attnum)
		values[i++] = DirectFunctionCall1(namein, CStringGetDatum(rule->column_name));
	else
		nulls[i++] = true;
	put_text(values, nulls, i++, rule->category);
	put_text(values, nulls, i++, rule->action_text);
	if (!rule->valid || state != NULL)
	{
		for (int j = i; j < PREVIEW_COLUMNS - 1; j++)
			nulls[j] = true;
		line.exact = false;
	}
	values[i++] = Int64GetDatum(line.due);
	values[i++] = Int64GetDatum(line.cascades);
	values[i++] = Int64GetDatum(line.held);
	values[i++] = Int64GetDatum(line.blocked);
	values[i++] = BoolGetDatum(line.exact);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static bool
may_see(Oid relid)
{
	return retention_compat_owns_relation(relid, GetUserId()) ||
		retention_identity_is_officer(GetUserId()) ||
		has_privs_of_role(GetUserId(), ROLE_PG_MONITOR);
}

Datum
retention_preview_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz as_of = PG_ARGISNULL(1) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(1);
	bool		exact = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	List	   *relations;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		relations = retention_labelled_relations();
	else
	{
		Oid			relid = PG_GETARG_OID(0);
		Oid			labelled;

		if (get_rel_name(relid) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u does not exist", relid)));
		if (!may_see(relid))
			retention_identity_require_owner(relid);
		labelled = retention_lineage_labelled(relid);
		if (labelled != relid)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s has no label", retention_start_relation_name(relid)),
					 OidIsValid(labelled) ?
					 errhint("Its rules are those of %s.",
							 retention_start_relation_name(labelled)) : 0));
		relations = list_make1_oid(relid);
	}

	foreach(lc, relations)
	{
		List	   *rules;
		ListCell   *lr;

		if (!may_see(lfirst_oid(lc)))
			continue;
		rules = retention_rule_compile(lfirst_oid(lc));
		foreach(lr, rules)
		{
			RetentionRule *rule = (RetentionRule *) lfirst(lr);

			CHECK_FOR_INTERRUPTS();
			if (rule->action != NULL || !rule->valid)
				put_line(rsinfo, rule, rules, as_of, exact);
		}
	}
	return (Datum) 0;
}
