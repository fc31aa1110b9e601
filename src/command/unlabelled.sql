-- New columns, and new copies of columns, that no label covers: judged when the transaction commits.

CREATE FUNCTION retention.unlabelled_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_unlabelled_before_sql';
REVOKE ALL ON FUNCTION retention.unlabelled_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.unlabelled_before() IS
    'notes which protected columns a command is about to copy, and which columns are there already';

CREATE FUNCTION retention.unlabelled_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_unlabelled_after_sql';
REVOKE ALL ON FUNCTION retention.unlabelled_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.unlabelled_after() IS
    'has new columns and copies judged when the transaction commits, by privacy_retention.unlabelled';

CREATE EVENT TRIGGER privacy_retention_unlabelled_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW')
EXECUTE FUNCTION retention.unlabelled_before();
ALTER EVENT TRIGGER privacy_retention_unlabelled_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_unlabelled_before IS
    'notes which protected columns a command is about to copy, and which columns are there already';

CREATE EVENT TRIGGER privacy_retention_unlabelled_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW')
EXECUTE FUNCTION retention.unlabelled_after();
ALTER EVENT TRIGGER privacy_retention_unlabelled_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_unlabelled_after IS
    'has new columns and copies judged when the transaction commits, by privacy_retention.unlabelled';
