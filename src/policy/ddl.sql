-- Renames are followed: labels keep naming what they named.

CREATE FUNCTION retention.ddl_before()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_ddl_before'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.ddl_before() IS 'remembers what a command is about to rename';
REVOKE ALL ON FUNCTION retention.ddl_before() FROM PUBLIC;

CREATE FUNCTION retention.ddl_after()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_ddl_after'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.ddl_after() IS
'rewrites the labels that name what a command has renamed, and refuses changes of type that labels do not allow';
REVOKE ALL ON FUNCTION retention.ddl_after() FROM PUBLIC;

-- Tables and their columns can be renamed by ALTER INDEX, ALTER VIEW and so on, too.
CREATE EVENT TRIGGER privacy_retention_ddl_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
EXECUTE FUNCTION retention.ddl_before();
ALTER EVENT TRIGGER privacy_retention_ddl_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_before IS 'remembers what a command is about to rename';

CREATE EVENT TRIGGER privacy_retention_ddl_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA')
EXECUTE FUNCTION retention.ddl_after();
ALTER EVENT TRIGGER privacy_retention_ddl_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_after IS 'rewrites the labels that name what a command has renamed';
