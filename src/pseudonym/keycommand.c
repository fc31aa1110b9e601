/*
 * keycommand.c
 *		A vault outside the server: what is asked of it, and its answers.
 *
 * Invariant: no answer is nearly right: what does not have the very form is
 * refused, and nothing of it is in the message.
 */
#include "postgres.h"

#include "pseudonym/keycommand.h"
#include "pseudonym/keyprogram.h"

#define KEY_DIGITS (2 * RETENTION_KEY_LENGTH)
#define ANSWER_SIZE 512			/* of all but "list" */
#define LINE_SIZE 96			/* of a line of "list", at most */
#define HINT_PROTOCOL \
	"What the program must answer is in the documentation, under key_command."

static bool
is_wrong(RetentionKeyProblem *problem, const char *operation)
{
	return retention_keydir_fail(problem, ERRCODE_DATA_CORRUPTED, HINT_PROTOCOL,
								 "the answer of the key command to \"%s\" could not be understood",
								 operation);
}

static TimestampTz
from_unix(long long us)
{
	return (TimestampTz) us - RETENTION_UNIX_TO_POSTGRES_US;
}

/* One line of "list", without its end. */
static bool
add_line(RetentionKeyList *list, const char *line)
{
	RetentionKeyEpoch *epoch;
	int			number;
	long long	first;
	long long	second;
	int			used = 0;
	int			with_date = 0;
	bool		destroyed = false;

	if (sscanf(line, "destroyed %d %lld%n", &number, &first, &used) == 2 &&
		line[used] == '\0')
		destroyed = true;
	else if (sscanf(line, "epoch %d %lld%n %lld%n", &number, &first, &used,
					&second, &with_date) < 2 ||
			 line[Max(used, with_date)] != '\0')
		return false;
	if (number <= 0)
		return false;
	epoch = retention_keydir_find_or_add(list, number);
	if (epoch == NULL || epoch->present || epoch->destroyed)
		return false;
	epoch->present = !destroyed;
	epoch->destroyed = destroyed;
	if (destroyed)
		epoch->destroyed_at = from_unix(first);
	else
		epoch->created_at = from_unix(first);
	if (with_date > 0)
		epoch->destroy_on = from_unix(second);
	return true;
}

bool
retention_keycommand_list(RetentionKeyList *list, RetentionKeyProblem *problem)
{
	size_t		size = LINE_SIZE * RETENTION_KEY_EPOCHS;
	char	   *answer = palloc(size);
	bool		good;

	list->has_mark = false;
	list->count = 0;
	good = retention_keyprogram_run("list", NULL, answer, size, problem);
	for (char *line = answer; good && *line != '\0';)
	{
		char	   *end = strchr(line, '\n');

		if (end == NULL)
			good = is_wrong(problem, "list");
		else
		{
			*end = '\0';
			if (!add_line(list, line))
				good = is_wrong(problem, "list");
			line = end + 1;
		}
	}
	pfree(answer);
	return good;
}

/* A key at the start of the text, and the end of the line behind it. */
static bool
take_key(const char *text, uint8 key[RETENTION_KEY_LENGTH])
{
	static const char digits[] = "0123456789abcdef";

	if (strspn(text, digits) != KEY_DIGITS || text[KEY_DIGITS] != '\n')
		return false;
	for (int i = 0; i < RETENTION_KEY_LENGTH; i++)
		key[i] = (uint8) ((strchr(digits, text[2 * i]) - digits) << 4 |
						  (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}

/* "mark KEY\n" and perhaps "epoch N KEY\n". */
static bool
take_keys(const char *answer, RetentionCurrentKeys *keys)
{
	int			used = 0;
	int			epoch;

	if (strncmp(answer, "mark ", 5) != 0 || !take_key(answer + 5, keys->mark))
		return false;
	keys->has_mark = true;
	answer += 5 + KEY_DIGITS + 1;
	if (*answer == '\0')
		return true;
	if (sscanf(answer, "epoch %d %n", &epoch, &used) != 1 || used == 0 || epoch <= 0 ||
		!take_key(answer + used, keys->key) ||
		answer[used + KEY_DIGITS + 1] != '\0')
		return false;
	keys->epoch = epoch;
	return true;
}

void
retention_keycommand_get(RetentionCurrentKeys *keys)
{
	char		answer[ANSWER_SIZE];
	bool		good = retention_keyprogram_run("get", NULL, answer, sizeof(answer),
												&keys->problem);

	if (good && answer[0] != '\0' && !take_keys(answer, keys))
	{
		keys->has_mark = false;
		keys->epoch = 0;
		good = is_wrong(&keys->problem, "get");
	}
	explicit_bzero(answer, sizeof(answer));
	if (good && keys->epoch == 0)
		(void) retention_keydir_fail(&keys->problem,
									 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
									 "SELECT retention.create_key();",
									 "there is no key");
	if (!keys->has_mark)
		keys->mark_problem = keys->problem;
}

int
retention_keycommand_create(TimestampTz destroy_on, RetentionKeyProblem *problem)
{
	char		answer[ANSWER_SIZE];
	char		date[32];
	int			used = 0;
	int			epoch;

	snprintf(date, sizeof(date), "%lld",
			 (long long) (destroy_on + RETENTION_UNIX_TO_POSTGRES_US));
	if (!retention_keyprogram_run("create", TIMESTAMP_IS_NOEND(destroy_on) ? NULL : date,
								  answer, sizeof(answer), problem))
		return 0;
	if (sscanf(answer, "epoch %d%n", &epoch, &used) == 1 && epoch > 0 &&
		strcmp(answer + used, "\n") == 0)
		return epoch;
	(void) is_wrong(problem, "create");
	return 0;
}

bool
retention_keycommand_destroy(int epoch, RetentionKeyProblem *problem)
{
	char		answer[ANSWER_SIZE];
	char		number[16];

	snprintf(number, sizeof(number), "%d", epoch);
	return retention_keyprogram_run("destroy", number, answer, sizeof(answer), problem);
}
