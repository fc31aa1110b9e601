/*
 * privacy_retention_verify.c
 *		Verifies a ledger that was dumped, and checkpoints of it, without a server.
 *
 * Invariant: it judges by the same files as the server does (evidence/chain, entry,
 * merkle, note, signature), and says "ok" only of what it has judged.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/chain.h"
#include "evidence/note.h"
#include "evidence/signature.h"

#include "dump.h"

#define GOOD 0
#define PROBLEM 1
#define TROUBLE 2				/* nothing could be judged */

#define KEYS 16
#define FILE_LIMIT (1024 * 1024)	/* no checkpoint and no proof is as long */

static RetentionNoteKey keys[KEYS];
static int	key_count = 0;

static const char usage[] =
"Verifies a ledger of privacy_retention that was dumped, without a server.\n"
"\n"
"Usage:\n"
"  privacy_retention_verify [--key KEY]... DUMP [CHECKPOINT]...\n"
"  privacy_retention_verify [--key KEY]... --proof PROOF DUMP\n"
"\n"
"  DUMP        what pg_dump wrote as text (other formats: pg_restore --file=-),\n"
"              or a part of it with the ledger; - is the standard input\n"
"  CHECKPOINT  a file with what retention.checkpoint() gave once: is the ledger\n"
"              an extension of it?\n"
"  PROOF       a file with what retention.ledger_inclusion() gave: is its entry,\n"
"              as the dump has it, in the ledger of the proof's checkpoint?\n"
"  --key KEY   what retention.checkpoint_key() gives, got from whom you trust:\n"
"              checkpoints must be signed by one of these keys\n"
"  --help, --version\n"
"\n"
"Exit status: 0 all is well, 1 there is a problem, 2 nothing could be judged.\n";

static char *
read_file(const char *name)
{
	FILE	   *file = fopen(name, "rb");
	char	   *text = malloc(FILE_LIMIT + 1);
	size_t		length;

	if (file == NULL || text == NULL)
	{
		perror(name);
		exit(TROUBLE);
	}
	length = fread(text, 1, FILE_LIMIT, file);
	if (ferror(file) || !feof(file) || memchr(text, '\0', length) != NULL)
	{
		fprintf(stderr, "%s: it cannot be read, or is not text\n", name);
		exit(TROUBLE);
	}
	fclose(file);
	text[length] = '\0';
	return text;
}

static void
read_dump(Dump * dump, const char *name)
{
	FILE	   *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");

	if (file == NULL)
	{
		perror(name);
		exit(TROUBLE);
	}
	if (!dump_read(dump, file))
	{
		fprintf(stderr, "%s: %s\n", name, dump->problem);
		exit(TROUBLE);
	}
	if (file != stdin)
		fclose(file);
}

static int
problem(const char *name, const char *what)
{
	printf("%s: %s\n", name, what);
	return PROBLEM;
}

/* Who signed it, of those that are believed; NULL and a problem: nobody. */
static const char *
judge_signature(const RetentionNote *note, const char **what)
{
	if (key_count == 0)
		return note->count == 0 ? "not signed" : "its signature not judged, for want of a key";
	for (int i = 0; i < key_count; i++)
	{
		const RetentionNoteSignature *signature = retention_note_find(note, &keys[i]);

		if (signature == NULL)
			continue;
		if (!retention_signature_verify(keys[i].key, note->body, note->body_length,
										signature->bytes))
		{
			*what = "the signature is not of this checkpoint";
			return NULL;
		}
		if (note->origin_length != strlen(keys[i].name) ||
			memcmp(note->origin, keys[i].name, note->origin_length) != 0)
		{
			*what = "the checkpoint is of another ledger: its origin is not the key's name";
			return NULL;
		}
		return "signed";
	}
	*what = note->count == 0 ? "the checkpoint is not signed" : "the checkpoint is not signed by a key that was given";
	return NULL;
}

/* ---- The ledger, and checkpoints of it ---- */

typedef struct Checkpoint
{
	const char *name;
	RetentionNote note;
	const char *signature;
	const char *what;			/* is wrong; NULL = nothing */
	bool		reached;
	bool		same;
}			Checkpoint;

static void
compare(Checkpoint * checkpoint, const RetentionChain *chain)
{
	RetentionMerkleHash root;

	if (checkpoint->what != NULL || checkpoint->note.size != chain->tree.size)
		return;
	root = retention_merkle_root(&chain->tree);
	checkpoint->reached = true;
	checkpoint->same = memcmp(root.bytes, checkpoint->note.root.bytes, RETENTION_DIGEST_LENGTH) == 0;
}

static void
read_checkpoint(Checkpoint * checkpoint, const Checkpoint * first, const char *name)
{
	char	   *text = read_file(name);

	memset(checkpoint, 0, sizeof(*checkpoint));
	checkpoint->name = name;
	checkpoint->what = retention_note_read(&checkpoint->note, text, strlen(text));
	if (checkpoint->what != NULL)
		return;
	checkpoint->signature = judge_signature(&checkpoint->note, &checkpoint->what);
	if (checkpoint->what == NULL && first->what == NULL &&
		(checkpoint->note.origin_length != first->note.origin_length ||
		 memcmp(checkpoint->note.origin, first->note.origin, first->note.origin_length) != 0))
		checkpoint->what = "it is of another ledger than the first checkpoint: it has another origin";
}

static int
report_checkpoint(const Checkpoint * checkpoint, const RetentionChain *chain)
{
	if (checkpoint->what != NULL)
		return problem(checkpoint->name, checkpoint->what);
	if (!checkpoint->reached)
	{
		printf("%s: the checkpoint is of %" PRIu64 " entries, and the ledger has %" PRId64 "\n",
			   checkpoint->name, checkpoint->note.size, chain->seq);
		return PROBLEM;
	}
	if (!checkpoint->same)
	{
		printf("%s: the first %" PRIu64 " entries are not those of the checkpoint\n",
			   checkpoint->name, checkpoint->note.size);
		return PROBLEM;
	}
	printf("%s: ok, %" PRIu64 " entries, %s\n", checkpoint->name, checkpoint->note.size,
		   checkpoint->signature);
	return GOOD;
}

static int
verify_ledger(const char *name, char **checkpoint_names, int count)
{
	Dump		dump;
	RetentionChain chain;
	Checkpoint *checkpoints = calloc(count + 1, sizeof(Checkpoint));
	int			result = GOOD;

	if (checkpoints == NULL)
		exit(TROUBLE);
	for (int i = 0; i < count; i++)
		read_checkpoint(&checkpoints[i], &checkpoints[0], checkpoint_names[i]);
	read_dump(&dump, name);
	retention_chain_begin(&chain);
	for (int i = 0; i < count; i++)
		compare(&checkpoints[i], &chain);
	for (size_t e = 0; e < dump.count; e++)
	{
		DumpedEntry *entry = &dump.entries[e];

		if (!retention_chain_add(&chain, entry->seq, entry->proper ? &entry->entry : NULL,
								 entry->has_prev_hash ? entry->prev_hash : NULL,
								 entry->has_hash ? entry->hash : NULL))
			break;
		for (int i = 0; i < count; i++)
			compare(&checkpoints[i], &chain);
	}
	if (!retention_chain_end(&chain, dump.has_head, dump.head_seq,
							 dump.has_head_hash ? dump.head_hash : NULL))
		return problem(name, chain.problem);
	printf("%s: ok, %" PRId64 " entries, %" PRId64 " of them shortened, and %zu that are not sealed\n",
		   name, chain.seq, chain.shortened, dump.unsealed);
	for (int i = 0; i < count; i++)
		if (report_checkpoint(&checkpoints[i], &chain) != GOOD)
			result = PROBLEM;
	return result;
}

/* ---- One entry, by a proof ---- */

typedef struct Proof
{
	uint64_t	index;
	RetentionMerkleHash hashes[RETENTION_MERKLE_DEPTH];
	int			count;
	RetentionNote note;
}			Proof;

/* NULL, or what is wrong with a text of c2sp.org/tlog-proof. */
static const char *
read_proof(Proof * proof, char *text)
{
	char	   *checkpoint = strstr(text, "\n\n");
	char	   *line;
	char	   *end;

	if (checkpoint == NULL)
		return "it is not a proof";
	*checkpoint = '\0';
	checkpoint += 2;
	line = strtok(text, "\n");
	if (line == NULL || strcmp(line, "c2sp.org/tlog-proof@v1") != 0)
		return "it is not a proof";
	line = strtok(NULL, "\n");
	if (line != NULL && strncmp(line, "extra ", 6) == 0)
		line = strtok(NULL, "\n");
	if (line == NULL || strncmp(line, "index ", 6) != 0 || line[6] < '0' || line[6] > '9' ||
		strlen(line) > 24)
		return "it has no index";
	proof->index = strtoumax(line + 6, &end, 10);
	if (*end != '\0')
		return "it has no index";
	while ((line = strtok(NULL, "\n")) != NULL)
		if (proof->count == RETENTION_MERKLE_DEPTH || strlen(line) != 44 ||
			retention_note_read_base64(proof->hashes[proof->count++].bytes, RETENTION_DIGEST_LENGTH,
									   line, 44) != RETENTION_DIGEST_LENGTH)
			return "it has a line that is not a hash";
	return retention_note_read(&proof->note, checkpoint, strlen(checkpoint));
}

static int
verify_proof(const char *name, const char *dump_name)
{
	Proof		proof = {0};
	Dump		dump;
	const		DumpedEntry *entry = NULL;
	RetentionMerkleHash leaf;
	uint8_t		hash[RETENTION_DIGEST_LENGTH];
	const char *signature;
	const char *what = read_proof(&proof, read_file(name));
	bool		shortened;

	if (what != NULL)
		return problem(name, what);
	signature = judge_signature(&proof.note, &what);
	if (what != NULL)
		return problem(name, what);
	read_dump(&dump, dump_name);
	for (size_t e = 0; e < dump.count; e++)
		if ((uint64_t) dump.entries[e].seq == proof.index + 1)
			entry = &dump.entries[e];
	if (entry == NULL)
		return problem(dump_name, "it does not have the entry of the proof");
	if (!entry->proper || !entry->has_prev_hash || !entry->has_hash)
		return problem(dump_name, "the entry of the proof has been changed");
	shortened = retention_entry_is_shortened(&entry->entry);
	retention_entry_hash(&entry->entry, entry->prev_hash, hash);
	if (!shortened && memcmp(hash, entry->hash, RETENTION_DIGEST_LENGTH) != 0)
		return problem(dump_name, "the entry of the proof has been changed");
	leaf = retention_chain_leaf(entry->hash);
	if (!retention_merkle_included(&leaf, proof.index, proof.note.size, proof.hashes, proof.count,
								   &proof.note.root))
		return problem(name, "the entry is not in the ledger of the proof's checkpoint");
	printf("%s: ok, entry %" PRId64 " is one of the %" PRIu64 " of the checkpoint (%s)%s\n",
		   name, entry->seq, proof.note.size, signature,
		   shortened ? "; what it said cannot be judged, it has been shortened" : "");
	return GOOD;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"proof", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0}
	};
	const char *proof = NULL;
	int			option;

	while ((option = getopt_long(argc, argv, "k:p:h", options, NULL)) != -1)
		switch (option)
		{
			case 'k':
				if (key_count == KEYS || !retention_note_read_key(&keys[key_count], optarg))
				{
					fprintf(stderr, "privacy_retention_verify: \"%s\" is not a key such as retention.checkpoint_key() gives\n", optarg);
					return TROUBLE;
				}
				key_count++;
				break;
			case 'p':
				proof = optarg;
				break;
			case 'h':
				fputs(usage, stdout);
				return GOOD;
			case 'v':
				puts("privacy_retention_verify " RETENTION_VERSION);
				return GOOD;
			default:
				fputs(usage, stderr);
				return TROUBLE;
		}
	if (optind == argc || (proof != NULL && argc - optind != 1))
	{
		fputs(usage, stderr);
		return TROUBLE;
	}
	return proof != NULL ? verify_proof(proof, argv[optind])
		: verify_ledger(argv[optind], argv + optind + 1, argc - optind - 1);
}
