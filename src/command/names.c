/*
 * names.c
 *		Tables of ours that hold the names of users' tables.
 *
 * Names are texts, so that a dump can be restored in any order; they follow
 * renames.  What is there already under the new name was about a table that is
 * gone.
 *
 * Invariant: any table of schema retention that has a column "relation" takes
 * part, but for the ledger, which is never rewritten, the rounds of erasure, which
 * name tables as it does, and the suspensions, whose conditions have names in them,
 * too (hold_ddl.c).
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/command.h"
#include "base/identity.h"
#include "command/names.h"
#include "erase/round.h"
#include "policy/labelled.h"
#include "policy/start.h"

PG_FUNCTION_INFO_V1(retention_names_before_sql);
PG_FUNCTION_INFO_V1(retention_names_after_sql);

/* %s: another condition */
#define OUR_TABLES \
	"SELECT pg_catalog.quote_ident(c.relname) FROM pg_catalog.pg_class AS c" \
	" WHERE c.relnamespace = 'retention'::pg_catalog.regnamespace AND c.relkind = 'r'" \
	" AND c.relname NOT IN ('ledger', 'erasure_round', 'hold')" \
	" AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a" \
	" WHERE a.attrelid = c.oid AND a.attname = 'relation' AND NOT a.attisdropped)%s" \
	" ORDER BY 1"
#define WITH_COLUMN_NAME \
	" AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a" \
	" WHERE a.attrelid = c.oid AND a.attname = 'column_name' AND NOT a.attisdropped)"

/* What is remembered of a command that renames or moves a table. */
typedef struct Before
{
	Oid			relid;
	char	   *relation;
} Before;

/* Runs "format", with the table's name in it, for each table of ours. */
static void
run_for_each(const char *which, const char *format, int narguments, Oid *types, Datum *values)
{
	RetentionIdentity saved;
	List	   *tables = NIL;
	ListCell   *lc;

	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute(psprintf(OUR_TABLES, which), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not find the tables with names");
	for (uint64 i = 0; i < SPI_processed; i++)
		tables = lappend(tables, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	foreach(lc, tables)
	{
		StringInfoData statement;
		const char *rest = format;
		const char *place;

		initStringInfo(&statement);
		while ((place = strchr(rest, '@')) != NULL)
		{
			appendBinaryStringInfo(&statement, rest, place - rest);
			appendStringInfo(&statement, "retention.%s", (char *) lfirst(lc));
			rest = place + 1;
		}
		appendStringInfoString(&statement, rest);
		if (SPI_execute_with_args(statement.data, narguments, types, values, NULL, false, 0) < 0)
			elog(ERROR, "could not run \"%s\"", statement.data);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	CommandCounterIncrement();
}

static void
run_with_texts(const char *which, const char *format, int narguments, const char **arguments)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];

	for (int i = 0; i < narguments; i++)
		values[i] = CStringGetTextDatum(arguments[i]);
	run_for_each(which, format, narguments, types, values);
}

void
retention_names_drop(List *relations)
{
	Oid			type = TEXTARRAYOID;
	Datum	   *names = palloc(sizeof(Datum) * list_length(relations));
	Datum		array;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, relations)
		names[n++] = CStringGetTextDatum((char *) lfirst(lc));
	array = PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
	/* the alarm has yet to tell that its rules are gone */
	run_for_each(" AND c.relname <> 'told_state'",
				 "DELETE FROM @ WHERE relation = ANY ($1)", 1, &type, &array);
}

static void
follow_table(const char *old_name, const char *new_name)
{
	const char *names[] = {old_name, new_name};

	if (strcmp(old_name, new_name) == 0)
		return;
	run_with_texts("", "DELETE FROM @ WHERE relation = $1", 1, names + 1);
	run_with_texts("", "UPDATE @ SET relation = $2 WHERE relation = $1", 2, names);
}

static void
follow_schema(const char *old_schema, const char *new_schema)
{
	const char *prefixes[] = {psprintf("%s.", quote_identifier(old_schema)),
	psprintf("%s.", quote_identifier(new_schema))};

	retention_round_follow_schema(prefixes[0], prefixes[1]);
	run_with_texts("", "DELETE FROM @ WHERE pg_catalog.starts_with(relation, $1)", 1, prefixes + 1);
	run_with_texts("",
				   "UPDATE @ SET relation = $2 || pg_catalog.substr(relation, pg_catalog.length($1) + 1)"
				   " WHERE pg_catalog.starts_with(relation, $1)", 2, prefixes);
}

static void
follow_column(const char *relation, const char *old_column, const char *new_column)
{
	const char *names[] = {relation, new_column, old_column};

	run_with_texts(WITH_COLUMN_NAME,
				   "DELETE FROM @ WHERE relation = $1 AND column_name = $2", 2, names);
	run_with_texts(WITH_COLUMN_NAME,
				   "UPDATE @ SET column_name = $2 WHERE relation = $1 AND column_name = $3", 3, names);
}

/* The table that gets another name or schema; NULL: none. */
static RangeVar *
moved_table(Node *command)
{
	/* ALTER INDEX renames tables, too. */
	if (IsA(command, RenameStmt) && (((RenameStmt *) command)->renameType == OBJECT_TABLE ||
									 ((RenameStmt *) command)->renameType == OBJECT_INDEX))
		return ((RenameStmt *) command)->relation;
	if (IsA(command, AlterObjectSchemaStmt))
		return ((AlterObjectSchemaStmt *) command)->relation;
	return NULL;
}

/* Before ALTER TABLE. */
Datum
retention_names_before_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	RangeVar   *moved = command ? moved_table(command) : NULL;
	Oid			relid = moved ? RangeVarGetRelid(moved, NoLock, true) : InvalidOid;
	MemoryContext memory;
	MemoryContext caller;
	Before	   *before;

	/* The names of our own tables are in none of them. */
	if (!OidIsValid(relid) || get_rel_name(relid) == NULL ||
		get_rel_namespace(relid) == get_namespace_oid("retention", true) ||
		!retention_labelled_any())
		PG_RETURN_NULL();
	before = retention_command_remember(command, "names", sizeof(Before), &memory);
	caller = MemoryContextSwitchTo(memory);
	before->relid = relid;
	before->relation = retention_start_relation_name(relid);
	MemoryContextSwitchTo(caller);
	PG_RETURN_NULL();
}

/* After ALTER TABLE and ALTER SCHEMA. */
Datum
retention_names_after_sql(PG_FUNCTION_ARGS)
{
	Node	   *command = retention_command_of(fcinfo);
	Before	   *before = command ? retention_command_recall(command, "names") : NULL;
	RenameStmt *rename = (RenameStmt *) command;
	ListCell   *lc;

	if (before != NULL)
	{
		const char *name = retention_start_relation_name(before->relid);

		/* Under the old name its deletions could not be found any more. */
		if (strcmp(before->relation, name) != 0)
			(void) retention_round_begin(before->relation, before->relid);
		follow_table(before->relation, name);
	}
	else if (command == NULL || !IsA(command, RenameStmt) || !retention_labelled_any())
		PG_RETURN_NULL();
	else if (rename->renameType == OBJECT_SCHEMA)
		follow_schema(rename->subname, rename->newname);
	else if (rename->renameType == OBJECT_COLUMN && rename->relation != NULL)
	{
		Oid			relid = RangeVarGetRelid(rename->relation, NoLock, true);

		if (OidIsValid(relid))
			foreach(lc, find_all_inheritors(relid, NoLock, NULL))
				follow_column(retention_start_relation_name(lfirst_oid(lc)),
							  rename->subname, rename->newname);
	}
	PG_RETURN_NULL();
}
