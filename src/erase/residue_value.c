/*
 * residue_value.c
 *		A set of values, and which of them were seen in rows.
 *
 * Invariant: values are compared as images: no operator is called, and a row
 * costs one search in a sorted array.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/tupmacs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "erase/residue_value.h"

typedef struct Value
{
	uint32		hash;
	bool		seen;
	Datum		datum;
} Value;

struct RetentionValues
{
	bool		byval;
	int16		length;
	Value	   *values;
	int			count;
	int			unseen;
	bool		sorted;
	Size		widest;			/* raw, of those whose length varies */
};

RetentionValues *
retention_residue_value_set(Oid type)
{
	RetentionValues *set = palloc0(sizeof(RetentionValues));

	get_typlenbyval(type, &set->length, &set->byval);
	return set;
}

void
retention_residue_value_add(RetentionValues *set, const Datum *values, int count)
{
	int			wanted = set->count + count;

	if (count == 0)
		return;
	set->values = set->values == NULL ? palloc(sizeof(Value) * wanted) :
		repalloc(set->values, sizeof(Value) * wanted);
	for (int i = 0; i < count; i++)
	{
		Value	   *value = &set->values[set->count++];

		value->hash = datum_image_hash(values[i], set->byval, set->length);
		value->seen = false;
		value->datum = datumCopy(values[i], set->byval, set->length);
		if (set->length == -1)
			set->widest = Max(set->widest, toast_raw_datum_size(values[i]));
	}
	set->unseen += count;
	set->sorted = false;
}

static int
by_hash(const void *a, const void *b)
{
	uint32		left = ((const Value *) a)->hash;
	uint32		right = ((const Value *) b)->hash;

	return left < right ? -1 : left > right;
}

/* The first place whose hash is not less. */
static int
place_of(const RetentionValues *set, uint32 hash)
{
	int			low = 0;
	int			high = set->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->values[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
retention_residue_value_see(RetentionValues *set, Datum value)
{
	uint32		hash;

	if (set->unseen == 0)
		return;
	if (set->length == -1 &&
		(VARATT_IS_EXTERNAL(DatumGetPointer(value)) || toast_raw_datum_size(value) > set->widest))
		return;
	if (!set->sorted)
	{
		qsort(set->values, set->count, sizeof(Value), by_hash);
		set->sorted = true;
	}
	hash = datum_image_hash(value, set->byval, set->length);
	for (int i = place_of(set, hash); i < set->count && set->values[i].hash == hash; i++)
		if (!set->values[i].seen &&
			datum_image_eq(value, set->values[i].datum, set->byval, set->length))
		{
			set->values[i].seen = true;
			set->unseen--;
		}
}

void
retention_residue_value_lost(RetentionValues *set, RetentionTally *lost)
{
	for (int i = 0; i < set->count; i++)
	{
		if (set->values[i].seen)
			continue;
		lost->items++;
		lost->bytes += set->length > 0 ? set->length :
			att_addlength_datum(0, set->length, set->values[i].datum);
	}
}

int
retention_residue_value_count(const RetentionValues *set)
{
	return set->count;
}
