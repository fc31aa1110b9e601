-- HMAC-SHA-256 and HKDF: a self test, nothing else.

CREATE FUNCTION retention.hmac_self_test() RETURNS integer
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_hkdf_self_test_sql';
COMMENT ON FUNCTION retention.hmac_self_test() IS
	'Self test of the keyed hash of pseudonyms: runs the test vectors of RFC 4231 and RFC 5869, returns how many, and raises an error when one differs';
REVOKE ALL ON FUNCTION retention.hmac_self_test() FROM PUBLIC;
