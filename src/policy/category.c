/*
 * category.c
 *		Data categories: the lines of the privacy notice.
 *
 * Whoever has EXECUTE on the functions may call them: superusers, and the roles
 * that it is granted to. Only the extension's owner writes the tables.
 *
 * Invariant: a period is positive and finite; it is lengthened by an officer
 * only, and then, unless retroactively, not for data collected before.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/identity.h"
#include "base/schedule.h"
#include "policy/category.h"
#include "policy/category_record.h"
#include "policy/label.h"
#include "policy/label_scan.h"
#include "policy/rule.h"

#define MAX_NAME_LENGTH 200
#define MAX_PERIOD_YEARS 10000
#define MAX_USES_NAMED 5

/* Attribute numbers; category.sql creates the tables. */
#define ATTNUM_NAME 1
#define ATTNUM_PERIOD 2
#define ATTNUM_FORMER_CATEGORY 1
#define ATTNUM_FORMER_UNTIL 2
#define ATTNUM_FORMER_PERIOD 3

#define NUM_SET_ARGS 7
#define ARG_RETROACTIVE 7

PG_FUNCTION_INFO_V1(retention_category_set);
PG_FUNCTION_INFO_V1(retention_category_drop);
PG_FUNCTION_INFO_V1(retention_category_changed);

/*
 * All rows of one of our tables whose first column, the first of its primary
 * key, is the name (NULL: all rows).
 */
static SysScanDesc
begin_scan(Relation table, const char *name)
{
	ScanKeyData key;

	if (name == NULL)
		return systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	/* The column's collation is "C", as ScanKeyInit's. */
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	return systable_beginscan(table, retention_compat_primary_key(table), true, NULL, 1, &key);
}

static Datum
get_column(Relation table, HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(table), &isnull);

	if (isnull)
		elog(ERROR, "column %d of \"%s\" is null", attnum, RelationGetRelationName(table));
	return value;
}

static int
compare_former(const void *a, const void *b)
{
	return timestamptz_cmp_internal(((const RetentionFormerPeriod *) a)->until,
									((const RetentionFormerPeriod *) b)->until);
}

static void
read_former(RetentionCategory *category)
{
	Relation	table = table_open(retention_identity_own_relation("former_period"),
								   AccessShareLock);
	SysScanDesc scan = begin_scan(table, category->name);
	HeapTuple	tuple;
	int			capacity = 0;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		RetentionFormerPeriod *former;

		if (category->nformer == capacity)
		{
			capacity = Max(4, capacity * 2);
			category->former = category->former == NULL ?
				palloc(capacity * sizeof(RetentionFormerPeriod)) :
				repalloc(category->former, capacity * sizeof(RetentionFormerPeriod));
		}
		former = &category->former[category->nformer++];
		former->until = DatumGetTimestampTz(get_column(table, tuple, ATTNUM_FORMER_UNTIL));
		former->period = *DatumGetIntervalP(get_column(table, tuple, ATTNUM_FORMER_PERIOD));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	if (category->nformer > 1)
		qsort(category->former, category->nformer, sizeof(RetentionFormerPeriod), compare_former);
}

RetentionCategory *
retention_category_find(const char *name)
{
	Relation	table = table_open(retention_identity_own_relation("data_category"),
								   AccessShareLock);
	SysScanDesc scan = begin_scan(table, name);
	HeapTuple	tuple = systable_getnext(scan);
	RetentionCategory *category = NULL;

	if (tuple != NULL)
	{
		category = palloc0(sizeof(RetentionCategory));
		category->name = pstrdup(name);
		category->period = *DatumGetIntervalP(get_column(table, tuple, ATTNUM_PERIOD));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	if (category != NULL)
		read_former(category);
	return category;
}

static char *
fold(const char *name)
{
	return str_tolower(name, strlen(name), DEFAULT_COLLATION_OID);
}

char *
retention_category_nearest(const char *name)
{
	Relation	table = table_open(retention_identity_own_relation("data_category"),
								   AccessShareLock);
	SysScanDesc scan = begin_scan(table, NULL);
	char	   *folded = fold(name);
	int			most = Max(1, strlen(folded) / 3);
	char	   *nearest = NULL;
	HeapTuple	tuple;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		char	   *candidate = TextDatumGetCString(get_column(table, tuple, ATTNUM_NAME));
		char	   *other = fold(candidate);
		int			distance = varstr_levenshtein_less_equal(folded, strlen(folded),
															 other, strlen(other),
															 1, 1, 1, most, true);

		if (distance <= most)
		{
			nearest = candidate;
			most = distance - 1;
		}
		if (most < 0)
			break;
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return nearest;
}

static void
check_name(const char *name)
{
	if (!retention_label_scan_phrase_is_clean(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name of a data category is empty or not clean"),
				 errdetail("Blanks at the ends and control characters are not part of a name."),
				 errhint("Use the words of the privacy notice, for example 'technical information'.")));
	if (pg_strcasecmp(name, RETENTION_NO_PERSONAL_DATA) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not a data category", name),
				 errhint("Labels say it of columns and tables without personal data.")));
	if (strlen(name) > MAX_NAME_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name of a data category is longer than %d bytes", MAX_NAME_LENGTH)));
}

static int
compare_periods(const Interval *a, const Interval *b)
{
	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(a),
											 IntervalPGetDatum(b)));
}

static void
check_period(const Interval *period)
{
	Interval	longest = {0};

	longest.month = MAX_PERIOD_YEARS * MONTHS_PER_YEAR;
	if (period->month < 0 || period->day < 0 || period->time < 0 ||
		(period->month == 0 && period->day == 0 && period->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period of a data category must be positive"),
				 errdetail("Months, days and time of day must not be negative, and not all zero."),
				 errhint("Give for example interval '7 days'.")));
	/* An infinite interval, of later versions, is longer too. */
	if (compare_periods(period, &longest) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period of a data category must be finite"),
				 errdetail("The longest is %d years.", MAX_PERIOD_YEARS),
				 errhint("Data that may stay for ever needs no category: label it 'no personal data'.")));
}

/* Longer, or of the same length by the server's reckoning but not the same. */
static bool
is_longer(const Interval *given, const Interval *before)
{
	int			order = compare_periods(given, before);

	return order > 0 ||
		(order == 0 && (given->month != before->month || given->day != before->day ||
						given->time != before->time));
}

static void
execute(const char *statement, int nargs, Oid *types, Datum *values, const char *nulls,
		int expected)
{
	int			result = SPI_execute_with_args(statement, nargs, types, values, nulls,
											   false, 0);

	if (result != expected)
		elog(ERROR, "SPI_execute_with_args returned %s", SPI_result_code_string(result));
}

/* What was promised before still counts for the clocks that it was promised for. */
static void
keep_former(const RetentionCategory *before, const Interval *given, bool retroactive)
{
	Oid			types[2] = {TEXTOID, INTERVALOID};
	Datum		values[2];

	values[0] = CStringGetTextDatum(before->name);
	if (is_longer(given, &before->period) && !retroactive)
	{
		values[1] = IntervalPGetDatum(&before->period);
		execute("INSERT INTO retention.former_period (category, until, period) "
				"VALUES ($1, now(), $2) ON CONFLICT (category, until) DO NOTHING",
				2, types, values, NULL, SPI_OK_INSERT);
		return;
	}
	/* A shorter period is for all; what was not shorter than it is void. */
	values[1] = IntervalPGetDatum(given);
	execute(retroactive ?
			"DELETE FROM retention.former_period WHERE category = $1" :
			"DELETE FROM retention.former_period WHERE category = $1 AND period >= $2",
			retroactive ? 1 : 2, types, values, NULL, SPI_OK_DELETE);
}

/*
 * retention.set_category(name, period, starting_point, legal_basis, purpose,
 * data_subjects, source, retroactive)
 */
Datum
retention_category_set(PG_FUNCTION_ARGS)
{
	Oid			types[NUM_SET_ARGS] = {TEXTOID, INTERVALOID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID};
	Datum		values[NUM_SET_ARGS];
	char		nulls[NUM_SET_ARGS];
	bool		retroactive = !PG_ARGISNULL(ARG_RETROACTIVE) && PG_GETARG_BOOL(ARG_RETROACTIVE);
	Interval   *period = PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1);
	char	   *name;
	Oid			relid;
	RetentionCategory *before;
	RetentionIdentity saved;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("name of a data category must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_name(name);
	if (period != NULL)
		check_period(period);
	for (int i = 0; i < NUM_SET_ARGS; i++)
	{
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
	}

	/* One change at a time, and none that this does not see. */
	relid = retention_identity_own_relation("data_category");
	PreventCommandIfReadOnly("retention.set_category()");
	LockRelationOid(relid, ShareRowExclusiveLock);
	before = retention_category_find(name);

	if (before == NULL && period == NULL)
	{
		char	   *nearest = retention_category_nearest(name);

		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a new data category needs a period"),
				 errdetail("There is no data category \"%s\" yet.", name),
				 nearest != NULL ? errhint("Did you mean \"%s\"?", nearest) :
				 errhint("Give for example period => interval '7 days'.")));
	}
	/* Retroactively, the period that it has counts for older clocks too. */
	if (before != NULL && period == NULL && retroactive)
		period = &before->period;
	if (before != NULL && period != NULL &&
		(is_longer(period, &before->period) ||
		 (retroactive && before->nformer > 0 &&
		  is_longer(period, &before->former[0].period))))
		retention_identity_require_officer("lengthen the period of a data category");

	retention_identity_become_extension(&saved);
	SPI_connect();
	if (before == NULL)
		execute("INSERT INTO retention.data_category"
				" (name, period, starting_point, legal_basis, purpose, data_subjects, source)"
				" VALUES ($1, $2, NULLIF($3, ''), NULLIF($4, ''), NULLIF($5, ''),"
				" NULLIF($6, ''), NULLIF($7, ''))",
				NUM_SET_ARGS, types, values, nulls, SPI_OK_INSERT);
	else
	{
		if (period != NULL)
			keep_former(before, period, retroactive);
		execute("UPDATE retention.data_category SET"
				" period = COALESCE($2, period),"
				" starting_point = NULLIF(COALESCE($3, starting_point), ''),"
				" legal_basis = NULLIF(COALESCE($4, legal_basis), ''),"
				" purpose = NULLIF(COALESCE($5, purpose), ''),"
				" data_subjects = NULLIF(COALESCE($6, data_subjects), ''),"
				" source = NULLIF(COALESCE($7, source), ''),"
				" changed_at = now() WHERE name = $1",
				NUM_SET_ARGS, types, values, nulls, SPI_OK_UPDATE);
	}
	SPI_finish();
	retention_identity_restore(&saved);
	if (period != NULL)
	{
		retention_category_record_period(name, before == NULL ? NULL : &before->period,
										 period, retroactive);
		/* Under a shorter one, rows may be due at once. */
		retention_schedule_wake(MyDatabaseId, GetCurrentTimestamp());
	}
	PG_RETURN_VOID();
}

static bool
label_names(const char *text, bool is_column, const char *category)
{
	ListCell   *cell;

	if (text == NULL)
		return false;
	foreach(cell, retention_label_parse(text, is_column)->stages)
		if (strcmp(((RetentionStage *) lfirst(cell))->category, category) == 0)
		return true;
	return false;
}

static AttrNumber
count_columns(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts = 0;

	if (HeapTupleIsValid(tuple))
	{
		natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
		ReleaseSysCache(tuple);
	}
	return natts;
}

/* The tables and columns whose labels name the category: how many, and the first. */
static int
find_uses(const char *category, StringInfo named)
{
	int			uses = 0;
	List	   *relids = retention_labelled_relations();
	ListCell   *cell;

	list_sort(relids, list_oid_cmp);
	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);
		AttrNumber	natts = count_columns(relid);

		for (AttrNumber attnum = 0; attnum <= natts; attnum++)
		{
			if (!label_names(retention_labelled_text(relid, attnum), attnum > 0, category))
				continue;
			if (++uses > MAX_USES_NAMED)
				continue;
			appendStringInfo(named, "%s%s", uses > 1 ? ", " : "",
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
														get_rel_name(relid)));
			if (attnum > 0)
				appendStringInfo(named, ".%s",
								 quote_identifier(get_attname(relid, attnum, false)));
		}
	}
	return uses;
}

/*
 * retention.drop_category(name).  A label that is being set in another
 * transaction is not seen: its rule is then invalid, and status says so.
 */
Datum
retention_category_drop(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	StringInfoData named;
	int			uses;
	RetentionCategory *category;
	RetentionIdentity saved;
	Oid			relid = retention_identity_own_relation("data_category");

	PreventCommandIfReadOnly("retention.drop_category()");
	LockRelationOid(relid, ShareRowExclusiveLock);
	category = retention_category_find(name);
	if (category == NULL)
	{
		char	   *nearest = retention_category_nearest(name);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("data category \"%s\" does not exist", name),
				 nearest != NULL ? errhint("Did you mean \"%s\"?", nearest) : 0));
	}
	initStringInfo(&named);
	uses = find_uses(name, &named);
	if (uses > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop data category \"%s\": labels name it", name),
				 uses > MAX_USES_NAMED ?
				 errdetail("Labels of %s and %d more.", named.data, uses - MAX_USES_NAMED) :
				 errdetail("Labels of %s.", named.data),
				 errhint("Change or remove these labels first.")));

	values[0] = PG_GETARG_DATUM(0);
	retention_identity_become_extension(&saved);
	SPI_connect();
	execute("DELETE FROM retention.former_period WHERE category = $1",
			1, types, values, NULL, SPI_OK_DELETE);
	execute("DELETE FROM retention.data_category WHERE name = $1",
			1, types, values, NULL, SPI_OK_DELETE);
	SPI_finish();
	retention_identity_restore(&saved);
	retention_category_record_drop(name, &category->period);
	PG_RETURN_VOID();
}

/* After any change of the table, whoever makes it. */
Datum
retention_category_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by trigger manager")));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
	PG_RETURN_POINTER(NULL);
}
