-- A partition that leaves its root takes labels and protection along.

CREATE FUNCTION retention.detach()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_detach_follow_sql';
REVOKE ALL ON FUNCTION retention.detach() FROM PUBLIC;
COMMENT ON FUNCTION retention.detach() IS
    'gives a partition that is detached the labels and the guards of its root';

CREATE EVENT TRIGGER privacy_retention_detach ON ddl_command_end
WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION retention.detach();
ALTER EVENT TRIGGER privacy_retention_detach ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_detach IS
    'gives a partition that is detached the labels and the guards of its root';
