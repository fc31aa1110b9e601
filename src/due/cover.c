/*
 * cover.c
 *		Which columns the labels of a table cover.
 *
 * Invariant: a column that holds personal data and has no rule is never counted
 * as covered: it has a label of its own, or the table's label speaks for it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "due/cover.h"
#include "policy/label.h"
#include "policy/labelled.h"

typedef struct Parsing
{
	const char *text;
	bool		is_column;
	RetentionLabel *label;
} Parsing;

static void
parse(void *arg)
{
	Parsing    *parsing = (Parsing *) arg;

	parsing->label = retention_label_parse(parsing->text, parsing->is_column);
}

/* NULL where there is no label, or none that can be parsed. */
static RetentionLabel *
read_label(Oid relid, AttrNumber attnum)
{
	Parsing		parsing = {retention_labelled_text(relid, attnum), attnum != 0, NULL};

	if (parsing.text == NULL || retention_attempt_run(parse, &parsing) != NULL)
		return NULL;
	return parsing.label;
}

RetentionCoverKind
retention_cover_table(Oid relid)
{
	RetentionLabel *label = read_label(relid, 0);
	ListCell   *lc;

	if (label == NULL)
		return RETENTION_COVER_NONE;
	if (label->no_personal_data)
		return RETENTION_COVER_NOT_PERSONAL;
	foreach(lc, label->stages)
	{
		RetentionStage *stage = (RetentionStage *) lfirst(lc);

		if (stage->action && stage->action->kind == RETENTION_DELETE)
			return RETENTION_COVER_PERSONAL;
	}
	return RETENTION_COVER_NONE;
}

RetentionCoverKind
retention_cover_column(Oid root, const char *column, RetentionCoverKind table)
{
	AttrNumber	attnum = get_attnum(root, column);
	char	   *text;

	if (attnum == InvalidAttrNumber)
		return table;
	text = retention_labelled_text(root, attnum);
	if (text == NULL)
		return table;
	/* the one text that is no rule; whatever else there is names a category */
	if (strchr(text, '"') == NULL)
	{
		RetentionLabel *label = read_label(root, attnum);

		if (label != NULL && label->no_personal_data)
			return RETENTION_COVER_NOT_PERSONAL;
	}
	return RETENTION_COVER_PERSONAL;
}

List *
retention_cover_missing(Oid relid, Oid root)
{
	RetentionCoverKind table = retention_cover_table(root);
	List	   *missing = NIL;
	AttrNumber	natts;
	HeapTuple	tuple;

	if (table != RETENTION_COVER_NONE)
		return NIL;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return NIL;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);

	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		char	   *name;

		tuple = SearchSysCacheAttNum(relid, attnum);	/* none if dropped */
		if (!HeapTupleIsValid(tuple))
			continue;
		name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
		if (retention_cover_column(root, name, table) == RETENTION_COVER_NONE)
			missing = lappend(missing, name);
	}
	return missing;
}
