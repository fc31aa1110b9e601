/*
 * pass.c
 *		One pass over the rules that are due.
 *
 * Invariant: the cut-off is fixed for a pass; each batch is a transaction; one
 * table never stops another; no two passes do the same table at once.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/extension.h"
#include "base/origin.h"
#include "base/procedure.h"
#include "due/dependent.h"
#include "enforce/jump.h"
#include "enforce/pass.h"
#include "enforce/pause.h"
#include "enforce/subscription.h"
#include "enforce/sweep.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "policy/rule.h"
#include "sentry/clock_guard.h"
#include "sentry/late_write.h"
#include "sentry/sentry.h"

/* A rule gets this part of the time that is left, and at least so long (ms). */
#define SLICE_SHARE 4
#define LEAST_SLICE 50

/* Rows that wait for each other are set free round by round, but not for ever. */
#define MOST_ROUNDS 1000

typedef struct PassRule
{
	Oid			relid;
	AttrNumber	attnum;
	int			stage;
	bool		waits;			/* nothing more in this pass */
} PassRule;

static bool
lock_table(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, relid, 0, RETENTION_PASS_LOCK_CLASS);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
unlock_tables(List *relations)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		LOCKTAG		tag;

		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, lfirst_oid(lc), 0, RETENTION_PASS_LOCK_CLASS);
		LockRelease(&tag, ExclusiveLock, true);
	}
}

static void
raise_guards(void *arg)
{
	retention_sentry_post(*(Oid *) arg);
}

/* A partition that came since has no TRUNCATE guard, a new child none at all. */
static void
guard_newcomers(Oid relid)
{
	ErrorData  *error;

	if (!OidIsValid(retention_guard_gap(relid)))
		return;
	error = retention_attempt_run(raise_guards, &relid);
	if (error != NULL)
		ereport(LOG,
				(errmsg("privacy_retention: new partitions of %s could not be guarded: SQLSTATE %s",
						retention_start_relation_name(relid),
						unpack_sql_state(error->sqlerrcode))));
}

/*
 * Protected tables that are not paused and that no other pass is busy with,
 * children before parents.  *resume: when the first pause ends.
 */
static List *
tables_to_visit(Oid relid, List *volatile *locked, TimestampTz *resume)
{
	List	   *relations = OidIsValid(relid) ? list_make1_oid(relid) :
	retention_labelled_relations();
	List	   *visit = NIL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	*resume = DT_NOEND;
	foreach(lc, relations)
	{
		Oid			table = lfirst_oid(lc);
		RetentionPause pause;

		if (retention_guard_state(table) != RETENTION_PROTECTED ||
			retention_subscription_name(table) != NULL)
			continue;
		if (retention_pause_find(retention_start_relation_name(table), now, &pause))
		{
			*resume = Min(*resume, pause.until);
			continue;
		}
		if (!lock_table(table))
		{
			ereport(OidIsValid(relid) ? WARNING : DEBUG1,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("another pass is at work on table %s",
							retention_start_relation_name(table))));
			continue;
		}
		*locked = lappend_oid(*locked, table);
		guard_newcomers(table);
		visit = lappend_oid(visit, table);
	}
	return retention_dependent_order(visit);
}

typedef struct TableRules
{
	Oid			relid;
	List	   *rules;
} TableRules;

static void
compile_rules(void *arg)
{
	TableRules *table = (TableRules *) arg;

	table->rules = retention_rule_compile(table->relid);
}

static void
guard_clocks(void *arg)
{
	TableRules *table = (TableRules *) arg;

	if (retention_clock_guard_gap(table->relid, table->rules))
		retention_clock_guard_settle(table->relid, true);
}

static void
look_back(void *arg)
{
	retention_late_write_consume(((TableRules *) arg)->relid);
}

/* What has to be so before the table's rules are swept; else the next pass tries. */
static void
get_ready(TableRules *table)
{
	ErrorData  *error = retention_attempt_run(guard_clocks, table);

	if (error != NULL)
		ereport(LOG,
				(errmsg("privacy_retention: tables with starting points of %s could not be guarded: SQLSTATE %s",
						retention_start_relation_name(table->relid),
						unpack_sql_state(error->sqlerrcode))));
	error = retention_attempt_run(look_back, table);
	if (error != NULL)
		ereport(LOG,
				(errmsg("privacy_retention: late rows of %s are left to the next full search: SQLSTATE %s",
						retention_start_relation_name(table->relid),
						unpack_sql_state(error->sqlerrcode))));
}

/* Rows first, then columns: what goes with its row is not changed before. */
static List *
rules_of(List *relations)
{
	List	   *result = NIL;
	ListCell   *relation;

	foreach(relation, relations)
	{
		TableRules	table = {lfirst_oid(relation), NIL};
		ErrorData  *error = retention_attempt_run(compile_rules, &table);
		ListCell   *lc;

		if (error != NULL)
			ereport(LOG,
					(errmsg("privacy_retention: the rules of relation %u could not be read: SQLSTATE %s",
							table.relid, unpack_sql_state(error->sqlerrcode))));
		else
			get_ready(&table);
		foreach(lc, table.rules)
		{
			RetentionRule *rule = (RetentionRule *) lfirst(lc);
			PassRule   *entry;

			if (!rule->valid || rule->action == NULL)
				continue;
			entry = palloc0(sizeof(PassRule));
			entry->relid = rule->relid;
			entry->attnum = rule->attnum;
			entry->stage = rule->stage;
			result = lappend(result, entry);
		}
	}
	return result;
}

static TimestampTz
slice_end(TimestampTz stop_at)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		slice;

	if (TIMESTAMP_IS_NOEND(stop_at))
		return stop_at;
	slice = Max((stop_at - now) / SLICE_SHARE, LEAST_SLICE * INT64CONST(1000));
	return Min(stop_at, now + slice);
}

/*
 * Rounds over the rules, until a round neither ran out of time nor removed what
 * may have kept other rows: the last child, the last row of a cycle.
 */
static void
run_rounds(List *rules, Oid relid, TimestampTz as_of, bool retry,
		   TimestampTz stop_at, RetentionPassResult *result)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		again = true;

	for (int round = 0; again && round < MOST_ROUNDS; round++)
	{
		int64		gone = 0;
		bool		unfinished = false;
		bool		waiting = false;
		ListCell   *lc;

		result->next_due = DT_NOEND;
		foreach(lc, rules)
		{
			PassRule   *rule = (PassRule *) lfirst(lc);
			RetentionSweep sweep = {0};

			if (!TIMESTAMP_IS_NOEND(stop_at) && GetCurrentTimestamp() >= stop_at)
			{
				result->more = true;
				return;
			}
			CHECK_FOR_INTERRUPTS();
			if (rule->waits)
				continue;
			sweep.as_of = as_of;
			sweep.now = now;
			sweep.stop_at = slice_end(stop_at);
			sweep.retry = retry;
			sweep.full = OidIsValid(relid) || as_of > now;
			retention_sweep_rule(rule->relid, rule->attnum, rule->stage, &sweep);
			rule->waits = sweep.waits;
			result->rows += sweep.rows;
			result->next_due = Min(result->next_due, sweep.next_due);
			gone += sweep.rows;
			unfinished |= !sweep.complete;
			waiting |= sweep.stuck > 0 || sweep.kept;
		}
		again = gone > 0 && (unfinished || waiting);
		result->more = unfinished && gone > 0;
	}
}

void
retention_pass_run(Oid relid, TimestampTz as_of, bool retry, int budget,
				   RetentionPassResult *result)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "privacy_retention pass",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz stop_at = budget > 0 ?
	GetCurrentTimestamp() + budget * INT64CONST(1000) : DT_NOEND;
	List	   *volatile locked = NIL;

	memset(result, 0, sizeof(*result));
	result->next_due = DT_NOEND;
	retention_extension_require("enforced");
	retention_procedure_connect();

	PG_TRY();
	{
		List	   *tables;
		List	   *rules;
		TimestampTz resume;
		bool		steady;

		retention_sweep_commit();
		retention_origin_take();
		retention_sweep_commit();
		MemoryContextSwitchTo(context);
		steady = retention_jump_note();
		retention_sweep_commit();
		retention_hold_guard_newcomers();
		if (steady)
			tables = tables_to_visit(relid, &locked, &resume);
		else
		{
			tables = NIL;
			resume = DT_NOEND;
			if (!retention_compat_is_worker())
				ereport(WARNING,
						(errmsg("nothing was enforced: the server's clock went back behind the last pass"),
						 errhint("%s;", RETENTION_JUMP_REMEDY)));
		}
		rules = rules_of(tables);
		run_rounds(rules, relid, as_of, retry, stop_at, result);
		result->next_due = Min(result->next_due, resume);

		/* Durable with the seal: an asynchronous commit before it is, too. */
		retention_sweep_commit();
		retention_procedure_commit();
		(void) retention_ledger_seal();
		retention_procedure_commit();
	}
	PG_FINALLY();
	{
		retention_origin_release();
		unlock_tables(locked);
		retention_extension_unlock();
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	PG_END_TRY();
	SPI_finish();
}

void
retention_pass_require_protected(Oid relid)
{
	const char *name;
	Oid			root;
	char	   *subscription;

	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	name = retention_start_relation_name(relid);
	root = retention_labelled_root(relid);
	if (root != relid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", name),
				 errhint("Name the root of the partition tree, %s.",
						 retention_start_relation_name(root))));
	switch (retention_guard_state(relid))
	{
		case RETENTION_PROTECTED:
			subscription = retention_subscription_name(relid);
			if (subscription == NULL)
				return;
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s is left to its publisher", name),
					 errdetail("Its %s.", retention_subscription_reason(subscription)),
					 errhint("Where the publisher deletes nothing: %s;",
							 retention_subscription_remedy())));
			break;
		case RETENTION_WATCHED:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s is not protected", name),
					 errhint("SELECT retention.protect(%s);", quote_literal_cstr(name))));
			break;
		case RETENTION_DISABLED:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the guard of table %s is disabled", name),
					 errhint("ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_privacy_retention;", name)));
			break;
		case RETENTION_COPIED:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s is a copy that waits to be adopted", name),
					 errhint("If this database shall keep the notice, SELECT retention.adopt(%s);",
							 quote_literal_cstr(name))));
			break;
	}
}
