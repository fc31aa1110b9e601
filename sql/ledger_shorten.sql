-- Entries of the ledger that are older than its own period: what they say goes, and everything holds.
\set VERBOSITY terse
SET client_min_messages = warning;
SET privacy_retention.ledger_origin = 'example.com/shorten';
CREATE FUNCTION pg_temp.entry(at timestamptz, what text) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO retention.ledger (recorded_at, event, relation, category, action, policy_digest, cutoff, rows, lateness, erasure_level, detail)
	VALUES (at, 'batch', 'public.' || what, what, 'delete', sha256('x'), at, 7, '1 hour', 'deleted', what) $$;
-- Entries of other tests are there already: they count as of today, so ours make a ledger of their own.
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
CREATE TEMPORARY TABLE kept AS SELECT * FROM retention.ledger;
CREATE TEMPORARY TABLE kept_head AS SELECT * FROM retention.ledger_head;
TRUNCATE retention.ledger, retention.ledger_head;
ALTER TABLE retention.ledger ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
COMMIT;
SELECT pg_temp.entry('2020-01-01', 'one'), pg_temp.entry('2020-02-01', 'two'), pg_temp.entry('2020-03-01', 'three');
SELECT ok, entries FROM retention.verify_ledger();
SELECT retention.checkpoint() AS early \gset
SELECT pg_temp.entry('2020-04-01', 'four'), pg_temp.entry('2020-05-01', 'five');
SELECT retention.checkpoint() AS late \gset
CREATE TEMPORARY TABLE before AS SELECT id, seq, recorded_at, prev_hash, hash FROM retention.ledger WHERE seq IS NOT NULL;

-- What it refuses
BEGIN;
SELECT retention.shorten_ledger('2020-02-15');
ROLLBACK;
SELECT retention.shorten_ledger('infinity');
CREATE ROLE shorten_nobody;
SET ROLE shorten_nobody;
SELECT retention.shorten_ledger('2020-02-15');
RESET ROLE;
DROP ROLE shorten_nobody;
SET default_transaction_read_only = on;
SELECT retention.shorten_ledger('2020-02-15');
RESET default_transaction_read_only;
SELECT retention.shorten_ledger(NULL);

-- Nothing is as old, two are, and no more are
SELECT retention.shorten_ledger('2020-01-01');
SELECT retention.shorten_ledger('2020-02-15');
SELECT retention.shorten_ledger('2020-02-15');
SELECT seq, event, relation, category, action, policy_digest IS NULL AS no_digest, cutoff, rows, lateness, erasure_level, left(detail, 20) AS detail
	FROM retention.ledger ORDER BY seq;
SELECT count(*) AS same FROM before JOIN retention.ledger AS l USING (id, seq, recorded_at, prev_hash, hash);
SELECT ok, entries, problem FROM retention.verify_ledger();
SELECT ok, entries, signature, problem FROM retention.verify_checkpoint(:'early');
SELECT ok, entries, signature, problem FROM retention.verify_checkpoint(:'late');
SELECT retention.ledger_inclusion(1) LIKE 'c2sp.org/tlog-proof@v1%' AS proof_of_shortened;
SELECT cardinality(retention.ledger_consistency(3, 6)) AS consistency;
-- the entry that says so has the root of the shortened ones
SELECT detail = 'entries 1 to 2, root ' || encode((SELECT retention.merkle_root(array_agg(hash ORDER BY seq)) FROM before WHERE seq <= 2), 'hex') AS root
	FROM retention.ledger WHERE event = 'shorten';
-- again: also what said so then
SELECT retention.shorten_ledger('2020-04-15');
SELECT seq, event, rows FROM retention.ledger ORDER BY seq;
SELECT retention.shorten_ledger(now());
SELECT seq, event, rows FROM retention.ledger ORDER BY seq;
SELECT ok, entries, problem FROM retention.verify_ledger();
SELECT ok, problem FROM retention.verify_checkpoint(:'early');
SELECT ok, problem FROM retention.verify_checkpoint(:'late');
-- it goes on
SELECT pg_temp.entry(now(), 'six');
SELECT ok, entries, problem FROM retention.verify_ledger();

-- The guards let only this through
UPDATE retention.ledger SET event = 'shortened' WHERE seq = 9;
-- Where they are switched off, what was emptied in another way is found
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
CREATE FUNCTION pg_temp.empty(places bigint[]) RETURNS void LANGUAGE sql AS
	$$ UPDATE retention.ledger SET event = 'shortened', relation = NULL, column_name = NULL, category = NULL, action = NULL,
	policy_digest = NULL, cutoff = NULL, rows = NULL, lateness = NULL, erasure_level = NULL, detail = NULL WHERE seq = ANY (places) $$;
SAVEPOINT s;
-- an entry in the middle, and the one that says so
SELECT pg_temp.empty('{9}');
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
SELECT pg_temp.empty('{8}');
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
-- all of them
SELECT pg_temp.empty('{8, 9}');
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
-- one that still says something
UPDATE retention.ledger SET rows = 1 WHERE seq = 3;
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
UPDATE retention.ledger SET event = 'batch' WHERE seq = 3;
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
-- hashes of shortened ones, which nothing but the root can judge
UPDATE retention.ledger SET hash = sha256(hash) WHERE seq = 3;
UPDATE retention.ledger SET prev_hash = (SELECT hash FROM retention.ledger WHERE seq = 3) WHERE seq = 4;
SELECT problem FROM retention.verify_ledger();
SELECT problem FROM retention.verify_checkpoint(:'early');
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq = 3;
SELECT problem FROM retention.verify_ledger();
ROLLBACK TO s;
-- of what does not hold nothing is shortened
UPDATE retention.ledger SET rows = 8 WHERE seq = 9;
ALTER TABLE retention.ledger ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
COMMIT;
SELECT retention.shorten_ledger(now());
SELECT count(*) AS whole FROM retention.ledger WHERE event <> 'shortened';

-- What is not erased everywhere yet stays, and what is behind it
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
TRUNCATE retention.ledger, retention.ledger_head;
ALTER TABLE retention.ledger ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
COMMIT;
SET client_min_messages = notice;
CREATE TABLE shorten_kept (id int);
SELECT pg_temp.entry('2020-01-01', 'gone'), pg_temp.entry('2020-02-01', 'shorten_kept'), pg_temp.entry('2020-03-01', 'gone');
-- an older one only
SELECT retention.shorten_ledger('2020-01-15');
-- nobody has begun
SELECT retention.shorten_ledger(now());
SELECT seq, event, relation FROM retention.ledger ORDER BY seq;
-- a round has
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon)
	VALUES ('public.shorten_kept', 'shorten_kept'::regclass, 2, 2, '2020-02-01', '2020-02-01', '1');
SELECT retention.shorten_ledger(now());
-- its WAL is clear, but not the backups
UPDATE retention.erasure_round SET wal_clear_at = now() - interval '1 day' WHERE relation = 'public.shorten_kept';
SET privacy_retention.backup_retention = '2d';
SELECT retention.shorten_ledger(now());
-- nothing is promised
UPDATE retention.erasure_round SET wal_clear_at = NULL WHERE relation = 'public.shorten_kept';
SET privacy_retention.erase_within = 0;
SELECT retention.shorten_ledger('2020-02-15');
RESET privacy_retention.erase_within;
-- all of it is done
SELECT pg_temp.entry('2020-04-01', 'shorten_kept');
SELECT retention.shorten_ledger(now());
UPDATE retention.erasure_round SET wal_clear_at = now() - interval '3 days', last_entry = 1000 WHERE relation = 'public.shorten_kept';
SELECT retention.shorten_ledger(now());
-- the table is gone
SELECT pg_temp.entry('2020-05-01', 'shorten_late');
SELECT retention.shorten_ledger(now());
SELECT ok, problem FROM retention.verify_ledger();
RESET privacy_retention.backup_retention;
SET client_min_messages = warning;
DELETE FROM retention.erasure_round WHERE relation = 'public.shorten_kept';
DROP TABLE shorten_kept;

-- What was there before
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
TRUNCATE retention.ledger, retention.ledger_head;
INSERT INTO retention.ledger OVERRIDING SYSTEM VALUE SELECT * FROM kept;
INSERT INTO retention.ledger_head SELECT * FROM kept_head;
ALTER TABLE retention.ledger ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
COMMIT;
SELECT ok FROM retention.verify_ledger();
