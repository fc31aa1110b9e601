/*
 * identity.c
 *		Whose name an action runs under.
 *
 * Invariant: while a user's code can run, the current user is the owner of the
 * user's table, and nothing that this code sets outlives restore().
 *
 * Each become_*() is remembered with the level of its (sub)transaction, so that
 * retention_identity_assert_none() can tell whether one is still open. A user
 * that is switched at a commit stays switched: an escalation.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/extension.h"
#include "base/identity.h"
#include "base/settings.h"

#define SCHEMA_NAME "retention"
#define MAX_DEPTH 32

/* Transaction nesting levels of the become_*() that are open. */
static int	open_levels[MAX_DEPTH];
static int	open_count = 0;

static void
xact_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			retention_identity_assert_none();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			open_count = 0;
			break;
		default:
			break;
	}
}

static void
subxact_ended(SubXactEvent event, SubTransactionId mine,
			  SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (open_count > 0 &&
		   open_levels[open_count - 1] >= GetCurrentTransactionNestLevel())
		open_count--;
}

static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Settings that change what a statement means or how a value is written. */
static void
settle(void)
{
	set_for_now("search_path", "pg_catalog, pg_temp");
	set_for_now("session_replication_role", "origin");
	set_for_now("row_security", "on");
	set_for_now("TimeZone", retention_settings_timezone);
	set_for_now("DateStyle", "ISO, YMD");
	set_for_now("IntervalStyle", "postgres");
	set_for_now("bytea_output", "hex");
	set_for_now("extra_float_digits", "1");
	set_for_now("standard_conforming_strings", "on");
	set_for_now("quote_all_identifiers", "off");
	set_for_now("transform_null_equals", "off");
}

static void
become(RetentionIdentity *saved, Oid userid, int flags)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		RegisterSubXactCallback(subxact_ended, NULL);
		registered = true;
	}
	if (open_count >= MAX_DEPTH)
		elog(ERROR, "identities nested deeper than %d", MAX_DEPTH);

	GetUserIdAndSecContext(&saved->userid, &saved->sec_context);
	saved->nest_level = NewGUCNestLevel();
	open_levels[open_count++] = GetCurrentTransactionNestLevel();
	settle();
	SetUserIdAndSecContext(userid, saved->sec_context | flags);
}

/* The owner of a table, or InvalidOid. */
Oid
retention_identity_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

void
retention_identity_become_owner(RetentionIdentity *saved, Oid relid)
{
	Oid			owner = retention_identity_owner(relid);

	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));

	become(saved, owner,
		   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
		   SECURITY_NOFORCE_RLS);
}

static Oid
extension_owner(void)
{
	Oid			extension = get_extension_oid(RETENTION_EXTENSION_NAME, false);
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner;

	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "no row of pg_extension for extension %u", extension);
	owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return owner;
}

void
retention_identity_become_extension(RetentionIdentity *saved)
{
	become(saved, extension_owner(),
		   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

/*
 * Rolls the settings back rather than commits them: a plain SET in a user's
 * trigger would otherwise stay in the session of whoever called.
 */
void
retention_identity_restore(const RetentionIdentity *saved)
{
	if (open_count <= 0 ||
		open_levels[open_count - 1] != GetCurrentTransactionNestLevel())
		elog(ERROR, "identity restored in another transaction level than it was taken in");
	open_count--;
	AtEOXact_GUC(false, saved->nest_level);
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
}

void
retention_identity_assert_none(void)
{
	if (open_count != 0)
		elog(ERROR, "an identity is still open at a commit");
}

/* The officer's role, or InvalidOid when it is not set or does not exist. */
static Oid
officer_role(void)
{
	if (retention_settings_officer_role[0] == '\0')
		return InvalidOid;
	return get_role_oid(retention_settings_officer_role, true);
}

bool
retention_identity_is_officer(Oid roleid)
{
	Oid			officer;

	if (superuser_arg(roleid))
		return true;
	officer = officer_role();
	return OidIsValid(officer) && has_privs_of_role(roleid, officer);
}

void
retention_identity_require_officer(const char *what)
{
	if (retention_identity_is_officer(GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("only the data protection officer may %s", what),
			 OidIsValid(officer_role()) ?
			 errdetail("Officers are superusers and the members of role \"%s\".",
					   retention_settings_officer_role) :
			 retention_settings_officer_role[0] == '\0' ?
			 errdetail("Officers are superusers: privacy_retention.officer_role is not set.") :
			 errdetail("Officers are superusers: privacy_retention.officer_role names no role that exists.")));
}

void
retention_identity_require_owner(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (retention_compat_owns_relation(relid, GetUserId()) ||
		retention_identity_is_officer(GetUserId()))
		return;
	aclcheck_error(ACLCHECK_NOT_OWNER,
				   get_relkind_objtype(get_rel_relkind(relid)), name);
}

bool
retention_identity_is_trusted(Oid relid, Oid acting)
{
	Oid			owner = retention_identity_owner(relid);
	Oid			actor = retention_identity_owner(acting);

	if (!OidIsValid(owner) || !OidIsValid(actor))
		return false;
	return owner == actor || has_privs_of_role(owner, actor);
}

Oid
retention_identity_own_relation(const char *name)
{
	Oid			schema;
	Oid			relid;

	if (!OidIsValid(get_extension_oid(RETENTION_EXTENSION_NAME, true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension %s is not installed in this database",
						RETENTION_EXTENSION_NAME),
				 errhint("CREATE EXTENSION %s;", RETENTION_EXTENSION_NAME)));
	schema = get_namespace_oid(SCHEMA_NAME, false);
	relid = get_relname_relid(name, schema);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation %s.%s does not exist", SCHEMA_NAME, name),
				 errhint("ALTER EXTENSION %s UPDATE; brings the extension's objects up to its library.",
						 RETENTION_EXTENSION_NAME)));
	return relid;
}

Oid
retention_identity_find_own(const char *name)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}
