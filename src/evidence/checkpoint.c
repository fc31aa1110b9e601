/*
 * checkpoint.c
 *		What others keep of the ledger: checkpoints, and proofs for them.
 *
 * Invariant: nothing is signed or proved of a ledger whose chain does not hold, so
 * that each checkpoint of a ledger is an extension of those before it, or is not
 * made.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/settings.h"
#include "evidence/merkle_array.h"
#include "evidence/note.h"
#include "evidence/signature.h"
#include "evidence/signing_key.h"
#include "evidence/verify.h"

PG_FUNCTION_INFO_V1(retention_checkpoint_sql);
PG_FUNCTION_INFO_V1(retention_checkpoint_key_sql);
PG_FUNCTION_INFO_V1(retention_verify_checkpoint_sql);
PG_FUNCTION_INFO_V1(retention_ledger_inclusion_sql);
PG_FUNCTION_INFO_V1(retention_ledger_consistency_sql);

/* Which ledger this is: the setting, or the server's number and the database's name. */
static void
find_origin(char origin[RETENTION_NOTE_ORIGIN + 1])
{
	const char *name;
	int			used;

	if (retention_settings_ledger_origin[0] != '\0')
	{
		strlcpy(origin, retention_settings_ledger_origin, RETENTION_NOTE_ORIGIN + 1);
		return;
	}
	name = get_database_name(MyDatabaseId);
	used = snprintf(origin, RETENTION_NOTE_ORIGIN + 1, "postgresql/" UINT64_FORMAT "/",
					GetSystemIdentifier());
	for (const char *c = name; *c != '\0'; c++)
	{
		bool		plain = isalnum((unsigned char) *c) || *c == '_' || *c == '-' || *c == '.';

		used += snprintf(origin + used, RETENTION_NOTE_ORIGIN + 1 - used,
						 plain && !IS_HIGHBIT_SET(*c) ? "%c" : "%%%02X", (unsigned char) *c);
	}
}

/* A signature line begins with a character that not every encoding has. */
static bool
can_be_signed(void)
{
	return GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII;
}

/* The key by which this ledger's checkpoints are signed; false: there is none. */
static bool
find_key(RetentionNoteKey *key, const char *origin)
{
	uint8		private_key[RETENTION_NOTE_KEY];
	uint8		public_key[RETENTION_NOTE_KEY];
	bool		found = retention_signing_key_read(private_key);

	if (!found)
		return false;
	found = retention_signature_public(private_key, public_key);
	explicit_bzero(private_key, sizeof(private_key));
	if (!found)
		elog(ERROR, "OpenSSL could not derive the public key of the ledger");
	retention_note_make_key(key, origin, public_key);
	return true;
}

static void
sign(char note[RETENTION_NOTE_LENGTH], const char *origin)
{
	RetentionNoteKey key;
	uint8		private_key[RETENTION_NOTE_KEY];
	uint8		signature[RETENTION_NOTE_SIGNATURE];
	bool		signed_it;

	if (!can_be_signed() || !find_key(&key, origin))
	{
		ereport(NOTICE,
				(errmsg("the checkpoint is not signed"),
				 !can_be_signed() ? errdetail("The encoding of this database has no em dash, with which signatures begin.") :
				 retention_settings_key_directory[0] == '\0' ? errdetail("There is no key: privacy_retention.key_directory is not set.") :
				 errdetail("There is no key: the server was built without OpenSSL, or is a standby without the key."),
				 errhint("Whoever keeps it where nobody else can change it needs no signature.")));
		return;
	}
	signed_it = retention_signing_key_read(private_key) &&
		retention_signature_sign(private_key, note, strlen(note), signature);
	explicit_bzero(private_key, sizeof(private_key));
	if (!signed_it)
		elog(ERROR, "OpenSSL could not sign the checkpoint");
	retention_note_add_signature(note, &key, signature);
}

/* Reads the ledger; ERROR if its chain does not hold. */
static void
read_whole(RetentionVerification *state, RetentionVerifyEach each, void *arg)
{
	retention_verify_read(state, each, arg);
	if (state->chain.problem[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the ledger of this database does not hold: %s", state->chain.problem),
				 errhint("SELECT * FROM retention.verify_ledger();")));
}

static void
make_checkpoint(char note[RETENTION_NOTE_LENGTH], const RetentionChain *chain)
{
	char		origin[RETENTION_NOTE_ORIGIN + 1];
	RetentionMerkleHash root = retention_merkle_root(&chain->tree);

	find_origin(origin);
	retention_note_write(note, origin, chain->tree.size, &root);
	sign(note, origin);
}

Datum
retention_checkpoint_sql(PG_FUNCTION_ARGS)
{
	RetentionVerification state;
	char		note[RETENTION_NOTE_LENGTH];

	read_whole(&state, NULL, NULL);
	make_checkpoint(note, &state.chain);
	PG_RETURN_TEXT_P(cstring_to_text(note));
}

Datum
retention_checkpoint_key_sql(PG_FUNCTION_ARGS)
{
	char		origin[RETENTION_NOTE_ORIGIN + 1];
	RetentionNoteKey key;
	char		text[RETENTION_NOTE_LENGTH];

	find_origin(origin);
	if (!find_key(&key, origin))
		PG_RETURN_NULL();
	retention_note_write_key(text, &key);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/* ---- Is the ledger an extension of a checkpoint? ---- */

typedef struct Comparison
{
	RetentionNote note;
	bool		reached;		/* the ledger has so many entries */
	bool		same;			/* and they have the checkpoint's root */
} Comparison;

static void
compare(const RetentionChain *chain, const RetentionMerkleHash *leaf, void *arg)
{
	Comparison *comparison = (Comparison *) arg;
	RetentionMerkleHash root;

	if (chain->tree.size != comparison->note.size)
		return;
	root = retention_merkle_root(&chain->tree);
	comparison->reached = true;
	comparison->same = memcmp(root.bytes, comparison->note.root.bytes, sizeof(root.bytes)) == 0;
}

static char *
judge(RetentionVerification *state, Comparison *comparison)
{
	RetentionChain empty;

	retention_chain_begin(&empty);
	compare(&empty, NULL, comparison);
	retention_verify_read(state, compare, comparison);
	if (state->chain.problem[0] != '\0')
		return pstrdup(state->chain.problem);
	if (!comparison->reached)
		return psprintf("the checkpoint is of " UINT64_FORMAT " entries, and the ledger has " INT64_FORMAT,
						comparison->note.size, state->chain.seq);
	if (!comparison->same)
		return psprintf("the first " UINT64_FORMAT " entries are not those of the checkpoint",
						comparison->note.size);
	return NULL;
}

/* "valid", "unknown" (not by this ledger's key) or "none"; a problem if it is false. */
static const char *
judge_signature(const RetentionNote *note, const char *origin, char **problem)
{
	RetentionNoteKey key;
	const RetentionNoteSignature *signature;

	if (note->count == 0)
		return "none";
	signature = find_key(&key, origin) ? retention_note_find(note, &key) : NULL;
	if (signature == NULL)
		return "unknown";
	if (retention_signature_verify(key.key, note->body, note->body_length, signature->bytes))
		return "valid";
	*problem = "the signature is not of this checkpoint";
	return "false";
}

Datum
retention_verify_checkpoint_sql(PG_FUNCTION_ARGS)
{
	char	   *native = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *text = pg_server_to_any(native, strlen(native), PG_UTF8);
	char		origin[RETENTION_NOTE_ORIGIN + 1];
	Comparison	comparison = {0};
	RetentionVerification state;
	char	   *problem;
	const char *signature = NULL;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	find_origin(origin);
	problem = (char *) retention_note_read(&comparison.note, text, strlen(text));
	if (problem == NULL)
		signature = judge_signature(&comparison.note, origin, &problem);
	if (problem == NULL &&
		(comparison.note.origin_length != strlen(origin) ||
		 memcmp(comparison.note.origin, origin, strlen(origin)) != 0))
		problem = "the checkpoint is of another ledger: it has another origin";
	if (problem == NULL)
	{
		problem = judge(&state, &comparison);
		values[1] = Int64GetDatum(state.entries);
		nulls[1] = false;
	}
	values[0] = BoolGetDatum(problem == NULL);
	if (signature != NULL)
	{
		values[2] = CStringGetTextDatum(signature);
		nulls[2] = false;
	}
	if (problem != NULL)
	{
		values[3] = CStringGetTextDatum(problem);
		nulls[3] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* ---- Proofs ---- */

typedef struct Proving
{
	RetentionMerkleProof proof;
	uint64		size;			/* of the tree in which it is a proof */
} Proving;

static void
add_to_proof(const RetentionChain *chain, const RetentionMerkleHash *leaf, void *arg)
{
	Proving    *proving = (Proving *) arg;

	if (chain->tree.size <= proving->size)
		retention_merkle_proof_add(&proving->proof, leaf);
}

Datum
retention_ledger_inclusion_sql(PG_FUNCTION_ARGS)
{
	int64		entry = PG_GETARG_INT64(0);
	RetentionVerification state;
	RetentionVerification again;
	Proving		proving;
	char		note[RETENTION_NOTE_LENGTH];
	StringInfoData text;

	read_whole(&state, NULL, NULL);
	if (entry < 1 || entry > state.chain.seq)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the ledger has no sealed entry " INT64_FORMAT, entry),
				 errdetail("It has entries 1 to " INT64_FORMAT ".", state.chain.seq)));
	make_checkpoint(note, &state.chain);
	proving.size = state.chain.tree.size;
	retention_merkle_prove_inclusion(&proving.proof, entry - 1, proving.size);
	read_whole(&again, add_to_proof, &proving);

	initStringInfo(&text);
	appendStringInfo(&text, "c2sp.org/tlog-proof@v1\nindex " INT64_FORMAT "\n", entry - 1);
	for (int i = 0; i < proving.proof.count; i++)
	{
		char		base64[48];

		retention_note_write_base64(base64, proving.proof.hashes[i].bytes, RETENTION_DIGEST_LENGTH);
		appendStringInfo(&text, "%s\n", base64);
	}
	appendStringInfo(&text, "\n%s", note);
	PG_RETURN_TEXT_P(cstring_to_text(text.data));
}

Datum
retention_ledger_consistency_sql(PG_FUNCTION_ARGS)
{
	int64		old = PG_GETARG_INT64(0);
	int64		size = PG_GETARG_INT64(1);
	RetentionVerification state;
	Proving		proving;

	if (old < 1 || old > size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the older checkpoint must have at least one entry, and no more than the newer one")));
	proving.size = size;
	retention_merkle_prove_consistency(&proving.proof, old, size);
	read_whole(&state, add_to_proof, &proving);
	if (size > state.chain.seq)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the ledger has no sealed entry " INT64_FORMAT, size),
				 errdetail("It has entries 1 to " INT64_FORMAT ".", state.chain.seq)));
	PG_RETURN_DATUM(retention_merkle_array_proof(&proving.proof));
}
