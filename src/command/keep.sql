-- What commands must leave as it is: the rules, indexes and guards of protected tables.

CREATE FUNCTION retention.keep_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_keep_before_sql';
REVOKE ALL ON FUNCTION retention.keep_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.keep_before() IS
    'notes the rules, indexes and guards of the protected tables that a command may hurt';

CREATE FUNCTION retention.keep_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_keep_after_sql';
REVOKE ALL ON FUNCTION retention.keep_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.keep_after() IS
    'refuses a command that has broken a rule, an index or a guard of a protected table';

CREATE EVENT TRIGGER privacy_retention_keep_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'DROP TABLE', 'DROP INDEX', 'DROP TRIGGER', 'ALTER TRIGGER', 'CREATE TRIGGER',
             'DROP RULE', 'CREATE RULE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP DOMAIN', 'DROP EXTENSION',
             'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR', 'DROP COLLATION',
             'DROP SEQUENCE', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.keep_before();
ALTER EVENT TRIGGER privacy_retention_keep_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_keep_before IS
    'notes the rules, indexes and guards of the protected tables that a command may hurt';

CREATE EVENT TRIGGER privacy_retention_keep_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'DROP TABLE', 'DROP INDEX', 'DROP TRIGGER', 'ALTER TRIGGER', 'CREATE TRIGGER',
             'DROP RULE', 'CREATE RULE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP DOMAIN', 'DROP EXTENSION',
             'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR', 'DROP COLLATION',
             'DROP SEQUENCE', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.keep_after();
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_keep_after IS
    'refuses a command that has broken a rule, an index or a guard of a protected table';
