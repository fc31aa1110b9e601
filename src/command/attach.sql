-- A table that becomes a part of another: the root's labels and guards count from then on.

CREATE FUNCTION retention.attach_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_attach_before_sql';
REVOKE ALL ON FUNCTION retention.attach_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.attach_before() IS
    'refuses a labelled table under a root that does not keep its promise; makes room for the root''s labels and guards';

CREATE FUNCTION retention.attach_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_attach_after_sql';
REVOKE ALL ON FUNCTION retention.attach_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.attach_after() IS
    'puts the guards of a protected root on a new partition or child';

CREATE EVENT TRIGGER privacy_retention_attach_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION retention.attach_before();
ALTER EVENT TRIGGER privacy_retention_attach_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_attach_before IS
    'refuses a labelled table under a root that does not keep its promise; makes room for the root''s labels and guards';

CREATE EVENT TRIGGER privacy_retention_attach_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')
EXECUTE FUNCTION retention.attach_after();
ALTER EVENT TRIGGER privacy_retention_attach_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_attach_after IS
    'puts the guards of a protected root on a new partition or child';
