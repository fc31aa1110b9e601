/*
 * protection.c
 *		From watched to enforced, and back.
 *
 * Invariant: each step, in either direction, is in the ledger, and only the
 * officer takes a protection away.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/extension.h"
#include "base/identity.h"
#include "base/schedule.h"
#include "enforce/admission.h"
#include "enforce/blocked.h"
#include "enforce/brake.h"
#include "enforce/confirmation.h"
#include "enforce/pause.h"
#include "enforce/protection.h"
#include "enforce/state.h"
#include "enforce/subscription.h"
#include "evidence/ledger.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "guard/suspension.h"
#include "policy/label.h"
#include "policy/rule.h"
#include "policy/start.h"
#include "sentry/clock_guard.h"
#include "sentry/sentry.h"

PG_FUNCTION_INFO_V1(retention_protection_protect_sql);
PG_FUNCTION_INFO_V1(retention_protection_unprotect_sql);
PG_FUNCTION_INFO_V1(retention_protection_adopt_sql);
PG_FUNCTION_INFO_V1(retention_protection_uninstall_sql);

static char *
quoted_name(Oid relid)
{
	return quote_literal_cstr(retention_start_relation_name(relid));
}

void
retention_protection_open(Oid relid, const char *function, const char *arguments)
{
	Oid			labelled;
	char		kind;

	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	retention_identity_require_owner(relid);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	kind = get_rel_relkind(relid);
	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", retention_start_relation_name(relid)),
				 errhint("Retention is enforced on tables and partitioned tables.")));

	labelled = retention_lineage_labelled(relid);
	if (!OidIsValid(labelled))
		labelled = retention_labelled_root(relid);
	if (labelled != relid)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is %s of %s", retention_start_relation_name(relid),
						get_rel_relispartition(relid) ? "a partition" : "a child",
						retention_start_relation_name(labelled)),
				 errdetail("The labels of a table, and its protection, count for all of its partitions and children."),
				 errhint("SELECT retention.%s(%s%s);", function, quoted_name(labelled),
						 arguments)));
}

Datum
retention_protection_protect_sql(PG_FUNCTION_ARGS)
{
	Oid			relid;
	int64		at_most = PG_ARGISNULL(1) ? -1 : PG_GETARG_INT64(1);
	int64		due;
	TimestampTz asked;
	char	   *subscription;

	PreventCommandIfReadOnly("retention.protect()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	if (!PG_ARGISNULL(1) && at_most < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at_most must not be negative")));
	relid = PG_GETARG_OID(0);
	retention_protection_open(relid, "protect", "");
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("temporary table %s cannot be protected",
						retention_start_relation_name(relid))));

	subscription = retention_subscription_name(relid);
	if (subscription != NULL)
		ereport(WARNING,
				(errmsg("nothing is enforced in table %s while a subscription fills it",
						retention_start_relation_name(relid)),
				 errdetail("Its %s.", retention_subscription_reason(subscription)),
				 errhint("Where the publisher deletes nothing: %s;",
						 retention_subscription_remedy())));
	asked = retention_confirmation_asked(retention_start_relation_name(relid),
										 GetCurrentTransactionStartTimestamp());
	due = retention_admission_check(relid, at_most, asked);
	retention_sentry_post(relid);
	retention_brake_confirm(retention_rule_compile(relid), at_most);
	retention_ledger_tell("protect", retention_start_relation_name(relid), due, at_most < 0 ? NULL :
						  psprintf("at_most = " INT64_FORMAT, at_most));
	retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	PG_RETURN_VOID();
}

Datum
retention_protection_unprotect_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	PreventCommandIfReadOnly("retention.unprotect()");
	retention_identity_require_officer("unprotect a table");
	retention_protection_open(relid, "unprotect", "");
	if (retention_guard_state(relid) == RETENTION_WATCHED)
	{
		ereport(NOTICE,
				(errmsg("table %s is not protected",
						retention_start_relation_name(relid))));
		PG_RETURN_VOID();
	}
	retention_sentry_relieve(relid);
	retention_blocked_drop_all(retention_start_relation_name(relid));
	retention_state_drop(retention_start_relation_name(relid));
	retention_pause_drop(retention_start_relation_name(relid));
	retention_confirmation_drop(retention_start_relation_name(relid));
	retention_ledger_tell("unprotect", retention_start_relation_name(relid), -1, NULL);
	PG_RETURN_VOID();
}

Datum
retention_protection_adopt_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	PreventCommandIfReadOnly("retention.adopt()");
	retention_protection_open(relid, "adopt", "");
	switch (retention_guard_state(relid))
	{
		case RETENTION_WATCHED:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s is not protected",
							retention_start_relation_name(relid)),
					 errhint("SELECT retention.protect(%s);", quoted_name(relid))));
			break;
		case RETENTION_PROTECTED:
			ereport(NOTICE,
					(errmsg("table %s is at home in this database",
							retention_start_relation_name(relid))));
			break;
		case RETENTION_DISABLED:
		case RETENTION_COPIED:
			retention_sentry_post(relid);
			retention_ledger_tell("adopt", retention_start_relation_name(relid), -1, NULL);
			retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
			break;
	}
	PG_RETURN_VOID();
}

/* Takes one label away, without asking the provider. */
static void
remove_label(Oid relid, AttrNumber attnum)
{
	ObjectAddress object;

	LockRelationOid(relid, ShareUpdateExclusiveLock);
	ObjectAddressSubSet(object, RelationRelationId, relid, attnum);
	SetSecurityLabel(&object, RETENTION_PROVIDER, NULL);
	CacheInvalidateRelcacheByRelid(relid);
}

Datum
retention_protection_uninstall_sql(PG_FUNCTION_ARGS)
{
	List	   *relations;
	Relation	suspensions;
	ListCell   *lc;

	PreventCommandIfReadOnly("retention.uninstall()");
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser may remove all guards and labels")));

	/*
	 * No pass is under way any more, and none begins: DROP EXTENSION comes
	 * next.
	 */
	retention_extension_lock_exclusively();
	/* No suspension begins. */
	suspensions = retention_suspension_open(ShareRowExclusiveLock);
	if (suspensions != NULL)
		table_close(suspensions, NoLock);
	if (retention_suspension_in_force() != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("suspensions of deletion are in force"),
				 errhint("Lift them first: SELECT retention.lift_suspension(id, 'why') FROM retention.suspension WHERE in_force;")));

	retention_clock_guard_remove_all();

	/* a root's guards go with those of its partitions: ask again each time */
	while ((relations = retention_guard_relations()) != NIL)
	{
		Oid			relid = linitial_oid(relations);
		Oid			root = retention_lineage_labelled(relid);

		if (list_member_oid(relations, root))
			relid = root;
		LockRelationOid(relid, ShareRowExclusiveLock);
		if (get_rel_name(relid) == NULL)
			continue;			/* dropped while we waited for it */
		retention_sentry_relieve(relid);
		retention_ledger_tell("unprotect", retention_start_relation_name(relid), -1, NULL);
	}

	relations = retention_labelled_relations();
	foreach(lc, relations)
	{
		Oid			relid = lfirst_oid(lc);
		AttrNumber	attnum = 0;
		Relation	rel = try_relation_open(relid, ShareUpdateExclusiveLock);
		AttrNumber	natts;

		if (rel == NULL)
			continue;
		natts = RelationGetNumberOfAttributes(rel);
		relation_close(rel, NoLock);
		for (; attnum <= natts; attnum++)
			if (retention_labelled_text(relid, attnum) != NULL)
				remove_label(relid, attnum);
	}
	retention_ledger_tell("uninstall", NULL, -1, NULL);
	PG_RETURN_VOID();
}
