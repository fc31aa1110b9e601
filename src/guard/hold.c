/*
 * hold.c
 *		Which rows are under suspension, asked of rows in hand.
 *
 * Conditions are compiled once for each relation that is asked about, and kept
 * until a policy, a suspension or a table changes.
 *
 * Invariant: a suspension whose condition cannot be asked holds every row of its
 * table; one whose condition fails for a row holds that.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/identity.h"
#include "guard/hold.h"
#include "guard/hold_condition.h"
#include "guard/lineage.h"
#include "policy/expression.h"
#include "policy/label.h"
#include "policy/labelled.h"

List *
retention_hold_lineage(Oid relid)
{
	List	   *lineage = list_make1_oid(relid);

	/* The list grows while it is walked. */
	for (int i = 0; i < list_length(lineage); i++)
		lineage = list_concat_unique_oid(lineage,
										 retention_lineage_parents(list_nth_oid(lineage, i)));
	return lineage;
}

/* ---- What is known of a relation ---- */

typedef struct Hold
{
	RetentionSuspension *suspension;
	ExprState  *state;			/* NULL: holds every row */
	bool		plain;			/* runs no user's code, depends on no setting */
	bool		safe;			/* and fails for no row */
} Hold;

typedef struct Held
{
	Oid			relid;			/* hash key */
	List	   *holds;			/* of Hold * */
	Bitmapset  *open;			/* columns that may change */
} Held;

static MemoryContext context = NULL;
static HTAB *relations = NULL;
static ExprContext *econtext = NULL;
static uint64 generation = 0;

static Hold *
compile(RetentionSuspension *suspension, Oid relid)
{
	Hold	   *hold = palloc0(sizeof(Hold));
	char	   *error;
	Node	   *condition = retention_hold_condition_analyse(suspension, relid, &error);

	hold->suspension = suspension;
	if (condition != NULL)
	{
		RetentionIdentity saved;

		hold->plain = !retention_expression_calls_users_code(condition) &&
			!contain_mutable_functions(condition);
		hold->safe = hold->plain && !contain_leaked_vars(condition);
		retention_identity_become_owner(&saved, suspension->relid);
		hold->state = ExecInitExpr(expression_planner((Expr *) condition), NULL);
		retention_identity_restore(&saved);
	}
	return hold;
}

/* The columns with no personal data, except those of the primary key. */
static Bitmapset *
open_columns(Relation rel)
{
	Oid			labelled = retention_lineage_labelled(RelationGetRelid(rel));
	Bitmapset  *key = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	Bitmapset  *open = NULL;
	char	   *table;
	bool		nothing_personal;

	if (!OidIsValid(labelled))
		return NULL;
	table = retention_labelled_text(labelled, 0);
	nothing_personal = table != NULL && retention_label_parse(table, false)->no_personal_data;
	for (AttrNumber attnum = 1; attnum <= RelationGetNumberOfAttributes(rel); attnum++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
		AttrNumber	source = attribute->attisdropped ? InvalidAttrNumber :
		get_attnum(labelled, NameStr(attribute->attname));
		char	   *text = source > 0 ? retention_labelled_text(labelled, source) : NULL;

		if (source > 0 && (text != NULL ? retention_label_parse(text, true)->no_personal_data :
						   nothing_personal) &&
			!bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, key))
			open = bms_add_member(open, attnum);
	}
	return open;
}

static void
learn(Relation rel, Held *held)
{
	List	   *lineage = retention_hold_lineage(RelationGetRelid(rel));
	ListCell   *lc;

	held->holds = NIL;
	held->open = NULL;
	foreach(lc, retention_suspension_in_force())
	{
		RetentionSuspension *suspension = (RetentionSuspension *) lfirst(lc);

		if (OidIsValid(suspension->relid) && list_member_oid(lineage, suspension->relid))
			held->holds = lappend(held->holds, compile(suspension, RelationGetRelid(rel)));
	}
	if (held->holds != NIL)
		held->open = open_columns(rel);
}

static Held *
held_of(Relation rel)
{
	uint64		now = retention_labelled_generation();
	Oid			relid = RelationGetRelid(rel);
	MemoryContext old;
	Held	   *held;
	Held		learned = {0};

	if (context == NULL || generation != now)
	{
		HASHCTL		control = {0};

		/* Somebody may be about to say which suspension it was. */
		if (context != NULL)
			MemoryContextSetParent(context, TopTransactionContext);
		relations = NULL;
		econtext = NULL;
		context = NULL;
		context = AllocSetContextCreate(CacheMemoryContext,
										"privacy_retention holds",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Held);
		control.hcxt = context;
		relations = hash_create("privacy_retention holds", 16, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		econtext = CreateStandaloneExprContext();
		MemoryContextSwitchTo(old);
		generation = now;
	}
	held = hash_search(relations, &relid, HASH_FIND, NULL);
	if (held != NULL)
		return held;

	old = MemoryContextSwitchTo(context);
	learn(rel, &learned);
	held = hash_search(relations, &relid, HASH_ENTER, NULL);
	held->holds = learned.holds;
	held->open = learned.open;
	MemoryContextSwitchTo(old);
	return held;
}

/* ---- Rows ---- */

typedef struct Asking
{
	const Hold *hold;
	TupleTableSlot *slot;
	bool		held;
} Asking;

static void
ask(void *arg)
{
	Asking	   *asking = (Asking *) arg;
	const Hold *hold = asking->hold;
	RetentionIdentity saved;
	bool		isnull;
	Datum		value;

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = asking->slot;
	if (!hold->plain)
		retention_identity_become_owner(&saved, hold->suspension->relid);
	value = ExecEvalExprSwitchContext(hold->state, econtext, &isnull);
	if (!hold->plain)
		retention_identity_restore(&saved);
	econtext->ecxt_scantuple = NULL;
	asking->held = !isnull && DatumGetBool(value);
}

/* A condition that fails for a row holds it; its message may have the row's values. */
static bool
holds_row(const Hold *hold, TupleTableSlot *slot)
{
	Asking		asking = {hold, slot, false};

	if (hold->state == NULL)
		return true;
	if (hold->safe)
		ask(&asking);
	else if (retention_attempt_run(ask, &asking) != NULL)
		return true;
	return asking.held;
}

List *
retention_hold_of_row(Relation rel, TupleTableSlot *slot)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, held_of(rel)->holds)
		if (holds_row((Hold *) lfirst(lc), slot))
		result = lappend(result, ((Hold *) lfirst(lc))->suspension);
	return result;
}

bool
retention_hold_is_suspended(Relation rel)
{
	return held_of(rel)->holds != NIL;
}

bool
retention_hold_lets_change(Relation rel, AttrNumber attnum)
{
	return bms_is_member(attnum, held_of(rel)->open);
}

/* A suspension that holds one of the relation's own rows. */
static const RetentionSuspension *
any_of(Relation rel)
{
	const RetentionSuspension *found = NULL;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (rel->rd_rel->relkind != RELKIND_RELATION || !retention_hold_is_suspended(rel))
		return NULL;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(rel, NULL);
	scan = retention_compat_beginscan(rel, snapshot);
	while (found == NULL && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		List	   *suspensions = retention_hold_of_row(rel, slot);

		CHECK_FOR_INTERRUPTS();
		if (suspensions != NIL)
			found = linitial(suspensions);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return found;
}

const RetentionSuspension *
retention_hold_any(Oid relid, bool deep)
{
	const RetentionSuspension *found = NULL;
	List	   *members = deep ? find_all_inheritors(relid, AccessShareLock, NULL) :
	list_make1_oid(relid);
	ListCell   *lc;

	foreach(lc, members)
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		found = any_of(rel);
		table_close(rel, NoLock);
		if (found != NULL)
			break;
	}
	return found;
}
