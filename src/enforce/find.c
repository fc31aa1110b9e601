/*
 * find.c
 *		Finds due rows.
 *
 * Invariant: only finds; whoever changes a row asks the same conditions again.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "enforce/find.h"

/* A look at what falls due next may cost this much, in the planner's units. */
#define NEXT_DUE_COST 2000.0

static char *
time_text(TimestampTz time)
{
	return quote_literal_cstr(DatumGetCString(DirectFunctionCall1(timestamptz_out,
																  TimestampTzGetDatum(time))));
}

/* Takes rows straight from the executor: there may be very many. */
typedef struct RowReceiver
{
	DestReceiver pub;
	HTAB	   *skipped;
	RetentionRow *rows;
	int			limit;
	int			count;
} RowReceiver;

/* Takes a row that the pass may touch; false, to end the search, once there are enough. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	RetentionRow *row = &receiver->rows[receiver->count];
	RetentionSkipped *skip;
	bool		isnull;

	row->leaf = DatumGetObjectId(slot_getattr(slot, 1, &isnull));
	row->tid = *((ItemPointer) DatumGetPointer(slot_getattr(slot, 2, &isnull)));
	row->clock = DatumGetTimestampTz(slot_getattr(slot, 3, &isnull));
	skip = retention_row_skip(receiver->skipped, row->leaf, &row->tid, false);
	if (skip != NULL)
		skip->seen = true;
	else
		receiver->count++;
	return receiver->count < receiver->limit;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receiver_done(DestReceiver *self)
{
}

/*
 * Along indexes, whatever the planner thinks, for two reasons. A row whose
 * expressions fail must not fail others: no plan may look at more rows of the
 * hops' tables than those that the row leads to. And a search for rows to delete
 * grows with those rows, not with the table: what it reads is deleted next.
 */
void
retention_find_carefully(void)
{
	static const char *const off[] = {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"};

	for (int i = 0; i < lengthof(off); i++)
		(void) set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static void
append_range(StringInfo query, const RetentionRange *range)
{
	if (OffsetNumberIsValid(range->offset))
		appendStringInfo(query, " AND t.ctid = '(%u,%u)'", range->first_block, range->offset);
	else
		appendStringInfo(query, " AND t.ctid >= '(%u,0)' AND t.ctid < '(%u,0)'",
						 range->first_block, range->end_block);
}

int
retention_find_rows(const RetentionDue *due, const RetentionArm *arm,
					TimestampTz after, const RetentionRange *range,
					HTAB *skipped, RetentionRow *rows, int limit)
{
	RetentionIdentity saved;
	StringInfoData query;
	SPIExecuteOptions options = {0};
	RowReceiver receiver = {
		.pub = {receive_row, receiver_startup, receiver_done, receiver_done, DestTuplestore},
		.skipped = skipped,.rows = rows,.limit = limit
	};

	retention_identity_become_owner(&saved, due->rule->relid);
	if (range || (due->indexed && due->rule->attnum == 0))
		retention_find_carefully();
	initStringInfo(&query);
	appendStringInfo(&query, "SELECT t.tableoid, t.ctid, %s FROM %s%s AS t%s%s"
					 " WHERE %s AND %s AND %s AND %s AND %s AND %s",
					 due->rule->own_period ? arm->due_at : arm->clock, range ? "ONLY " : "",
					 range ? retention_start_relation_name(range->leaf) : due->rule->relation,
					 arm->from ? ", " : "", arm->from ? arm->from : "",
					 arm->path, arm->due, due->applies, due->pending, due->unheld, due->free);
	if (range)
		append_range(&query, range);
	if (!TIMESTAMP_IS_NOBEGIN(after))
		appendStringInfo(&query, " AND %s > %s::timestamp with time zone",
						 arm->clock, time_text(after));

	options.dest = &receiver.pub;
	if (SPI_execute_extended(query.data, &options) < 0)
		elog(ERROR, "could not search for due rows");
	retention_identity_restore(&saved);
	pfree(query.data);
	return receiver.count;
}

/* The least clock after the cut-off in one arm, DT_NOEND if none. */
static TimestampTz
next_clock(const RetentionDue *due, const RetentionArm *arm)
{
	TimestampTz result = DT_NOEND;
	StringInfoData query;
	SPIPlanPtr	plan;
	CachedPlan *cached;
	double		cost = 0;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT %s FROM %s AS t%s%s"
					 " WHERE %s AND %s > %s AND %s < '200000-01-01' AND %s"
					 " ORDER BY %s LIMIT 1",
					 arm->due_at,
					 due->rule->relation,
					 arm->from ? ", " : "", arm->from ? arm->from : "",
					 arm->path, arm->clock, arm->bound, arm->clock, due->pending, arm->order);
	plan = SPI_prepare(query.data, 0, NULL);
	if (plan == NULL)
		return DT_NOEND;
	cached = SPI_plan_get_cached_plan(plan);
	if (cached != NULL)
	{
		cost = linitial_node(PlannedStmt, cached->stmt_list)->planTree->total_cost;
		/* a plan that is not kept belongs to no resource owner */
		ReleaseCachedPlan(cached, NULL);
	}
	if (cached != NULL && cost <= NEXT_DUE_COST &&
		SPI_execute_plan(plan, NULL, NULL, false, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			result = DatumGetTimestampTz(value);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_freeplan(plan);
	pfree(query.data);
	return result;
}

TimestampTz
retention_find_next_due(const RetentionDue *due)
{
	RetentionIdentity saved;
	TimestampTz next = DT_NOEND;
	ListCell   *lc;

	retention_identity_become_owner(&saved, due->rule->relid);
	foreach(lc, due->arms)
		if (((RetentionArm *) lfirst(lc))->in_order)
		next = Min(next, next_clock(due, (RetentionArm *) lfirst(lc)));
	retention_identity_restore(&saved);
	return next;
}
