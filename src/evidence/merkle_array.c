/*
 * merkle_array.c
 *		Hashes of Merkle trees as SQL values, and trees over arrays of leaves.
 *
 * Invariant: what comes from SQL is of any length and number; what is not a list
 * of hashes proves nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "evidence/merkle_array.h"

PG_FUNCTION_INFO_V1(retention_merkle_root_sql);
PG_FUNCTION_INFO_V1(retention_merkle_inclusion_sql);
PG_FUNCTION_INFO_V1(retention_merkle_consistency_sql);
PG_FUNCTION_INFO_V1(retention_merkle_included_sql);
PG_FUNCTION_INFO_V1(retention_merkle_consistent_sql);

static int
elements(ArrayType *array, Datum **values)
{
	bool	   *nulls;
	int			count;

	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a leaf or a hash is NULL")));
	return count;
}

static RetentionMerkleHash
leaf_of(Datum value)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	return retention_merkle_leaf(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

static bool
hash_of(Datum value, RetentionMerkleHash *hash)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != sizeof(hash->bytes))
		return false;
	memcpy(hash->bytes, VARDATA_ANY(bytes), sizeof(hash->bytes));
	return true;
}

static Datum
hash_datum(const RetentionMerkleHash *hash)
{
	bytea	   *bytes = palloc(VARHDRSZ + sizeof(hash->bytes));

	SET_VARSIZE(bytes, VARHDRSZ + sizeof(hash->bytes));
	memcpy(VARDATA(bytes), hash->bytes, sizeof(hash->bytes));
	return PointerGetDatum(bytes);
}

Datum
retention_merkle_array_proof(const RetentionMerkleProof *proof)
{
	Datum		values[lengthof(proof->hashes)];

	for (int i = 0; i < proof->count; i++)
		values[i] = hash_datum(&proof->hashes[i]);
	return PointerGetDatum(construct_array(values, proof->count, BYTEAOID, -1, false,
										   TYPALIGN_INT));
}

Datum
retention_merkle_root_sql(PG_FUNCTION_ARGS)
{
	RetentionMerkleTree tree = {0};
	Datum	   *values;
	int			count = elements(PG_GETARG_ARRAYTYPE_P(0), &values);
	RetentionMerkleHash root;

	for (int i = 0; i < count; i++)
	{
		RetentionMerkleHash leaf = leaf_of(values[i]);

		retention_merkle_add(&tree, &leaf);
	}
	root = retention_merkle_root(&tree);
	PG_RETURN_DATUM(hash_datum(&root));
}

static Datum
proof_over(RetentionMerkleProof *proof, const Datum *values, int count)
{
	for (int i = 0; i < count; i++)
	{
		RetentionMerkleHash leaf = leaf_of(values[i]);

		retention_merkle_proof_add(proof, &leaf);
	}
	return retention_merkle_array_proof(proof);
}

static void
require_within(int64 number, int64 least, int64 greatest)
{
	if (number < least || number > greatest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such tree, or no such leaf in it")));
}

Datum
retention_merkle_inclusion_sql(PG_FUNCTION_ARGS)
{
	RetentionMerkleProof proof;
	Datum	   *values;
	int			count = elements(PG_GETARG_ARRAYTYPE_P(0), &values);

	require_within(PG_GETARG_INT64(1), 0, (int64) count - 1);
	retention_merkle_prove_inclusion(&proof, PG_GETARG_INT64(1), count);
	return proof_over(&proof, values, count);
}

Datum
retention_merkle_consistency_sql(PG_FUNCTION_ARGS)
{
	RetentionMerkleProof proof;
	Datum	   *values;
	int			count = elements(PG_GETARG_ARRAYTYPE_P(0), &values);

	require_within(PG_GETARG_INT64(1), 1, count);
	retention_merkle_prove_consistency(&proof, PG_GETARG_INT64(1), count);
	return proof_over(&proof, values, count);
}

/* The hashes of a proof; -1 if they are not that. */
static int
hashes_of(ArrayType *array, RetentionMerkleHash **hashes)
{
	Datum	   *values;
	int			count = elements(array, &values);

	*hashes = palloc(sizeof(RetentionMerkleHash) * Max(count, 1));
	for (int i = 0; i < count; i++)
		if (!hash_of(values[i], &(*hashes)[i]))
			return -1;
	return count;
}

Datum
retention_merkle_included_sql(PG_FUNCTION_ARGS)
{
	RetentionMerkleHash leaf = leaf_of(PG_GETARG_DATUM(0));
	int64		index = PG_GETARG_INT64(1);
	int64		size = PG_GETARG_INT64(2);
	RetentionMerkleHash *proof;
	RetentionMerkleHash root;
	int			count = hashes_of(PG_GETARG_ARRAYTYPE_P(3), &proof);

	PG_RETURN_BOOL(index >= 0 && size >= 0 && count >= 0 &&
				   hash_of(PG_GETARG_DATUM(4), &root) &&
				   retention_merkle_included(&leaf, index, size, proof, count, &root));
}

Datum
retention_merkle_consistent_sql(PG_FUNCTION_ARGS)
{
	int64		old = PG_GETARG_INT64(0);
	int64		size = PG_GETARG_INT64(1);
	RetentionMerkleHash *proof;
	RetentionMerkleHash old_root;
	RetentionMerkleHash root;
	int			count = hashes_of(PG_GETARG_ARRAYTYPE_P(2), &proof);

	PG_RETURN_BOOL(old >= 0 && size >= 0 && count >= 0 &&
				   hash_of(PG_GETARG_DATUM(3), &old_root) &&
				   hash_of(PG_GETARG_DATUM(4), &root) &&
				   retention_merkle_consistent(old, size, proof, count, &old_root, &root));
}
