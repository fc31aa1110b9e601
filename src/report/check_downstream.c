/*
 * check_downstream.c
 *		Findings about replication: tables left to their publisher, changes that
 *		go out unmarked.
 *
 * Invariant: asked only of what is protected here; a server that replicates
 * nothing has no findings.
 */
#include "postgres.h"

#include "base/origin.h"
#include "enforce/guard.h"
#include "enforce/subscription.h"
#include "policy/labelled.h"
#include "policy/start.h"
#include "report/check.h"

void
retention_check_downstream(RetentionFindings *findings)
{
	List	   *relations = retention_labelled_relations();
	bool		any = false;
	char	   *reason;
	char	   *remedy;
	ListCell   *lc;

	foreach(lc, relations)
	{
		Oid			relid = lfirst_oid(lc);
		char	   *subscription;

		if (retention_guard_state(relid) != RETENTION_PROTECTED)
			continue;
		any = true;
		subscription = retention_subscription_name(relid);
		if (subscription != NULL)
			retention_finding_add(findings, RETENTION_SEVERITY_INFO,
								  retention_start_relation_name(relid),
								  psprintf("nothing is enforced here: %s",
										   retention_subscription_reason(subscription)),
								  psprintf("Where the publisher deletes nothing: %s;",
										   retention_subscription_remedy()));
	}
	if (any && retention_origin_problem(&reason, &remedy))
		retention_finding_add(findings, RETENTION_SEVERITY_WARNING,
							  "replication origins", reason, remedy);
}
