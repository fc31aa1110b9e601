-- What was confirmed of each rule, and what it waits for.

CREATE TABLE retention.confirmation (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    digest bytea,
    jumps integer NOT NULL,
    at_most bigint,
    admitted boolean NOT NULL DEFAULT false,
    confirmed_at timestamptz,
    waiting text CHECK (waiting IN ('widened', 'share', 'clock')),
    waiting_digest bytea,
    waiting_since timestamptz,
    rows bigint,
    counted_at timestamptz,
    counted_as_of timestamptz,
    PRIMARY KEY (relation, column_name, stage)
);
REVOKE ALL ON retention.confirmation FROM PUBLIC;
COMMENT ON TABLE retention.confirmation IS
    'under which policy each rule was confirmed, and what it waits for; shown by retention.status. Not dumped: a restored copy is counted anew';
COMMENT ON COLUMN retention.confirmation.digest IS 'of the policy that was confirmed; NULL = none was';
COMMENT ON COLUMN retention.confirmation.jumps IS 'how often the clock had jumped when it was';
COMMENT ON COLUMN retention.confirmation.at_most IS 'so many rows may go in the next pass; NULL = as many as in any';
COMMENT ON COLUMN retention.confirmation.admitted IS 'a pass with many rows has been let through and is not done yet';
COMMENT ON COLUMN retention.confirmation.waiting IS 'for a confirmation, because the rule was widened, the share is too large, or the clock jumped';
COMMENT ON COLUMN retention.confirmation.rows IS 'rows of the table that would go at once; NULL = they cannot be counted';
