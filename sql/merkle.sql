-- The Merkle tree of RFC 6962 and RFC 9162: the leaves, roots and proofs that implementations of
-- Certificate Transparency are tested with.
CREATE TEMPORARY TABLE ct AS SELECT ARRAY['', '\x00', '\x10', '\x2021', '\x3031', '\x40414243',
	'\x5051525354555657', '\x606162636465666768696a6b6c6d6e6f']::bytea[] AS leaves;
SELECT size, retention.merkle_root(leaves[1:size]) AS root FROM ct, generate_series(0, 8) AS size;
SELECT index, size, unnest(retention.merkle_inclusion(leaves[1:size], index)) AS proof
	FROM ct, (VALUES (0, 1), (0, 8), (5, 8), (2, 3), (1, 5)) AS v (index, size);
SELECT old, size, unnest(retention.merkle_consistency(leaves[1:size], old)) AS proof
	FROM ct, (VALUES (1, 1), (1, 8), (6, 8), (2, 5), (6, 7)) AS v (old, size);

-- Against the definitions of RFC 6962, 2.1 to 2.1.2, word for word, for all trees of up to 40 leaves
CREATE FUNCTION pg_temp.k(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE k bigint := 1; BEGIN WHILE k * 2 < n LOOP k := k * 2; END LOOP; RETURN k; END $$;
CREATE FUNCTION pg_temp.mth(d bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE n bigint := cardinality(d); k bigint := pg_temp.k(cardinality(d));
BEGIN
	IF n = 0 THEN RETURN sha256(''); END IF;
	IF n = 1 THEN RETURN sha256('\x00' || d[1]); END IF;
	RETURN sha256('\x01' || pg_temp.mth(d[1:k]) || pg_temp.mth(d[k + 1:n]));
END $$;
CREATE FUNCTION pg_temp.path(m bigint, d bytea[]) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE n bigint := cardinality(d); k bigint := pg_temp.k(cardinality(d));
BEGIN
	IF n = 1 THEN RETURN '{}'; END IF;
	IF m < k THEN RETURN pg_temp.path(m, d[1:k]) || pg_temp.mth(d[k + 1:n]); END IF;
	RETURN pg_temp.path(m - k, d[k + 1:n]) || pg_temp.mth(d[1:k]);
END $$;
CREATE FUNCTION pg_temp.subproof(m bigint, d bytea[], b boolean) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE n bigint := cardinality(d); k bigint := pg_temp.k(cardinality(d));
BEGIN
	IF m = n THEN RETURN CASE WHEN b THEN '{}' ELSE ARRAY[pg_temp.mth(d)] END; END IF;
	IF m <= k THEN RETURN pg_temp.subproof(m, d[1:k], b) || pg_temp.mth(d[k + 1:n]); END IF;
	RETURN pg_temp.subproof(m - k, d[k + 1:n], false) || pg_temp.mth(d[1:k]);
END $$;
CREATE TEMPORARY TABLE tree AS SELECT n, leaves, pg_temp.mth(leaves) AS root FROM generate_series(1, 40) AS n,
	LATERAL (SELECT array_agg(int8send(i)) FROM generate_series(1, n) AS i) AS l (leaves);
SELECT count(*), bool_and(retention.merkle_root(leaves) = root) AS roots FROM tree;
CREATE TEMPORARY TABLE inclusion AS SELECT n, m, leaves[m + 1] AS leaf, root, retention.merkle_inclusion(leaves, m) AS proof,
	pg_temp.path(m, leaves) AS expected FROM tree, generate_series(0, n - 1) AS m;
SELECT count(*), bool_and(proof = expected) AS proofs, bool_and(retention.merkle_included(leaf, m, n, proof, root)) AS verified FROM inclusion;
CREATE TEMPORARY TABLE consistency AS SELECT t.n, o.n AS m, t.root, o.root AS old_root, retention.merkle_consistency(t.leaves, o.n) AS proof,
	pg_temp.subproof(o.n, t.leaves, true) AS expected FROM tree AS t JOIN tree AS o ON o.n <= t.n;
SELECT count(*), bool_and(proof = expected) AS proofs, bool_and(retention.merkle_consistent(m, n, proof, old_root, root)) AS verified FROM consistency;

-- What is not so is not proved
SELECT bool_or(retention.merkle_included(leaf, m, n, proof[2:], root)) AS shorter,
	bool_or(retention.merkle_included(leaf, m, n, proof || root, root)) AS longer,
	bool_or(retention.merkle_included('\x00', m, n, proof, root)) AS other_leaf,
	bool_or(retention.merkle_included(leaf, m, n, proof, sha256(root))) AS other_root,
	bool_or(retention.merkle_included(leaf, (m + 1) % n, n, proof, root)) AS other_place,
	bool_or(retention.merkle_included(leaf, n, n, proof, root)) AS behind_the_end,
	bool_or(retention.merkle_included(leaf, -1, n, proof, root)) AS negative,
	bool_or(retention.merkle_included(leaf, m, n, ARRAY[sha256(proof[1])] || proof[2:], root)) AS other_hash,
	bool_or(retention.merkle_included(leaf, m, n, ARRAY['\x00'::bytea] || proof[2:], root)) AS short_hash
	FROM inclusion WHERE n > 1;
SELECT bool_or(retention.merkle_consistent(m, n, proof[2:], old_root, root)) AS shorter,
	bool_or(retention.merkle_consistent(m, n, proof || root, old_root, root)) AS longer,
	bool_or(retention.merkle_consistent(m, n, proof, root, root)) AS other_old_root,
	bool_or(retention.merkle_consistent(m, n, proof, old_root, old_root)) AS other_root,
	bool_or(retention.merkle_consistent(n, m, proof, root, old_root)) AS backwards,
	bool_or(retention.merkle_consistent(0, n, proof, old_root, root)) AS from_nothing,
	bool_or(retention.merkle_consistent(-1, n, proof, old_root, root)) AS negative,
	bool_or(retention.merkle_consistent(m, n, ARRAY[sha256(proof[1])] || proof[2:], old_root, root)) AS other_hash
	FROM consistency WHERE m < n;
SELECT retention.merkle_consistent(9223372036854775807, 9223372036854775807, '{}', '\x00', '\x00');
SELECT retention.merkle_included('', 9223372036854775806, 9223372036854775807, '{}', sha256(''));
SELECT retention.merkle_inclusion(leaves, 8) FROM ct;
SELECT retention.merkle_consistency(leaves, 0) FROM ct;
SELECT retention.merkle_root(ARRAY[NULL]::bytea[]);
