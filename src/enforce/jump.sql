-- Clocks that jump.

CREATE TABLE retention.pass_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at timestamptz NOT NULL,
    running bigint NOT NULL,
    boot text NOT NULL,
    jumps integer NOT NULL DEFAULT 0,
    ahead bigint NOT NULL DEFAULT 0,
    back_since timestamptz
);
REVOKE ALL ON retention.pass_clock FROM PUBLIC;
COMMENT ON TABLE retention.pass_clock IS
    'the server''s clock as the last pass saw it, one row: where it jumped, rules wait. Not dumped';
COMMENT ON COLUMN retention.pass_clock.at IS 'the time by the clock';
COMMENT ON COLUMN retention.pass_clock.running IS 'microseconds since the machine started; -1 = not known';
COMMENT ON COLUMN retention.pass_clock.boot IS 'which start of the machine that was';
COMMENT ON COLUMN retention.pass_clock.jumps IS 'how often the clock was set forward; each rule is counted once after each';
COMMENT ON COLUMN retention.pass_clock.ahead IS 'by how many microseconds the last time: it may go back so far';
COMMENT ON COLUMN retention.pass_clock.back_since IS 'when a pass first saw the clock behind; NULL = it is not';

CREATE FUNCTION retention.accept_clock()
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_jump_accept_sql';
COMMENT ON FUNCTION retention.accept_clock() IS
    'goes on after the server''s clock jumped, for all tables of this database; officer';
