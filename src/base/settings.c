/*
 * settings.c
 *		The settings privacy_retention.*.
 *
 * Invariant: the check hooks look at the value alone, never at a catalog or at
 * another setting, so that they hold in the postmaster, in a worker and in any
 * order of the configuration file.  What needs a catalog (does the officer's
 * role exist?) is asked where the setting is used.
 */
#include "postgres.h"

#include <limits.h>

#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/opening.h"
#include "base/settings.h"
#include "base/settings_scrub.h"

bool		retention_settings_enabled = true;
int			retention_settings_naptime = 60;
char	   *retention_settings_timezone = NULL;
char	   *retention_settings_officer_role = NULL;
char	   *retention_settings_key_directory = NULL;
char	   *retention_settings_key_command = NULL;
int			retention_settings_promised_lateness = 3600;
int			retention_settings_batch_rows = 1000;
int			retention_settings_batch_time = 50;
int			retention_settings_lock_timeout = 200;
int			retention_settings_duty_cycle = 20;
int			retention_settings_late_rows = RETENTION_LATE_TRANSFORM;
bool		retention_settings_drop_partitions = false;
bool		retention_settings_enforce_subscribed = false;
bool		retention_settings_replication_origin = true;
char	   *retention_settings_governed_schemas = NULL;
int			retention_settings_largest_share = 50;
int			retention_settings_backup_retention = -1;
char	   *retention_settings_ledger_origin = NULL;
int			retention_settings_ledger_period = -1;
int			retention_settings_erase_within = 86400;
bool		retention_settings_reindex = true;

int			retention_settings_unlabelled = RETENTION_UNLABELLED_WARNING;

static char *earliest_text = NULL;
static uint64 generation = 1;

static const struct config_enum_entry unlabelled_options[] = {
	{"warning", RETENTION_UNLABELLED_WARNING, false},
	{"error", RETENTION_UNLABELLED_ERROR, false},
	{"ignore", RETENTION_UNLABELLED_IGNORE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry late_rows_options[] = {
	{"transform", RETENTION_LATE_TRANSFORM, false},
	{"reject", RETENTION_LATE_REJECT, false},
	{"accept", RETENTION_LATE_ACCEPT, false},
	{NULL, 0, false}
};
static char *window_text = NULL;

/*
 * Reads "YYYY-MM-DD", optionally followed by " HH:MM[:SS]" (or T for the blank).
 * Nothing else: what it means must not depend on DateStyle, nor on the day on
 * which it is read.
 */
static bool
parse_instant(const char *text, struct pg_tm *tm)
{
	int			used = 0;
	Timestamp	ignored;

	memset(tm, 0, sizeof(*tm));
	if (strspn(text, "0123456789-T: ") != strlen(text))
		return false;
	if (sscanf(text, "%4d-%2d-%2d%n", &tm->tm_year, &tm->tm_mon, &tm->tm_mday,
			   &used) != 3 || used != 10)
		return false;
	text += used;
	if (*text == 'T' || *text == ' ')
	{
		text++;
		used = 0;
		if (sscanf(text, "%2d:%2d%n", &tm->tm_hour, &tm->tm_min, &used) != 2 ||
			used != 5)
			return false;
		text += used;
		if (*text == ':')
		{
			used = 0;
			if (sscanf(text, ":%2d%n", &tm->tm_sec, &used) != 1 || used != 3)
				return false;
			text += used;
		}
	}
	if (*text != '\0')
		return false;
	if (tm->tm_year < 1 || tm->tm_mon < 1 || tm->tm_mon > MONTHS_PER_YEAR ||
		tm->tm_mday < 1 ||
		tm->tm_mday > day_tab[isleap(tm->tm_year)][tm->tm_mon - 1] ||
		tm->tm_hour < 0 || tm->tm_hour >= HOURS_PER_DAY ||
		tm->tm_min < 0 || tm->tm_min >= MINS_PER_HOUR ||
		tm->tm_sec < 0 || tm->tm_sec >= SECS_PER_MINUTE)
		return false;
	return tm2timestamp(tm, 0, NULL, &ignored) == 0;
}

static bool
check_timezone(char **newval, void **extra, GucSource source)
{
	pg_tz	   *zone = pg_tzset(*newval);

	if (zone == NULL)
	{
		GUC_check_errdetail("\"%s\" is not a time zone that this server knows.",
							*newval);
		GUC_check_errhint("Names of time zones are in the view pg_timezone_names.");
		return false;
	}
	if (!pg_tz_acceptable(zone))
	{
		GUC_check_errdetail("PostgreSQL does not support leap seconds.");
		return false;
	}
	return true;
}

static bool
check_earliest(char **newval, void **extra, GucSource source)
{
	struct pg_tm tm;

	if (parse_instant(*newval, &tm))
		return true;
	GUC_check_errdetail("A date such as 2000-01-01 is expected, optionally with a time of day such as 2000-01-01 12:30:00.");
	return false;
}

static bool
check_officer_role(char **newval, void **extra, GucSource source)
{
	if (strlen(*newval) < NAMEDATALEN)
		return true;
	GUC_check_errdetail("Names of roles are shorter than %d bytes.", NAMEDATALEN);
	return false;
}

bool
retention_settings_check_names(char **newval, void **extra, GucSource source)
{
	char	   *names = pstrdup(*newval);
	List	   *list = NIL;
	bool		valid = SplitIdentifierString(names, ',', &list);

	list_free(list);
	pfree(names);
	if (!valid)
		GUC_check_errdetail("A list of names, separated by commas, is expected.");
	return valid;
}

static bool
check_window(char **newval, void **extra, GucSource source)
{
	const char *problem = retention_opening_problem(*newval);

	if (problem == NULL)
		return true;
	GUC_check_errdetail("%s", problem);
	return false;
}

/*
 * Keys must not travel with base backups, hence not lie in the data directory.
 * Symbolic links are not followed here: the file system is the keyring's.
 */
static bool
check_key_directory(char **newval, void **extra, GucSource source)
{
	if (**newval == '\0')
		return true;
	canonicalize_path(*newval);
	if (!is_absolute_path(*newval))
	{
		GUC_check_errdetail("The path must be absolute.");
		return false;
	}
	if (DataDir != NULL && path_is_prefix_of_path(DataDir, *newval))
	{
		GUC_check_errdetail("The keys must not lie in the data directory, where base backups would take them along.");
		return false;
	}
	return true;
}

/* It also names a key, whose name cannot have a blank or a plus. */
static bool
check_ledger_origin(char **newval, void **extra, GucSource source)
{
	bool		good = strlen(*newval) <= 200;

	for (const char *c = *newval; *c != '\0'; c++)
		good = good && *c > ' ' && *c < 0x7F && *c != '+';
	if (!good)
		GUC_check_errdetail("Up to 200 letters, digits and signs of ASCII are expected, without a blank and a plus sign.");
	return good;
}

/* The zone was checked when it was set; it is gone only if its file is. */
static pg_tz *
zone(void)
{
	pg_tz	   *result = pg_tzset(retention_settings_timezone);

	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("time zone \"%s\" of privacy_retention.timezone is not known any more",
						retention_settings_timezone)));
	return result;
}

TimestampTz
retention_settings_earliest(void)
{
	struct pg_tm tm;
	int			offset;
	TimestampTz result;

	if (!parse_instant(earliest_text, &tm))
		elog(ERROR, "privacy_retention.earliest holds what its check refuses");
	offset = DetermineTimeZoneOffset(&tm, zone());
	if (tm2timestamp(&tm, 0, &offset, &result) != 0)
		elog(ERROR, "privacy_retention.earliest is out of range");
	return result;
}

TimestampTz
retention_settings_next_opening(TimestampTz now)
{
	return retention_opening_next(window_text, zone(), now);
}

int
retention_settings_longest_closed(void)
{
	return retention_opening_longest_closed(window_text);
}

void
retention_settings_limit_lock_waits(void)
{
	(void) set_config_option("lock_timeout",
							 psprintf("%d", retention_settings_lock_timeout),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

static void
assign_meaning_of_clocks(const char *newval, void *extra)
{
	generation++;
}

uint64
retention_settings_generation(void)
{
	return generation;
}

/* What is done, and what counts as time. */
static void
define_policy(void)
{
	DefineCustomBoolVariable("privacy_retention.enabled",
							 "Enforces the deletion rules of this database.",
							 "Off stops the worker and CALL retention.enforce() in the databases for which it is set. "
							 "Rows that fall due meanwhile count as overdue. Meant for ALTER DATABASE ... SET, for example while a dump is restored.",
							 &retention_settings_enabled,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.timezone",
							   "Time zone of starting points that are dates or timestamps without time zone.",
							   "Periods of days, months and years are also counted in it, whatever the TimeZone of the session is.",
							   &retention_settings_timezone,
							   "UTC",
							   PGC_SUSET, 0, check_timezone, assign_meaning_of_clocks, NULL);
	DefineCustomStringVariable("privacy_retention.earliest",
							   "Starting points before this date are implausible.",
							   "They are most often the zero of an epoch or a default, so their rows are never due; retention.status counts them. "
							   "Written as 2000-01-01 or 2000-01-01 12:30:00, in privacy_retention.timezone.",
							   &earliest_text,
							   "2000-01-01",
							   PGC_SUSET, 0, check_earliest, assign_meaning_of_clocks, NULL);
	DefineCustomStringVariable("privacy_retention.officer_role",
							   "Role whose members act as data protection officer.",
							   "Only they and superusers may lengthen periods, end protection and change labels of protected tables. "
							   "Empty: superusers only.",
							   &retention_settings_officer_role,
							   "",
							   PGC_SUSET, 0, check_officer_role, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.key_directory",
							   "Directory of the keys of pseudonyms, outside the data directory.",
							   "The server's user must own it, with mode 0700. Empty: no keys, so rules that pseudonymise are invalid.",
							   &retention_settings_key_directory,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   check_key_directory, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.key_command",
							   "Program that keeps the keys of pseudonyms, instead of a directory.",
							   "The shell runs it with an operation behind it: list, get, create or destroy. It writes keys to its standard output. "
							   "No secret belongs into this setting. Empty: no such program.",
							   &retention_settings_key_command,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.promised_lateness",
							"How long after its period a row may still be there.",
							"Rows that are due for longer are overdue: retention.status reports their rule as late.",
							&retention_settings_promised_lateness,
							3600, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomEnumVariable("privacy_retention.unlabelled",
							 "What becomes of a transaction that leaves personal data without a label.",
							 "A new column of a protected table that no rule covers, or a new table with a copy of protected columns: "
							 "judged when the transaction commits, so that it may set the label itself.",
							 &retention_settings_unlabelled,
							 RETENTION_UNLABELLED_WARNING, unlabelled_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.governed_schemas",
							   "Schemas whose tables should be labelled, separated by commas.",
							   "The view retention.coverage and retention.check() look for personal data without a label in them. "
							   "Empty: all schemas but those of the system and of extensions.",
							   &retention_settings_governed_schemas,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT,
							   retention_settings_check_names, NULL, NULL);
	DefineCustomEnumVariable("privacy_retention.late_rows",
							 "What becomes of values and rows that are past their date when they are written.",
							 "With \"transform\" values are stored as their action leaves them, and the next pass takes rows; "
							 "\"reject\" refuses both; \"accept\" leaves both to the next pass.",
							 &retention_settings_late_rows,
							 RETENTION_LATE_TRANSFORM, late_rows_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("privacy_retention.drop_partitions",
							 "Drops partitions all rows of which are due, instead of truncating them.",
							 "Off keeps the partition, empty.",
							 &retention_settings_drop_partitions,
							 false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("privacy_retention.enforce_subscribed",
							 "Enforces the rules of tables that an enabled subscription fills, too.",
							 "Off leaves their rows to the publisher. Meant for publications that do not publish deletes, and for publishers that enforce nothing.",
							 &retention_settings_enforce_subscribed,
							 false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("privacy_retention.replication_origin",
							 "Marks what a pass changes with a replication origin, where wal_level is logical.",
							 "Off is for standbys that have fewer places for origins than their primary, and for consumers that leave marked changes out but should not.",
							 &retention_settings_replication_origin,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.largest_share",
							"Largest share of a table's rows, in percent, that a rule may remove or change in one pass.",
							"A pass that would do more, and at least 1,000 rows, waits until retention.protect() confirms their number with at_most. 100 never waits.",
							&retention_settings_largest_share,
							50, 1, 100,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

/* How fast it is done, and when. */
static void
define_pacing(void)
{
	DefineCustomIntVariable("privacy_retention.naptime",
							"Longest time between two looks of the worker at a database.",
							"The worker looks earlier when it knows that a row falls due.",
							&retention_settings_naptime,
							60, 1, INT_MAX / 1000,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.batch_rows",
							"Rows in the first batch of a pass.",
							"Later batches grow or shrink until each takes privacy_retention.batch_time.",
							&retention_settings_batch_rows,
							1000, 1, 100000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.batch_time",
							"Time that a batch should take.",
							"A batch is a transaction: others wait for its rows at most about so long.",
							&retention_settings_batch_time,
							50, 1, 3600 * 1000,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.lock_timeout",
							"How long a batch waits for a lock.",
							"Rows and tables that stay locked are left to a later pass. Zero waits without end.",
							&retention_settings_lock_timeout,
							200, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.duty_cycle",
							"Share of its time, in percent, that the worker works.",
							"The worker rests between batches for the remaining share. 100 never rests. CALL retention.enforce() does not rest.",
							&retention_settings_duty_cycle,
							20, 1, 100,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.time_window",
							   "Times of day at which the worker enforces.",
							   "Written as 22:00-06:00, several separated by commas, in privacy_retention.timezone. "
							   "Empty: at any time. Rows that fall due outside count as overdue all the same. CALL retention.enforce() works at any time.",
							   &window_text,
							   "",
							   PGC_SUSET, 0, check_window, NULL, NULL);
}

/* How the bytes of what was deleted go, and when. */
static void
define_erasure(void)
{
	DefineCustomIntVariable("privacy_retention.erase_within",
							"How long after a deletion its bytes may still be in the tables' files.",
							"After half of that the worker vacuums and scrubs the table, once for all deletions until then. Zero: the worker does not; CALL retention.scrub() does.",
							&retention_settings_erase_within,
							SECS_PER_DAY, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.backup_retention",
							"How long backups and archived WAL are kept, as you declare it.",
							"So long after the last old WAL has left the server, retention.erasure_horizon calls a deletion clear of backups. "
							"Nobody looks whether that is true. Zero: there are none; -1: not declared.",
							&retention_settings_backup_retention,
							-1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomBoolVariable("privacy_retention.reindex",
							 "Lets the worker rebuild indexes that keep deleted values where only REINDEX removes them.",
							 "Off leaves them there, and says so. They are rebuilt one at a time, with REINDEX CONCURRENTLY.",
							 &retention_settings_reindex,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

/* What is kept of what was done. */
static void
define_evidence(void)
{
	DefineCustomStringVariable("privacy_retention.ledger_origin",
							   "Name of the ledger in its checkpoints.",
							   "Unique and stable, such as example.com/production/crm; verifiers compare it. "
							   "Empty: made of the server's system identifier and the database's name.",
							   &retention_settings_ledger_origin,
							   "",
							   PGC_SUSET, 0, check_ledger_origin, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.ledger_period",
							"How long the ledger's entries are kept whole.",
							"The worker then shortens them: what they say is removed, their hashes stay, so that all proofs hold. -1 keeps them.",
							&retention_settings_ledger_period,
							-1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

void
retention_settings_define(void)
{
	define_policy();
	define_pacing();
	define_erasure();
	define_evidence();
	retention_settings_define_scrub();
	MarkGUCPrefixReserved("privacy_retention");
}
