-- How far the erasure of each deletion has got: the ladder of one line, and who belongs to
-- which round.  (What each level asks of the server: specs/erasure_holder, t/072_horizon.pl.)
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT retention.set_category('erasure horizon', '1 mon', 'the event', 'consent', 'test', 'testers', 'the tester');
CREATE TABLE horizon_visit (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON horizon_visit (seen);
SELECT retention.label('horizon_visit', 'erasure horizon, from seen, then delete');
SELECT retention.protect('horizon_visit', at_most => 100);
CREATE TEMP VIEW ladder AS
	SELECT dense_rank() OVER (ORDER BY entry) AS n, rows, level,
		removable IS NOT NULL AS removable, vacuumed IS NOT NULL AS vacuumed, scrubbed IS NOT NULL AS scrubbed,
		durable IS NOT NULL AS durable, replicas IS NOT NULL AS replicas, wal_clear IS NOT NULL AS wal_clear,
		backup_clear IS NOT NULL AS backup_clear, backup_declared AS declared,
		regexp_replace(held_by, '\d{4}-\S+ \S+', 'WHEN', 'g') AS held_by, remedy
	FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit';
-- Three deletions, an hour apart in the life of the table.
INSERT INTO horizon_visit VALUES (1, '2024-01-01 00:00:00+00', 'a'), (2, '2024-01-02 00:00:00+00', 'b'), (3, '2024-01-03 00:00:00+00', 'c'),
	(4, '2024-01-03 00:00:00+00', 'd');
CALL retention.enforce('horizon_visit', as_of => '2024-02-01 12:00:00+00');
CALL retention.enforce('horizon_visit', as_of => '2024-02-02 12:00:00+00');
CALL retention.enforce('horizon_visit', as_of => '2024-02-03 12:00:00+00');
\pset format unaligned
SELECT * FROM ladder ORDER BY n;
SELECT h.entry = l.seq AS entry, h.relation, h.column_name, h.category, h.action, h.rows = l.rows AS rows, h.deleted = l.recorded_at AS deleted, h.unlinked
FROM retention.erasure_horizon h JOIN retention.ledger l ON l.seq = h.entry WHERE h.relation = 'public.horizon_visit' ORDER BY h.entry LIMIT 1;

-- A round takes the first two, another one the last but for its own last entry.
SELECT min(seq) AS first, (array_agg(seq ORDER BY seq))[2] AS second, max(seq) AS last FROM retention.ledger WHERE relation = 'public.horizon_visit' AND event = 'batch' \gset
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon)
SELECT 'public.horizon_visit', 'horizon_visit'::regclass, :first, :second, now(), now(), pg_snapshot_xmax(pg_current_snapshot());
SELECT n, level, held_by FROM ladder ORDER BY n;
-- of a table of another name it is not
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon, wal_clear_at)
SELECT 'public.horizon_other', 0, :first, :last, now(), now(), '3', now();
SELECT n, level FROM ladder ORDER BY n;
DELETE FROM retention.erasure_round WHERE relation = 'public.horizon_other';

-- What can be removed is said so by whoever looks next.
CALL retention.enforce('horizon_visit');
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
CALL retention.enforce('horizon_visit');
-- once
SELECT erasure_level, detail = format('entries %s to %s', :first, :second) AS entries, rows, category FROM retention.ledger
WHERE relation = 'public.horizon_visit' AND event = 'erasure';
-- What the worker notes of its own steps stays.
UPDATE retention.erasure_round SET held_by = 'a VACUUM that is at work', remedy = 'Nothing' WHERE relation = 'public.horizon_visit';
CALL retention.enforce('horizon_visit');
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
UPDATE retention.erasure_round SET held_by = NULL, remedy = NULL, vacuumed_at = now() WHERE relation = 'public.horizon_visit';
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
-- A scrub behind the last checkpoint is not in the files yet.
UPDATE retention.erasure_round SET scrubbed_at = now(), scrub_lsn = pg_current_wal_insert_lsn(), timeline = 1 WHERE relation = 'public.horizon_visit';
CALL retention.enforce('horizon_visit');
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
CHECKPOINT;
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
CALL retention.enforce('horizon_visit');
SELECT n, level, held_by ~ 'WAL file' AS held, durable, replicas, wal_clear FROM ladder ORDER BY n LIMIT 1;
-- A scrub at a place from which all WAL of this server comes has nothing before it.
UPDATE retention.erasure_round SET scrub_lsn = '0/0' WHERE relation = 'public.horizon_visit';
CALL retention.enforce('horizon_visit');
SELECT n, level, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
SELECT string_agg(erasure_level, ' ' ORDER BY id) FROM retention.ledger WHERE relation = 'public.horizon_visit' AND event = 'erasure';

-- What was not asked before the scrub is said.
SELECT unproved FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit' ORDER BY entry;
UPDATE retention.erasure_round SET analyzed_at = scrubbed_at WHERE relation = 'public.horizon_visit';
SELECT unproved FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit' ORDER BY entry LIMIT 1;
UPDATE retention.erasure_round SET reindexed_at = scrubbed_at WHERE relation = 'public.horizon_visit';
SELECT unproved FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit' ORDER BY entry LIMIT 1;

-- Backups are as declared.
SET privacy_retention.backup_retention = '30d';
SELECT n, level, backup_clear, declared, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
SET privacy_retention.backup_retention = 0;
SELECT n, level, backup_clear, declared, held_by, remedy FROM ladder ORDER BY n LIMIT 1;
SELECT backup_clear = wal_clear AS at_once FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit' ORDER BY entry LIMIT 1;
RESET privacy_retention.backup_retention;
-- Nothing is promised where the worker does not.
SET privacy_retention.erase_within = 0;
SELECT n, level, held_by FROM ladder ORDER BY n DESC LIMIT 1;
RESET privacy_retention.erase_within;

-- An entry that is not sealed yet, and a partition whose files are unlinked.
BEGIN;
INSERT INTO retention.ledger (recorded_at, event, relation, category, action, rows, erasure_level, detail)
VALUES (now(), 'batch', 'public.horizon_visit', 'erasure horizon', 'delete', 7, 'deleted', 'a partition was dropped');
SELECT entry, rows, level, unlinked, held_by, remedy FROM retention.erasure_horizon WHERE relation = 'public.horizon_visit' AND rows = 7;
ROLLBACK;

-- What is wrong is found: erasure that is late or nobody's, and what is not declared.
CREATE TEMP VIEW found AS SELECT severity, object, regexp_replace(regexp_replace(finding, '\d{4}-\S+ [^ ,;]+', 'WHEN', 'g'), '\d+ recycled', 'N recycled') AS finding,
	regexp_replace(hint, '1\.\.\d+', '1..N') AS hint
	FROM retention.finding_erasure WHERE object ~ 'horizon_|backup';
SELECT * FROM found;
BEGIN;
INSERT INTO retention.ledger (seq, recorded_at, event, relation, category, action, rows, erasure_level, prev_hash, hash)
SELECT 1000000 + n + m, now() - n * interval '10 hours', 'batch', r, 'erasure horizon', 'delete', 7, 'deleted', '', ''
FROM generate_series(1, 6) n, (VALUES (0, 'public.horizon_visit'), (10, 'public.horizon_gone')) t (m, r);
-- four are older than a day
SELECT * FROM found;
-- nobody promises, and nobody does
SET LOCAL privacy_retention.erase_within = 0;
SELECT * FROM found;
-- a promise for later, and nobody who would keep it; what was erased once is somebody's
SET LOCAL privacy_retention.erase_within = '10d';
SELECT * FROM found;
DELETE FROM retention.erasure_round WHERE relation = 'public.horizon_visit';
SELECT * FROM found;
-- a round that is late
SET LOCAL privacy_retention.erase_within = '1d';
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon)
SELECT 'public.horizon_visit', 'horizon_visit'::regclass, 1000001, 1000006, now() - interval '2 days', now() - interval '10 hours', pg_snapshot_xmax(pg_current_snapshot());
SET LOCAL privacy_retention.backup_retention = '30d';
SELECT * FROM found WHERE object <> 'public.horizon_gone';
UPDATE retention.erasure_round SET removable_at = now(), held_by = 'a VACUUM that waits for a lock', remedy = 'Nothing' WHERE relation = 'public.horizon_visit';
SELECT * FROM found WHERE object <> 'public.horizon_gone';
-- until it is in the files
UPDATE retention.erasure_round SET scrubbed_at = now(), durable_at = now(), scrub_lsn = '0/0', timeline = 1 WHERE relation = 'public.horizon_visit';
SELECT * FROM found WHERE object <> 'public.horizon_gone';
ROLLBACK;
\pset format aligned

-- Many entries: two index scans each, not all rounds.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL enable_seqscan = off;
CREATE TEMP TABLE plan (line text);
DO $$ DECLARE line text; BEGIN
	FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM retention.erasure_horizon LOOP INSERT INTO plan VALUES (line); END LOOP; END $$;
SELECT count(*) FROM plan WHERE line ~ 'Index Scan Backward using erasure_round_relation_first_entry_key';
ROLLBACK;

RESET privacy_retention.erase_within;
RESET privacy_retention.backup_retention;
DELETE FROM retention.erasure_round WHERE relation = 'public.horizon_visit';
SELECT retention.unprotect('horizon_visit');
DROP TABLE horizon_visit CASCADE;
SELECT retention.drop_category('erasure horizon');
