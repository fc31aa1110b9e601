/*
 * finding.c
 *		What retention.check() has found: a list that its sources add to.
 *
 * Invariant: a finding says what is wrong with which object and what helps, and
 * holds no value of a row. A source that fails hides no other.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/elog.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "report/finding.h"

static const char *const severity_names[] = {"error", "warning", "info"};

const char *
retention_finding_severity_name(RetentionSeverity severity)
{
	return severity_names[severity];
}

bool
retention_finding_severity_parse(const char *name, RetentionSeverity *severity)
{
	for (int i = 0; i < lengthof(severity_names); i++)
		if (strcmp(name, severity_names[i]) == 0)
		{
			*severity = (RetentionSeverity) i;
			return true;
		}
	return false;
}

void
retention_finding_add(RetentionFindings *findings, RetentionSeverity severity,
					  const char *object, const char *text, const char *hint)
{
	RetentionFinding *finding = palloc(sizeof(RetentionFinding));

	finding->severity = severity;
	finding->object = pstrdup(object ? object : "(dropped)");
	finding->finding = pstrdup(text ? text : "(unknown)");
	finding->hint = pstrdup(hint ? hint : "");
	findings->list = lappend(findings->list, finding);
}

void
retention_finding_add_query(RetentionFindings *findings, const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext spi;
	RetentionIdentity saved;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "\"%s\" is no query", sql);
	retention_identity_restore(&saved);

	spi = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *name = SPI_getvalue(row, desc, 1);
		RetentionSeverity severity;

		if (name == NULL || !retention_finding_severity_parse(name, &severity))
			elog(ERROR, "\"%s\" has a row without a severity", sql);
		retention_finding_add(findings, severity,
							  SPI_getvalue(row, desc, 2),
							  SPI_getvalue(row, desc, 3),
							  SPI_getvalue(row, desc, 4));
	}
	MemoryContextSwitchTo(spi);
	SPI_finish();
}

void
retention_finding_attempt(RetentionFindings *findings, const char *object,
						  void (*work) (void *arg), void *arg)
{
	List	   *before = list_copy(findings->list);
	ErrorData  *error = retention_attempt_run(work, arg);

	if (error == NULL)
		return;
	findings->list = before;
	retention_finding_add(findings, RETENTION_SEVERITY_ERROR, object,
						  psprintf("could not be checked: SQLSTATE %s",
								   unpack_sql_state(error->sqlerrcode)),
						  error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ?
						  "Check again when nobody holds a lock on it." :
						  "The server's log has more; SELECT * FROM retention.rule shows which rules can be read.");
	FreeErrorData(error);
}

static int
compare(const ListCell *a, const ListCell *b)
{
	const RetentionFinding *one = (const RetentionFinding *) lfirst(a);
	const RetentionFinding *other = (const RetentionFinding *) lfirst(b);
	int			result = (int) one->severity - (int) other->severity;

	if (result == 0)
		result = strcmp(one->object, other->object);
	if (result == 0)
		result = strcmp(one->finding, other->finding);
	if (result == 0)
		result = strcmp(one->hint, other->hint);
	return result;
}

void
retention_finding_sort(RetentionFindings *findings)
{
	List	   *sorted = NIL;
	ListCell   *lc;

	list_sort(findings->list, compare);
	foreach(lc, findings->list)
	{
		if (sorted == NIL ||
			compare(lc, list_last_cell(sorted)) != 0)
			sorted = lappend(sorted, lfirst(lc));
	}
	findings->list = sorted;
}
