/*
 * admission.c
 *		What must be true of a table before it is protected.
 *
 * Invariant: no table becomes protected with a rule that cannot hold, with a
 * column that no label covers, or with more rows due at once than somebody has
 * confirmed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/identity.h"
#include "due/cover.h"
#include "due/due.h"
#include "due/index.h"
#include "due/rewrite.h"
#include "due/tally.h"
#include "enforce/admission.h"
#include "enforce/feasibility.h"
#include "guard/lineage.h"
#include "policy/label.h"
#include "policy/rule.h"
#include "policy/start.h"

/* As many rows may go at once without anybody's confirmation. */
#define UNCONFIRMED_ROWS 100000
/* Their share of the table is looked at only from here on. */
#define UNCONFIRMED_SHARE_FROM 10
#define UNCONFIRMED_SHARE 10	/* one in ten */

static void
refuse_invalid_rules(Oid relid, List *rules)
{
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		char	   *label;

		if (rule->valid)
			continue;
		label = retention_labelled_text(relid, rule->attnum);
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 rule->attnum == 0 ?
				 errmsg("a rule of table %s is invalid: %s",
						rule->relation, rule->problem) :
				 errmsg("a rule of column %s.%s is invalid: %s", rule->relation,
						quote_identifier(rule->column_name), rule->problem),
				 label ? errdetail("The label is \"%s\".", label) : 0,
				 rule->hint ? errhint("%s", rule->hint) : 0));
	}
}

static void
refuse_uncovered_columns(Oid relid)
{
	StringInfoData columns;
	List	   *missing;
	ListCell   *lc;
	int			count;

	if (!retention_lineage_has_label(relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has no label",
						retention_start_relation_name(relid)),
				 errhint("SECURITY LABEL FOR %s ON TABLE %s IS 'category, from column, then delete';",
						 RETENTION_PROVIDER, retention_start_relation_name(relid))));
	missing = retention_cover_missing(relid, relid);
	count = list_length(missing);
	initStringInfo(&columns);
	foreach(lc, missing)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
						 quote_identifier((char *) lfirst(lc)));
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg_plural("%d column of table %s is covered by no label",
							   "%d columns of table %s are covered by no label",
							   count, count, retention_start_relation_name(relid)),
				 errdetail("Without a label: %s.", columns.data),
				 errhint("Label them, if only with 'no personal data', or give the table a rule that ends with \"then delete\".")));
}

/* Can a row of the rule lose its clock: has each path a hop that may lose it? */
static bool
can_lose_clock(const RetentionRule *rule)
{
	ListCell   *lc;

	if (rule->clocks == NIL)
		return false;
	foreach(lc, rule->clocks)
	{
		RetentionClock *clock = (RetentionClock *) lfirst(lc);
		bool		may_lose = false;
		ListCell   *lj;

		foreach(lj, clock->joins)
			may_lose |= ((RetentionJoin *) lfirst(lj))->may_lose;
		if (!may_lose)
			return false;
	}
	return true;
}

/* Says, once a starting point and once an index, what will not go well. */
static void
warn(Oid relid, List *rules)
{
	List	   *starts = NIL;
	List	   *indexes = NIL;
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		char	   *index;

		if (rule->action == NULL)
			continue;
		if (can_lose_clock(rule) &&
			!list_member(starts, makeString(rule->start_text)))
		{
			starts = lappend(starts, makeString(rule->start_text));
			ereport(WARNING,
					(errmsg("rows of table %s can lose their starting point", rule->relation),
					 errdetail("A hop of \"%s\" can be null, or the row that it leads to can go first.",
							   rule->start_text),
					 errhint("Give it an alternative, as in \"%s or created_at\". Rows without one are never due: retention.status counts them as orphaned.",
							 rule->start_text)));
		}
		index = retention_index_missing(rule);
		if (index != NULL && !list_member(indexes, makeString(index)))
		{
			indexes = lappend(indexes, makeString(index));
			ereport(WARNING,
					(errmsg("table %s has no index by which due rows can be found",
							rule->relation),
					 errdetail("Each pass will read the whole table."),
					 errhint("%s;", index)));
		}
	}
}

/* Runs a statement that yields one boolean. */
static bool
is_true(const char *sql, int nargs, Oid *types, Datum *values)
{
	bool		isnull;
	bool		result;

	if (SPI_execute_with_args(sql, nargs, types, values, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "\"%s\" gave no row", sql);
	result = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	return result && !isnull;
}

/* Has the engine already put tokens into the column? */
static bool
has_tokens_of_ours(const RetentionRule *rule)
{
	RetentionIdentity saved;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(rule->relation),
	CStringGetTextDatum(rule->column_name)};
	bool		result;

	retention_identity_become_extension(&saved);
	result = is_true("SELECT EXISTS (SELECT FROM retention.ledger"
					 " WHERE event = 'batch' AND relation = $1 AND column_name = $2"
					 " AND (action LIKE 'pseudonymise%' OR action LIKE 'decorrelate%'))",
					 2, types, values);
	retention_identity_restore(&saved);
	return result;
}

/*
 * Tokens of bigint and inet are told by their range alone, which must therefore
 * be free of clear values when the first token comes.
 */
static void
refuse_clear_values_like_tokens(Oid relid, List *rules)
{
	ListCell   *lc;

	SPI_connect();
	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);
		RetentionIdentity saved;
		Oid			type;
		bool		occupied;

		if (rule->attnum == 0 || rule->action == NULL ||
			(rule->action->kind != RETENTION_PSEUDONYMISE &&
			 rule->action->kind != RETENTION_DECORRELATE))
			continue;
		type = getBaseType(get_atttype(relid, rule->attnum));
		if ((type != INT8OID && type != INETOID) || has_tokens_of_ours(rule))
			continue;

		retention_identity_become_owner(&saved, relid);
		occupied = is_true(psprintf("SELECT EXISTS (SELECT FROM %s AS t"
									" WHERE retention.is_pseudonym((t.%s)::%s))",
									rule->relation,
									quote_identifier(rule->column_name),
									format_type_be_qualified(type)),
						   0, NULL, NULL);
		retention_identity_restore(&saved);
		if (occupied)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("column %s.%s has clear values in the range of pseudonyms",
							rule->relation, quote_identifier(rule->column_name)),
					 errdetail("A pseudonym of type %s is told by its range, so these values would be taken for pseudonyms and stay.",
							   format_type_be(type)),
					 errhint("Change these values, or choose another action, such as \"then set null\".")));
	}
	SPI_finish();
}

static void
refuse_rewriting(Oid relid)
{
	char	   *remedy = retention_rewrite_remedy(relid);

	if (remedy != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has a rule ON UPDATE or ON DELETE",
						retention_start_relation_name(relid)),
				 errdetail("It would turn the statements of the engine into others."),
				 errhint("%s;", remedy)));
}

typedef struct DueCount
{
	Oid			relid;
	TimestampTz as_of;
	int64		rows;
} DueCount;

static void
count_due(void *arg)
{
	DueCount   *count = (DueCount *) arg;
	List	   *rules = retention_rule_compile(count->relid);
	List	   *dues = NIL;
	ListCell   *lc;

	foreach(lc, rules)
	{
		RetentionRule *rule = (RetentionRule *) lfirst(lc);

		if (rule->valid && rule->action != NULL)
			dues = lappend(dues, retention_due_build(rule, rules, count->as_of));
	}
	count->rows = retention_tally_distinct(count->relid, dues);
}

char *
retention_admission_count(Oid relid, TimestampTz as_of, int64 *rows)
{
	DueCount	count = {relid, as_of, -1};
	char	   *failed = retention_tally_try(count_due, &count);

	*rows = count.rows;
	return failed;
}

bool
retention_admission_is_many(Oid relid, int64 rows)
{
	return rows > UNCONFIRMED_ROWS ||
		(rows > UNCONFIRMED_SHARE_FROM &&
		 retention_tally_fewer_than(relid, rows * UNCONFIRMED_SHARE));
}

static void
require_confirmation(Oid relid, int64 due, int64 at_most)
{
	if (at_most >= 0)
	{
		if (due > at_most)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg(INT64_FORMAT " rows of table %s are due, more than at_most = " INT64_FORMAT,
							due, retention_start_relation_name(relid), at_most),
					 errhint("SELECT retention.protect(%s, at_most => " INT64_FORMAT ");",
							 quote_literal_cstr(retention_start_relation_name(relid)), due)));
		return;
	}
	if (retention_admission_is_many(relid, due))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg(INT64_FORMAT " rows of table %s would go at once",
						due, retention_start_relation_name(relid)),
				 errdetail("More than %d rows, or more than %d %% of a table's rows if they are more than %d, go only when their number is confirmed.",
						   UNCONFIRMED_ROWS, 100 / UNCONFIRMED_SHARE, UNCONFIRMED_SHARE_FROM),
				 errhint("SELECT retention.protect(%s, at_most => " INT64_FORMAT ");",
						 quote_literal_cstr(retention_start_relation_name(relid)), due)));
}

int64
retention_admission_check(Oid relid, int64 at_most, TimestampTz as_of)
{
	List	   *rules = retention_rule_compile(relid);
	int64		rows;
	char	   *failed;

	refuse_invalid_rules(relid, rules);
	refuse_uncovered_columns(relid);
	refuse_rewriting(relid);
	refuse_clear_values_like_tokens(relid, rules);

	/*
	 * one row with a bad value must neither show it nor keep the rest for
	 * ever
	 */
	failed = retention_admission_count(relid, as_of, &rows);
	if (failed)
		ereport(at_most < 0 ? ERROR : WARNING,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("the due rows of table %s cannot be counted",
						retention_start_relation_name(relid)),
				 errdetail("A starting point, condition or action fails with SQLSTATE %s.", failed),
				 at_most < 0 ?
				 errhint("Mend the rows, or give at_most: rows that fail are then left out and shown in retention.blocked.") :
				 errhint("Rows that fail are left out and shown in retention.blocked.")));
	else
		require_confirmation(relid, rows, at_most);
	warn(relid, rules);
	retention_feasibility_warn(relid, rules, failed ? -1 : rows);
	return rows;
}
