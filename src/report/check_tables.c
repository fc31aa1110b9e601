/*
 * check_tables.c
 *		Findings about labelled tables that take the compiled rules.
 *
 * Invariant: a table that cannot be read has a finding of its own and hides no
 * other table.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"

#include "due/index.h"
#include "due/period.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "guard/suspension.h"
#include "policy/labelled.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "report/check.h"
#include "sentry/clock_guard.h"

typedef struct Table
{
	Oid			relid;
	char	   *name;
	RetentionFindings *findings;
} Table;

static void
check_gaps(const Table *table, List *rules)
{
	char	   *remedy = psprintf("SELECT retention.protect(%s)", quote_literal_cstr(table->name));
	Oid			gap;

	if (retention_guard_state(table->relid) != RETENTION_PROTECTED)
		return;
	gap = retention_guard_gap(table->relid);
	if (OidIsValid(gap))
		retention_finding_add(table->findings, RETENTION_SEVERITY_ERROR,
							  retention_start_relation_name(gap),
							  psprintf("a guard is missing or disabled, although %s is protected", table->name),
							  remedy);
	if (retention_clock_guard_gap(table->relid, rules))
		retention_finding_add(table->findings, RETENTION_SEVERITY_ERROR, table->name,
							  "the guard of its clock in another table is missing or disabled: that clock can be moved",
							  remedy);
}

/* Own periods that the category cuts short: somebody may have promised them. */
static void
check_periods(const Table *table, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->valid && rule->action != NULL && retention_period_is_capped(rule))
			retention_finding_add(table->findings, RETENTION_SEVERITY_WARNING, table->name,
								  psprintf("there are periods of \"for %s\" that are longer than that of category \"%s\": they do not count",
										   rule->own_period_text, rule->category),
								  psprintf("Shorten them, or lengthen the category's: SELECT retention.set_category(%s, '...')",
										   quote_literal_cstr(rule->category)));
	}
}

static void
check_indexes(const Table *table, List *rules)
{
	List	   *told = NIL;
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		char	   *statement;

		if (!rule->valid || rule->action == NULL)
			continue;
		statement = retention_index_missing(rule);
		if (statement == NULL || list_member(told, makeString(statement)))
			continue;
		told = lappend(told, makeString(statement));
		retention_finding_add(table->findings, RETENTION_SEVERITY_WARNING, table->name,
							  psprintf("due rows cannot be found by an index from \"%s\"; each pass reads the whole table",
									   rule->start_text),
							  statement);
	}
}

static void
check_table(void *arg)
{
	const Table *table = (const Table *) arg;
	List	   *rules = retention_rule_compile(table->relid);

	check_gaps(table, rules);
	check_indexes(table, rules);
	check_periods(table, rules);
}

/* A suspension whose guards do not stand on each part of its table. */
static void
check_suspension(void *arg)
{
	const Table *table = (const Table *) arg;
	Oid			gap = retention_hold_guard_gap(table->relid);

	if (OidIsValid(gap))
		retention_finding_add(table->findings, RETENTION_SEVERITY_ERROR,
							  retention_start_relation_name(gap),
							  psprintf("a guard of suspensions is missing or disabled, although rows of %s are suspended", table->name),
							  "CALL retention.enforce() raises it; or retention.suspend() once more.");
}

void
retention_check_tables(RetentionFindings *findings)
{
	ListCell   *lc;

	foreach(lc, retention_labelled_relations())
	{
		Table		table = {.relid = lfirst_oid(lc),.findings = findings};

		CHECK_FOR_INTERRUPTS();
		table.name = retention_start_relation_name(table.relid);
		retention_finding_attempt(findings, table.name, check_table, &table);
	}
	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);
		Table		table = {.relid = suspension->relid,.name = suspension->relation,
		.findings = findings};

		if (OidIsValid(table.relid))
			retention_finding_attempt(findings, table.name, check_suspension, &table);
	}
}
