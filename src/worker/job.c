/*
 * job.c
 *		The jobs of pg_cron that are ours, and whether they work.
 *
 * Invariant: a job that cannot do what it was made for is shown with its problem,
 * and reading the list changes nothing.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "enforce/subscription.h"
#include "guard/guard.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "worker/cron.h"

#define COLUMNS 11

/* May the job's role, pg_roles r, call a procedure of ours? */
#define MAY(name) \
	" (SELECT r.oid IS NOT NULL AND pg_catalog.bool_and(pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE'))" \
	" FROM pg_catalog.pg_proc p WHERE p.proname = '" name "'" \
	" AND p.pronamespace = 'retention'::pg_catalog.regnamespace),"

typedef struct Job
{
	int64		id;
	char	   *name;
	char	   *schedule;
	char	   *command;
	char	   *database;
	char	   *role;
	bool		active;
	bool		may_enforce;
	bool		may_scrub;
	char	   *last_status;	/* NULL = never ran */
	Datum		last_run;
	bool		never_ran;
	/* judged */
	RetentionCronKind kind;
	char	   *relation;
	char	   *problem;
	char	   *remedy;
} Job;

PG_FUNCTION_INFO_V1(retention_job_rows_sql);

/* The string of a literal as quote_literal() makes it; NULL if it is none. */
static char *
unquote(const char *literal, int length)
{
	bool		escapes = length > 0 && *literal == 'E';
	char	   *result = palloc(length + 1);
	int			n = 0;
	int			i = escapes ? 1 : 0;

	if (length - i < 2 || literal[i] != '\'' || literal[length - 1] != '\'')
		return NULL;
	for (i++; i < length - 1; i++)
	{
		if (literal[i] == '\'' || (escapes && literal[i] == '\\'))
		{
			if (i + 1 >= length - 1 || literal[i + 1] != literal[i])
				return NULL;
			i++;
		}
		result[n++] = literal[i];
	}
	result[n] = '\0';
	return result;
}

/* The name between a head and the tail of a CALL; NULL if it is another command. */
static char *
name_in_call(const char *command, const char *head)
{
	int			length = strlen(command);
	int			from = strlen(head);
	int			tail = strlen(RETENTION_CRON_TAIL);

	if (length < from + tail || strncmp(command, head, from) != 0 ||
		strcmp(command + length - tail, RETENTION_CRON_TAIL) != 0)
		return NULL;
	return unquote(command + from, length - from - tail);
}

/* What a command does, and to which table (NULL: all); false if it is none of ours. */
static bool
read_command(const char *command, RetentionCronKind *kind, char **relation)
{
	int			head = strlen(RETENTION_CRON_VACUUM);

	*relation = NULL;
	*kind = RETENTION_CRON_KIND_ENFORCE;
	if (strcmp(command, RETENTION_CRON_ENFORCE ")") == 0)
		return true;
	*relation = name_in_call(command, RETENTION_CRON_ENFORCE);
	if (*relation != NULL)
		return true;
	*kind = RETENTION_CRON_KIND_SCRUB;
	*relation = name_in_call(command, RETENTION_CRON_SCRUB);
	if (*relation != NULL)
		return true;
	*kind = RETENTION_CRON_KIND_VACUUM;
	if (strncmp(command, RETENTION_CRON_VACUUM, head) == 0)
		*relation = pstrdup(command + head);
	return *relation != NULL;
}

typedef struct Search
{
	const char *name;
	Oid			relid;
} Search;

static void
look_up(void *arg)
{
	Search	   *search = (Search *) arg;
	List	   *names = textToQualifiedNameList(cstring_to_text(search->name));

	search->relid = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
}

/* The relation of a qualified name, InvalidOid if there is none (any more). */
static Oid
find_relation(const char *name)
{
	Search		search = {name, InvalidOid};

	return retention_attempt_run(look_up, &search) == NULL ? search.relid : InvalidOid;
}

/* What a table that the job is for lacks. */
static void
judge_relation(Job *job)
{
	Oid			relid = find_relation(job->relation);

	if (!OidIsValid(relid))
	{
		job->problem = "there is no table of that name (any more)";
		job->remedy = psprintf("SELECT cron.unschedule(" INT64_FORMAT ")", job->id);
	}
	else if (job->kind != RETENTION_CRON_KIND_ENFORCE)
		return;
	else if (retention_labelled_root(relid) != relid)
	{
		job->problem = psprintf("the table is a partition of %s now",
								retention_start_relation_name(retention_labelled_root(relid)));
		job->remedy = psprintf("SELECT cron.unschedule(" INT64_FORMAT ")", job->id);
	}
	else if (retention_guard_state(relid) != RETENTION_PROTECTED)
	{
		job->problem = "the table is not protected";
		job->remedy = psprintf("SELECT retention.protect(%s)",
							   quote_literal_cstr(job->relation));
	}
	else if (retention_subscription_name(relid) != NULL)
	{
		job->problem = retention_subscription_reason(retention_subscription_name(relid));
		job->remedy = retention_subscription_remedy();
	}
}

static void
judge(Job *job)
{
	bool		ours = read_command(job->command, &job->kind, &job->relation);
	bool		here = strcmp(job->database, get_database_name(MyDatabaseId)) == 0;

	if (!ours)
	{
		job->problem = "its command is not the one that retention.schedule() makes";
		job->remedy = psprintf("SELECT cron.unschedule(" INT64_FORMAT "), and retention.schedule() again",
							   job->id);
	}
	else if (!job->active)
	{
		job->problem = "the job is not active";
		job->remedy = psprintf("SELECT cron.alter_job(" INT64_FORMAT ", active => true)", job->id);
	}
	else if (here && job->kind == RETENTION_CRON_KIND_ENFORCE && !job->may_enforce)
	{
		job->problem = "its role may not call retention.enforce()";
		job->remedy = psprintf("GRANT EXECUTE ON PROCEDURE retention.enforce TO %s",
							   quote_identifier(job->role));
	}
	else if (here && job->kind == RETENTION_CRON_KIND_SCRUB && !job->may_scrub)
	{
		job->problem = "its role may not call retention.scrub()";
		job->remedy = psprintf("GRANT EXECUTE ON PROCEDURE retention.scrub TO %s",
							   quote_identifier(job->role));
	}
	else if (here && job->relation)
		judge_relation(job);
	if (job->problem == NULL && job->last_status && strcmp(job->last_status, "failed") == 0)
	{
		job->problem = "the last run failed";
		job->remedy = psprintf("SELECT return_message FROM cron.job_run_details WHERE jobid = " INT64_FORMAT
							   " ORDER BY runid DESC LIMIT 1", job->id);
	}
}

static void
put_job(ReturnSetInfo *result, const Job *job)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {false};
	const char *texts[COLUMNS] = {NULL, job->name, job->schedule, job->relation,
		job->database, job->role, NULL, NULL, job->last_status, job->problem,
	job->remedy};

	for (int i = 0; i < COLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (texts[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	values[0] = Int64GetDatum(job->id);
	values[6] = BoolGetDatum(job->active);
	values[7] = job->last_run;
	nulls[0] = nulls[6] = false;
	nulls[7] = job->never_ran;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Job
read_job(int row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	bool		isnull;
	Job			job = {0};

	job.id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	job.name = SPI_getvalue(tuple, desc, 2);
	job.schedule = SPI_getvalue(tuple, desc, 3);
	job.command = SPI_getvalue(tuple, desc, 4);
	job.database = SPI_getvalue(tuple, desc, 5);
	job.role = SPI_getvalue(tuple, desc, 6);
	job.active = DatumGetBool(SPI_getbinval(tuple, desc, 7, &isnull));
	job.may_enforce = DatumGetBool(SPI_getbinval(tuple, desc, 8, &isnull)) && !isnull;
	job.may_scrub = DatumGetBool(SPI_getbinval(tuple, desc, 9, &isnull)) && !isnull;
	job.last_status = SPI_getvalue(tuple, desc, 10);
	job.last_run = SPI_getbinval(tuple, desc, 11, &job.never_ran);
	return job;
}

/* The rows of retention.scheduled */
Datum
retention_job_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RetentionIdentity saved;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(RETENTION_CRON_PREFIX)};

	InitMaterializedSRF(fcinfo, 0);
	if (!retention_cron_is_here(false))
		return (Datum) 0;

	SPI_connect();
	/* Row security shows each role its own jobs only. */
	retention_identity_become_extension(&saved);
	if (SPI_execute_with_args("SELECT j.jobid, j.jobname::text, j.schedule, j.command, j.database, j.username, j.active,"
							  MAY("enforce") MAY("scrub")
							  " d.status, d.start_time"
							  " FROM cron.job j LEFT JOIN pg_catalog.pg_roles r ON r.rolname::text = j.username"
							  " LEFT JOIN LATERAL (SELECT status, start_time FROM cron.job_run_details d"
							  " WHERE d.jobid = j.jobid ORDER BY runid DESC LIMIT 1) d ON true"
							  " WHERE pg_catalog.starts_with(j.jobname::text, $1)"
							  " ORDER BY j.jobid",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the jobs of pg_cron could not be read");
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		Job			job = read_job(row);

		judge(&job);
		put_job(result, &job);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return (Datum) 0;
}
