/*
 * unlabelled.c
 *		New columns, and new copies of columns, that no label covers.
 *
 * They are judged when the transaction commits, so that ALTER TABLE ... ADD
 * COLUMN and SECURITY LABEL can share it.
 *
 * Invariant: what is judged is what the transaction leaves behind, whatever
 * became of it, or of its subtransactions, on the way.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "base/command.h"
#include "base/settings.h"
#include "command/attach.h"
#include "command/copy.h"
#include "due/cover.h"
#include "guard/guard.h"
#include "guard/lineage.h"
#include "policy/label.h"
#include "policy/labelled.h"
#include "policy/start.h"

PG_FUNCTION_INFO_V1(retention_unlabelled_before_sql);
PG_FUNCTION_INFO_V1(retention_unlabelled_after_sql);

/* What a transaction has made, and what will be looked at when it commits. */
typedef struct Arrival
{
	Oid			relid;
	AttrNumber	attnum;			/* a new column; 0: the table is a copy */
	List	   *copied;			/* of char *: "column of table" */
} Arrival;

/* What is remembered of a command. */
typedef struct Before
{
	Oid			relid;			/* that is altered */
	AttrNumber	natts;
	List	   *copied;
	bool		existed;		/* IF NOT EXISTS */
	List	   *parts;			/* of Oid: tables that become children */
} Before;

static List *arrivals = NIL;

static void
complain(const char *message, const char *detail, const char *hint)
{
	bool		fatal = retention_settings_unlabelled == RETENTION_UNLABELLED_ERROR;

	ereport(fatal ? ERROR : WARNING,
			(errcode(fatal ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE : ERRCODE_WARNING),
			 errmsg_internal("%s", message),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

static void
judge_column(const Arrival *arrival)
{
	HeapTuple	tuple = SearchSysCacheAttNum(arrival->relid, arrival->attnum);
	Oid			root;
	char	   *column;
	char	   *relation;

	if (!HeapTupleIsValid(tuple))
		return;					/* dropped, or never there */
	column = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
	root = retention_lineage_labelled(arrival->relid);
	/* What a child has of its root is the root's to label. */
	if (root != arrival->relid && get_attnum(root, column) != InvalidAttrNumber)
		return;
	if (!OidIsValid(root) || retention_guard_state(root) == RETENTION_WATCHED ||
		retention_cover_column(root, column, retention_cover_table(root)) != RETENTION_COVER_NONE)
		return;
	relation = retention_start_relation_name(arrival->relid);
	complain(psprintf("column %s of protected table %s has no label",
					  quote_identifier(column), relation),
			 "No rule covers it: what it holds is kept without end.",
			 root != arrival->relid ?
			 psprintf("Add the column to %s and label it there, or give that table's label a stage that ends in \"then delete\".",
					  retention_start_relation_name(root)) :
			 psprintf("SECURITY LABEL FOR %s ON COLUMN %s.%s IS 'no personal data'; or, if it is personal: ... IS 'category, then set null';",
					  RETENTION_PROVIDER, retention_start_relation_name(root),
					  quote_identifier(column)));
}

static char *
join_texts(List *texts)
{
	StringInfoData result;
	ListCell   *lc;

	initStringInfo(&result);
	foreach(lc, texts)
		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "", (char *) lfirst(lc));
	return result.data;
}

static void
judge_copy(const Arrival *arrival)
{
	char	   *relation;

	if (OidIsValid(retention_lineage_labelled(arrival->relid)))
		return;
	relation = retention_start_relation_name(arrival->relid);
	complain(psprintf("%s has columns of protected tables, and no label", relation),
			 psprintf("It takes over: %s.", join_texts(arrival->copied)),
			 get_rel_relkind(arrival->relid) == RELKIND_MATVIEW ?
			 "A view would keep no copy. Of a materialized view rows go when it is refreshed, which is yours to do in time." :
			 psprintf("SECURITY LABEL FOR %s ON TABLE %s IS 'category, from column, then delete';",
					  RETENTION_PROVIDER, relation));
}

static void
judge_all(List *list)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		Arrival    *arrival = (Arrival *) lfirst(lc);

		/* Temporary tables end with their session. */
		if (get_rel_name(arrival->relid) == NULL ||
			get_rel_persistence(arrival->relid) == RELPERSISTENCE_TEMP)
			continue;
		if (arrival->attnum > 0)
			judge_column(arrival);
		else
			judge_copy(arrival);
	}
}

static void
transaction_event(XactEvent event, void *arg)
{
	List	   *list = arrivals;

	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			arrivals = NIL;
			if (list != NIL && retention_settings_unlabelled != RETENTION_UNLABELLED_IGNORE)
				judge_all(list);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			arrivals = NIL;
			break;
		default:
			break;
	}
}

static void
expect(Oid relid, AttrNumber attnum, List *copied)
{
	static bool registered = false;
	MemoryContext caller;
	Arrival    *arrival;
	ListCell   *lc;

	if (!registered)
	{
		RegisterXactCallback(transaction_event, NULL);
		registered = true;
	}
	foreach(lc, arrivals)
	{
		arrival = (Arrival *) lfirst(lc);
		if (arrival->relid == relid && arrival->attnum == attnum && attnum > 0)
			return;
	}
	caller = MemoryContextSwitchTo(TopTransactionContext);
	arrival = palloc0(sizeof(Arrival));
	arrival->relid = relid;
	arrival->attnum = attnum;
	foreach(lc, copied)
		arrival->copied = lappend(arrival->copied, pstrdup((char *) lfirst(lc)));
	arrivals = lappend(arrivals, arrival);
	MemoryContextSwitchTo(caller);
}

static void
expect_columns(Oid relid, AttrNumber after)
{
	AttrNumber	natts = retention_labelled_natts(relid);

	for (AttrNumber attnum = after + 1; attnum <= natts; attnum++)
		expect(relid, attnum, NIL);
}

/* Remembers what ALTER TABLE finds, if it adds a column or a child. */
static void
before_alter(AlterTableStmt *statement, Before *before)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		Oid			parent;
		Oid			part;

		if (command->subtype == AT_AddColumn)
		{
			before->relid = RangeVarGetRelid(statement->relation, NoLock, true);
			before->natts = retention_labelled_natts(before->relid);
		}
		else if (command->subtype == AT_AddInherit &&
				 retention_attach_parts(statement, command, &parent, &part))
			before->parts = lappend_oid(before->parts, part);
	}
}

static void
before_create(CreateStmt *statement, Before *before)
{
	ListCell   *lc;

	before->existed = OidIsValid(retention_attach_created(statement));
	foreach(lc, statement->tableElts)
	{
		TableLikeClause *like = (TableLikeClause *) lfirst(lc);
		Oid			relid;

		if (!IsA(like, TableLikeClause))
			continue;
		relid = RangeVarGetRelid(like->relation, NoLock, true);
		if (OidIsValid(relid))
			before->copied = retention_copy_of_table(before->copied, relid);
	}
}

static Oid
created_by_query(const CreateTableAsStmt *statement)
{
	return get_relname_relid(statement->into->rel->relname,
							 RangeVarGetCreationNamespace(statement->into->rel));
}

typedef struct Reading
{
	Node	   *command;
	Before	   *before;
} Reading;

static void
read_command(void *arg)
{
	Reading    *reading = (Reading *) arg;
	Node	   *command = reading->command;
	Before	   *before = reading->before;

	if (IsA(command, AlterTableStmt))
		before_alter((AlterTableStmt *) command, before);
	else if (IsA(command, CreateStmt))
		before_create((CreateStmt *) command, before);
	else if (IsA(command, CreateTableAsStmt))
	{
		CreateTableAsStmt *statement = (CreateTableAsStmt *) command;

		before->existed = OidIsValid(created_by_query(statement));
		if (statement->query != NULL && IsA(statement->query, Query))
			before->copied = retention_copy_of_query(NIL, (Query *) statement->query);
	}
}

/* Before ALTER TABLE, CREATE TABLE and what makes a table of a query. */
Datum
retention_unlabelled_before_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Reading		reading = {command, NULL};
	MemoryContext memory;
	MemoryContext caller;
	bool		failed;

	/* While a dump is restored, labels and guards are still to come. */
	if (command == NULL || !check_function_bodies ||
		retention_settings_unlabelled == RETENTION_UNLABELLED_IGNORE ||
		!retention_labelled_any())
		PG_RETURN_NULL();
	reading.before = retention_command_remember(command, "unlabelled", sizeof(Before),
												&memory);
	caller = MemoryContextSwitchTo(memory);
	/* What cannot be read here, the command itself will complain about. */
	failed = retention_attempt_look(read_command, &reading) != NULL;
	MemoryContextSwitchTo(caller);
	if (failed)
		(void) retention_command_recall(command, "unlabelled");
	PG_RETURN_NULL();
}

/* After them. */
Datum
retention_unlabelled_after_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Before	   *before = command ? retention_command_recall(command, "unlabelled") : NULL;
	Oid			created = InvalidOid;
	ListCell   *lc;

	if (before == NULL || before->existed)
		PG_RETURN_NULL();
	if (OidIsValid(before->relid))
		expect_columns(before->relid, before->natts);
	foreach(lc, before->parts)
		expect_columns(lfirst_oid(lc), 0);
	if (IsA(command, CreateStmt))
	{
		created = retention_attach_created((CreateStmt *) command);
		if (((CreateStmt *) command)->inhRelations != NIL)
			expect_columns(created, 0);
	}
	else if (IsA(command, CreateTableAsStmt))
		created = created_by_query((CreateTableAsStmt *) command);
	if (before->copied != NIL && OidIsValid(created))
		expect(created, 0, before->copied);
	PG_RETURN_NULL();
}
