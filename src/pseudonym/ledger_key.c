/*
 * ledger_key.c
 *		The private key of the ledger's checkpoints, in the directory of the keys.
 *
 * Invariant: it is in that directory and nowhere else.
 *
 * It is kept as the keys of pseudonyms are, in ledger.key, is made when it is first
 * needed, and is one for all databases of the server: the origins tell their
 * checkpoints apart.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "evidence/signing_key.h"
#include "pseudonym/keyfile.h"
#include "pseudonym/ledger_key.h"

StaticAssertDecl(RETENTION_KEY_LENGTH == RETENTION_NOTE_KEY,
				 "a key file holds an Ed25519 key");

static bool
read_key(bool may_create, uint8 *key, RetentionKeyProblem *problem)
{
	int			directory = retention_keydir_open(may_create, problem);
	TimestampTz made_at;
	TimestampTz destroy_on;
	bool		found;

	if (directory < 0)
		return false;
	found = retention_keyfile_read(directory, RETENTION_KEY_LEDGER, key, &made_at,
								   &destroy_on, problem);
	if (!found && may_create && problem->code == ERRCODE_UNDEFINED_FILE)
		found = retention_keyfile_create(directory, RETENTION_KEY_LEDGER,
										 GetCurrentTimestamp(), DT_NOEND, problem) &&
			retention_keyfile_read(directory, RETENTION_KEY_LEDGER, key, &made_at,
								   &destroy_on, problem);
	close(directory);
	return found;
}

static bool
read_or_make_key(uint8 private_key[RETENTION_NOTE_KEY])
{
	RetentionKeyProblem problem;

	if (retention_settings_key_directory[0] == '\0')
		return false;
	if (read_key(false, private_key, &problem))
		return true;

	/*
	 * What is there already is not waited for; what is not is made under a
	 * lock.
	 */
	if (problem.code == ERRCODE_UNDEFINED_FILE)
	{
		if (RecoveryInProgress())
			return false;
		if (read_key(true, private_key, &problem))
			return true;
	}
	ereport(ERROR,
			(errcode(problem.code),
			 errmsg("%s", problem.message),
			 problem.log_detail[0] != '\0' ? errdetail_log("%s", problem.log_detail) : 0,
			 problem.hint != NULL ? errhint("%s", problem.hint) : 0));
	return false;
}

void
retention_ledger_key_provide(void)
{
	retention_signing_key_provide(read_or_make_key);
}
