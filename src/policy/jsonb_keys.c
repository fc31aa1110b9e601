/*
 * jsonb_keys.c
 *		The actions "remove" and "keep": keys of a jsonb value.
 *
 * Invariant: doing it twice gives the same as doing it once.
 *
 * The paths come as a tree, {"a": {"b": true}, "c": true} for a.b and c. They
 * name keys of objects in objects; arrays are never entered. What is removed is
 * removed where the path is there. What is kept is kept where the path is there,
 * and nothing else is: a value that is no object has none of the keys, so an
 * array or a scalar in the place of an object goes.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(retention_jsonb_keys_remove_sql);
PG_FUNCTION_INFO_V1(retention_jsonb_keys_keep_sql);

typedef enum Fate
{
	KEEP_ALL,
	DROP,
	ENTER
} Fate;

/* Unpacks a container, of which only the first level was looked at. */
static void
unpack(JsonbContainer *container, JsonbValue *result)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	v;
	int			n = 0;

	check_stack_depth();
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		JsonbValue *slot;

		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				*result = v;
				result->val.array.elems =
					palloc(sizeof(JsonbValue) * Max(v.val.array.nElems, 1));
				continue;
			case WJB_BEGIN_OBJECT:
				*result = v;
				result->val.object.pairs =
					palloc0(sizeof(JsonbPair) * Max(v.val.object.nPairs, 1));
				continue;
			case WJB_KEY:
				result->val.object.pairs[n].key = v;
				continue;
			case WJB_VALUE:
				slot = &result->val.object.pairs[n++].value;
				break;
			case WJB_ELEM:
				slot = &result->val.array.elems[n++];
				break;
			default:
				continue;
		}
		if (v.type == jbvBinary)
			unpack(v.val.binary.data, slot);
		else
			*slot = v;
	}
}

static Fate
fate(JsonbContainer *tree, const JsonbValue *key, bool keep,
	 JsonbContainer **subtree)
{
	JsonbValue *found;

	found = getKeyJsonValueFromContainer(tree, key->val.string.val,
										 key->val.string.len, NULL);
	if (found == NULL)
		return keep ? DROP : KEEP_ALL;
	if (found->type != jbvBinary)
		return keep ? KEEP_ALL : DROP;
	*subtree = found->val.binary.data;
	return ENTER;
}

/* Applies the tree to an object; returns whether that changes anything. */
static bool
apply(JsonbContainer *object, JsonbContainer *tree, bool keep,
	  JsonbValue *result)
{
	JsonbValue	all;
	bool		changed = false;
	int			kept = 0;

	check_stack_depth();
	unpack(object, &all);
	*result = all;
	for (int i = 0; i < all.val.object.nPairs; i++)
	{
		JsonbPair	pair = all.val.object.pairs[i];
		JsonbContainer *subtree = NULL;
		Fate		what = fate(tree, &pair.key, keep, &subtree);

		if (what == ENTER)
		{
			if (pair.value.type != jbvObject)
				what = keep ? DROP : KEEP_ALL;
			else
			{
				JsonbValue *inner;

				inner = getKeyJsonValueFromContainer(object,
													 pair.key.val.string.val,
													 pair.key.val.string.len,
													 NULL);
				if (apply(inner->val.binary.data, subtree, keep, &pair.value))
					changed = true;
			}
		}
		if (what == DROP)
			changed = true;
		else
			result->val.object.pairs[kept++] = pair;
	}
	result->val.object.nPairs = kept;
	return changed;
}

static Datum
transform(FunctionCallInfo fcinfo, bool keep)
{
	Jsonb	   *value = PG_GETARG_JSONB_P(0);
	Jsonb	   *tree = PG_GETARG_JSONB_P(1);
	JsonbValue	result;

	if (!JB_ROOT_IS_OBJECT(tree))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the keys must be an object")));
	if (JB_ROOT_IS_OBJECT(value))
	{
		if (!apply(&value->root, &tree->root, keep, &result))
			PG_RETURN_JSONB_P(value);
	}
	else
	{
		JsonbValue	scalar;

		if (!keep || (JB_ROOT_IS_SCALAR(value) &&
					  JsonbExtractScalar(&value->root, &scalar) &&
					  scalar.type == jbvNull))
			PG_RETURN_JSONB_P(value);
		memset(&result, 0, sizeof(result));
		result.type = jbvObject;
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&result));
}

Datum
retention_jsonb_keys_remove_sql(PG_FUNCTION_ARGS)
{
	return transform(fcinfo, false);
}

Datum
retention_jsonb_keys_keep_sql(PG_FUNCTION_ARGS)
{
	return transform(fcinfo, true);
}
