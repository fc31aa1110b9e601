/*
 * compat.h
 *		Differences between PostgreSQL 15 and 19, in one place.
 *
 * Invariant: no other file tests PG_VERSION_NUM.
 */
#ifndef RETENTION_COMPAT_H
#define RETENTION_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "privacy_retention needs PostgreSQL 15 or later"
#endif

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_subscription.h"
#include "nodes/parsenodes.h"
#include "replication/origin.h"
#include "replication/slot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Of postgres.h until 15. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Before a declaration: it does not return. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM < 160000
#define retention_compat_owns_relation(relid, roleid) \
	pg_class_ownercheck((relid), (roleid))
#else
#define retention_compat_owns_relation(relid, roleid) \
	object_ownercheck(RelationRelationId, (relid), (roleid))
#endif

#if PG_VERSION_NUM < 160000
#define retention_compat_schema_aclcheck(schema, roleid, mode) \
	pg_namespace_aclcheck((schema), (roleid), (mode))
#else
#define retention_compat_schema_aclcheck(schema, roleid, mode) \
	object_aclcheck(NamespaceRelationId, (schema), (roleid), (mode))
#endif

/* A scanner (parser/scanner.h) that reads strings as the standard says, in any session. */
#if PG_VERSION_NUM < 190000
#define retention_compat_scan_standard(extra) \
	((extra)->standard_conforming_strings = true, \
	 (extra)->escape_string_warning = false)
#else
#define retention_compat_scan_standard(extra) ((void) (extra))
#endif

/* Is this process a background worker (miscadmin.h)? */
#if PG_VERSION_NUM < 170000
#define retention_compat_is_worker() IsBackgroundWorker
#else
#define retention_compat_is_worker() AmBackgroundWorkerProcess()
#endif

/* The index of a primary key that is not deferrable. */
#if PG_VERSION_NUM < 180000
#define retention_compat_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#else
#define retention_compat_primary_key(rel) RelationGetPrimaryKeyIndex((rel), false)
#endif

/*
 * The session's replication origin, of which each that was ever used keeps a
 * place in shared memory.
 */
#if PG_VERSION_NUM < 160000
#define retention_compat_origin_setup(id) replorigin_session_setup(id)
#else
#define retention_compat_origin_setup(id) replorigin_session_setup((id), 0)
#endif
#if PG_VERSION_NUM < 180000
#define retention_compat_origin_places() max_replication_slots
#define retention_compat_origin_setting "max_replication_slots"
#else
#define retention_compat_origin_places() max_active_replication_origins
#define retention_compat_origin_setting "max_active_replication_origins"
#endif
#if PG_VERSION_NUM < 190000
typedef RepOriginId RetentionOriginId;
#define RETENTION_NO_ORIGIN InvalidRepOriginId
#define retention_compat_origin replorigin_session_origin
#define retention_compat_origin_lsn replorigin_session_origin_lsn
#define retention_compat_origin_timestamp replorigin_session_origin_timestamp
#else
typedef ReplOriginId RetentionOriginId;
#define RETENTION_NO_ORIGIN InvalidReplOriginId
#define retention_compat_origin replorigin_xact_state.origin
#define retention_compat_origin_lsn replorigin_xact_state.origin_lsn
#define retention_compat_origin_timestamp replorigin_xact_state.origin_timestamp
#endif

/* The number of the file that holds a relation: it changes with REINDEX, TRUNCATE ... */
#if PG_VERSION_NUM < 160000
#define retention_compat_file(rel) ((rel)->rd_node.relNode)
#else
#define retention_compat_file(rel) ((rel)->rd_locator.relNumber)
#endif

/* Does a subscription (its tuple) leave out changes that carry an origin? */
#if PG_VERSION_NUM < 160000
#define retention_compat_subscription_filters(tuple) false
#else
static inline bool
retention_compat_subscription_filters(HeapTuple tuple)
{
	bool		isnull;
	Datum		origin = SysCacheGetAttr(SUBSCRIPTIONOID, tuple,
										 Anum_pg_subscription_suborigin, &isnull);

	return !isnull && strcmp(TextDatumGetCString(origin), "none") == 0;
}
#endif

/*
 * Foreign keys (Form_pg_constraint) of 18: of those NOT ENFORCED the server does
 * nothing; one with PERIOD may lead to several rows.
 */
#if PG_VERSION_NUM < 180000
#define retention_compat_is_enforced(form) true
#define retention_compat_has_period(form) false
#else
#define retention_compat_is_enforced(form) ((form)->conenforced)
#define retention_compat_has_period(form) ((form)->conperiod)
#endif

/* Is the column (Form_pg_attribute) computed when it is read?  It has no index, its expression may. */
#if PG_VERSION_NUM < 180000
#define retention_compat_is_virtual(att) false
#else
#define retention_compat_is_virtual(att) ((att)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#endif

/* A scan of a whole table (access/tableam.h). */
#if PG_VERSION_NUM < 190000
#define retention_compat_beginscan(rel, snapshot) table_beginscan((rel), (snapshot), 0, NULL)
#else
#define retention_compat_beginscan(rel, snapshot) table_beginscan((rel), (snapshot), 0, NULL, SO_NONE)
#endif

/* What GROUP BY groups by, an entry of the range table of its own since 18. */
#if PG_VERSION_NUM < 180000
#define retention_compat_group_expressions(rte) NIL
#else
#define retention_compat_group_expressions(rte) \
	((rte)->rtekind == RTE_GROUP ? (rte)->groupexprs : NIL)
#endif

/* Runs a portal (tcop/pquery.h) of one utility command to its end. */
#if PG_VERSION_NUM < 180000
#define retention_compat_portal_run(portal, dest) \
	((void) PortalRun((portal), FETCH_ALL, true, true, (dest), (dest), NULL))
#else
#define retention_compat_portal_run(portal, dest) \
	((void) PortalRun((portal), FETCH_ALL, true, (dest), (dest), NULL))
#endif

/* Of VACUUM and ANALYZE: this table without those that inherit from it. */
#if PG_VERSION_NUM < 180000
#define RETENTION_COMPAT_ONLY ""
#else
#define RETENTION_COMPAT_ONLY "ONLY "
#endif

/* What to look at where a horizon stays that no session holds. */
#if PG_VERSION_NUM < 160000
#define RETENTION_COMPAT_DEFERRED "Nothing for now; where it stays: SHOW vacuum_defer_cleanup_age."
#else
#define RETENTION_COMPAT_DEFERRED "Nothing for now: it is looked again."
#endif

#endif							/* RETENTION_COMPAT_H */
