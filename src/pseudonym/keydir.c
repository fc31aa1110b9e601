/*
 * keydir.c
 *		The directory of the keys: whose it is, and which files are in it.
 *
 * Invariant: no key is read from, or written to, a directory that others than
 * the server's user can read, or that a base backup takes along.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "port.h"

#include "base/settings.h"
#include "pseudonym/keydir.h"

#define HINT_DIRECTORY \
	"The server's user must own the directory, with mode 0700."

bool
retention_keydir_fail(RetentionKeyProblem *problem, int code, const char *hint,
					  const char *format,...)
{
	va_list		args;

	problem->code = code;
	problem->hint = hint;
	problem->log_detail[0] = '\0';
	va_start(args, format);
	vsnprintf(problem->message, sizeof(problem->message), format, args);
	va_end(args);
	return false;
}

/* As retention_keydir_fail(), for a system call; errno goes to the log, with the directory. */
bool
retention_keydir_fail_system(RetentionKeyProblem *problem, const char *what, const char *name)
{
	int			saved = errno;

	retention_keydir_fail(problem, saved == ENOENT ? ERRCODE_UNDEFINED_FILE : ERRCODE_IO_ERROR,
						  NULL, "could not %s %s", what, name);
	snprintf(problem->log_detail, sizeof(problem->log_detail),
			 "In directory \"%s\": %s.", retention_settings_key_directory,
			 strerror(saved));
	return false;
}

bool
retention_keydir_sync(int fd)
{
	int			result;

	/* Not pg_fsync(): it does what the setting says. */
	do
		result = fsync(fd);
	while (result != 0 && errno == EINTR);
	return result == 0;
}

void
retention_keydir_file_name(char name[64], int epoch, const char *suffix)
{
	if (epoch == RETENTION_KEY_MARK)
		snprintf(name, 64, "mark.%s", suffix);
	else if (epoch == RETENTION_KEY_LEDGER)
		snprintf(name, 64, "ledger.%s", suffix);
	else
		snprintf(name, 64, "epoch-%d.%s", epoch, suffix);
}

static bool
is_within(const char *parent, const char *path)
{
	size_t		length = strlen(parent);

	return strncmp(parent, path, length) == 0 &&
		(path[length] == '\0' || path[length] == '/');
}

/* Symbolic links followed: a base backup takes along what is really there. */
static bool
outside_data(const char *path, RetentionKeyProblem *problem)
{
	char	   *real_path = realpath(path, NULL);
	char	   *real_data = real_path == NULL ? NULL : realpath(DataDir, NULL);
	bool		result = false;

	if (real_path == NULL || real_data == NULL)
		retention_keydir_fail_system(problem, "find", "the key directory");
	else if (is_within(real_data, real_path))
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							  "Set privacy_retention.key_directory to a directory outside it: base backups must not hold keys.",
							  "the key directory lies in the data directory");
	else
		result = true;
	free(real_path);
	free(real_data);
	return result;
}

static bool
make_directory(const char *path, RetentionKeyProblem *problem)
{
	char		parent[MAXPGPATH];
	int			fd;
	bool		synced;

	strlcpy(parent, path, sizeof(parent));
	get_parent_directory(parent);
	if (!outside_data(parent, problem))
	{
		if (problem->code == ERRCODE_UNDEFINED_FILE)
			problem->hint = "Only the last directory of privacy_retention.key_directory is created: create the others first.";
		return false;
	}
	if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
		return retention_keydir_fail_system(problem, "create", "the key directory");
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return retention_keydir_fail_system(problem, "open", "the key directory's parent");
	synced = retention_keydir_sync(fd) || errno == EINVAL;
	close(fd);
	return synced ||
		retention_keydir_fail_system(problem, "fsync", "the key directory's parent");
}

int
retention_keydir_open(bool for_change, RetentionKeyProblem *problem)
{
	const char *path = retention_settings_key_directory;
	struct stat st;
	int			fd;

	if (path == NULL || path[0] == '\0')
	{
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							  "Set privacy_retention.key_directory, then SELECT retention.create_key();",
							  "there is no key: privacy_retention.key_directory is not set");
		return -1;
	}
	if (!is_absolute_path(path))
	{
		retention_keydir_fail(problem, ERRCODE_INVALID_PARAMETER_VALUE,
							  "Set privacy_retention.key_directory to an absolute path.",
							  "the path of the key directory is not absolute");
		return -1;
	}
	if (for_change && stat(path, &st) != 0 && errno == ENOENT &&
		!make_directory(path, problem))
		return -1;
	if (!outside_data(path, problem))
	{
		if (problem->code == ERRCODE_UNDEFINED_FILE)
		{
			retention_keydir_fail(problem, ERRCODE_UNDEFINED_FILE,
								  "SELECT retention.create_key();",
								  "there is no key: the key directory does not exist");
		}
		return -1;
	}

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		retention_keydir_fail_system(problem, "open", "the key directory");
	else if (st.st_uid != geteuid())
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_DIRECTORY,
							  "the key directory belongs to another user");
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		retention_keydir_fail(problem, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_DIRECTORY,
							  "the key directory is open to other users");
	else if (for_change && flock(fd, LOCK_EX) != 0)
		retention_keydir_fail_system(problem, "lock", "the key directory");
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The epoch of a file's name, or -1: another file. */
static int
parse_name(const char *name, const char *suffix)
{
	char		expected[64];
	int			epoch = RETENTION_KEY_MARK;

	if (strncmp(name, "epoch-", 6) == 0)
		epoch = atoi(name + 6);
	if (epoch < 0)
		return -1;
	retention_keydir_file_name(expected, epoch, suffix);
	return strcmp(expected, name) == 0 ? epoch : -1;
}

RetentionKeyEpoch *
retention_keydir_find_or_add(RetentionKeyList *list, int epoch)
{
	int			at = 0;

	while (at < list->count && list->epochs[at].epoch < epoch)
		at++;
	if (at < list->count && list->epochs[at].epoch == epoch)
		return &list->epochs[at];
	if (list->count == RETENTION_KEY_EPOCHS)
		return NULL;
	memmove(&list->epochs[at + 1], &list->epochs[at],
			sizeof(RetentionKeyEpoch) * (list->count - at));
	list->count++;
	memset(&list->epochs[at], 0, sizeof(RetentionKeyEpoch));
	list->epochs[at].epoch = epoch;
	list->epochs[at].created_at = DT_NOBEGIN;
	list->epochs[at].destroyed_at = DT_NOBEGIN;
	list->epochs[at].destroy_on = DT_NOEND;
	return &list->epochs[at];
}

bool
retention_keydir_list(int directory, RetentionKeyList *list,
					  RetentionKeyProblem *problem)
{
	int			fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool		complete = true;

	list->has_mark = false;
	list->count = 0;
	if (dir == NULL)
	{
		retention_keydir_fail_system(problem, "read", "the key directory");
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (complete && (errno = 0, entry = readdir(dir)) != NULL)
	{
		int			key = parse_name(entry->d_name, RETENTION_KEY_SUFFIX);
		int			note = parse_name(entry->d_name, RETENTION_NOTE_SUFFIX);
		RetentionKeyEpoch *found;

		if (key == RETENTION_KEY_MARK)
			list->has_mark = true;
		else if (key > 0 || note > 0)
		{
			found = retention_keydir_find_or_add(list, Max(key, note));
			if (found == NULL)
				complete = retention_keydir_fail(problem, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL,
												 "there are more than %d key epochs",
												 RETENTION_KEY_EPOCHS);
			else if (key > 0)
				found->present = true;
			else
				found->destroyed = true;
		}
	}
	if (complete && errno != 0)
		complete = retention_keydir_fail_system(problem, "read", "the key directory");
	closedir(dir);
	return complete;
}
