/*
 * subscription.c
 *		Tables whose rows come from a publisher.
 *
 * Invariant: what the publisher deletes is deleted once, by it: nothing is
 * enforced in a table that an enabled subscription fills.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/partition.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/settings.h"
#include "enforce/subscription.h"

typedef struct Filled
{
	Oid			relid;
	Oid			subscription;
} Filled;

/* All tables of this database that a subscription knows; most often none. */
static List *
filled_tables(void)
{
	List	   *result = NIL;
	Relation	catalog = table_open(SubscriptionRelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_subscription_rel form = (Form_pg_subscription_rel) GETSTRUCT(tuple);
		Filled	   *filled = palloc(sizeof(Filled));

		filled->relid = form->srrelid;
		filled->subscription = form->srsubid;
		result = lappend(result, filled);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * The subscription's name if it is enabled, or NULL.  What an enforcing publisher
 * deletes carries an origin: a subscription WITH (origin = none), as in
 * replication both ways, does not bring it, so that each node deletes by itself.
 */
static char *
enabled_name(Oid subscription)
{
	HeapTuple	tuple = SearchSysCache1(SUBSCRIPTIONOID, ObjectIdGetDatum(subscription));
	Form_pg_subscription form;
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_subscription) GETSTRUCT(tuple);
	if (form->subenabled && !retention_compat_subscription_filters(tuple))
		name = pstrdup(NameStr(form->subname));
	ReleaseSysCache(tuple);
	return name;
}

char *
retention_subscription_name(Oid relid)
{
	List	   *filled = retention_settings_enforce_subscribed ? NIL : filled_tables();
	List	   *family;
	ListCell   *lc;

	if (filled == NIL)
		return NULL;
	family = find_all_inheritors(relid, NoLock, NULL);
	if (get_rel_relispartition(relid))
		family = list_concat(family, get_partition_ancestors(relid));
	foreach(lc, filled)
	{
		Filled	   *table = (Filled *) lfirst(lc);
		char	   *name;

		if (list_member_oid(family, table->relid) &&
			(name = enabled_name(table->subscription)) != NULL)
			return name;
	}
	return NULL;
}

char *
retention_subscription_reason(const char *name)
{
	return psprintf("rows come by subscription %s, and go where its publisher deletes them",
					quote_identifier(name));
}

char *
retention_subscription_remedy(void)
{
	return psprintf("ALTER DATABASE %s SET privacy_retention.enforce_subscribed = on",
					quote_identifier(get_database_name(MyDatabaseId)));
}
