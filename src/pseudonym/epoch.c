/*
 * epoch.c
 *		Key epochs: made, listed, and destroyed, by hand or on their date.
 *
 * Invariant: an epoch that has a date is destroyed when it has come; where it is
 * the one that makes new tokens, another takes its place first, for as long.
 *
 * The symbols have the names that the SQL objects of 1.0 know them by.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "pseudonym/epoch.h"
#include "pseudonym/epoch_record.h"
#include "pseudonym/keyring.h"
#include "pseudonym/keystore.h"

PG_FUNCTION_INFO_V1(retention_keyring_create_key_sql);
PG_FUNCTION_INFO_V1(retention_keyring_destroy_key_sql);
PG_FUNCTION_INFO_V1(retention_keyring_list_sql);

static const RetentionKeyEpoch *
find(const RetentionKeyList *list, int epoch)
{
	for (int i = 0; i < list->count; i++)
		if (list->epochs[i].epoch == epoch)
			return &list->epochs[i];
	return NULL;
}

/* False with the problem; the store is closed in any case. */
static bool
look(RetentionKeyList *list, RetentionKeyProblem *problem)
{
	RetentionKeystore store;
	bool		good;

	if (!retention_keystore_open(&store, false, problem))
		return false;
	good = retention_keystore_list(&store, list, problem);
	retention_keystore_close(&store);
	return good;
}

/* A damaged file, or one that others can read: its date is not known. */
static bool
is_unusable(const RetentionKeyEpoch *epoch)
{
	return epoch->present && !epoch->destroyed && TIMESTAMP_IS_NOBEGIN(epoch->created_at);
}

/* ---- On their date ---- */

static bool
is_due(const RetentionKeyEpoch *epoch, TimestampTz now)
{
	return epoch->present && (epoch->destroyed || epoch->destroy_on <= now);
}

static bool
any_due(const RetentionKeyList *list, TimestampTz now)
{
	for (int i = 0; i < list->count; i++)
		if (is_due(&list->epochs[i], now))
			return true;
	return false;
}

static TimestampTz
next_date(const RetentionKeyList *list, TimestampTz now)
{
	TimestampTz next = DT_NOEND;

	for (int i = 0; i < list->count; i++)
		if (list->epochs[i].present && list->epochs[i].destroy_on > now)
			next = Min(next, list->epochs[i].destroy_on);
	return next;
}

/*
 * Rules that pseudonymise go on, and with a key that lives as long as this one. Not
 * less than a day: numbers of epochs are not used up by one short life.
 */
static bool
replace(RetentionKeystore *store, const RetentionKeyEpoch *current, TimestampTz now,
		RetentionKeyProblem *problem)
{
	TimestampTz life = Max(current->destroy_on - current->created_at, USECS_PER_DAY);
	int			epoch = retention_keystore_create(store, now, now + life, problem);

	if (epoch == 0)
		return false;
	ereport(LOG,
			(errmsg("privacy_retention: made the key of epoch %d, in the place of epoch %d, whose date has come",
					epoch, current->epoch)));
	return true;
}

static bool
destroy(RetentionKeystore *store, const RetentionKeyEpoch *epoch,
		RetentionKeyProblem *problem)
{
	if (!retention_keystore_destroy(store, epoch->epoch, GetCurrentTimestamp(), problem))
		return false;
	ereport(LOG,
			(epoch->destroyed ?
			 errmsg("privacy_retention: completed the destruction of the key of epoch %d",
					epoch->epoch) :
			 errmsg("privacy_retention: destroyed the key of epoch %d, whose date has come",
					epoch->epoch)));
	return true;
}

static bool
destroy_due(RetentionKeystore *store, TimestampTz now, RetentionKeyProblem *problem)
{
	RetentionKeyList list;
	const RetentionKeyEpoch *current;

	/* Again: another process may have done it meanwhile. */
	if (!retention_keystore_list(store, &list, problem))
		return false;
	current = find(&list, retention_keystore_current(&list));
	/* First the others: while they cannot be destroyed, none is made. */
	for (int i = 0; i < list.count; i++)
		if (&list.epochs[i] != current && is_due(&list.epochs[i], now) &&
			!destroy(store, &list.epochs[i], problem))
			return false;
	return current == NULL || !is_due(current, now) ||
		(replace(store, current, GetCurrentTimestamp(), problem) &&
		 destroy(store, current, problem));
}

static void
warn(const RetentionKeyProblem *problem)
{
	ereport(WARNING,
			(errcode(problem->code),
			 errmsg("keys were not looked after: %s", problem->message),
			 problem->log_detail[0] != '\0' ?
			 errdetail_log("%s", problem->log_detail) : 0,
			 problem->hint != NULL ? errhint("%s", problem->hint) : 0));
}

/* A date that nobody can read is not kept: each visit says so. */
static void
warn_of_unusable(const RetentionKeyList *list)
{
	for (int i = 0; i < list->count; i++)
		if (is_unusable(&list->epochs[i]))
			ereport(WARNING,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the key of epoch %d is unusable: whether it has a date is not known",
							list->epochs[i].epoch),
					 errhint("SELECT * FROM retention.check(); says what helps.")));
}

TimestampTz
retention_epoch_tend(TimestampTz now, RetentionKeyList *list)
{
	RetentionKeyProblem problem;
	RetentionKeystore store;
	bool		good;

	good = look(list, &problem);
	if (good && any_due(list, now))
	{
		good = retention_keystore_open(&store, true, &problem);
		if (good)
		{
			good = destroy_due(&store, now, &problem);
			retention_keystore_close(&store);
		}
		retention_keyring_wipe();
		if (!good)
			warn(&problem);
		good = look(list, &problem);
	}
	if (!good)
	{
		/* No directory yet: nobody has made a key. */
		if (problem.code != ERRCODE_UNDEFINED_FILE)
			warn(&problem);
		list->count = 0;
		return DT_NOEND;
	}
	warn_of_unusable(list);
	return next_date(list, now);
}

/* ---- SQL ---- */

static void
require_primary(const char *what)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s during recovery", what),
				 errhint("Keys are made and destroyed on the primary.")));
}

static void
require_future(TimestampTz destroy_on)
{
	if (TIMESTAMP_NOT_FINITE(destroy_on))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the date of a key's destruction must be finite"),
				 errhint("Leave it out: the key then stays until retention.destroy_key().")));
	if (destroy_on <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the date of a key's destruction must be in the future")));
}

/* In the ledger now; where this is rolled back, a visit does it again. */
static void
record(const RetentionKeyList *list, int epoch)
{
	const RetentionKeyEpoch *found = find(list, epoch);

	if (found != NULL && retention_epoch_record_is_known())
		retention_epoch_record(found);
}

/*
 * Makes the key of a new epoch, which is the current one from now on, also if
 * the transaction is rolled back: keys know no transactions.
 */
Datum
retention_keyring_create_key_sql(PG_FUNCTION_ARGS)
{
	bool		has_date = PG_NARGS() > 0 && !PG_ARGISNULL(0);
	TimestampTz destroy_on = has_date ? PG_GETARG_TIMESTAMPTZ(0) : DT_NOEND;
	RetentionKeyProblem problem;
	RetentionKeyList list;
	RetentionKeystore store;
	int			epoch;
	bool		listed;

	retention_identity_require_officer("create a key");
	require_primary("create a key");
	PreventCommandIfReadOnly("retention.create_key()");
	if (has_date)
		require_future(destroy_on);

	if (!retention_keystore_open(&store, true, &problem))
		retention_keystore_raise(&problem);
	epoch = retention_keystore_create(&store, GetCurrentTimestamp(), destroy_on,
									  &problem);
	listed = epoch > 0 && retention_keystore_list(&store, &list, &problem);
	retention_keystore_close(&store);
	retention_keyring_wipe();
	if (epoch == 0)
		retention_keystore_raise(&problem);
	if (listed)
		record(&list, epoch);
	/* The worker learns the date, and records what is not recorded. */
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_INT32(epoch);
}

/* Destroys an epoch's key for good, also if the transaction is rolled back. */
Datum
retention_keyring_destroy_key_sql(PG_FUNCTION_ARGS)
{
	int			epoch = PG_GETARG_INT32(0);
	RetentionKeyList list;
	RetentionKeyProblem problem;
	RetentionKeystore store;
	const RetentionKeyEpoch *found = NULL;
	bool		present = false;
	bool		good;
	bool		listed = false;

	retention_identity_require_officer("destroy a key");
	require_primary("destroy a key");
	PreventCommandIfReadOnly("retention.destroy_key()");

	if (!retention_keystore_open(&store, true, &problem))
		retention_keystore_raise(&problem);
	good = retention_keystore_list(&store, &list, &problem);
	if (good)
	{
		found = find(&list, epoch);
		present = found != NULL && found->present;
	}
	if (present)
	{
		good = retention_keystore_destroy(&store, epoch, GetCurrentTimestamp(), &problem);
		listed = good && retention_keystore_list(&store, &list, &problem);
	}
	retention_keystore_close(&store);
	retention_keyring_wipe();
	if (!good)
		retention_keystore_raise(&problem);
	if (!present)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no key of epoch %d", epoch),
				 found != NULL ? errdetail("It has been destroyed already.") : 0,
				 errhint("The epochs are in the view retention.key.")));
	if (listed)
		record(&list, epoch);
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_VOID();
}

/* One row of retention.key; 1.0 does not know the last column. */
static void
put_epoch(ReturnSetInfo *result, const RetentionKeyEpoch *epoch, bool current)
{
	Datum		values[5];
	bool		nulls[5] = {false};
	const char *state;

	nulls[2] = !epoch->present || TIMESTAMP_IS_NOBEGIN(epoch->created_at);
	nulls[3] = !epoch->destroyed || TIMESTAMP_IS_NOBEGIN(epoch->destroyed_at);
	nulls[4] = !epoch->present || TIMESTAMP_IS_NOEND(epoch->destroy_on);
	if (epoch->destroyed)
		state = epoch->present ? "destroying" : "destroyed";
	else if (is_unusable(epoch))
		state = "unusable";
	else
		state = current ? "current" : "retired";

	values[0] = Int32GetDatum(epoch->epoch);
	values[1] = CStringGetTextDatum(state);
	values[2] = TimestampTzGetDatum(epoch->created_at);
	values[3] = TimestampTzGetDatum(epoch->destroyed_at);
	values[4] = TimestampTzGetDatum(epoch->destroy_on);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
retention_keyring_list_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionKeyProblem problem;
	RetentionKeyList list;
	int			current;

	InitMaterializedSRF(fcinfo, 0);
	if (!retention_keystore_configured())
		return (Datum) 0;
	if (!look(&list, &problem))
	{
		if (problem.code == ERRCODE_UNDEFINED_FILE)
			return (Datum) 0;
		retention_keystore_raise(&problem);
	}
	current = retention_keystore_current(&list);
	for (int i = 0; i < list.count; i++)
		put_epoch(result, &list.epochs[i], list.epochs[i].epoch == current);
	return (Datum) 0;
}
