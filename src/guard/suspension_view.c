/*
 * suspension_view.c
 *		Suspensions as users see them.
 *
 * Invariant: who is neither the table's owner nor an officer sees no condition:
 * it can name a person.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/identity.h"
#include "guard/hold_condition.h"
#include "guard/suspension.h"

#define SHOWN_COLUMNS 16

PG_FUNCTION_INFO_V1(retention_suspension_rows_sql);

static void
put_row(ReturnSetInfo *rsinfo, const Datum *held, const bool *held_nulls, bool officer)
{
	static const int shown[] = {
		HOLD_ID, HOLD_RELATION, HOLD_CONDITION, HOLD_REASON, HOLD_REVIEW_ON,
		HOLD_APPROVED_BY, HOLD_SUSPENDED_AT, HOLD_SUSPENDED_BY, HOLD_LIFTED_AT,
		HOLD_LIFTED_BY, HOLD_LIFT_REASON
	};
	RetentionSuspension *suspension = retention_suspension_read(held);
	Datum		values[SHOWN_COLUMNS] = {0};
	bool		nulls[SHOWN_COLUMNS] = {0};
	bool		owner = officer ||
	(OidIsValid(suspension->relid) &&
	 retention_compat_owns_relation(suspension->relid, GetUserId()));
	bool		in_force = held_nulls[HOLD_LIFTED_AT - 1];
	DateADT		today = DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
															TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())));
	char	   *problem = NULL;
	int			i = 0;

	if (!owner && !has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return;
	for (; i < lengthof(shown); i++)
	{
		values[i] = held[shown[i] - 1];
		nulls[i] = held_nulls[shown[i] - 1] || (shown[i] == HOLD_CONDITION && !owner);
	}
	values[i++] = BoolGetDatum(in_force);
	values[i++] = BoolGetDatum(in_force && suspension->review_on <= today);
	values[i++] = BoolGetDatum(suspension->restricts);
	nulls[i] = held_nulls[HOLD_CONTINUES - 1];
	values[i++] = held[HOLD_CONTINUES - 1];
	if (in_force)
		problem = retention_hold_condition_problem(suspension, owner);
	nulls[i] = problem == NULL;
	if (problem != NULL)
		values[i] = CStringGetTextDatum(problem);
	i++;
	Assert(i == SHOWN_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
retention_suspension_rows_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		officer = retention_identity_is_officer(GetUserId());
	Relation	holds;
	SysScanDesc scan;
	HeapTuple	tuple;

	InitMaterializedSRF(fcinfo, 0);
	holds = retention_suspension_open(AccessShareLock);
	if (holds == NULL)
		return (Datum) 0;
	scan = systable_beginscan(holds, retention_compat_primary_key(holds), true, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[HOLD_COLUMNS];
		bool		nulls[HOLD_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(holds), values, nulls);
		put_row(rsinfo, values, nulls, officer);
	}
	systable_endscan(scan);
	table_close(holds, AccessShareLock);
	return (Datum) 0;
}
