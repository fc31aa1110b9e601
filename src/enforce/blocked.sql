-- Rows that are due and cannot go, and why.

CREATE TABLE retention.blocked_row (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    leaf oid NOT NULL,
    row_id tid NOT NULL,
    key_hash bytea,
    sqlstate text NOT NULL,
    constraint_name text,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    tries integer NOT NULL,
    last_try timestamptz NOT NULL,
    next_try timestamptz NOT NULL,
    PRIMARY KEY (relation, column_name, stage, leaf, row_id)
);
REVOKE ALL ON retention.blocked_row FROM PUBLIC;
COMMENT ON TABLE retention.blocked_row IS
    'row versions that are due and could not go; shown by retention.blocked. Not dumped: row versions are of this database';

-- tableoid::regclass of a partition, as text; a dropped one shows its number.
CREATE VIEW retention.blocked AS
    SELECT b.relation,
           nullif(b.column_name, '') AS column_name,
           b.leaf::regclass::text AS partition,
           b.row_id AS "ctid",
           b.key_hash,
           b.sqlstate,
           b.constraint_name,
           b.reason,
           b.since,
           b.tries,
           b.next_try,
           b.stage
      FROM retention.blocked_row b;
REVOKE ALL ON retention.blocked FROM PUBLIC;
GRANT SELECT ON retention.blocked TO pg_monitor;
COMMENT ON VIEW retention.blocked IS
    'rows that are due and cannot go, with the reason and without any of their values';
COMMENT ON COLUMN retention.blocked.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.blocked.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.blocked.stage IS 'which stage of the label it is, from 1';
COMMENT ON COLUMN retention.blocked.partition IS 'the table or partition that stores the row';
COMMENT ON COLUMN retention.blocked.ctid IS 'where the row version is in it';
COMMENT ON COLUMN retention.blocked.key_hash IS
    'HMAC of the primary key under the mark key; NULL without primary key or keys';
COMMENT ON COLUMN retention.blocked.sqlstate IS 'the error code with which the server refused';
COMMENT ON COLUMN retention.blocked.constraint_name IS 'the constraint that keeps the row, where it is one';
COMMENT ON COLUMN retention.blocked.reason IS 'what keeps the row, in words';
COMMENT ON COLUMN retention.blocked.since IS 'when it was first refused';
COMMENT ON COLUMN retention.blocked.tries IS 'how often it was tried';
COMMENT ON COLUMN retention.blocked.next_try IS
    'when a pass over all tables tries it again; CALL retention.enforce(relation) does at once';
