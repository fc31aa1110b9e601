/*
 * keyring.c
 *		Key epochs in privacy_retention.key_directory, outside the database.
 *
 * Invariant: key material is never in a Datum, a setting, a message or a log,
 * and a process holds none beyond the end of a transaction.
 *
 * The files are looked at once a statement, so that a new epoch, or the
 * destruction of one, counts in every session from its next statement on. The
 * current epoch is the highest whose key is there. What is used for values is
 * derived: a key for each domain, by HKDF, and one for the marks.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/identity.h"
#include "base/settings.h"
#include "pseudonym/hkdf.h"
#include "pseudonym/keyfile.h"
#include "pseudonym/keyring.h"

#define INFO_PREFIX "privacy_retention pseudonym v1"
#define INFO_MARK "privacy_retention mark v1"
#define MAX_DOMAINS 64			/* derived keys held at once */

typedef struct DomainKey
{
	char	   *domain;
	RetentionHmac *hmac;
} DomainKey;

/* What this process knows, until the statement or the transaction ends. */
static struct
{
	bool		loaded;
	TimestampTz statement;		/* in which the files were looked at */
	int			epoch;			/* 0 = none that can be used */
	uint8		epoch_key[RETENTION_KEY_LENGTH];
	RetentionHmac *mark;		/* NULL = none that can be used */
	RetentionKeyProblem problem;	/* why there is no epoch */
	RetentionKeyProblem mark_problem;	/* why there is no mark */
	int			ndomains;
	DomainKey	domains[MAX_DOMAINS];	/* the last used is the first */
} ring;

PG_FUNCTION_INFO_V1(retention_keyring_create_key_sql);
PG_FUNCTION_INFO_V1(retention_keyring_destroy_key_sql);
PG_FUNCTION_INFO_V1(retention_keyring_list_sql);

/* ---- The cache ---- */

static void
drop_domains(void)
{
	while (ring.ndomains > 0)
	{
		DomainKey  *last = &ring.domains[--ring.ndomains];

		retention_hkdf_hmac_destroy(last->hmac);
		pfree(last->domain);
		last->hmac = NULL;
		last->domain = NULL;
	}
}

/* Never raises an error: it runs where transactions and processes end. */
static void
wipe(void)
{
	drop_domains();
	retention_hkdf_hmac_destroy(ring.mark);
	ring.		mark = NULL;

	explicit_bzero(&ring, sizeof(ring));
}

static void
xact_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			wipe();
			break;
		default:
			break;
	}
}

static void
process_ends(int code, Datum arg)
{
	wipe();
}

static void
mark_is_missing(RetentionKeyProblem *problem)
{
	(void) retention_keydir_fail(problem, ERRCODE_UNDEFINED_FILE,
								 "Restore mark.key from the backup of the keys: without it tokens are not recognised.",
								 "mark.key is missing");
}

static void
load_mark(int directory)
{
	uint8		key[RETENTION_KEY_LENGTH];
	uint8		derived[RETENTION_KEY_LENGTH];
	TimestampTz created_at;

	if (!retention_keyfile_read(directory, RETENTION_KEY_MARK, key, &created_at,
								&ring.mark_problem))
	{
		if (ring.mark_problem.code == ERRCODE_UNDEFINED_FILE)
			mark_is_missing(&ring.mark_problem);
		return;
	}
	PG_TRY();
	{
		retention_hkdf_derive(key, sizeof(key), NULL, 0,
							  (const uint8 *) INFO_MARK, strlen(INFO_MARK),
							  derived, sizeof(derived));
		ring.		mark = retention_hkdf_hmac_create(derived, sizeof(derived));
	}
	PG_FINALLY();
	{
		explicit_bzero(key, sizeof(key));
		explicit_bzero(derived, sizeof(derived));
	}
	PG_END_TRY();
}

/* The current epoch, or 0. */
static int
highest_usable(const RetentionKeyList *list)
{
	for (int i = list->count - 1; i >= 0; i--)
		if (list->epochs[i].present && !list->epochs[i].destroyed)
			return list->epochs[i].epoch;
	return 0;
}

static void
load_epoch(int directory)
{
	RetentionKeyList list;
	TimestampTz created_at;
	int			highest;

	if (!retention_keydir_list(directory, &list, &ring.problem))
		return;
	highest = highest_usable(&list);
	if (highest == 0)
	{
		(void) retention_keydir_fail(&ring.problem,
									 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
									 "SELECT retention.create_key();",
									 list.count == 0 ? "there is no key" :
									 "there is no key: all epochs were destroyed");
		if (list.count == 0 && !list.has_mark)
			ring.		mark_problem = ring.problem;
	}
	else if (retention_keyfile_read(directory, highest, ring.epoch_key,
									&created_at, &ring.problem))
		ring.		epoch = highest;
}

/* Looks at the files, unless this statement has done so. */
static void
refresh(void)
{
	static bool registered = false;
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	int			directory;

	if (ring.loaded && ring.statement == statement)
		return;
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		on_proc_exit(process_ends, (Datum) 0);
		registered = true;
	}
	wipe();

	directory = retention_keydir_open(false, &ring.problem);
	if (directory < 0)
		ring.		mark_problem = ring.problem;

	else
	{
		PG_TRY();
		{
			load_mark(directory);
			load_epoch(directory);
		}
		PG_FINALLY();
		{
			close(directory);
		}
		PG_END_TRY();
	}
	ring.		statement = statement;
	ring.		loaded = true;
}

static void
raise_problem(const RetentionKeyProblem *problem)
{
	ereport(ERROR,
			(errcode(problem->code),
			 errmsg("%s", problem->message),
			 problem->log_detail[0] != '\0' ?
			 errdetail_log("%s", problem->log_detail) : 0,
			 problem->hint != NULL ? errhint("%s", problem->hint) : 0));
}

/* The domain's key, derived at most once a statement. */
static RetentionHmac *
domain_hmac(const char *domain)
{
	StringInfoData info;
	uint8		derived[RETENTION_KEY_LENGTH];
	DomainKey	found = {NULL, NULL};
	int			at;

	for (at = 0; at < ring.ndomains; at++)
		if (strcmp(ring.domains[at].domain, domain) == 0)
		{
			found = ring.domains[at];

			break;
		}
	if (at == 0 && found.hmac != NULL)
		return found.hmac;

	if (found.hmac == NULL)
	{
		if (ring.ndomains == MAX_DOMAINS)
			drop_domains();
		initStringInfo(&info);
		appendStringInfoString(&info, INFO_PREFIX);
		appendStringInfoString(&info, domain);
		PG_TRY();
		{
			retention_hkdf_derive(ring.epoch_key, sizeof(ring.epoch_key),
								  NULL, 0, (uint8 *) info.data, info.len,
								  derived, sizeof(derived));
			found.domain = MemoryContextStrdup(TopMemoryContext, domain);
			found.hmac = retention_hkdf_hmac_create(derived, sizeof(derived));
		}
		PG_FINALLY();
		{
			explicit_bzero(derived, sizeof(derived));
		}
		PG_END_TRY();
		pfree(info.data);
		at = ring.	ndomains++;
	}
	memmove(&ring.domains[1], &ring.domains[0], sizeof(DomainKey) * at);
	ring.		domains[0] = found;

	return found.hmac;
}

/* ---- For the other rooms ---- */

bool
retention_keyring_ready(char **problem, char **hint)
{
	const RetentionKeyProblem *why = NULL;

	refresh();
	if (ring.epoch == 0)
		why = &ring.problem;
	else if (ring.mark == NULL)
		why = &ring.mark_problem;
	if (why == NULL)
		return true;
	*problem = pstrdup(why->message);
	*hint = why->hint != NULL ? pstrdup(why->hint) : NULL;
	return false;
}

void
retention_keyring_hmac(const char *domain, const void *data, size_t length,
					   uint8 result[32])
{
	refresh();
	if (ring.epoch == 0)
		raise_problem(&ring.problem);
	retention_hkdf_hmac(domain_hmac(domain), data, length, result);
}

void
retention_keyring_mark_hmac(const void *data, size_t length, uint8 result[32])
{
	refresh();
	if (ring.mark == NULL)
		raise_problem(&ring.mark_problem);
	retention_hkdf_hmac(ring.mark, data, length, result);
}

/* ---- SQL ---- */

static void
not_during_recovery(const char *what)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s during recovery", what),
				 errhint("Keys are made and destroyed on the primary.")));
}

/* The next number: above all that are, or were. 0: the problem. */
static int
next_epoch(int directory, RetentionKeyProblem *problem)
{
	RetentionKeyList list;

	if (!retention_keydir_list(directory, &list, problem))
		return 0;
	if (list.count == RETENTION_KEY_EPOCHS)
	{
		(void) retention_keydir_fail(problem, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
									 NULL, "there can be %d key epochs at most",
									 RETENTION_KEY_EPOCHS);
		return 0;
	}
	if (!list.has_mark)
	{
		/* Another mark key would make clear values of all tokens there are. */
		if (list.count > 0)
		{
			mark_is_missing(problem);
			return 0;
		}
		if (!retention_keyfile_create(directory, RETENTION_KEY_MARK,
									  GetCurrentTimestamp(), problem))
			return 0;
	}
	return list.count == 0 ? 1 : list.epochs[list.count - 1].epoch + 1;
}

/*
 * Makes the key of a new epoch, which is the current one from now on, also if
 * the transaction is rolled back: files know no transactions.
 */
Datum
retention_keyring_create_key_sql(PG_FUNCTION_ARGS)
{
	RetentionKeyProblem problem;
	int			directory;
	int			epoch;

	retention_identity_require_officer("create a key");
	not_during_recovery("create a key");

	directory = retention_keydir_open(true, &problem);
	if (directory < 0)
		raise_problem(&problem);
	epoch = next_epoch(directory, &problem);
	if (epoch > 0 &&
		!retention_keyfile_create(directory, epoch, GetCurrentTimestamp(),
								  &problem))
		epoch = 0;
	close(directory);
	wipe();
	if (epoch == 0)
		raise_problem(&problem);
	PG_RETURN_INT32(epoch);
}

/* Destroys an epoch's key for good, also if the transaction is rolled back. */
Datum
retention_keyring_destroy_key_sql(PG_FUNCTION_ARGS)
{
	int			epoch = PG_GETARG_INT32(0);
	RetentionKeyList list;
	RetentionKeyProblem problem;
	int			directory;
	bool		known = false;
	bool		present = false;
	bool		good;

	retention_identity_require_officer("destroy a key");
	not_during_recovery("destroy a key");

	directory = retention_keydir_open(true, &problem);
	if (directory < 0)
		raise_problem(&problem);
	good = retention_keydir_list(directory, &list, &problem);
	for (int i = 0; good && i < list.count; i++)
		if (list.epochs[i].epoch == epoch)
		{
			known = true;
			present = list.epochs[i].present;
		}
	if (good && present)
		good = retention_keyfile_destroy(directory, epoch,
										 GetCurrentTimestamp(), &problem);
	close(directory);
	wipe();
	if (!good)
		raise_problem(&problem);
	if (!present)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no key of epoch %d", epoch),
				 known ? errdetail("It has been destroyed already.") : 0,
				 errhint("The epochs are in the view retention.key.")));
	PG_RETURN_VOID();
}

/* One row of retention.key. */
static void
put_epoch(ReturnSetInfo *result, int directory, const RetentionKeyEpoch *epoch,
		  bool current)
{
	RetentionKeyProblem problem;
	TimestampTz created_at = 0;
	TimestampTz destroyed_at = 0;
	Datum		values[4];
	bool		nulls[4] = {false, false, true, true};
	const char *state;

	if (epoch->present &&
		retention_keyfile_read(directory, epoch->epoch, NULL, &created_at,
							   &problem))
		nulls[2] = false;
	if (epoch->destroyed &&
		retention_keyfile_destroyed_at(directory, epoch->epoch, &destroyed_at))
		nulls[3] = false;

	if (epoch->destroyed)
		state = epoch->present ? "destroying" : "destroyed";
	else if (nulls[2])
		state = "unusable";
	else
		state = current ? "current" : "retired";

	values[0] = Int32GetDatum(epoch->epoch);
	values[1] = CStringGetTextDatum(state);
	values[2] = TimestampTzGetDatum(created_at);
	values[3] = TimestampTzGetDatum(destroyed_at);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
retention_keyring_list_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionKeyProblem problem;
	RetentionKeyList list;
	int			directory;

	InitMaterializedSRF(fcinfo, 0);
	if (retention_settings_key_directory[0] == '\0')
		return (Datum) 0;
	directory = retention_keydir_open(false, &problem);
	if (directory < 0 && problem.code == ERRCODE_UNDEFINED_FILE)
		return (Datum) 0;
	if (directory < 0)
		raise_problem(&problem);
	PG_TRY();
	{
		if (!retention_keydir_list(directory, &list, &problem))
			raise_problem(&problem);
		for (int i = 0; i < list.count; i++)
			put_epoch(result, directory, &list.epochs[i],
					  list.epochs[i].epoch == highest_usable(&list));
	}
	PG_FINALLY();
	{
		close(directory);
	}
	PG_END_TRY();
	return (Datum) 0;
}
