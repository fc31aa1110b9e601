/*
 * tally.c
 *		How many rows are due, and how many wait for something.
 *
 * Invariant: nothing is changed, not even on a standby: all statements are read
 * only, and none waits long for a lock.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "nodes/plannodes.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "due/tally.h"

static void
append_branch(StringInfo sql, const RetentionDue *due, const char *columns,
			  const char *from, const char *path, const char *what,
			  const char *unheld)
{
	if (sql->len > 0)
		appendStringInfoString(sql, " UNION ALL ");
	appendStringInfo(sql, "SELECT %s FROM %s AS t%s%s WHERE (%s) AND (%s) AND (%s) AND (%s) AND (%s)",
					 columns, retention_due_relation(due->rule->relid),
					 from ? ", " : "", from ? from : "",
					 path, what, due->applies, due->pending, unheld);
}

char *
retention_tally_select(const RetentionDue *due, RetentionTallyKind kind,
					   const char *columns)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	if (kind == RETENTION_TALLY_ORPHANED)
	{
		if (strcmp(due->orphaned, "false") == 0)
			return NULL;
		append_branch(&sql, due, columns, NULL, "true", due->orphaned, "true");
		return sql.data;
	}
	if ((kind == RETENTION_TALLY_KEPT && strcmp(due->free, "true") == 0) ||
		(kind == RETENTION_TALLY_HELD && strcmp(due->unheld, "true") == 0))
		return NULL;

	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);
		char	   *what = NULL;
		const char *unheld = "true";

		switch (kind)
		{
			case RETENTION_TALLY_DUE:
				what = arm->due;
				unheld = due->unheld;
				break;
			case RETENTION_TALLY_READY:
				what = psprintf("(%s) AND (%s)", arm->due, due->free);
				unheld = due->unheld;
				break;
			case RETENTION_TALLY_KEPT:
				what = psprintf("(%s) AND NOT (%s)", arm->due, due->free);
				unheld = due->unheld;
				break;
			case RETENTION_TALLY_HELD:
				what = psprintf("(%s) AND NOT (%s)", arm->due, due->unheld);
				break;
			case RETENTION_TALLY_NOT_STARTED:
				what = psprintf("(%s) IS NULL", arm->clock);
				break;
			case RETENTION_TALLY_IMPLAUSIBLE:
				what = arm->implausible;
				break;
			case RETENTION_TALLY_ORPHANED:
				break;
		}
		append_branch(&sql, due, columns, arm->from, arm->path, what, unheld);
	}
	return sql.len > 0 ? sql.data : NULL;
}

/*
 * Runs a statement of one row and one column as the table's owner. False if the
 * planner expects it to cost more than max_cost (0 = any).
 */
static bool
fetch_value(Oid relid, const char *sql, double max_cost,
			Datum *value, bool *isnull)
{
	RetentionIdentity saved;
	SPIPlanPtr	plan;
	bool		cheap = true;

	SPI_connect();
	retention_identity_become_owner(&saved, relid);
	retention_settings_limit_lock_waits();

	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (max_cost > 0)
	{
		CachedPlan *cached = SPI_plan_get_cached_plan(plan);

		if (cached != NULL)
		{
			PlannedStmt *statement = linitial_node(PlannedStmt, cached->stmt_list);

			cheap = statement->planTree->total_cost <= max_cost;
			ReleaseCachedPlan(cached, NULL);
		}
	}
	if (cheap)
	{
		if (SPI_execute_plan(plan, NULL, NULL, true, 0) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "a count gave no row");
		/* both counts and times are passed by value */
		*value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	}
	SPI_freeplan(plan);
	retention_identity_restore(&saved);
	SPI_finish();
	return cheap;
}

bool
retention_tally_count(const RetentionDue *due, RetentionTallyKind kind,
					  int64 cap, double max_cost, int64 *rows, bool *exact)
{
	char	   *select = retention_tally_select(due, kind, "1");
	char	   *sql;
	Datum		value;
	bool		isnull;

	*rows = 0;
	*exact = true;
	if (select == NULL)
		return true;
	sql = cap > 0 ?
		psprintf("SELECT pg_catalog.count(*) FROM (%s LIMIT " INT64_FORMAT ") AS s",
				 select, cap + 1) :
		psprintf("SELECT pg_catalog.count(*) FROM (%s) AS s", select);
	if (!fetch_value(due->rule->relid, sql, max_cost, &value, &isnull))
	{
		*exact = false;
		return false;
	}
	*rows = DatumGetInt64(value);
	if (cap > 0 && *rows > cap)
	{
		*rows = cap;
		*exact = false;
	}
	return true;
}

/* Clocks near the end of time would overflow; nobody will see them due. */
char *
retention_tally_deadline(const RetentionDue *due, const RetentionArm *arm)
{
	return psprintf("CASE WHEN %s > '200000-01-01 00:00:00+00'::timestamptz"
					" THEN 'infinity'::timestamptz ELSE %s END",
					arm->clock, arm->due_at);
}

/*
 * min() of the deadlines of due rows. The oldest clock is the oldest deadline, so
 * that an index on it serves; a cap takes any rows instead.
 */
static char *
oldest_statement(const RetentionDue *due, int64 cap)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);
		StringInfoData branch;

		initStringInfo(&branch);
		append_branch(&branch, due,
					  psprintf("%s AS due_at", retention_tally_deadline(due, arm)),
					  arm->from, arm->path, arm->due, due->unheld);
		appendStringInfo(&sql, "%s(%s", sql.len > 0 ? " UNION ALL " : "", branch.data);
		if (cap > 0)
			appendStringInfo(&sql, " LIMIT " INT64_FORMAT ")", cap);
		else
			appendStringInfo(&sql, " ORDER BY %s LIMIT 1)", arm->order);
	}
	return psprintf("SELECT pg_catalog.min(due_at) FROM (%s) AS s", sql.data);
}

bool
retention_tally_oldest(const RetentionDue *due, int64 cap, double max_cost,
					   TimestampTz *oldest, bool *exact)
{
	Oid			relid = due->rule->relid;
	Datum		value;
	bool		isnull;

	*oldest = DT_NOEND;
	*exact = true;
	if (!fetch_value(relid, oldest_statement(due, 0), max_cost, &value, &isnull))
	{
		*exact = false;
		if (!fetch_value(relid, oldest_statement(due, cap), max_cost, &value, &isnull))
			return false;
	}
	if (!isnull)
		*oldest = DatumGetTimestampTz(value);
	return true;
}

int64
retention_tally_distinct(Oid relid, List *dues)
{
	StringInfoData sql;
	int			branches = 0;
	ListCell   *lc;
	Datum		value;
	bool		isnull;

	initStringInfo(&sql);
	foreach(lc, dues)
	{
		char	   *select = retention_tally_select((RetentionDue *) lfirst(lc),
													RETENTION_TALLY_DUE,
													"t.tableoid, t.ctid");

		if (select == NULL)
			continue;
		appendStringInfo(&sql, "%s(%s)", branches++ > 0 ? " UNION " : "", select);
	}
	if (branches == 0)
		return 0;
	fetch_value(relid,
				psprintf("SELECT pg_catalog.count(*) FROM (%s) AS s", sql.data),
				0, &value, &isnull);
	return DatumGetInt64(value);
}

bool
retention_tally_fewer_than(Oid relid, int64 rows)
{
	Datum		value;
	bool		isnull;

	fetch_value(relid,
				psprintf("SELECT pg_catalog.count(*) FROM (SELECT FROM %s LIMIT " INT64_FORMAT ") AS s",
						 retention_due_relation(relid), rows),
				0, &value, &isnull);
	return DatumGetInt64(value) < rows;
}

char *
retention_tally_try(void (*work) (void *), void *arg)
{
	ErrorData  *error = retention_attempt_run(work, arg);
	char	   *state;

	if (error == NULL)
		return NULL;
	state = pstrdup(unpack_sql_state(error->sqlerrcode));
	FreeErrorData(error);
	return state;
}
