-- How each rule is doing.

CREATE FUNCTION retention.status_rows(as_of timestamptz DEFAULT now(),
                                      OUT relation regclass,
                                      OUT column_name name,
                                      OUT category text,
                                      OUT action text,
                                      OUT state text,
                                      OUT reason text,
                                      OUT remedy text,
                                      OUT due bigint,
                                      OUT overdue_seconds bigint,
                                      OUT oldest_due timestamptz,
                                      OUT held bigint,
                                      OUT blocked bigint,
                                      OUT not_started bigint,
                                      OUT orphaned bigint,
                                      OUT implausible bigint,
                                      OUT counted_at timestamptz,
                                      OUT exact boolean,
                                      OUT promised_lateness interval,
                                      OUT last_success timestamptz,
                                      OUT last_error text,
                                      OUT rate double precision,
                                      OUT seconds_to_clear double precision)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_status_rows_sql';
REVOKE ALL ON FUNCTION retention.status_rows(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.status_rows(timestamptz) TO pg_monitor;
COMMENT ON FUNCTION retention.status_rows(timestamptz) IS
    'the rows of retention.status as of a time';

CREATE VIEW retention.status AS SELECT * FROM retention.status_rows();
REVOKE ALL ON retention.status FROM PUBLIC;
GRANT SELECT ON retention.status TO pg_monitor;
COMMENT ON VIEW retention.status IS
    'how each rule is doing: state, why, and the statement that helps; counts end at 10,000';
COMMENT ON COLUMN retention.status.relation IS 'the labelled table';
COMMENT ON COLUMN retention.status.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.status.category IS 'the data category';
COMMENT ON COLUMN retention.status.action IS 'what becomes of the row or value; NULL: goes with the row';
COMMENT ON COLUMN retention.status.state IS
    'ok, watched (not protected), late (later than promised), blocked (rows cannot go), paused, invalid, waiting (for adopt() or for a number of rows to be confirmed)';
COMMENT ON COLUMN retention.status.reason IS 'why it is not ok, without any value of a row';
COMMENT ON COLUMN retention.status.remedy IS 'a statement that helps, or what to do';
COMMENT ON COLUMN retention.status.due IS 'rows past their date and still there';
COMMENT ON COLUMN retention.status.overdue_seconds IS 'for how long the oldest of them has been due; 0 if none';
COMMENT ON COLUMN retention.status.oldest_due IS 'when the oldest of them fell due';
COMMENT ON COLUMN retention.status.held IS 'rows that would be due, but for a suspension of deletion';
COMMENT ON COLUMN retention.status.blocked IS 'due rows that could not go; see retention.blocked';
COMMENT ON COLUMN retention.status.not_started IS 'rows whose clock is NULL';
COMMENT ON COLUMN retention.status.orphaned IS 'rows that lead to no clock any more';
COMMENT ON COLUMN retention.status.implausible IS 'rows whose clock lies before privacy_retention.earliest';
COMMENT ON COLUMN retention.status.counted_at IS 'when it was counted: now where that is cheap, else in the last pass; NULL if never';
COMMENT ON COLUMN retention.status.exact IS 'whether all counts are live and complete';
COMMENT ON COLUMN retention.status.promised_lateness IS 'how late rows may be: privacy_retention.promised_lateness';
COMMENT ON COLUMN retention.status.last_success IS 'when a pass last finished the rule';
COMMENT ON COLUMN retention.status.last_error IS 'why the last pass did not, if it did not';
COMMENT ON COLUMN retention.status.rate IS 'rows per second in the last pass';
COMMENT ON COLUMN retention.status.seconds_to_clear IS 'how long the due rows will take at that rate';
