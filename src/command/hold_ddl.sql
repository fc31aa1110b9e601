-- What commands may not do to rows under suspension.

CREATE FUNCTION retention.hold_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_hold_ddl_before_sql';
REVOKE ALL ON FUNCTION retention.hold_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.hold_before() IS
    'refuses a command that would drop or rewrite rows under suspension';

CREATE FUNCTION retention.hold_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_hold_ddl_after_sql';
REVOKE ALL ON FUNCTION retention.hold_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.hold_after() IS
    'lets suspensions follow renames; refuses a command that has dropped held tables or what a condition needs';

CREATE EVENT TRIGGER privacy_retention_hold_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
             'ALTER TYPE', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION', 'DROP TYPE',
             'DROP DOMAIN', 'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR',
             'DROP COLLATION', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.hold_before();
ALTER EVENT TRIGGER privacy_retention_hold_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_hold_before IS
    'refuses a command that would drop or rewrite rows under suspension';

CREATE EVENT TRIGGER privacy_retention_hold_after ON ddl_command_end
WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
             'ALTER TYPE', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION', 'DROP TYPE',
             'DROP DOMAIN', 'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR',
             'DROP COLLATION', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.hold_after();
ALTER EVENT TRIGGER privacy_retention_hold_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_hold_after IS
    'lets suspensions follow renames; refuses a command that has dropped held tables or what a condition needs';
