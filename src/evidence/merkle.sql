-- The tree of the ledger's proofs, over any leaves: what the tests hold against the RFC.

CREATE FUNCTION retention.merkle_root(leaves bytea[]) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_root_sql';
COMMENT ON FUNCTION retention.merkle_root(bytea[]) IS 'internal: the root of the Merkle tree of RFC 6962 over the leaves';
REVOKE ALL ON FUNCTION retention.merkle_root(bytea[]) FROM PUBLIC;

CREATE FUNCTION retention.merkle_inclusion(leaves bytea[], index bigint) RETURNS bytea[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_inclusion_sql';
COMMENT ON FUNCTION retention.merkle_inclusion(bytea[], bigint) IS 'internal: proves that the leaf at an index, from 0, is in the tree';
REVOKE ALL ON FUNCTION retention.merkle_inclusion(bytea[], bigint) FROM PUBLIC;

CREATE FUNCTION retention.merkle_consistency(leaves bytea[], old bigint) RETURNS bytea[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_consistency_sql';
COMMENT ON FUNCTION retention.merkle_consistency(bytea[], bigint) IS 'internal: proves that the tree begins with the tree of its first leaves';
REVOKE ALL ON FUNCTION retention.merkle_consistency(bytea[], bigint) FROM PUBLIC;

CREATE FUNCTION retention.merkle_included(leaf bytea, index bigint, size bigint, proof bytea[], root bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_included_sql';
COMMENT ON FUNCTION retention.merkle_included(bytea, bigint, bigint, bytea[], bytea) IS 'internal: does the proof show that the leaf is in the tree with this root?';
REVOKE ALL ON FUNCTION retention.merkle_included(bytea, bigint, bigint, bytea[], bytea) FROM PUBLIC;

CREATE FUNCTION retention.merkle_consistent(old bigint, size bigint, proof bytea[], old_root bytea, root bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_consistent_sql';
COMMENT ON FUNCTION retention.merkle_consistent(bigint, bigint, bytea[], bytea, bytea) IS 'internal: does the proof show that the tree with this root begins with the old one?';
REVOKE ALL ON FUNCTION retention.merkle_consistent(bigint, bigint, bytea[], bytea, bytea) FROM PUBLIC;
