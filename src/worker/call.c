/*
 * call.c
 *		CALL retention.enforce(): a pass that a person, or a job, asks for.
 *
 * Invariant: refuses before it begins, and afterwards notes how far erasure has got
 * and tells what has become of the rules, as the worker does.
 *
 * The symbol has the name that the SQL objects of 1.0 know it by.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "tcop/pquery.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/identity.h"
#include "base/procedure.h"
#include "base/settings.h"
#include "enforce/pass.h"
#include "enforce/pause.h"
#include "enforce/sweep.h"
#include "erase/horizon.h"
#include "policy/start.h"
#include "report/alarm.h"
#include "worker/keys.h"

PG_FUNCTION_INFO_V1(retention_pass_enforce_sql);

/* Some tables a transaction: a count that takes long keeps no lock of the others. */
static void
tell_states(Oid relid)
{
	Oid			after = InvalidOid;

	retention_procedure_connect();
	EnsurePortalSnapshotExists();
	for (;;)
	{
		after = retention_alarm_try(relid, after, GetCurrentTimestamp());
		if (!OidIsValid(after))
			break;
		retention_sweep_commit();
	}
	SPI_finish();
}

/* A step of it, in a transaction that has the extension; the next has no snapshot. */
static void
take_key_step(void (*step) (RetentionKeysCare *care), RetentionKeysCare *care)
{
	retention_extension_require("enforced");
	PG_TRY();
	{
		retention_procedure_connect();
		EnsurePortalSnapshotExists();
		step(care);
		retention_procedure_commit();
		SPI_finish();
	}
	PG_FINALLY();
	{
		retention_extension_unlock();
	}
	PG_END_TRY();
}

/*
 * Before the pass, so that it makes tokens with the key that stays, and seals what is
 * recorded here.
 */
static void
look_after_keys(TimestampTz as_of)
{
	RetentionKeysCare *care = palloc0(sizeof(RetentionKeysCare));

	care->now = as_of;
	take_key_step(retention_keys_look, care);
	retention_keys_tend(care);
	if (care->wanted)
		take_key_step(retention_keys_record, care);
}

/* How far the erasure of earlier deletions has got, in a transaction of its own. */
static void
advance_erasure(void)
{
	retention_procedure_connect();
	retention_sweep_commit();
	retention_horizon_advance();
	retention_sweep_commit();
	SPI_finish();
}

/*
 * What comes after the pass, in transactions that have the extension; nothing where it
 * is being dropped.  Who drops it would wait for one table while these wait for another.
 */
static void
follow_up(Oid relid)
{
	bool		busy;

	if (!retention_extension_lock(&busy))
		return;
	PG_TRY();
	{
		advance_erasure();
		tell_states(relid);
	}
	PG_FINALLY();
	{
		retention_extension_unlock();
	}
	PG_END_TRY();
}

/* CALL retention.enforce(relation, as_of) */
Datum
retention_pass_enforce_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz as_of = PG_ARGISNULL(1) ? now : PG_GETARG_TIMESTAMPTZ(1);
	RetentionPassResult result;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("nothing is enforced on a standby"),
				 errhint("Call it on the primary.")));
	retention_procedure_require_nonatomic(fcinfo, "retention.enforce", "batch");
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a finite time")));
	if (as_of > now)
		retention_identity_require_officer("enforce as of a time in the future");
	if (OidIsValid(relid))
	{
		retention_pass_require_protected(relid);
		retention_pause_refuse(retention_start_relation_name(relid));
	}
	if (!retention_settings_enabled)
	{
		ereport(WARNING,
				(errmsg("nothing was enforced: privacy_retention.enabled is off")));
		follow_up(relid);
		PG_RETURN_VOID();
	}
	/* Who enforces one table as of tomorrow does not mean the keys of all. */
	look_after_keys(OidIsValid(relid) ? Min(as_of, now) : as_of);
	retention_pass_run(relid, as_of, OidIsValid(relid), 0, &result);
	follow_up(relid);
	PG_RETURN_VOID();
}
