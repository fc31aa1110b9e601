/*
 * dropped.c
 *		Protected tables that are dropped.
 *
 * Whoever may drop a table may also drop a protected one: its rows go early, and
 * no promise is broken.  (Rows under suspension are another matter: hold_ddl.c.)
 *
 * Invariant: a protected table, or a partition of one, does not go without an
 * entry in the ledger, nor is anything remembered of it that a new table of its
 * name would inherit.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/command.h"
#include "base/identity.h"
#include "command/names.h"
#include "evidence/ledger.h"
#include "guard/guard.h"

PG_FUNCTION_INFO_V1(retention_dropped_note_sql);

/* The tables that the command has dropped, and whether they had a guard. */
#define DROPPED \
	"WITH gone AS MATERIALIZED (SELECT object_type, address_names" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects()" \
	" WHERE NOT is_temporary AND object_type IN ('table', 'trigger'))" \
	" SELECT pg_catalog.quote_ident(t.address_names[1]) || '.' ||" \
	" pg_catalog.quote_ident(t.address_names[2])," \
	" EXISTS (SELECT FROM gone AS g WHERE g.object_type = 'trigger'" \
	" AND g.address_names[1:2] = t.address_names" \
	" AND g.address_names[3] = '" RETENTION_GUARD_NAME "')" \
	" FROM gone AS t WHERE t.object_type = 'table' ORDER BY 1"

typedef struct Gone
{
	char	   *relation;
	bool		protected;
} Gone;

static List *
dropped_tables(void)
{
	MemoryContext caller = CurrentMemoryContext;
	RetentionIdentity saved;
	List	   *result = NIL;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute(DROPPED, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read what was dropped");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		MemoryContext inner = MemoryContextSwitchTo(caller);
		Gone	   *gone = palloc(sizeof(Gone));
		bool		isnull;

		gone->relation = SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);
		gone->protected = DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		result = lappend(result, gone);
		MemoryContextSwitchTo(inner);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	return result;
}

/* Whatever was ever protected here is in the ledger, and nothing leaves it. */
static bool
nothing_was_protected(void)
{
	Relation	ledger = table_open(retention_identity_own_relation("ledger"), AccessShareLock);
	bool		empty = RelationGetNumberOfBlocks(ledger) == 0;

	table_close(ledger, AccessShareLock);
	return empty;
}

/* Among what a command has dropped. */
Datum
retention_dropped_note_sql(PG_FUNCTION_ARGS)
{
	List	   *names = NIL;
	ListCell   *lc;

	/*
	 * The extension may be what was dropped; the engine has entries of its
	 * own.
	 */
	if (retention_command_of(fcinfo) == NULL || retention_guard_permitted() ||
		!OidIsValid(get_namespace_oid("retention", true)) || nothing_was_protected())
		PG_RETURN_NULL();
	foreach(lc, dropped_tables())
	{
		Gone	   *gone = (Gone *) lfirst(lc);

		/* Of others nothing is remembered that a new table could inherit. */
		if (!gone->protected)
			continue;
		names = lappend(names, gone->relation);
		retention_ledger_tell("drop", gone->relation, -1, NULL);
	}
	if (names != NIL)
		retention_names_drop(names);
	PG_RETURN_NULL();
}
