-- Which state of each rule was last told.

CREATE TABLE retention.told_state (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (relation, column_name, stage)
) WITH (fillfactor = 50);
REVOKE ALL ON retention.told_state FROM PUBLIC;
GRANT SELECT ON retention.told_state TO pg_monitor;
COMMENT ON TABLE retention.told_state IS
    'the state of each rule, and of each erasure that is late, that was last told on the channel privacy_retention. Not dumped: a restored copy begins anew';
COMMENT ON COLUMN retention.told_state.relation IS 'the labelled table, schema-qualified; of an erasure, as the ledger names it';
COMMENT ON COLUMN retention.told_state.column_name IS 'the column, or an empty text for the row';
COMMENT ON COLUMN retention.told_state.stage IS 'which stage of the label it is, from 1; 0: the table cannot be read; -1: the erasure of what was deleted';
COMMENT ON COLUMN retention.told_state.state IS 'as in retention.status; of an erasure: late';
COMMENT ON COLUMN retention.told_state.since IS 'when it was first seen in that state';
