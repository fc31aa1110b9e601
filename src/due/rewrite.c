/*
 * rewrite.c
 *		Rules of the server's rule system on a table: CREATE RULE.
 *
 * Invariant: a table with a rule ON UPDATE or ON DELETE is not enforced: its
 * statements would become others, on other tables.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_rewrite.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "due/rewrite.h"
#include "policy/start.h"

char *
retention_rewrite_remedy(Oid relid)
{
	char	   *remedy = NULL;
	Relation	catalog = table_open(RewriteRelationId, AccessShareLock);
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber,
					F_OIDEQ, ObjectIdGetDatum(lfirst_oid(lc)));
		scan = systable_beginscan(catalog, RewriteRelRulenameIndexId, true,
								  NULL, 1, &key);
		while (remedy == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);

			if (form->ev_type == '0' + CMD_UPDATE || form->ev_type == '0' + CMD_DELETE)
				remedy = psprintf("DROP RULE %s ON %s",
								  quote_identifier(NameStr(form->rulename)),
								  retention_start_relation_name(lfirst_oid(lc)));
		}
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return remedy;
}
