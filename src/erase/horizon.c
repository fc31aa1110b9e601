/*
 * horizon.c
 *		How far the erasure of each deletion has got.
 *
 * Invariant: a level is only stamped once the one before it is, and once what it
 * says has been looked at on this server; nothing is concluded from what was asked
 * for.
 *
 * Whoever vacuums and scrubs stamps vacuumed to scrubbed; the others are here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/identity.h"
#include "base/settings.h"
#include "erase/holder.h"
#include "erase/horizon.h"
#include "erase/replica.h"
#include "erase/round.h"
#include "erase/scrub.h"
#include "erase/wal.h"

#define HOLDER_COLUMNS 3
#define DECLARATION_COLUMNS 2
#define DOUBT_COLUMNS 2

PG_FUNCTION_INFO_V1(retention_horizon_holders_sql);
PG_FUNCTION_INFO_V1(retention_horizon_declared_sql);
PG_FUNCTION_INFO_V1(retention_horizon_doubts_sql);

/* What was looked at, once for all rounds, and only where a round asks for it. */
typedef struct Look
{
	XLogRecPtr	redo;			/* of the last checkpoint; invalid = not yet */
	RetentionWal *wal;
	bool		wal_known;
} Look;

static XLogRecPtr
redo(Look *look)
{
	if (XLogRecPtrIsInvalid(look->redo))
	{
		RetentionIdentity saved;
		bool		isnull;

		SPI_connect();
		retention_identity_become_extension(&saved);
		if (SPI_execute("SELECT redo_lsn FROM pg_control_checkpoint()", true, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not look at the last checkpoint");
		look->redo = DatumGetLSN(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
											   1, &isnull));
		retention_identity_restore(&saved);
		SPI_finish();
	}
	return look->redo;
}

static RetentionWal *
wal(Look *look)
{
	if (!look->wal_known)
		look->wal = retention_wal_look();
	look->wal_known = true;
	return look->wal;
}

/*
 * Has the round reached the next level?  True: *level.  False: *holder and *remedy;
 * *level is RETENTION_ROUND_LEVELS where it is not for us to say.
 */
static bool
judge(Look *look, const RetentionRound *round, RetentionRoundLevel *level,
	  char **holder, char **remedy)
{
	*holder = *remedy = NULL;
	if (round->reached[RETENTION_ROUND_SCRUBBED] == 0)
	{
		*level = RETENTION_ROUND_REMOVABLE;
		if (round->reached[*level] == 0)
			return retention_holder_removable(round->table, round->horizon, holder, remedy);
		*level = RETENTION_ROUND_LEVELS;
		return false;
	}

	*level = RETENTION_ROUND_DURABLE;
	if (round->reached[*level] == 0)
	{
		if (redo(look) >= round->scrub_lsn)
			return true;
		*holder = pstrdup("the next checkpoint, which writes the pages");
		*remedy = pstrdup("CHECKPOINT");
		return false;
	}
	*level = RETENTION_ROUND_REPLICAS;
	if (round->reached[*level] == 0)
		return retention_replica_followed(round->scrub_lsn, holder, remedy);
	*level = RETENTION_ROUND_WAL_CLEAR;
	if (wal(look) != NULL)
		return retention_wal_clear(wal(look), round->scrub_lsn, holder, remedy);
	*holder = pstrdup("WAL files that come and go too fast to be looked at");
	*remedy = pstrdup("Nothing: it is looked again.");
	return false;
}

/* One session at a time; others have nothing to add. */
static bool
lock(void)
{
	return ConditionalLockRelationOid(retention_identity_own_relation("erasure_round"),
									  ShareUpdateExclusiveLock);
}

/* So far, all that was scrubbed is in this server's files, and all WAL is of after it. */
static XLogRecPtr
settled_to(Look *look)
{
	return wal(look) == NULL ? InvalidXLogRecPtr :
		Min(redo(look), retention_wal_oldest(wal(look)));
}

/*
 * A promoted standby, or a restored copy, has files of its own; on the timeline of its
 * origin, a copy has at least been checkpointed by itself.
 */
static void
settle(Look *look)
{
	TimeLineID	timeline = GetWALInsertionTimeLine();

	if (retention_round_strange(timeline) && wal(look) != NULL)
		retention_round_settle(timeline, settled_to(look));
	if (retention_round_unproved(PgStartTime) && wal(look) != NULL)
		retention_round_prove(PgStartTime, retention_wal_oldest_known(wal(look)));
}

static void
advance(RetentionRound *round, Look *look)
{
	RetentionRoundLevel level;
	char	   *holder;
	char	   *remedy;

	while (round->reached[RETENTION_ROUND_WAL_CLEAR] == 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (!judge(look, round, &level, &holder, &remedy))
		{
			if (level != RETENTION_ROUND_LEVELS)
				retention_round_hold(round, holder, remedy);
			return;
		}
		(void) retention_round_reach(round, level, GetCurrentTimestamp());
		/* stamped by somebody else: looked at again next time */
		if (round->reached[level] == 0)
			return;
	}
}

void
retention_horizon_advance(void)
{
	Look		look = {0};
	ListCell   *lc;

	if (RecoveryInProgress() || XactReadOnly ||
		!OidIsValid(retention_identity_find_own("erasure_round")))
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	if (retention_round_open() != NIL || retention_round_strange(GetWALInsertionTimeLine()) ||
		retention_round_unproved(PgStartTime))
		if (lock())
		{
			settle(&look);
			CommandCounterIncrement();
			UpdateActiveSnapshotCommandId();
			foreach(lc, retention_round_open())
				advance(lfirst(lc), &look);
		}
	PopActiveSnapshot();
}

/*
 * retention.erasure_holders(): what holds each open round now, without a stamp.  On
 * a standby, what the primary noted.
 */
Datum
retention_horizon_holders_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		noted = RecoveryInProgress();
	Look		look = {0};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, retention_round_open())
	{
		RetentionRound *round = lfirst(lc);
		RetentionRoundLevel level = RETENTION_ROUND_LEVELS;
		char	   *holder = NULL;
		char	   *remedy = NULL;
		bool		reached = !noted && judge(&look, round, &level, &holder, &remedy);
		Datum		values[HOLDER_COLUMNS] = {Int64GetDatum(round->id)};
		bool		nulls[HOLDER_COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		if (reached)
			holder = psprintf("nothing: \"%s\" is reached, and will be noted at the next look",
							  retention_round_level_name(level));
		else if (level == RETENTION_ROUND_LEVELS)
		{
			holder = round->held_by;
			remedy = round->remedy;
		}
		if (holder == NULL && !reached && round->reached[RETENTION_ROUND_SCRUBBED] == 0)
		{
			char	   *scrub = psprintf("CALL retention.scrub(%s)", quote_literal_cstr(round->relation));
			bool		vacuumed = round->reached[RETENTION_ROUND_VACUUMED] != 0;

			holder = pstrdup(vacuumed ? "the scrub, which has not been made" :
							 "VACUUM, which has not been made");
			remedy = vacuumed ? scrub :
				psprintf("VACUUM (" RETENTION_SCRUB_VACUUM ", ANALYZE) %s; %s", round->relation, scrub);
		}
		nulls[1] = holder == NULL;
		nulls[2] = remedy == NULL;
		if (holder != NULL)
			values[1] = CStringGetTextDatum(holder);
		if (remedy != NULL)
			values[2] = CStringGetTextDatum(remedy);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

int64
retention_horizon_first_open(void)
{
	TimestampTz backups = retention_settings_backup_retention < 0 ? DT_NOEND :
	GetCurrentTimestamp() - retention_settings_backup_retention * USECS_PER_SEC;
	int64		first;
	ListCell   *lc;

	if (retention_settings_erase_within == 0)
		return PG_INT64_MAX;
	first = retention_round_first_not_clear(backups);
	foreach(lc, retention_round_waiting())
	{
		RetentionRoundWaiting *waiting = (RetentionRoundWaiting *) lfirst(lc);

		if (waiting->has_table)
			first = Min(first, waiting->first_entry);
	}
	return first;
}

/*
 * retention.erasure_doubts(): what rounds say of files that were another server's,
 * until somebody has looked.  None on a standby: there all is said of the primary.
 */
Datum
retention_horizon_doubts_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TimeLineID	timeline;
	bool		strange;
	bool		unproved;
	Look		look = {0};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (RecoveryInProgress())
		return (Datum) 0;
	timeline = GetWALInsertionTimeLine();
	strange = retention_round_strange(timeline);
	unproved = retention_round_unproved(PgStartTime);
	if (!strange && !unproved)
		return (Datum) 0;
	foreach(lc, retention_round_doubted(timeline, settled_to(&look),
										!unproved ? PG_UINT64_MAX : wal(&look) == NULL ? InvalidXLogRecPtr :
										retention_wal_oldest_known(wal(&look))))
	{
		RetentionRound *round = lfirst(lc);
		Datum		values[DOUBT_COLUMNS] = {Int64GetDatum(round->id), BoolGetDatum(round->timeline != timeline)};
		bool		nulls[DOUBT_COLUMNS] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static Datum
seconds(int count)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = count * (int64) USECS_PER_SEC;
	return IntervalPGetDatum(interval);
}

/* retention.erasure_promise(): the settings, whatever the session has loaded. */
Datum
retention_horizon_declared_sql(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[DECLARATION_COLUMNS];
	bool		nulls[DECLARATION_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "retention.erasure_promise() has no row type");
	values[0] = seconds(retention_settings_erase_within);
	nulls[0] = retention_settings_erase_within == 0;
	values[1] = seconds(retention_settings_backup_retention);
	nulls[1] = retention_settings_backup_retention < 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
