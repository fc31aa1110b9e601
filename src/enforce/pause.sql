-- Tables on which nothing is enforced for a while.

CREATE TABLE retention.paused_table (
    relation text PRIMARY KEY,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    paused_at timestamptz NOT NULL,
    paused_by name NOT NULL
);
REVOKE ALL ON retention.paused_table FROM PUBLIC;
COMMENT ON TABLE retention.paused_table IS
    'the last pause of each table that had one; shown by retention.pause. Not dumped: a restored copy waits anyway';

CREATE VIEW retention.pause AS
    SELECT relation, until, reason, paused_at, paused_by
      FROM retention.paused_table
     WHERE until OPERATOR(pg_catalog.>) pg_catalog.now();
REVOKE ALL ON retention.pause FROM PUBLIC;
GRANT SELECT ON retention.pause TO pg_monitor;
COMMENT ON VIEW retention.pause IS 'tables on which nothing is enforced now';
COMMENT ON COLUMN retention.pause.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.pause.until IS 'when it ends by itself';
COMMENT ON COLUMN retention.pause.reason IS 'as whoever paused it put it';
COMMENT ON COLUMN retention.pause.paused_at IS 'when it was paused';
COMMENT ON COLUMN retention.pause.paused_by IS 'by whom';

CREATE FUNCTION retention.pause(relation regclass, until timestamptz, reason text)
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_pause_pause_sql';
COMMENT ON FUNCTION retention.pause(regclass, timestamptz, text) IS
    'enforces nothing on a protected table until then; rows that fall due meanwhile count as overdue';

CREATE FUNCTION retention.unpause(relation regclass)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_pause_unpause_sql';
COMMENT ON FUNCTION retention.unpause(regclass) IS 'ends the pause of a table now';
