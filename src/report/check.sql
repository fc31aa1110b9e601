-- The self-check.

CREATE FUNCTION retention.check(OUT severity text, OUT object text, OUT finding text, OUT hint text)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_check_rows_sql';
REVOKE ALL ON FUNCTION retention.check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.check() TO pg_monitor;
COMMENT ON FUNCTION retention.check() IS
    'what is wrong, may go wrong or escapes the rules: severity (error, warning, info), object, finding, and a statement or an instruction that helps; reads only, shows no value';

CREATE FUNCTION retention.assert_healthy(min_severity text DEFAULT 'error')
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_check_assert_sql';
REVOKE ALL ON FUNCTION retention.assert_healthy(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.assert_healthy(text) TO pg_monitor;
COMMENT ON FUNCTION retention.assert_healthy(text) IS
    'raises an error when retention.check() finds something of that severity (error, warning, info) or worse; for migrations and CI';
