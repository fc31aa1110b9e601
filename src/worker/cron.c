/*
 * cron.c
 *		Jobs of pg_cron that make passes and erase, for servers without the worker.
 *
 * Invariant: a job is one CALL or VACUUM and nothing else, made as the role that asked for
 * it; pg_cron is found at run time, and only what belongs to that extension is
 * taken for it.
 *
 * pg_cron sits in one database of the server (cron.database_name). From any other
 * a job can only be made there: then the statement is the hint.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "enforce/pass.h"
#include "erase/reach.h"
#include "policy/start.h"
#include "worker/cron.h"

PG_FUNCTION_INFO_V1(retention_cron_schedule_sql);
PG_FUNCTION_INFO_V1(retention_cron_unschedule_sql);

static const char *const kind_names[] = {"", ": vacuum ", ": scrub "};

/* A job of a table: what it does, and to which table. */
typedef struct CronJob
{
	RetentionCronKind kind;
	Oid			owner;			/* the protected table; InvalidOid = all */
	Oid			relid;			/* itself, or one that its deletions reach */
} CronJob;

static char *
command_of(const CronJob *job)
{
	const char *name;

	if (!OidIsValid(job->relid))
		return pstrdup(RETENTION_CRON_ENFORCE ")");
	name = retention_start_relation_name(job->relid);
	switch (job->kind)
	{
		case RETENTION_CRON_KIND_VACUUM:
			return psprintf(RETENTION_CRON_VACUUM "%s", name);
		case RETENTION_CRON_KIND_SCRUB:
			return psprintf(RETENTION_CRON_SCRUB "%s" RETENTION_CRON_TAIL, quote_literal_cstr(name));
		case RETENTION_CRON_KIND_ENFORCE:
			break;
	}
	return psprintf(RETENTION_CRON_ENFORCE "%s" RETENTION_CRON_TAIL, quote_literal_cstr(name));
}

/*
 * The jobs of a protected table.  With erasure: one that vacuums and one that scrubs
 * each table in which its deletions leave bytes.  The scrub waits for the VACUUM that
 * begins in the same minute.
 */
static List *
jobs_of(Oid relid, bool erasure)
{
	CronJob    *job = palloc0(sizeof(CronJob));
	List	   *jobs = list_make1(job);
	ListCell   *lc;

	job->owner = job->relid = relid;
	foreach(lc, erasure ? retention_reach_tables(relid) : NIL)
	{
		for (int kind = RETENTION_CRON_KIND_VACUUM; kind <= RETENTION_CRON_KIND_SCRUB; kind++)
		{
			job = palloc0(sizeof(CronJob));
			job->kind = kind;
			job->owner = relid;
			job->relid = lfirst_oid(lc);
			jobs = lappend(jobs, job);
		}
	}
	return jobs;
}

/*
 * The job's name. pg_cron keeps a "name" of 63 bytes: of longer ones the end is
 * replaced by a hash, so that no two tables share a job.
 */
static char *
job_name(const CronJob *job, const char *database)
{
	char	   *name = psprintf("%s%s%s%s%s%s", RETENTION_CRON_PREFIX,
								OidIsValid(job->owner) ? retention_start_relation_name(job->owner) : "all tables",
								kind_names[job->kind],
								job->kind == RETENTION_CRON_KIND_ENFORCE ? "" :
								retention_start_relation_name(job->relid),
								database ? " of " : "",
								database ? quote_identifier(database) : "");
	int			length = strlen(name);
	uint64		hash;

	if (length < NAMEDATALEN)
		return name;
	hash = DatumGetUInt64(hash_any_extended((unsigned char *) name, length, 0));
	name[pg_mbcliplen(name, length, NAMEDATALEN - 1 - 17)] = '\0';
	return psprintf("%s %016llx", name, (unsigned long long) hash);
}

/* A function of schema cron; InvalidOid if it is not there. */
static Oid
cron_function(Oid schema, const char *name, int nargs, Oid *types)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(types, nargs)),
						   ObjectIdGetDatum(schema));
}

bool
retention_cron_is_here(bool loud)
{
	Oid			text_types[] = {TEXTOID, TEXTOID, TEXTOID};
	Oid			id_type[] = {INT8OID};
	Oid			schema = get_namespace_oid("cron", true);
	Oid			extension = get_extension_oid("pg_cron", true);
	ObjectAddress used[4];
	bool		complete = true;
	bool		genuine = true;
	bool		any = OidIsValid(extension);

	if (!OidIsValid(schema))
		return false;
	ObjectAddressSet(used[0], ProcedureRelationId,
					 cron_function(schema, "schedule", 3, text_types));
	ObjectAddressSet(used[1], ProcedureRelationId,
					 cron_function(schema, "unschedule", 1, id_type));
	ObjectAddressSet(used[2], RelationRelationId, get_relname_relid("job", schema));
	ObjectAddressSet(used[3], RelationRelationId,
					 get_relname_relid("job_run_details", schema));
	for (int i = 0; i < lengthof(used); i++)
	{
		bool		there = OidIsValid(used[i].objectId);

		any |= there;
		complete &= there;
		genuine &= !there || (OidIsValid(extension) &&
							  getExtensionOfObject(used[i].classId, used[i].objectId) == extension);
	}
	if (!any || (!loud && !(genuine && complete)))
		return false;
	if (!genuine)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema cron is not the one of extension pg_cron"),
				 errdetail("It holds a function or table of pg_cron's name that does not belong to the extension."),
				 errhint("Find out who made it, and drop it.")));
	if (!complete)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this version of pg_cron has no named jobs"),
				 errhint("ALTER EXTENSION pg_cron UPDATE; version 1.4 is needed.")));
	return true;
}

/* ERROR unless pg_cron is in this database; elsewhere: what to execute there. */
static void
require_here(const char *elsewhere)
{
	const char *home;

	if (retention_cron_is_here(true))
		return;
	home = GetConfigOption("cron.database_name", true, false);
	if (home == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_cron is not installed on this server"),
				 errhint("Put pg_cron into shared_preload_libraries, restart, and CREATE EXTENSION pg_cron; or put privacy_retention there, whose worker needs no jobs.")));
	if (strcmp(home, get_database_name(MyDatabaseId)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_cron is not installed in this database"),
				 errhint("CREATE EXTENSION pg_cron;")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("pg_cron keeps its jobs in database %s", quote_identifier(home)),
			 errhint("There: %s", elsewhere)));
}

/* The job would fail each time. */
static void
require_execute(const char *name)
{
	bool		isnull;

	if (SPI_execute(psprintf("SELECT pg_catalog.bool_and(pg_catalog.has_function_privilege(oid, 'EXECUTE'))"
							 " FROM pg_catalog.pg_proc WHERE proname = %s"
							 " AND pronamespace = 'retention'::pg_catalog.regnamespace",
							 quote_literal_cstr(name)),
					true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the privileges of retention.%s() could not be read", name);
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, 1, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s may not call retention.%s()",
						quote_identifier(GetUserNameFromId(GetUserId(), false)), name),
				 errdetail("A job runs as the role that made it."),
				 errhint("GRANT EXECUTE ON PROCEDURE retention.%s TO %s;", name,
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/* VACUUM leaves out tables of others, and calls that a success. */
static void
require_vacuum(const CronJob *job)
{
	if (job->kind == RETENTION_CRON_KIND_VACUUM &&
		!retention_compat_owns_relation(job->relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s may not vacuum table %s",
						quote_identifier(GetUserNameFromId(GetUserId(), false)),
						retention_start_relation_name(job->relid)),
				 errdetail("Deletions leave bytes in it, and only its owner and superusers may vacuum it."),
				 errhint("Call retention.schedule() as a role that owns all of them, or as a superuser.")));
}

/* Runs a query of pg_cron's; its bigint, or -1 where there is none. */
static int64
ask_cron(const char *sql, int nargs, const char **arguments)
{
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];
	int64		result = -1;
	bool		isnull;

	for (int i = 0; i < nargs; i++)
		values[i] = CStringGetTextDatum(arguments[i]);
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "pg_cron could not be asked");
	if (SPI_processed > 0)
	{
		result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											 SPI_tuptable->tupdesc, 1, &isnull));
		if (isnull)
			result = -1;
	}
	return result;
}

/* retention.schedule(cron_expression, relation, erase_expression) */
Datum
retention_cron_schedule_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	bool		erasure = !PG_ARGISNULL(2);
	char	   *database = get_database_name(MyDatabaseId);
	StringInfoData elsewhere;
	List	   *jobs;
	ListCell   *lc;
	int64		first = -1;

	PreventCommandIfReadOnly("retention.schedule()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("cron_expression must not be null"),
				 errhint("Every five minutes is '*/5 * * * *'; retention.unschedule() ends a job.")));
	if (!PG_ARGISNULL(1))
		retention_pass_require_protected(relid);
	else if (erasure)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("erase_expression needs a relation"),
				 errhint("Each table has jobs of its own that vacuum and scrub it: SELECT retention.schedule('*/5 * * * *', 'my_table', '30 2 * * *');")));

	SPI_connect();
	require_execute("enforce");
	if (erasure)
		require_execute("scrub");
	jobs = jobs_of(relid, erasure);
	initStringInfo(&elsewhere);
	foreach(lc, jobs)
	{
		CronJob    *job = (CronJob *) lfirst(lc);

		require_vacuum(job);
		appendStringInfo(&elsewhere, "%sSELECT cron.schedule_in_database(%s, %s, %s, %s);",
						 lc == list_head(jobs) ? "" : " ",
						 quote_literal_cstr(job_name(job, database)),
						 quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(job->kind == RETENTION_CRON_KIND_ENFORCE ? 0 : 2))),
						 quote_literal_cstr(command_of(job)),
						 quote_literal_cstr(database));
	}
	require_here(elsewhere.data);
	foreach(lc, jobs)
	{
		CronJob    *job = (CronJob *) lfirst(lc);
		const char *arguments[3] = {job_name(job, NULL),
			text_to_cstring(PG_GETARG_TEXT_PP(job->kind == RETENTION_CRON_KIND_ENFORCE ? 0 : 2)),
		command_of(job)};
		int64		id = ask_cron("SELECT cron.schedule($1, $2, $3)", 3, arguments);

		if (id < 0)
			elog(ERROR, "pg_cron returned no job");
		if (first < 0)
			first = id;
	}
	SPI_finish();
	PG_RETURN_INT64(first);
}

/* retention.unschedule(relation) */
Datum
retention_cron_unschedule_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	char	   *database = get_database_name(MyDatabaseId);
	StringInfoData elsewhere;
	List	   *jobs;
	ListCell   *lc;
	int64		gone = 0;

	PreventCommandIfReadOnly("retention.unschedule()");
	if (!PG_ARGISNULL(0) && get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("SELECT cron.unschedule(job_id) FROM retention.scheduled WHERE problem IS NOT NULL;")));

	SPI_connect();
	jobs = jobs_of(relid, OidIsValid(relid));
	initStringInfo(&elsewhere);
	foreach(lc, jobs)
		appendStringInfo(&elsewhere, "%s%s", lc == list_head(jobs) ? "" : ", ",
						 quote_literal_cstr(job_name(lfirst(lc), database)));
	require_here(list_length(jobs) == 1 ?
				 psprintf("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = %s;", elsewhere.data) :
				 psprintf("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname IN (%s);", elsewhere.data));
	foreach(lc, jobs)
	{
		const char *arguments[2] = {job_name(lfirst(lc), NULL), database};

		gone += ask_cron("SELECT pg_catalog.count(*) FROM"
						 " (SELECT cron.unschedule(jobid) AS gone FROM cron.job"
						 " WHERE jobname::text OPERATOR(pg_catalog.=) $1"
						 " AND database::text OPERATOR(pg_catalog.=) $2 OFFSET 0) AS job"
						 " WHERE gone", 2, arguments);
	}
	SPI_finish();
	if (gone == 0)
		ereport(NOTICE,
				(errmsg("there is no such job: %s", job_name(linitial(jobs), NULL))));
	PG_RETURN_BOOL(gone > 0);
}
