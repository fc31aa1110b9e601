/*
 * cascade.c
 *		Which rows foreign keys would remove together with due ones.
 *
 * Invariant: each row is counted once, by however many ways it is reached, and
 * never when it is one of the due rows itself.
 *
 * The rows that were reached are a hash table of (leaf table, ctid). Each table's
 * new rows are looked at foreign key by foreign key, as RI does: the keys are
 * read as the owner of the referenced table, the rows that refer to them are
 * looked for as the owner of the referencing one.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/partition.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/identity.h"
#include "due/cascade.h"
#include "due/tally.h"

#define CHUNK 10000				/* rows looked at by one statement */

typedef struct ReachedRow
{
	Oid			leaf;
	ItemPointerData tid;
} ReachedRow;

/* Rows of one leaf whose referencing rows have not been looked for yet. */
typedef struct Frontier
{
	Oid			leaf;
	List	   *chunks;			/* of ArrayBuildState *, tids */
} Frontier;

typedef struct Walk
{
	MemoryContext context;
	HTAB	   *reached;
	List	   *frontiers;		/* of Frontier * */
	int64		limit;			/* of rows reached; 0 = none */
	bool		capped;
} Walk;

/* Remembers a row, once. */
static void
reach(Walk *walk, Oid leaf, ItemPointer tid)
{
	ReachedRow	key;
	bool		found;
	Frontier   *frontier = NULL;
	ArrayBuildState *chunk;
	ListCell   *lc;
	MemoryContext old;

	memset(&key, 0, sizeof(key));
	key.leaf = leaf;
	ItemPointerCopy(tid, &key.tid);
	if (hash_search(walk->reached, &key, HASH_FIND, NULL) != NULL)
		return;
	if (walk->limit > 0 && hash_get_num_entries(walk->reached) >= walk->limit)
	{
		walk->capped = true;
		return;
	}
	(void) hash_search(walk->reached, &key, HASH_ENTER, &found);

	old = MemoryContextSwitchTo(walk->context);
	foreach(lc, walk->frontiers)
		if (((Frontier *) lfirst(lc))->leaf == leaf)
		frontier = (Frontier *) lfirst(lc);
	if (frontier == NULL)
	{
		frontier = palloc0(sizeof(Frontier));
		frontier->leaf = leaf;
		walk->frontiers = lappend(walk->frontiers, frontier);
	}
	chunk = frontier->chunks ? (ArrayBuildState *) llast(frontier->chunks) : NULL;
	if (chunk == NULL || chunk->nelems >= CHUNK)
	{
		chunk = initArrayResult(TIDOID, walk->context, false);
		frontier->chunks = lappend(frontier->chunks, chunk);
	}
	(void) accumArrayResult(chunk, PointerGetDatum(tid), false, TIDOID,
							walk->context);
	MemoryContextSwitchTo(old);
}

/* Reaches all rows of a statement's result (tableoid, ctid), read in portions. */
static void
reach_result(Walk *walk, Oid relid, const char *sql, int nargs, Oid *types,
			 Datum *values)
{
	RetentionIdentity saved;
	Portal		portal;

	retention_identity_become_owner(&saved, relid);
	portal = SPI_cursor_open_with_args(NULL, sql, nargs, types, values, NULL, true, 0);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, CHUNK);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	row = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		isnull;

			reach(walk,
				  DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull)),
				  (ItemPointer) DatumGetPointer(SPI_getbinval(row, desc, 2, &isnull)));
		}
		SPI_freetuptable(SPI_tuptable);
		if (walk->capped)
			break;
	}
	SPI_cursor_close(portal);
	retention_identity_restore(&saved);
}

/* The foreign keys ON DELETE CASCADE to a table, or to one that it is part of. */
static List *
cascading_keys(Oid relid)
{
	List	   *referenced = list_make1_oid(relid);
	List	   *result = NIL;
	Relation	catalog;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (get_rel_relispartition(relid))
		referenced = list_concat(referenced, get_partition_ancestors(relid));

	/* there is no index by confrelid */
	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_constraint_contype, BTEqualStrategyNumber,
				F_CHAREQ, CharGetDatum(CONSTRAINT_FOREIGN));
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->confdeltype == FKCONSTR_ACTION_CASCADE &&
			!OidIsValid(form->conparentid) &&
			retention_compat_is_enforced(form) &&
			list_member_oid(referenced, form->confrelid))
			result = lappend(result, heap_copytuple(tuple));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

static char *
operator_name(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

/* Follows one foreign key from some rows of a leaf. */
static void
follow(Walk *walk, Oid leaf, Datum tids, HeapTuple constraint)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(constraint);
	RetentionIdentity saved;
	AttrNumber	referencing[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	Oid			types[INDEX_MAX_KEYS];
	Datum		keys[INDEX_MAX_KEYS];
	int			nkeys;
	StringInfoData columns;
	StringInfoData filled;
	StringInfoData unnested;
	StringInfoData aliases;
	StringInfoData joined;
	Oid			tid_type = TIDARRAYOID;
	bool		isnull;

	DeconstructFkConstraintRow(constraint, &nkeys, referencing, referenced,
							   operators, NULL, NULL, NULL, NULL);
	initStringInfo(&columns);
	initStringInfo(&filled);
	initStringInfo(&unnested);
	initStringInfo(&aliases);
	initStringInfo(&joined);
	for (int i = 0; i < nkeys; i++)
	{
		const char *comma = i > 0 ? ", " : "";
		const char *and = i > 0 ? " AND " : "";
		const char *target = quote_identifier(get_attname(form->confrelid, referenced[i], false));
		const char *source = quote_identifier(get_attname(form->conrelid, referencing[i], false));

		types[i] = get_array_type(get_atttype(form->confrelid, referenced[i]));
		if (!OidIsValid(types[i]))
			return;
		appendStringInfo(&columns, "%spg_catalog.array_agg(p.%s)", comma, target);
		appendStringInfo(&filled, "%sp.%s IS NOT NULL", and, target);
		appendStringInfo(&unnested, "%s$%d", comma, i + 1);
		appendStringInfo(&aliases, "%sk%d", comma, i + 1);
		appendStringInfo(&joined, "%sk.k%d %s c.%s", and, i + 1,
						 operator_name(operators[i]), source);
	}

	retention_identity_become_owner(&saved, leaf);
	if (SPI_execute_with_args(psprintf("SELECT %s FROM ONLY %s AS p"
									   " WHERE p.ctid = ANY ($1) AND %s",
									   columns.data, retention_due_relation(leaf),
									   filled.data),
							  1, &tid_type, &tids, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "keys of referenced rows could not be read");
	for (int i = 0; i < nkeys; i++)
	{
		keys[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
								i + 1, &isnull);
		if (isnull)
			break;
		keys[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(keys[i]));
	}
	retention_identity_restore(&saved);
	if (isnull)
		return;					/* no row with a key */

	/* search_path is pg_catalog; only the bare name takes several arrays */
	reach_result(walk, form->conrelid,
				 psprintf("SELECT c.tableoid, c.ctid FROM %s%s AS c,"
						  " unnest(%s) AS k (%s) WHERE %s",
						  get_rel_relkind(form->conrelid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
						  retention_due_relation(form->conrelid),
						  unnested.data, aliases.data, joined.data),
				 nkeys, types, keys);
}

int64
retention_cascade_count(const RetentionDue *due, int64 cap, bool *exact)
{
	Walk		walk = {0};
	char	   *select = retention_tally_select(due, RETENTION_TALLY_DUE,
												"t.tableoid, t.ctid");
	HASHCTL		control;
	MemoryContext context;
	MemoryContext old;
	int64		due_rows;
	int64		result;

	*exact = true;
	if (select == NULL)
		return 0;

	context = AllocSetContextCreate(CurrentMemoryContext, "retention cascade",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	walk.context = context;
	control.keysize = sizeof(ReachedRow);
	control.entrysize = sizeof(ReachedRow);
	control.hcxt = context;
	walk.reached = hash_create("retention cascade", 1024, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	SPI_connect();
	walk.limit = cap;
	reach_result(&walk, due->rule->relid, select, 0, NULL, NULL);
	*exact = !walk.capped;
	walk.capped = false;
	due_rows = hash_get_num_entries(walk.reached);
	walk.limit = cap > 0 ? due_rows + cap : 0;

	while (walk.frontiers != NIL && !walk.capped)
	{
		Frontier   *frontier = (Frontier *) linitial(walk.frontiers);
		List	   *keys = cascading_keys(frontier->leaf);
		ListCell   *lc;

		walk.frontiers = list_delete_first(walk.frontiers);
		if (keys == NIL)
			continue;
		foreach(lc, frontier->chunks)
		{
			Datum		tids = makeArrayResult((ArrayBuildState *) lfirst(lc), context);
			ListCell   *lk;

			foreach(lk, keys)
				follow(&walk, frontier->leaf, tids, (HeapTuple) lfirst(lk));
		}
	}
	result = hash_get_num_entries(walk.reached) - due_rows;
	SPI_finish();

	*exact = *exact && !walk.capped;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}
