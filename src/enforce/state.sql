-- What a pass remembers of each rule.

CREATE TABLE retention.rule_state (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    digest bytea NOT NULL,
    cutoff timestamptz,
    pass_started timestamptz,
    updated_at timestamptz,
    rows_done bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    running boolean NOT NULL DEFAULT false,
    due bigint,
    oldest_due timestamptz,
    counted_at timestamptz,
    rate double precision,
    last_success timestamptz,
    last_error text,
    last_error_at timestamptz,
    swept_to timestamptz,
    swept_at timestamptz,
    sweep_cost integer,
    PRIMARY KEY (relation, column_name, stage)
) WITH (fillfactor = 50);
REVOKE ALL ON retention.rule_state FROM PUBLIC;
COMMENT ON TABLE retention.rule_state IS
    'what passes remember of each rule; shown by retention.progress and retention.status. Not dumped: a restored copy begins anew';

CREATE VIEW retention.progress AS
    SELECT s.relation,
           nullif(s.column_name, '') AS column_name,
           s.stage,
           s.running,
           s.cutoff,
           s.pass_started,
           s.updated_at,
           s.rows_done,
           s.batches,
           CASE WHEN s.updated_at > s.pass_started
                THEN s.rows_done / extract(epoch FROM s.updated_at - s.pass_started)::double precision
           END AS rows_per_second
      FROM retention.rule_state s;
REVOKE ALL ON retention.progress FROM PUBLIC;
GRANT SELECT ON retention.progress TO pg_monitor;
COMMENT ON VIEW retention.progress IS 'the present or last pass over each rule; written with each batch';
COMMENT ON COLUMN retention.progress.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.progress.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.progress.stage IS 'which stage of the label it is, from 1';
COMMENT ON COLUMN retention.progress.running IS 'whether the pass has not ended (or was cut off)';
COMMENT ON COLUMN retention.progress.cutoff IS 'what was due at this time is what the pass removes';
COMMENT ON COLUMN retention.progress.pass_started IS 'when the pass began with the rule';
COMMENT ON COLUMN retention.progress.updated_at IS 'when its last batch was done';
COMMENT ON COLUMN retention.progress.rows_done IS 'rows changed or deleted in this pass';
COMMENT ON COLUMN retention.progress.batches IS 'in that many transactions';
COMMENT ON COLUMN retention.progress.rows_per_second IS 'on average';
