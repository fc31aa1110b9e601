/*
 * check_downstream.c
 *		Findings about who decodes what is changed here.
 *
 * Invariant: asked only where something is protected; a server that replicates
 * nothing has no findings.
 */
#include "postgres.h"

#include "base/origin.h"
#include "guard/guard.h"
#include "report/check.h"

void
retention_check_downstream(RetentionFindings *findings)
{
	char	   *reason;
	char	   *remedy;

	if (retention_guard_relations() != NIL &&
		retention_origin_problem(&reason, &remedy))
		retention_finding_add(findings, RETENTION_SEVERITY_WARNING,
							  "replication origins", reason, remedy);
}
