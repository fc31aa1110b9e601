-- Rounds: deletions whose bytes are erased together.

CREATE TABLE retention.erasure_round (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    table_id oid NOT NULL,
    first_entry bigint NOT NULL,
    last_entry bigint NOT NULL,
    first_deleted_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    horizon xid8 NOT NULL,
    removable_at timestamptz,
    vacuumed_at timestamptz,
    reindexed_at timestamptz,
    analyzed_at timestamptz,
    scrubbed_at timestamptz,
    scrub_lsn pg_lsn,
    timeline integer,
    durable_at timestamptz,
    replicas_at timestamptz,
    wal_clear_at timestamptz,
    tried_at timestamptz,
    held_by text,
    remedy text,
    UNIQUE (relation, first_entry)
);
REVOKE ALL ON retention.erasure_round FROM PUBLIC;
GRANT SELECT ON retention.erasure_round TO pg_monitor;
COMMENT ON TABLE retention.erasure_round IS
    'internal: which deletions of a table are erased together, and how far they are. Not dumped: its places are those of this server''s files';
COMMENT ON COLUMN retention.erasure_round.id IS 'in the order in which they began';
COMMENT ON COLUMN retention.erasure_round.relation IS 'the protected table, as its entries in the ledger name it';
COMMENT ON COLUMN retention.erasure_round.table_id IS 'the table itself, which may have got another name since; 0 = it was gone already';
COMMENT ON COLUMN retention.erasure_round.first_entry IS 'first place in the ledger that it covers';
COMMENT ON COLUMN retention.erasure_round.last_entry IS 'last one; of the places between, those of batches on this table';
COMMENT ON COLUMN retention.erasure_round.first_deleted_at IS 'when the first of them was written';
COMMENT ON COLUMN retention.erasure_round.deleted_at IS 'when the last of them was';
COMMENT ON COLUMN retention.erasure_round.begun_at IS 'when the round was begun: all of them had committed';
COMMENT ON COLUMN retention.erasure_round.horizon IS 'transactions from this one on came after all of them: once nobody sees what was before it, VACUUM may remove it';
COMMENT ON COLUMN retention.erasure_round.removable_at IS 'when nobody could see the deleted versions any more';
COMMENT ON COLUMN retention.erasure_round.vacuumed_at IS 'when all tables had been vacuumed, their indexes too';
COMMENT ON COLUMN retention.erasure_round.reindexed_at IS 'when no index kept values that only REINDEX removes';
COMMENT ON COLUMN retention.erasure_round.analyzed_at IS 'when the statistics had been made anew';
COMMENT ON COLUMN retention.erasure_round.scrubbed_at IS 'when the freed space of all pages had been overwritten';
COMMENT ON COLUMN retention.erasure_round.scrub_lsn IS 'end of the WAL then';
COMMENT ON COLUMN retention.erasure_round.timeline IS 'timeline of the server on which the levels after that were judged';
COMMENT ON COLUMN retention.erasure_round.durable_at IS 'when a checkpoint had written the pages';
COMMENT ON COLUMN retention.erasure_round.replicas_at IS 'when the standbys had done the same';
COMMENT ON COLUMN retention.erasure_round.wal_clear_at IS 'when no WAL from before was left on this server';
COMMENT ON COLUMN retention.erasure_round.tried_at IS 'when the eraser last began to work on it';
COMMENT ON COLUMN retention.erasure_round.held_by IS 'what keeps it from the next level; NULL = nothing known';
COMMENT ON COLUMN retention.erasure_round.remedy IS 'what helps: a statement';

CREATE INDEX erasure_round_open ON retention.erasure_round (id) WHERE wal_clear_at IS NULL;
COMMENT ON INDEX retention.erasure_round_open IS 'Rounds that are not done';
CREATE INDEX erasure_round_timeline ON retention.erasure_round (timeline) WHERE timeline IS NOT NULL;
COMMENT ON INDEX retention.erasure_round_timeline IS 'Rounds that were judged on another server';

CREATE TABLE retention.erasure_server (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    started_at timestamptz NOT NULL
);
REVOKE ALL ON retention.erasure_server FROM PUBLIC;
COMMENT ON TABLE retention.erasure_server IS
    'internal: on which server what the rounds say of WAL was looked at, one row. Not dumped';
COMMENT ON COLUMN retention.erasure_server.started_at IS 'when that server was started: a copy of its files was started at another time';

CREATE INDEX ledger_batch ON retention.ledger (relation, seq) WHERE event = 'batch' AND seq IS NOT NULL;
COMMENT ON INDEX retention.ledger_batch IS 'The deletions of a table behind a place in the chain';
