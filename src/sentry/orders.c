/*
 * orders.c
 *		What a guard has to look at in the rows of one table, worked out once.
 *
 * Invariant: orders are as fresh as the catalogs that the backend knows: they are
 * made anew when a label, category, table or setting has changed, and each hour.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/identity.h"
#include "base/settings.h"
#include "guard/hold.h"
#include "policy/labelled.h"
#include "sentry/draft.h"
#include "sentry/orders.h"

/* Orders last so long; where they could not be made, try again sooner. */
#define LIFE USECS_PER_HOUR
#define LIFE_FAILED USECS_PER_MINUTE

typedef struct Key
{
	Oid			relid;
	bool		parent;
} Key;

typedef struct Entry
{
	Key			key;
	RetentionOrders *orders;
	bool		valid;
	uint64		settings;
	TimestampTz made_at;
	TimestampTz good_until;
} Entry;

static HTAB *entries = NULL;
static Entry *latest = NULL;

/* Also called for InvalidOid: everything may have changed. */
static void
relation_changed(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || relid == entry->key.relid ||
			(entry->orders != NULL && list_member_oid(entry->orders->others, relid)))
			entry->valid = false;
}

static Entry *
find_entry(Oid relid, bool parent)
{
	Key			key = {0};
	Entry	   *entry;
	bool		found;

	if (latest != NULL && latest->key.relid == relid && latest->key.parent == parent)
		return latest;
	if (entries == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Key);
		control.entrysize = sizeof(Entry);
		control.hcxt = CacheMemoryContext;
		entries = hash_create("privacy_retention orders", 32, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	}
	key.relid = relid;
	key.parent = parent;
	entry = hash_search(entries, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, sizeof(*entry));
		entry->key = key;
	}
	latest = entry;
	return entry;
}

/*
 * Does the trigger name this database, and the table or what it is a part of?  A
 * copy waits.  Anybody may make such a trigger on a table of theirs, to have rows
 * of any shape judged, or tokens made, by another's rules.
 */
static bool
at_home(TriggerData *trigger, Oid *labelled)
{
	Trigger    *t = trigger->tg_trigger;

	if (t->tgnargs < 2 || strtoul(t->tgargs[0], NULL, 10) != MyDatabaseId)
		return false;
	*labelled = (Oid) strtoul(t->tgargs[1], NULL, 10);
	return list_member_oid(retention_hold_lineage(RelationGetRelid(trigger->tg_relation)),
						   *labelled);
}

/* What was in use until now, perhaps still is: to the end of the transaction. */
static void
retire(Entry *entry)
{
	entry->valid = false;
	if (entry->orders != NULL)
		MemoryContextSetParent(entry->orders->context, TopTransactionContext);
	entry->orders = NULL;
}

typedef struct Making
{
	RetentionOrders *orders;
	Relation	rel;
	List	   *dependents;
	MemoryContext scratch;
} Making;

static void
make(void *arg)
{
	Making	   *making = (Making *) arg;

	retention_draft_write(making->orders, making->rel, making->dependents,
						  making->scratch);
}

static void
make_entry(Entry *entry, TriggerData *trigger)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "privacy_retention draft",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext context = AllocSetContextCreate(scratch, "privacy_retention orders",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RetentionOrders *orders = palloc0(sizeof(RetentionOrders));
	Making		making = {orders, trigger->tg_relation, NIL, scratch};
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	uint64		generation = retention_labelled_generation();
	ErrorData  *error = NULL;

	retire(entry);
	orders->relid = entry->key.relid;
	orders->parent = entry->key.parent;
	orders->context = context;
	/* also for what becomes due in transactions that begin before the end */
	orders->computed_for = now + 2 * LIFE;
	if (at_home(trigger, &orders->labelled))
	{
		for (int i = 2; i < trigger->tg_trigger->tgnargs; i++)
			making.dependents = lappend_oid(making.dependents,
											(Oid) strtoul(trigger->tg_trigger->tgargs[i], NULL, 10));
		orders->others = list_make2_oid(orders->labelled,
										retention_identity_own_relation("data_category"));
		error = retention_attempt_run(make, &making);
	}
	if (error != NULL)
	{
		orders->dials = orders->rules = orders->dependents = NIL;
		orders->columns = NULL;
	}
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	MemoryContextDelete(scratch);
	entry->orders = orders;
	entry->settings = retention_settings_generation();
	entry->made_at = now;
	entry->good_until = now + (error ? LIFE_FAILED : LIFE);
	entry->valid = generation == retention_labelled_generation();
}

RetentionOrders *
retention_orders_get(TriggerData *trigger, bool parent)
{
	Entry	   *entry = find_entry(RelationGetRelid(trigger->tg_relation), parent);
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (!entry->valid || entry->settings != retention_settings_generation() ||
		now >= entry->good_until || now < entry->made_at)
		make_entry(entry, trigger);
	return entry->orders;
}

static bool
differs(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attnum)
{
	Form_pg_attribute column = TupleDescAttr(old->tts_tupleDescriptor, attnum - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = slot_getattr(old, attnum, &old_null);
	Datum		new_value = slot_getattr(new, attnum, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, column->attbyval, column->attlen);
}

Bitmapset *
retention_orders_changed(RetentionOrders *orders, TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	Bitmapset  *changed = NULL;
	int			attnum = 0;

	if (bms_is_member(0, orders->columns))
	{
		for (attnum = 1; attnum <= desc->natts; attnum++)
			if (!TupleDescAttr(desc, attnum - 1)->attisdropped &&
				differs(trigger->tg_trigslot, trigger->tg_newslot, attnum))
				changed = bms_add_member(changed, attnum);
		/* whoever reads the whole row has read what changed */
		return changed ? bms_add_member(changed, 0) : NULL;
	}
	while ((attnum = bms_next_member(orders->columns, attnum)) > 0)
		if (differs(trigger->tg_trigslot, trigger->tg_newslot, attnum))
			changed = bms_add_member(changed, attnum);
	return changed;
}
