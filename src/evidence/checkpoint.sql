-- What others keep of the ledger: checkpoints, and proofs for them.

CREATE FUNCTION retention.checkpoint() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_checkpoint_sql';
COMMENT ON FUNCTION retention.checkpoint() IS 'The number of the ledger''s entries and the root of their Merkle tree, signed where there is a key: to be kept where nobody who administers this server can change it';
REVOKE ALL ON FUNCTION retention.checkpoint() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.checkpoint() TO pg_monitor;

CREATE FUNCTION retention.checkpoint_key() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_checkpoint_key_sql';
COMMENT ON FUNCTION retention.checkpoint_key() IS 'The public key by which checkpoints are signed, as verifiers want it; NULL: they are not signed';
REVOKE ALL ON FUNCTION retention.checkpoint_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.checkpoint_key() TO pg_monitor;

CREATE FUNCTION retention.verify_checkpoint(
	checkpoint text,
	OUT ok boolean,
	OUT entries bigint,
	OUT signature text,
	OUT problem text)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_verify_checkpoint_sql';
COMMENT ON FUNCTION retention.verify_checkpoint(text) IS 'Does the ledger begin with the entries of a checkpoint, and does its chain hold?';
REVOKE ALL ON FUNCTION retention.verify_checkpoint(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.verify_checkpoint(text) TO pg_monitor;

CREATE FUNCTION retention.ledger_inclusion(entry bigint) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_inclusion_sql';
COMMENT ON FUNCTION retention.ledger_inclusion(bigint) IS 'Proves that an entry is in the ledger, with a checkpoint, for who has nothing else of it';
REVOKE ALL ON FUNCTION retention.ledger_inclusion(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.ledger_inclusion(bigint) TO pg_monitor;

CREATE FUNCTION retention.ledger_consistency(older bigint, newer bigint) RETURNS bytea[]
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_consistency_sql';
COMMENT ON FUNCTION retention.ledger_consistency(bigint, bigint) IS 'Proves that the ledger of a newer checkpoint begins with that of an older one; both by their number of entries';
REVOKE ALL ON FUNCTION retention.ledger_consistency(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.ledger_consistency(bigint, bigint) TO pg_monitor;
