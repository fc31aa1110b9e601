/*
 * rule_key.c
 *		By what our tables know a rule: the names of its table and column, and its
 *		stage.
 *
 * Invariant: no OIDs, so that a dump can be restored; columns follow renames by
 * command/names.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "policy/rule_key.h"

void
retention_rule_key_bind(const RetentionRule *rule, Oid *types, Datum *values)
{
	types[0] = TEXTOID;
	values[0] = CStringGetTextDatum(rule->relation);
	types[1] = TEXTOID;
	values[1] = CStringGetTextDatum(rule->attnum ? rule->column_name : "");
	types[2] = INT4OID;
	values[2] = Int32GetDatum(rule->stage);
}

Datum
retention_rule_key_digest(const RetentionRule *rule)
{
	bytea	   *bytes = palloc(VARHDRSZ + sizeof(rule->digest));

	SET_VARSIZE(bytes, VARHDRSZ + sizeof(rule->digest));
	memcpy(VARDATA(bytes), rule->digest, sizeof(rule->digest));
	return PointerGetDatum(bytes);
}
