-- Names of tables in tables of ours follow renames.

CREATE FUNCTION retention.names_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_names_before_sql';
REVOKE ALL ON FUNCTION retention.names_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.names_before() IS 'notes the name of a table that a command moves';

CREATE FUNCTION retention.names_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_names_after_sql';
REVOKE ALL ON FUNCTION retention.names_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.names_after() IS
    'lets progress, blocked rows, pauses and the like follow the names of tables and columns';

CREATE EVENT TRIGGER privacy_retention_names_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
EXECUTE FUNCTION retention.names_before();
ALTER EVENT TRIGGER privacy_retention_names_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_names_before IS 'notes the name of a table that a command moves';

CREATE EVENT TRIGGER privacy_retention_names_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA')
EXECUTE FUNCTION retention.names_after();
ALTER EVENT TRIGGER privacy_retention_names_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_names_after IS
    'lets progress, blocked rows, pauses and the like follow the names of tables and columns';
