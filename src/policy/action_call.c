/*
 * action_call.c
 *		The action "call": a user's function, with the value as its argument.
 *
 * Invariant: which function is meant does not depend on anybody's search_path:
 * a name without a schema is looked for in pg_catalog and in the schema of the
 * table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "policy/action_call.h"

/* Asks for nobody's privileges: whoever reads a rule may see its problem. */
static Oid
look_up(Oid schema, const char *name, Oid argument)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(&argument, 1)),
						   ObjectIdGetDatum(schema));
}

/* By the column's type, the type below its domains, or text for its kin. */
static Oid
look_up_types(Oid schema, const char *name, const RetentionActionColumn *column)
{
	Oid			function;

	if (!OidIsValid(schema))
		return InvalidOid;
	function = look_up(schema, name, column->type);
	if (!OidIsValid(function) && column->base != column->type)
		function = look_up(schema, name, column->base);
	if (!OidIsValid(function) && column->is_text && column->base != TEXTOID)
		function = look_up(schema, name, TEXTOID);
	return function;
}

static Oid
find(const RetentionAction *action, const RetentionActionColumn *column)
{
	const char *name = strVal(llast(action->function));
	Oid			function;

	if (list_length(action->function) > 1)
		return look_up_types(get_namespace_oid(strVal(linitial(action->function)),
											   true), name, column);
	function = look_up_types(PG_CATALOG_NAMESPACE, name, column);
	if (OidIsValid(function))
		return function;
	return look_up_types(get_rel_namespace(column->relid), name, column);
}

static bool
fits(Oid result, const RetentionActionColumn *column)
{
	return result == column->type || result == column->base ||
		IsBinaryCoercible(result, column->base) ||
		(column->is_text && result == TEXTOID);
}

char *
retention_action_call_problem(const RetentionAction *action,
							  const RetentionActionColumn *column, char **hint)
{
	char	   *name = NameListToString(action->function);
	Oid			function = find(action, column);
	Oid			owner;
	HeapTuple	tuple;
	FormData_pg_proc form;

	if (!OidIsValid(function))
	{
		*hint = list_length(action->function) > 1 ?
			psprintf("The function must take one argument, of the column's type, %s.",
					 column->name) :
			pstrdup("Write the function's schema, unless it is the table's.");
		return psprintf("function %s(%s) does not exist", name,
						column->name);
	}

	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	memcpy(&form, GETSTRUCT(tuple), offsetof(FormData_pg_proc, proargtypes));
	ReleaseSysCache(tuple);

	if (form.prokind != PROKIND_FUNCTION || form.proretset)
	{
		*hint = pstrdup("It must be a function that returns one value.");
		return psprintf("%s cannot be called with a value", name);
	}
	if (!fits(form.prorettype, column))
	{
		*hint = psprintf("It must return the column's type, %s.",
						 column->name);
		return psprintf("function %s returns type %s", name,
						format_type_be(form.prorettype));
	}
	if (form.provolatile == PROVOLATILE_VOLATILE)
	{
		*hint = pstrdup("Declare it IMMUTABLE or STABLE, if f(f(x)) = f(x) for all values; \"decorrelate\" makes random values.");
		return psprintf("function %s is volatile", name);
	}
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(column->relid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", column->relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id,
										  ObjectIdGetDatum(owner),
										  ObjectIdGetDatum(function),
										  CStringGetTextDatum("EXECUTE"))))
	{
		*hint = psprintf("GRANT EXECUTE ON FUNCTION %s TO %s;",
						 format_procedure_qualified(function),
						 quote_identifier(GetUserNameFromId(owner, false)));
		return psprintf("the owner of the table may not call function %s", name);
	}
	if (!DatumGetBool(DirectFunctionCall3(has_schema_privilege_id_id,
										  ObjectIdGetDatum(owner),
										  ObjectIdGetDatum(form.pronamespace),
										  CStringGetTextDatum("USAGE"))))
	{
		*hint = psprintf("GRANT USAGE ON SCHEMA %s TO %s;",
						 quote_identifier(get_namespace_name(form.pronamespace)),
						 quote_identifier(GetUserNameFromId(owner, false)));
		return psprintf("the owner of the table may not use the schema of function %s",
						name);
	}
	return NULL;
}

char *
retention_action_call_value(const RetentionAction *action,
							const RetentionActionColumn *column,
							const char *operand)
{
	Oid			function = find(action, column);
	Oid		   *arguments;
	int			count;
	char	   *call;

	if (!OidIsValid(function))
		elog(ERROR, "function of action does not exist");
	(void) get_func_signature(function, &arguments, &count);
	call = psprintf("%s((%s)::%s)",
					quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
											   get_func_name(function)),
					operand,
					format_type_extended(arguments[0], -1,
										 FORMAT_TYPE_TYPEMOD_GIVEN |
										 FORMAT_TYPE_FORCE_QUALIFY));

	/*
	 * A text that is too long for the column must not be cut in silence,
	 * which a cast to varchar(n) would do: the assignment refuses it.
	 */
	if (column->is_text && column->type == column->base)
		return psprintf("%s::%s", call, column->base_text);
	return psprintf("%s::%s", call, column->type_text);
}
