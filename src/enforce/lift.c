/*
 * lift.c
 *		The officer ends a suspension: what it held is caught up.
 *
 * Invariant: rows that a suspension held are no surprise to the next pass, however
 * many they are.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "base/identity.h"
#include "enforce/brake.h"
#include "guard/suspension.h"

PG_FUNCTION_INFO_V1(retention_lift_suspension_sql);

/* retention.lift_suspension(id, reason) */
Datum
retention_lift_suspension_sql(PG_FUNCTION_ARGS)
{
	int64		id;
	char	   *reason;
	Oid			relid;

	PreventCommandIfReadOnly("retention.lift_suspension()");
	PreventCommandDuringRecovery("retention.lift_suspension()");
	retention_identity_require_officer("lift a suspension");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("id must not be null")));
	id = PG_GETARG_INT64(0);
	reason = retention_suspension_argument(fcinfo, 1, "reason");
	relid = retention_suspension_lift(id, reason);
	if (OidIsValid(relid))
		retention_brake_release(relid);
	PG_RETURN_VOID();
}
