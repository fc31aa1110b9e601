/*
 * provider.c
 *		The label provider: who may label what, checked as it is set.
 *
 * PostgreSQL stores the label (pg_seclabel) and has checked that the current
 * user owns the table when it calls check_label().
 *
 * Invariant: no label that cannot be parsed is ever stored.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/seclabel.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/identity.h"
#include "base/schedule.h"
#include "base/settings.h"
#include "policy/label.h"
#include "policy/provider.h"
#include "policy/rule.h"

#define GUARD_NAME "zz_privacy_retention"
#define HOLD_GUARD_NAME "zz_privacy_retention_hold"
#define OUR_SCHEMA "retention"

PG_FUNCTION_INFO_V1(retention_provider_load);
PG_FUNCTION_INFO_V1(retention_provider_label);

bool
retention_provider_is_protected(Oid relid)
{
	return OidIsValid(get_trigger_oid(relid, GUARD_NAME, true));
}

static void
refuse(const ObjectAddress *object, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s cannot have a privacy_retention label",
					getObjectDescription(object, false)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* ERROR unless the object can hold a label of ours. */
static void
check_object(const ObjectAddress *object)
{
	const char *tables_only = "Labels are for tables, partitioned tables and their columns.";
	Oid			relid = object->objectId;
	Oid			schema;
	char		relkind;

	if (object->classId != RelationRelationId)
		refuse(object, tables_only, "Label the tables that hold the data.");

	relkind = get_rel_relkind(relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		refuse(object, tables_only,
			   relkind == RELKIND_FOREIGN_TABLE ?
			   "Label the table on the server that holds the rows." :
			   "Label the tables that hold the data.");
	if (get_rel_relispartition(relid))
		refuse(object, "It is a partition: the label of its root counts for all partitions.",
			   "Label the root of the partition tree.");

	schema = get_rel_namespace(relid);
	if (relid < FirstNormalObjectId || IsCatalogNamespace(schema) || IsToastNamespace(schema))
		refuse(object, "It belongs to the system.",
			   "Label the tables that hold the data.");
	if (schema == get_namespace_oid(OUR_SCHEMA, true))
		refuse(object, "It belongs to extension privacy_retention.",
			   "Label the tables that hold the data.");
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		refuse(object, "It is a temporary table, which ends with its session.",
			   "Label the tables that hold the data.");
	if (object->objectSubId < 0)
		refuse(object, "It is a system column.", "Label the table or another column.");
}

/*
 * Columns of held rows cannot change, unless their label says that they are no
 * personal data: so that such a label could undo a suspension.
 */
static bool
is_held(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (OidIsValid(get_trigger_oid(lfirst_oid(lc), HOLD_GUARD_NAME, true)))
		return true;
	return false;
}

/* The provider's hook: before a label is set, or removed (NULL). */
static void
check_label(const ObjectAddress *object, const char *label)
{
	Oid			relid = object->objectId;

	/* What became a partition, or the like, can still lose its label. */
	if (label != NULL)
		check_object(object);
	else if (object->classId != RelationRelationId)
		return;

	if (label != NULL && retention_label_parse(label, object->objectSubId != 0)->no_personal_data &&
		is_held(relid))
		retention_identity_require_officer("declare that there is no personal data where rows are under suspension");
	if (retention_provider_is_protected(relid))
	{
		if (retention_settings_officer_role[0] != '\0')
			retention_identity_require_officer("change the labels of a protected table");
		/* Under the new label, rows may be due at once. */
		retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	}

	if (label != NULL)
	{
		(void) retention_label_parse(label, object->objectSubId != 0);

		/*
		 * While a dump is restored, keys and categories may be missing still:
		 * the rule is invalid until they are there, and status says so.
		 */
		if (check_function_bodies)
			retention_rule_judge(relid, object->objectSubId, label);
	}

	CacheInvalidateRelcacheByRelid(relid);
}

void
retention_provider_register(void)
{
	register_label_provider(RETENTION_PROVIDER, check_label);
}

/*
 * The event trigger before SECURITY LABEL.  Calling it has loaded the library,
 * and _PG_init has registered the provider: that is all.
 */
Datum
retention_provider_load(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by event trigger manager")));
	PG_RETURN_NULL();
}

static void
set_label(Oid relid, const char *column, const char *label)
{
	SecLabelStmt *statement = makeNode(SecLabelStmt);
	List	   *name = list_make2(makeString(get_namespace_name(get_rel_namespace(relid))),
								  makeString(get_rel_name(relid)));

	statement->objtype = OBJECT_TABLE;
	if (column != NULL)
	{
		statement->objtype = OBJECT_COLUMN;
		name = lappend(name, makeString(pstrdup(column)));
	}
	statement->object = (Node *) name;
	statement->provider = RETENTION_PROVIDER;
	statement->label = unconstify(char *, label);
	(void) ExecSecLabelStmt(statement);
	CommandCounterIncrement();
}

/* retention.label(relation regclass, label text, columns name[]) */
Datum
retention_provider_label(PG_FUNCTION_ARGS)
{
	char	   *label = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			relid;
	Datum	   *columns;
	bool	   *nulls;
	int			ncolumns;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	relid = PG_GETARG_OID(0);
	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	PreventCommandIfReadOnly("retention.label()");
	PreventCommandDuringRecovery("retention.label()");

	if (PG_ARGISNULL(2))
	{
		set_label(relid, NULL, label);
		PG_RETURN_VOID();
	}

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &columns, &nulls, &ncolumns);
	if (ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns must not be empty"),
				 errhint("NULL stands for the table itself.")));
	for (int i = 0; i < ncolumns; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("columns must not contain nulls")));
		set_label(relid, NameStr(*DatumGetName(columns[i])), label);
	}
	PG_RETURN_VOID();
}
