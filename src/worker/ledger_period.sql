-- The ledger's own period: what old entries say goes, their hashes stay.

CREATE FUNCTION retention.shorten_ledger(before timestamptz) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_period_shorten_sql';
COMMENT ON FUNCTION retention.shorten_ledger(timestamptz) IS 'Removes what the ledger''s entries of before an instant say; their hashes stay, so that chain, checkpoints and proofs hold. An officer''s';
