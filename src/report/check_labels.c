/*
 * check_labels.c
 *		Findings about labels: what looks personal and has none.
 *
 * Invariant: a table has one line, or a line a column where others of its
 * columns are labelled; never a value.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "policy/label.h"
#include "report/check.h"
#include "report/coverage.h"

/* So many columns are named. */
#define NAMED 12

/* "email (an e-mail address), ip (a network address)" */
static char *
name_suspects(const RetentionCoverage *coverage)
{
	StringInfoData text;
	int			count = 0;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, coverage->suspects)
	{
		RetentionCoverageSuspect *suspect = (RetentionCoverageSuspect *) lfirst(lc);

		if (count++ == NAMED)
		{
			appendStringInfo(&text, ", and %d more",
							 list_length(coverage->suspects) - NAMED);
			break;
		}
		appendStringInfo(&text, "%s%s (%s)", text.len > 0 ? ", " : "",
						 quote_identifier(suspect->column), suspect->meaning);
	}
	return text.data;
}

static void
add_unlabelled(RetentionFindings *findings, const RetentionCoverage *coverage)
{
	retention_finding_add(findings, RETENTION_SEVERITY_WARNING, coverage->relation,
						  psprintf("the table has no label, and columns look personal: %s",
								   name_suspects(coverage)),
						  psprintf("SECURITY LABEL FOR %s ON TABLE %s IS 'CATEGORY, from STARTING POINT, then delete'; or 'no personal data'",
								   RETENTION_PROVIDER, coverage->relation));
}

static void
add_partial(RetentionFindings *findings, const RetentionCoverage *coverage)
{
	ListCell   *lc;

	foreach(lc, coverage->suspects)
	{
		RetentionCoverageSuspect *suspect = (RetentionCoverageSuspect *) lfirst(lc);
		char	   *column = psprintf("%s.%s", coverage->relation,
									  quote_identifier(suspect->column));

		retention_finding_add(findings, RETENTION_SEVERITY_WARNING, column,
							  psprintf("no label covers the column, and it looks like %s",
									   suspect->meaning),
							  psprintf("SECURITY LABEL FOR %s ON COLUMN %s IS 'CATEGORY, then ACTION'; or 'no personal data'",
									   RETENTION_PROVIDER, column));
	}
}

void
retention_check_labels(RetentionFindings *findings)
{
	ListCell   *lc;

	foreach(lc, retention_coverage_relations(true))
	{
		RetentionCoverage coverage = {.relid = lfirst_oid(lc)};

		CHECK_FOR_INTERRUPTS();
		if (!retention_coverage_read(&coverage) || coverage.suspects == NIL)
			continue;
		if (coverage.relkind == RELKIND_FOREIGN_TABLE)
			retention_finding_add(findings, RETENTION_SEVERITY_INFO, coverage.relation,
								  psprintf("the foreign table cannot be labelled, and columns look personal: %s",
										   name_suspects(&coverage)),
								  "Have the other server delete it, and write that into the records of processing.");
		else if (coverage.state == RETENTION_COVERAGE_UNLABELLED)
			add_unlabelled(findings, &coverage);
		else
			add_partial(findings, &coverage);
	}
}
