/*
 * keystore.c
 *		Where keys are kept: privacy_retention.key_directory, or the vault behind
 *		privacy_retention.key_command.
 *
 * Invariant: whoever needs a key asks here and does not know which of the two it
 * is. A number is given to one epoch only, ever.
 */
#include "postgres.h"

#include <unistd.h>

#include "base/settings.h"
#include "pseudonym/keycommand.h"
#include "pseudonym/keystore.h"

static bool
has_directory(void)
{
	return retention_settings_key_directory != NULL &&
		retention_settings_key_directory[0] != '\0';
}

bool
retention_keystore_is_command(void)
{
	return retention_settings_key_command != NULL &&
		retention_settings_key_command[0] != '\0';
}

bool
retention_keystore_configured(void)
{
	return has_directory() || retention_keystore_is_command();
}

bool
retention_keystore_open(RetentionKeystore *store, bool for_change,
						RetentionKeyProblem *problem)
{
	store->directory = -1;
	if (!retention_keystore_is_command())
	{
		store->directory = retention_keydir_open(for_change, problem);
		return store->directory >= 0;
	}
	if (!has_directory())
		return true;
	return retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
								 "Set one of them to an empty string.",
								 "privacy_retention.key_directory and privacy_retention.key_command are both set");
}

void
retention_keystore_close(RetentionKeystore *store)
{
	if (store->directory >= 0)
		close(store->directory);
	store->directory = -1;
}

bool
retention_keystore_list(RetentionKeystore *store, RetentionKeyList *list,
						RetentionKeyProblem *problem)
{
	if (store->directory < 0)
		return retention_keycommand_list(list, problem);
	if (!retention_keydir_list(store->directory, list, problem))
		return false;
	for (int i = 0; i < list->count; i++)
	{
		RetentionKeyEpoch *epoch = &list->epochs[i];
		RetentionKeyProblem unusable;

		if (epoch->present &&
			!retention_keyfile_read(store->directory, epoch->epoch, NULL,
									&epoch->created_at, &epoch->destroy_on, &unusable))
		{
			epoch->created_at = DT_NOBEGIN;
			epoch->destroy_on = DT_NOEND;
		}
		if (epoch->destroyed &&
			!retention_keyfile_destroyed_at(store->directory, epoch->epoch,
											&epoch->destroyed_at))
			epoch->destroyed_at = DT_NOBEGIN;
	}
	return true;
}

int
retention_keystore_current(const RetentionKeyList *list)
{
	for (int i = list->count - 1; i >= 0; i--)
		if (list->epochs[i].present && !list->epochs[i].destroyed)
			return list->epochs[i].epoch;
	return 0;
}

static void
mark_is_missing(RetentionKeyProblem *problem)
{
	(void) retention_keydir_fail(problem, ERRCODE_UNDEFINED_FILE,
								 "Restore mark.key from the backup of the keys: without it tokens are not recognised.",
								 "mark.key is missing");
}

static void
read_directory(int directory, RetentionCurrentKeys *keys)
{
	RetentionKeyList list;
	TimestampTz created_at;
	TimestampTz destroy_on;
	int			current;

	keys->has_mark = retention_keyfile_read(directory, RETENTION_KEY_MARK, keys->mark,
											&created_at, &destroy_on,
											&keys->mark_problem);
	if (!keys->has_mark && keys->mark_problem.code == ERRCODE_UNDEFINED_FILE)
		mark_is_missing(&keys->mark_problem);
	if (!retention_keydir_list(directory, &list, &keys->problem))
		return;
	current = retention_keystore_current(&list);
	if (current == 0)
	{
		(void) retention_keydir_fail(&keys->problem,
									 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
									 "SELECT retention.create_key();",
									 list.count == 0 ? "there is no key" :
									 "there is no key: all epochs were destroyed");
		if (list.count == 0 && !list.has_mark)
			keys->mark_problem = keys->problem;
	}
	else if (retention_keyfile_read(directory, current, keys->key, &created_at,
									&destroy_on, &keys->problem))
		keys->epoch = current;
}

void
retention_keystore_read(RetentionKeystore *store, RetentionCurrentKeys *keys)
{
	memset(keys, 0, sizeof(*keys));
	if (store->directory < 0)
		retention_keycommand_get(keys);
	else
		read_directory(store->directory, keys);
}

/* The next number: above all that are, or were. 0: the problem. */
static int
next_epoch(int directory, TimestampTz now, RetentionKeyProblem *problem)
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
		if (!retention_keyfile_create(directory, RETENTION_KEY_MARK, now, DT_NOEND,
									  problem))
			return 0;
	}
	return list.count == 0 ? 1 : list.epochs[list.count - 1].epoch + 1;
}

int
retention_keystore_create(RetentionKeystore *store, TimestampTz now,
						  TimestampTz destroy_on, RetentionKeyProblem *problem)
{
	int			epoch;

	if (store->directory < 0)
		return retention_keycommand_create(destroy_on, problem);
	epoch = next_epoch(store->directory, now, problem);
	if (epoch > 0 &&
		!retention_keyfile_create(store->directory, epoch, now, destroy_on, problem))
		epoch = 0;
	return epoch;
}

bool
retention_keystore_destroy(RetentionKeystore *store, int epoch, TimestampTz now,
						   RetentionKeyProblem *problem)
{
	if (store->directory < 0)
		return retention_keycommand_destroy(epoch, problem);
	return retention_keyfile_destroy(store->directory, epoch, now, problem);
}

void
retention_keystore_raise(const RetentionKeyProblem *problem)
{
	ereport(ERROR,
			(errcode(problem->code),
			 errmsg("%s", problem->message),
			 problem->log_detail[0] != '\0' ?
			 errdetail_log("%s", problem->log_detail) : 0,
			 problem->hint != NULL ? errhint("%s", problem->hint) : 0));
}
