/*
 * keyfile.c
 *		Key files: one key each, in a directory outside the database.
 *
 * Invariant: a number is given to one epoch only, ever; a key that was
 * destroyed leaves a file without a key that says so. A key file is complete
 * and on disk before it has its name.
 *
 * epoch-N.key, mark.key (there its second line is "epoch 0") and ledger.key ("epoch -1"):
 *
 *		privacy_retention key 1
 *		epoch N
 *		at 1767225600000000			(microseconds since 1970, UTC)
 *		destroy 1798761600000000	(only where its date is set)
 *		key 64 hex digits
 *		check 8 hex digits			(CRC-32C of all above)
 *
 * epoch-N.destroyed is the same without the lines "destroy" and "key"; "at" is the
 * time of destruction.  The date lies here, with the key, and not in a database:
 * it outlives a restore of any, and is the same for all of the server's.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port.h"
#include "port/pg_crc32c.h"

#include "pseudonym/keyfile.h"

#define HEADER "privacy_retention key 1\n"
#define FILE_SIZE 512			/* no file of ours is as long as this */

#define HINT_FILE \
	"The server's user must own the key file, with mode 0600."
#define HINT_DAMAGED \
	"Restore the key file from the backup of the keys."

static unsigned int
checksum(const char *text, size_t length)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, text, length);
	FIN_CRC32C(crc);
	return crc;
}

/* The file's text; key NULL: a note. Returns its length. */
static size_t
compose(char text[FILE_SIZE], int epoch, TimestampTz at, TimestampTz destroy_on,
		const uint8 *key)
{
	size_t		used;

	used = snprintf(text, FILE_SIZE, HEADER "epoch %d\nat %lld\n", epoch,
					(long long) (at + RETENTION_UNIX_TO_POSTGRES_US));
	if (!TIMESTAMP_IS_NOEND(destroy_on))
		used += snprintf(text + used, FILE_SIZE - used, "destroy %lld\n",
						 (long long) (destroy_on + RETENTION_UNIX_TO_POSTGRES_US));
	if (key != NULL)
	{
		used += snprintf(text + used, FILE_SIZE - used, "key ");
		for (int i = 0; i < RETENTION_KEY_LENGTH; i++)
			used += snprintf(text + used, FILE_SIZE - used, "%02x", key[i]);
		used += snprintf(text + used, FILE_SIZE - used, "\n");
	}
	used += snprintf(text + used, FILE_SIZE - used, "check %08x\n",
					 checksum(text, used));
	return used;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * Reads what compose() wrote: takes the values out, composes them again, and
 * wants the same text, so that no file is nearly right.
 */
static bool
decompose(const char *text, size_t length, int epoch, TimestampTz *at,
		  TimestampTz *destroy_on, uint8 *key)
{
	char		again[FILE_SIZE];
	const char *line;
	size_t		again_length;
	bool		same;

	line = strstr(text, "\nat ");
	if (line == NULL)
		return false;
	*at = strtoll(line + 4, NULL, 10) - RETENTION_UNIX_TO_POSTGRES_US;
	line = strstr(text, "\ndestroy ");
	*destroy_on = line == NULL ? DT_NOEND :
		strtoll(line + 9, NULL, 10) - RETENTION_UNIX_TO_POSTGRES_US;
	if (key != NULL)
	{
		line = strstr(text, "\nkey ");
		if (line == NULL || strlen(line) < 5 + 2 * RETENTION_KEY_LENGTH)
			return false;
		for (int i = 0; i < RETENTION_KEY_LENGTH; i++)
		{
			int			high = hex_digit(line[5 + 2 * i]);
			int			low = hex_digit(line[6 + 2 * i]);

			if (high < 0 || low < 0)
				return false;
			key[i] = (uint8) (high << 4 | low);
		}
	}
	again_length = compose(again, epoch, *at, *destroy_on, key);
	same = again_length == length && memcmp(again, text, length) == 0;
	explicit_bzero(again, sizeof(again));
	return same;
}

/* Reads and judges a file; the number of bytes, or -1 and the problem. */
static ssize_t
read_file(int directory, const char *name, char text[FILE_SIZE],
		  RetentionKeyProblem *problem)
{
	int			fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t		length = -1;

	if (fd < 0 && errno == ELOOP)
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							  HINT_FILE, "%s is a symbolic link", name);
	else if (fd < 0 || fstat(fd, &st) != 0)
		retention_keydir_fail_system(problem, "open", name);
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
			 (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_FILE,
							  "%s is open to other users", name);
	else if ((length = read(fd, text, FILE_SIZE - 1)) < 0)
		retention_keydir_fail_system(problem, "read", name);
	else
		text[length] = '\0';
	if (fd >= 0)
		close(fd);
	return length;
}

bool
retention_keyfile_read(int directory, int epoch, uint8 *key,
					   TimestampTz *created_at, TimestampTz *destroy_on,
					   RetentionKeyProblem *problem)
{
	char		name[64];
	char		text[FILE_SIZE];
	uint8		bytes[RETENTION_KEY_LENGTH];
	ssize_t		length;
	bool		good = false;

	retention_keydir_file_name(name, epoch, RETENTION_KEY_SUFFIX);
	length = read_file(directory, name, text, problem);
	if (length >= 0)
	{
		good = decompose(text, length, epoch, created_at, destroy_on, bytes);
		if (!good)
			retention_keydir_fail(problem, ERRCODE_DATA_CORRUPTED, HINT_DAMAGED,
								  "%s is damaged", name);
		else if (key != NULL)
			memcpy(key, bytes, RETENTION_KEY_LENGTH);
	}
	explicit_bzero(text, sizeof(text));
	explicit_bzero(bytes, sizeof(bytes));
	return good;
}

bool
retention_keyfile_destroyed_at(int directory, int epoch, TimestampTz *when)
{
	char		name[64];
	char		text[FILE_SIZE];
	RetentionKeyProblem ignored;
	TimestampTz none;
	ssize_t		length;

	retention_keydir_file_name(name, epoch, RETENTION_NOTE_SUFFIX);
	length = read_file(directory, name, text, &ignored);
	return length >= 0 && decompose(text, length, epoch, when, &none, NULL);
}

/* Writes a file under a temporary name, then gives it its own. */
static bool
write_file(int directory, const char *name, const char *text, size_t length,
		   RetentionKeyProblem *problem)
{
	char		temporary[80];
	int			fd;
	bool		good;

	snprintf(temporary, sizeof(temporary), "%s.new", name);
	/* What a crash left: nobody has ever used it, and no one else is here. */
	if (unlinkat(directory, temporary, 0) != 0 && errno != ENOENT)
		return retention_keydir_fail_system(problem, "remove", temporary);
	fd = openat(directory, temporary,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				S_IRUSR | S_IWUSR);
	if (fd < 0)
		return retention_keydir_fail_system(problem, "create", temporary);
	errno = ENOSPC;				/* where write() says nothing else */
	good = write(fd, text, length) == (ssize_t) length && retention_keydir_sync(fd);
	if (!good)
		retention_keydir_fail_system(problem, "write", temporary);
	if (close(fd) != 0 && good)
		good = retention_keydir_fail_system(problem, "close", temporary);
	if (good && renameat(directory, temporary, directory, name) != 0)
		good = retention_keydir_fail_system(problem, "rename", temporary);
	if (good && !retention_keydir_sync(directory) && errno != EINVAL)
		return retention_keydir_fail_system(problem, "fsync", "the key directory");
	if (!good)
		unlinkat(directory, temporary, 0);
	return good;
}

bool
retention_keyfile_create(int directory, int epoch, TimestampTz when,
						 TimestampTz destroy_on, RetentionKeyProblem *problem)
{
	char		name[64];
	char		text[FILE_SIZE];
	uint8		key[RETENTION_KEY_LENGTH];
	bool		good;

	retention_keydir_file_name(name, epoch, RETENTION_KEY_SUFFIX);
	if (faccessat(directory, name, F_OK, 0) == 0)
		return retention_keydir_fail(problem, ERRCODE_DUPLICATE_FILE, NULL,
									 "%s exists already", name);
	if (!pg_strong_random(key, sizeof(key)))
		return retention_keydir_fail(problem, ERRCODE_INTERNAL_ERROR, NULL,
									 "could not generate a random key");
	good = write_file(directory, name, text,
					  compose(text, epoch, when, destroy_on, key), problem);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return good;
}

/* Random bytes over all of the file, on disk. */
static bool
overwrite(int directory, const char *name, RetentionKeyProblem *problem)
{
	char		noise[FILE_SIZE];
	struct stat st;
	int			fd = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	bool		good = fd >= 0 && fstat(fd, &st) == 0;

	for (off_t done = 0; good && done < st.st_size;)
	{
		size_t		length = Min(sizeof(noise), st.st_size - done);
		ssize_t		written;

		if (!pg_strong_random(noise, length))
			memset(noise, 0, length);
		errno = ENOSPC;
		written = write(fd, noise, length);
		good = written > 0;
		done += written;
	}
	good = good && retention_keydir_sync(fd);
	if (!good)
		retention_keydir_fail_system(problem, "overwrite", name);
	if (fd >= 0)
		close(fd);
	return good;
}

bool
retention_keyfile_destroy(int directory, int epoch, TimestampTz when,
						  RetentionKeyProblem *problem)
{
	char		name[64];
	char		note[64];
	char		text[FILE_SIZE];
	TimestampTz before;

	retention_keydir_file_name(name, epoch, RETENTION_KEY_SUFFIX);
	retention_keydir_file_name(note, epoch, RETENTION_NOTE_SUFFIX);
	/* The note first: from here on nobody uses the key or its number. */
	if (!retention_keyfile_destroyed_at(directory, epoch, &before) &&
		!write_file(directory, note, text,
					compose(text, epoch, when, DT_NOEND, NULL), problem))
		return false;
	if (!overwrite(directory, name, problem))
		return false;
	if (unlinkat(directory, name, 0) != 0)
		return retention_keydir_fail_system(problem, "remove", name);
	if (!retention_keydir_sync(directory) && errno != EINVAL)
		return retention_keydir_fail_system(problem, "fsync", "the key directory");
	return true;
}
