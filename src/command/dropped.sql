-- Protected tables that are dropped are in the ledger.

CREATE FUNCTION retention.dropped()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_dropped_note_sql';
REVOKE ALL ON FUNCTION retention.dropped() FROM PUBLIC;
COMMENT ON FUNCTION retention.dropped() IS
    'enters protected tables that were dropped into the ledger, and drops what is remembered of dropped tables';

CREATE EVENT TRIGGER privacy_retention_dropped ON sql_drop
WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP EXTENSION')
EXECUTE FUNCTION retention.dropped();
ALTER EVENT TRIGGER privacy_retention_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_dropped IS
    'enters protected tables that were dropped into the ledger, and drops what is remembered of dropped tables';
