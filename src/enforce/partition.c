/*
 * partition.c
 *		Partitions of which every row is due.
 *
 * Invariant: a partition is emptied as a whole only where emptying it row by row
 * would have the same effect: no trigger, rule, foreign key or dependent row
 * would have noticed.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "enforce/partition.h"
#include "guard/guard.h"
#include "guard/hold_guard.h"
#include "policy/start.h"

/* Larger ones (8 kB blocks) would be locked for too long while they are read. */
#define LARGEST_BLOCKS 131072

typedef struct Clearing
{
	RetentionBatch *batch;
	Oid			leaf;
	bool		drop;
	int64		rows;
	TimestampTz oldest;
} Clearing;

/* Would somebody notice each row that is deleted? */
static bool
deletes_are_noticed(Relation rel)
{
	if (rel->rd_rules != NULL)
		return true;
	if (rel->trigdesc != NULL)
		for (int i = 0; i < rel->trigdesc->numtriggers; i++)
		{
			Trigger    *trigger = &rel->trigdesc->triggers[i];

			if (TRIGGER_FOR_DELETE(trigger->tgtype) &&
				strcmp(trigger->tgname, RETENTION_GUARD_NAME) != 0 &&
				strcmp(trigger->tgname, RETENTION_HOLD_GUARD_NAME) != 0)
				return true;
		}
	return false;
}

List *
retention_partition_candidates(const RetentionDue *due)
{
	List	   *candidates = NIL;
	ListCell   *lc;

	if (due->rule->attnum != 0 || strcmp(due->free, "true") != 0 ||
		get_rel_relkind(due->rule->relid) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	foreach(lc, find_all_inheritors(due->rule->relid, NoLock, NULL))
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);
		BlockNumber blocks = 0;

		if (rel == NULL)
			continue;
		if (rel->rd_rel->relkind == RELKIND_RELATION && !deletes_are_noticed(rel))
			blocks = RelationGetNumberOfBlocks(rel);
		relation_close(rel, AccessShareLock);
		if (blocks > 0 && blocks <= LARGEST_BLOCKS)
			candidates = lappend_oid(candidates, lfirst_oid(lc));
	}
	return candidates;
}

static char *
row_is_due(const RetentionDue *due)
{
	return psprintf("((%s) AND %s AND %s)", retention_due_condition(due->arms), due->applies,
					due->unheld);
}

/* Is there a row that is not due?  Also true of an empty partition. */
static bool
has_live_row(const Clearing *clearing)
{
	const RetentionDue *due = clearing->batch->due;
	const char *leaf = retention_start_relation_name(clearing->leaf);
	bool		isnull;

	if (SPI_execute(psprintf("SELECT EXISTS (SELECT 1 FROM ONLY %s AS t WHERE %s IS NOT TRUE)"
							 " OR NOT EXISTS (SELECT 1 FROM ONLY %s)",
							 leaf, row_is_due(due), leaf),
					false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look at a partition");
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
									  1, &isnull));
}

/* How many rows there are, and the earliest clock. */
static void
count_rows(Clearing *clearing)
{
	const RetentionDue *due = clearing->batch->due;
	ListCell   *lc;

	clearing->oldest = DT_NOEND;
	foreach(lc, due->arms)
	{
		RetentionArm *arm = (RetentionArm *) lfirst(lc);
		bool		isnull;
		Datum		oldest;

		if (SPI_execute(psprintf("SELECT pg_catalog.count(*), pg_catalog.min(%s)"
								 " FROM ONLY %s AS t%s%s WHERE %s",
								 due->rule->own_period ? arm->due_at : arm->clock,
								 retention_start_relation_name(clearing->leaf),
								 arm->from ? ", " : "", arm->from ? arm->from : "",
								 arm->path),
						false, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not count the rows of a partition");
		clearing->rows += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
													  SPI_tuptable->tupdesc, 1, &isnull));
		oldest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
		if (!isnull)
			clearing->oldest = Min(clearing->oldest, DatumGetTimestampTz(oldest));
	}
}

static void
clear(void *arg)
{
	Clearing   *clearing = (Clearing *) arg;
	RetentionIdentity saved;

	retention_identity_become_owner(&saved, clearing->leaf);
	if (!has_live_row(clearing))
	{
		/* Nobody can add a live row once the lock is there: ask again. */
		LockRelationOid(clearing->leaf, AccessExclusiveLock);
		if (!has_live_row(clearing))
		{
			count_rows(clearing);

			/*
			 * not while users' TRUNCATE triggers run: they would be
			 * permitted, too
			 */
			retention_guard_permit(clearing->drop);
			if (SPI_execute(psprintf(clearing->drop ? "DROP TABLE %s" : "TRUNCATE ONLY %s",
									 retention_start_relation_name(clearing->leaf)),
							false, 0) != SPI_OK_UTILITY)
				elog(ERROR, "could not empty a partition");
			retention_guard_permit(false);
		}
	}
	retention_identity_restore(&saved);
}

/*
 * A slice of time that has passed is not missed; a default, list or hash
 * partition is wanted again by the next row.
 */
static bool
may_be_dropped(Oid leaf)
{
	Oid			parent = get_partition_parent(leaf, true);
	Relation	rel = relation_open(parent, AccessShareLock);
	bool		by_range = RelationGetPartitionKey(rel)->strategy == PARTITION_STRATEGY_RANGE;

	relation_close(rel, AccessShareLock);
	return by_range && get_default_partition_oid(parent) != leaf;
}

int64
retention_partition_clear(RetentionBatch *batch, Oid leaf)
{
	Clearing	clearing = {.batch = batch,.leaf = leaf};
	const RetentionRule *rule = batch->due->rule;
	RetentionIdentity saved;
	int64		lateness = -1;
	ErrorData  *error;

	if (!get_rel_relispartition(leaf))
		return 0;				/* it was detached since */
	clearing.drop = retention_settings_drop_partitions && may_be_dropped(leaf);
	error = retention_attempt_run(clear, &clearing);
	if (error != NULL)
	{
		/* Locked, referenced, or a row's expression fails: row by row, then. */
		FreeErrorData(error);
		return 0;
	}
	if (clearing.rows == 0)
		return 0;

	if (!TIMESTAMP_IS_NOEND(clearing.oldest))
	{
		retention_identity_become_owner(&saved, rule->relid);
		lateness = batch->due->as_of -
			(rule->own_period ? clearing.oldest : retention_due_at(rule, clearing.oldest));
		retention_identity_restore(&saved);
	}
	batch->rows += clearing.rows;
	retention_batch_testify(batch, clearing.rows, Max(lateness, 0),
							clearing.drop ? "a partition was dropped" :
							"a partition was truncated");
	return clearing.rows;
}
