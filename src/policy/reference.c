/*
 * reference.c
 *		Foreign keys that point at a column whose values change.
 *
 * Invariant: what is not listed here, the server's own foreign keys refuse: a
 * change that would break a reference never commits.
 */
#include "postgres.h"

#include "access/table.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "policy/action.h"
#include "policy/foreign_key.h"
#include "policy/reference.h"
#include "policy/rule.h"

/* The columns that reference this one directly. */
static List *
direct_references(Oid relid, AttrNumber attnum)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, retention_foreign_key_to(relid))
	{
		RetentionForeignKey *key = (RetentionForeignKey *) lfirst(lc);

		for (int i = 0; i < key->join->nkeys; i++)
		{
			RetentionReference *reference;

			if (key->join->to_columns[i] != attnum)
				continue;
			reference = palloc(sizeof(RetentionReference));
			reference->relid = key->relid;
			reference->attnum = key->join->from_columns[i];
			reference->parent_relid = relid;
			reference->parent_attnum = attnum;
			reference->cascades = key->on_update == FKCONSTR_ACTION_CASCADE;
			result = lappend(result, reference);
		}
	}
	return result;
}

List *
retention_reference_list(Oid relid, AttrNumber attnum)
{
	List	   *all = direct_references(relid, attnum);

	/* The list grows while it is walked: breadth first, each column once. */
	for (int i = 0; i < list_length(all); i++)
	{
		RetentionReference *reference = (RetentionReference *) list_nth(all, i);
		ListCell   *lc;

		foreach(lc, direct_references(reference->relid, reference->attnum))
		{
			RetentionReference *next = (RetentionReference *) lfirst(lc);
			bool		known = next->relid == relid && next->attnum == attnum;
			ListCell   *old;

			foreach(old, all)
			{
				RetentionReference *seen = (RetentionReference *) lfirst(old);

				if (seen->relid == next->relid && seen->attnum == next->attnum)
					known = true;
			}
			if (!known)
				all = lappend(all, next);
		}
	}
	return all;
}

/* The column that this one references through a foreign key, or false. */
static bool
referenced_column(Oid relid, AttrNumber attnum, Oid *parent, AttrNumber *parent_attnum)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst_node(ForeignKeyCacheInfo, lc);

		for (int i = 0; i < fk->nkeys; i++)
			if (fk->conkey[i] == attnum)
			{
				*parent = fk->confrelid;
				*parent_attnum = fk->confkey[i];
				found = true;
			}
	}
	table_close(rel, AccessShareLock);
	return found;
}

/* The categories that a column's own label names; NIL also for none. */
static List *
label_stages(Oid relid, AttrNumber attnum)
{
	char	   *text = retention_labelled_text(relid, attnum);

	return text ? retention_label_parse(text, true)->stages : NIL;
}

bool
retention_reference_follows(Oid relid, AttrNumber attnum, const char *category)
{
	Oid			parent;
	AttrNumber	parent_attnum;
	ListCell   *lc;

	if (!referenced_column(relid, attnum, &parent, &parent_attnum))
		return false;
	foreach(lc, label_stages(parent, parent_attnum))
	{
		RetentionStage *stage = (RetentionStage *) lfirst(lc);

		if (stage->action != NULL && strcmp(stage->category, category) == 0)
			return true;
	}
	return false;
}

/* A clear "NULL" or the like never breaks a reference. */
static bool
only_clears(const RetentionAction *action)
{
	return action->kind == RETENTION_SET_NULL ||
		action->kind == RETENTION_SET_DEFAULT ||
		action->kind == RETENTION_SET_LITERAL;
}

char *
retention_reference_problem(const RetentionAction *action, Oid relid,
							AttrNumber attnum, const char *category, char **hint)
{
	Oid			parent;
	AttrNumber	parent_attnum;
	List	   *references;
	ListCell   *lc;

	if (!only_clears(action) &&
		referenced_column(relid, attnum, &parent, &parent_attnum))
	{
		*hint = psprintf("Label it 'no personal data' and put the action on column %s.%s.",
						 retention_start_relation_name(parent),
						 quote_identifier(get_attname(parent, parent_attnum, false)));
		return pstrdup("the column references another one and follows it");
	}

	references = retention_reference_list(relid, attnum);
	if (references == NIL)
		return NULL;
	if (!retention_action_is_deterministic(action))
	{
		*hint = pstrdup("Use \"pseudonymise\": it gives the same token for the same value.");
		return pstrdup("foreign keys point at the column, and the action gives equal values different results");
	}
	foreach(lc, references)
	{
		RetentionReference *reference = (RetentionReference *) lfirst(lc);
		char	   *column = psprintf("%s.%s",
									  retention_start_relation_name(reference->relid),
									  quote_identifier(get_attname(reference->relid,
																   reference->attnum,
																   false)));
		ListCell   *stage;

		if (reference->relid == relid && !reference->cascades)
		{
			*hint = pstrdup("Declare the foreign key ON UPDATE CASCADE.");
			return psprintf("column %s of the same table references the column", column);
		}
		foreach(stage, label_stages(reference->relid, reference->attnum))
			if (strcmp(((RetentionStage *) lfirst(stage))->category, category) != 0)
		{
			*hint = psprintf("Label it 'no personal data' or with category \"%s\".", category);
			return psprintf("column %s references the column and has a label of another category", column);
		}
	}
	return NULL;
}
