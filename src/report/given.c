/*
 * given.c
 *		A row that somebody hands over, stored or not.
 *
 * Invariant: only who may read the table is told anything of its rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "guard/lineage.h"
#include "policy/label.h"
#include "policy/start.h"
#include "report/given.h"

Oid
retention_given_type(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (type == RECORDOID && !PG_ARGISNULL(0))
		type = HeapTupleHeaderGetTypeId(PG_GETARG_HEAPTUPLEHEADER(0));
	return type;
}

Oid
retention_given_relation(Oid type)
{
	return OidIsValid(type) ? get_typ_typrelid(getBaseType(type)) : InvalidOid;
}

static void
require_select(Oid relid)
{
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)),
				   get_rel_name(relid));
}

Oid
retention_given_labelled(Oid type, const char *function)
{
	Oid			relid = retention_given_relation(type);
	Oid			labelled;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("retention.%s() wants a row of a table, not a value of type %s",
						function, OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("SELECT retention.%s(t) FROM a_table AS t;", function)));
	labelled = retention_lineage_labelled(relid);
	if (!OidIsValid(labelled))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has no label", retention_start_relation_name(relid)),
				 errhint("Its rows have no deadline until SECURITY LABEL FOR %s says which.",
						 RETENTION_PROVIDER)));
	require_select(relid);
	return labelled;
}

char *
retention_given_row(Oid labelled)
{
	return psprintf("pg_catalog.unnest(ARRAY[$1::%s])",
					retention_start_relation_name(labelled));
}

bool
retention_given_sees_all(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}
