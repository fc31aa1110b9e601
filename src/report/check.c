/*
 * check.c
 *		The self-check of an installation: retention.check().
 *
 * Invariant: one source that fails hides no other; the order is the same
 * whoever asks. Reads only, also on a standby.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

#include "base/settings.h"
#include "report/check.h"
#include "report/finding.h"

/* So many findings are listed in the detail of assert_healthy(). */
#define LISTED 20
#define CHECK_COLUMNS 4

PG_FUNCTION_INFO_V1(retention_check_rows_sql);
PG_FUNCTION_INFO_V1(retention_check_assert_sql);

/* A source is a query of ours, or a function. */
typedef struct Source
{
	const char *object;			/* what is at fault if it fails */
	const char *query;
	RetentionCheckSource collect;
} Source;

static const Source sources[] = {
	{"the installation", "SELECT * FROM retention.finding_installation", NULL},
	{"the guards", "SELECT * FROM retention.finding_guard", NULL},
	{"the rules", "SELECT * FROM retention.finding_rule", NULL},
	{"the data categories", "SELECT * FROM retention.finding_category", NULL},
	{"the suspensions", "SELECT * FROM retention.finding_suspension", NULL},
	{"copies of personal data", "SELECT * FROM retention.finding_copy", NULL},
	{"residues of personal data", "SELECT * FROM retention.finding_residue", NULL},
	{"the erasure of what was deleted", "SELECT * FROM retention.finding_erasure", NULL},
	{"labels", NULL, retention_check_labels},
	{"labelled tables", NULL, retention_check_tables},
	{"the worker", NULL, retention_check_worker},
	{"replication", NULL, retention_check_downstream},
	{"the jobs of pg_cron", "SELECT 'warning', 'job ' || job_name, problem, remedy"
	" FROM retention.scheduled WHERE problem IS NOT NULL", NULL},
};

typedef struct Run
{
	const Source *source;
	RetentionFindings *findings;
} Run;

static void
run_source(void *arg)
{
	Run		   *run = (Run *) arg;

	/* a table that is locked exclusively must not hang who asks */
	(void) set_config_option("lock_timeout",
							 psprintf("%d", retention_settings_lock_timeout),
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (run->source->query)
		retention_finding_add_query(run->findings, run->source->query);
	else
		run->source->collect(run->findings);
}

static RetentionFindings *
collect_all(void)
{
	RetentionFindings *findings = palloc0(sizeof(RetentionFindings));

	for (int i = 0; i < lengthof(sources); i++)
	{
		Run			run = {&sources[i], findings};

		CHECK_FOR_INTERRUPTS();
		retention_finding_attempt(findings, sources[i].object, run_source, &run);
	}
	retention_finding_sort(findings);
	return findings;
}

Datum
retention_check_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, collect_all()->list)
	{
		RetentionFinding *finding = (RetentionFinding *) lfirst(lc);
		Datum		values[CHECK_COLUMNS];
		bool		nulls[CHECK_COLUMNS] = {false};

		values[0] = CStringGetTextDatum(retention_finding_severity_name(finding->severity));
		values[1] = CStringGetTextDatum(finding->object);
		values[2] = CStringGetTextDatum(finding->finding);
		values[3] = CStringGetTextDatum(finding->hint);
		nulls[3] = finding->hint[0] == '\0';
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
retention_check_assert_sql(PG_FUNCTION_ARGS)
{
	char	   *name = PG_ARGISNULL(0) ? "error" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	RetentionSeverity severity;
	StringInfoData detail;
	int			count = 0;
	ListCell   *lc;

	if (!retention_finding_severity_parse(name, &severity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a severity", name),
				 errhint("Severities are error, warning and info.")));

	initStringInfo(&detail);
	foreach(lc, collect_all()->list)
	{
		RetentionFinding *finding = (RetentionFinding *) lfirst(lc);

		if (finding->severity > severity)
			break;
		if (count++ < LISTED)
			appendStringInfo(&detail, "%s%s: %s: %s", detail.len > 0 ? "\n" : "",
							 retention_finding_severity_name(finding->severity),
							 finding->object, finding->finding);
	}
	if (count == 0)
		PG_RETURN_VOID();
	if (count > LISTED)
		appendStringInfo(&detail, "\nand %d more", count - LISTED);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 severity == RETENTION_SEVERITY_ERROR ?
			 errmsg_plural("privacy_retention is not healthy: %d error",
						   "privacy_retention is not healthy: %d errors", count, count) :
			 errmsg_plural("privacy_retention is not healthy: %d finding of severity \"%s\" or worse",
						   "privacy_retention is not healthy: %d findings of severity \"%s\" or worse",
						   count, count, name),
			 errdetail("%s", detail.data),
			 errhint("SELECT * FROM retention.check(); says what helps.")));
}
