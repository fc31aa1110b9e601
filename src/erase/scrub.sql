-- Freed bytes are overwritten.

CREATE TABLE retention.scrubbed (
    relation text PRIMARY KEY,
    timeline integer,
    lsn pg_lsn,
    running boolean NOT NULL,
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    pages_total bigint,
    pages_done bigint NOT NULL DEFAULT 0,
    pages_wiped bigint NOT NULL DEFAULT 0,
    bytes_wiped bigint NOT NULL DEFAULT 0,
    skipped text,
    missing text
);
REVOKE ALL ON retention.scrubbed FROM PUBLIC;
GRANT SELECT ON retention.scrubbed TO pg_monitor;
COMMENT ON TABLE retention.scrubbed IS
    'internal: a row a table that was or is being scrubbed: its progress and its outcome. Not dumped: its places are those of this server''s files';
COMMENT ON COLUMN retention.scrubbed.relation IS 'the table, schema-qualified';
COMMENT ON COLUMN retention.scrubbed.timeline IS 'timeline of the last complete scrub; NULL = there was none';
COMMENT ON COLUMN retention.scrubbed.lsn IS 'end of the WAL after it: a checkpoint that began later has written its pages';
COMMENT ON COLUMN retention.scrubbed.running IS 'true from the begin of a scrub to its end; one that was interrupted leaves it so';
COMMENT ON COLUMN retention.scrubbed.started_at IS 'begin of the last scrub';
COMMENT ON COLUMN retention.scrubbed.updated_at IS 'last sign of life of it, or its end';
COMMENT ON COLUMN retention.scrubbed.pages_total IS 'pages that it is about; grows while partitions or indexes turn up';
COMMENT ON COLUMN retention.scrubbed.pages_done IS 'pages that it has looked at';
COMMENT ON COLUMN retention.scrubbed.pages_wiped IS 'pages in which something was overwritten';
COMMENT ON COLUMN retention.scrubbed.bytes_wiped IS 'bytes, not zero, that were overwritten';
COMMENT ON COLUMN retention.scrubbed.skipped IS 'what was not scrubbed, and why; NULL = nothing';
COMMENT ON COLUMN retention.scrubbed.missing IS 'what else is needed before deleted values are gone: a statement; NULL = nothing';

CREATE PROCEDURE retention.scrub(relation regclass,
                                 check_only boolean DEFAULT false,
                                 force boolean DEFAULT false,
                                 INOUT pages bigint DEFAULT NULL,
                                 INOUT pages_wiped bigint DEFAULT NULL,
                                 INOUT bytes_wiped bigint DEFAULT NULL,
                                 INOUT missing text DEFAULT NULL)
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_scrub_call_sql';
REVOKE ALL ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) FROM PUBLIC;
COMMENT ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) IS
    'overwrites the freed bytes in the pages of a table, its partitions, TOAST and indexes, in chunks, a transaction each; shows how many pages it looked at, in how many pages and bytes something was left, and the statement that is missing before deleted values are gone';
