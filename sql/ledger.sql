-- The ledger: append-only, chained, and tampering is found.
-- Entries of other tests may be there already: places are counted from :base.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT retention.set_category('ledger test', '1 year', 'collection', 'consent', 'test', 'testers', 'the tester');
CREATE TABLE ledger_test (at timestamptz);
CREATE INDEX ON ledger_test (at);
SECURITY LABEL FOR privacy_retention ON TABLE ledger_test IS 'ledger test, from at, then delete';
SELECT ok, unsealed, problem FROM retention.verify_ledger();
SELECT coalesce(max(seq), 0) AS base FROM retention.ledger \gset

-- Six entries, not sealed while a transaction keeps an old snapshot or is open
SELECT retention.protect('ledger_test');
SELECT retention.unprotect('ledger_test');
SELECT retention.protect('ledger_test');
SELECT retention.unprotect('ledger_test');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT retention.protect('ledger_test');
SELECT ok, entries - :base AS entries, unsealed FROM retention.verify_ledger();
COMMIT;
SELECT retention.unprotect('ledger_test');
BEGIN READ ONLY;
SELECT ok, entries - :base AS entries, unsealed FROM retention.verify_ledger();
COMMIT;
SELECT ok, entries - :base AS entries, unsealed, problem FROM retention.verify_ledger();
SELECT seq - :base AS seq, event, relation FROM retention.ledger WHERE seq > :base ORDER BY seq;
SELECT (l.seq, l.hash) = (h.seq, h.hash) AS head FROM retention.ledger AS l, retention.ledger_head AS h
	ORDER BY l.seq DESC LIMIT 1;

-- The bytes are those of docs/ledger.md
CREATE FUNCTION pg_temp.field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(int4send(length(value)) || value, '\xffffffff') $$;
CREATE FUNCTION pg_temp.instant(value timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT int8send((extract(epoch FROM value) * 1000000)::bigint) $$;
CREATE VIEW pg_temp.recomputed AS SELECT seq, prev_hash, hash, sha256(prev_hash
	|| pg_temp.field('privacy_retention ledger 1') || pg_temp.field(int8send(seq)) || pg_temp.field(int8send(id))
	|| pg_temp.field(pg_temp.instant(recorded_at))
	|| pg_temp.field(convert_to(event, 'UTF8')) || pg_temp.field(convert_to(relation, 'UTF8'))
	|| pg_temp.field(convert_to(column_name, 'UTF8')) || pg_temp.field(convert_to(category, 'UTF8'))
	|| pg_temp.field(convert_to(action, 'UTF8')) || pg_temp.field(policy_digest) || pg_temp.field(pg_temp.instant(cutoff))
	|| pg_temp.field(int8send(rows)) || pg_temp.field(int8send((extract(epoch FROM lateness) * 1000000)::bigint))
	|| pg_temp.field(convert_to(erasure_level, 'UTF8')) || pg_temp.field(convert_to(detail, 'UTF8'))) AS computed
	FROM retention.ledger WHERE seq IS NOT NULL;
SELECT count(*) >= 6 AS some, bool_and(hash = computed) AS same,
	bool_and(prev_hash = coalesce((SELECT hash FROM pg_temp.recomputed AS p WHERE p.seq = r.seq - 1), decode(repeat('00', 32), 'hex'))) AS chained
	FROM pg_temp.recomputed AS r;
-- ... and no setting changes them
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SET IntervalStyle = 'sql_standard';
SET bytea_output = 'escape';
SET client_encoding = 'LATIN1';
SET search_path = pg_temp;
SELECT ok FROM retention.verify_ledger();
RESET ALL;
SET client_min_messages = warning;

-- Nobody changes it, not even a superuser
UPDATE retention.ledger SET rows = 1;
DELETE FROM retention.ledger WHERE false;
TRUNCATE retention.ledger;
UPDATE retention.ledger_head SET seq = 1;
DELETE FROM retention.ledger_head;
TRUNCATE retention.ledger_head;
SET session_replication_role = replica;
UPDATE retention.ledger SET rows = 1;
DELETE FROM retention.ledger;
TRUNCATE retention.ledger;
DELETE FROM retention.ledger_head;
RESET session_replication_role;
SELECT retention.ledger_guard();

-- Where the guards are switched off, what was done is found
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
CREATE FUNCTION pg_temp.expect(problem text) RETURNS boolean LANGUAGE sql AS
	$$ SELECT NOT ok AND v.problem = expect.problem FROM retention.verify_ledger() AS v $$;
SAVEPOINT s;
-- each value
UPDATE retention.ledger SET rows = coalesce(rows, 0) + 1 WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS rows;
ROLLBACK TO s;
UPDATE retention.ledger SET event = event || ' ' WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS event;
ROLLBACK TO s;
UPDATE retention.ledger SET recorded_at = recorded_at + interval '1 us' WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS recorded_at;
ROLLBACK TO s;
UPDATE retention.ledger SET relation = column_name, column_name = relation WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS swapped;
ROLLBACK TO s;
UPDATE retention.ledger SET erasure_level = '' WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS null_is_not_empty;
ROLLBACK TO s;
UPDATE retention.ledger SET lateness = '1 day' WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS lateness;
ROLLBACK TO s;
UPDATE retention.ledger SET id = DEFAULT WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS id;
ROLLBACK TO s;
UPDATE retention.ledger SET hash = '\x00' WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 3)) AS hash;
ROLLBACK TO s;
-- changed, with a hash that fits
UPDATE retention.ledger SET event = 'none' WHERE seq = :base + 3;
UPDATE retention.ledger AS l SET hash = r.computed FROM pg_temp.recomputed AS r WHERE r.seq = l.seq AND l.seq = :base + 3;
SELECT pg_temp.expect(format('entry %s does not follow the entry before it', :base + 4)) AS rehashed;
ROLLBACK TO s;
-- the last one, with a hash that fits
UPDATE retention.ledger SET event = 'none' WHERE seq = :base + 6;
UPDATE retention.ledger AS l SET hash = r.computed FROM pg_temp.recomputed AS r WHERE r.seq = l.seq AND l.seq = :base + 6;
SELECT pg_temp.expect('the head of the ledger has been changed') AS rehashed_last;
ROLLBACK TO s;
-- missing
DELETE FROM retention.ledger WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s is missing', :base + 3)) AS in_the_middle;
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq = 1;
SELECT pg_temp.expect('entry 1 is missing') AS at_the_beginning;
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq = :base + 6;
SELECT pg_temp.expect(format('entry %s, the last one, is missing', :base + 6)) AS at_the_end;
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq > :base + 3;
SELECT pg_temp.expect(format('entries %s to %s, the last ones, are missing', :base + 4, :base + 6)) AS some_at_the_end;
ROLLBACK TO s;
TRUNCATE retention.ledger;
SELECT pg_temp.expect(format('entries 1 to %s, the last ones, are missing', :base + 6)) AS all_of_them;
ROLLBACK TO s;
-- made unsealed
UPDATE retention.ledger SET seq = NULL, prev_hash = NULL, hash = NULL WHERE seq = :base + 3;
SELECT pg_temp.expect(format('entry %s is missing', :base + 3)) AS unsealed;
ROLLBACK TO s;
-- in another order
UPDATE retention.ledger SET seq = -seq WHERE seq IN (:base + 3, :base + 4);
UPDATE retention.ledger SET seq = 2 * :base + 7 + seq WHERE seq < 0;
SELECT pg_temp.expect(format('entry %s does not follow the entry before it', :base + 3)) AS reordered;
ROLLBACK TO s;
-- added
INSERT INTO retention.ledger (seq, recorded_at, event, prev_hash, hash) SELECT seq + 1, now(), 'none', hash, hash FROM retention.ledger_head;
SELECT pg_temp.expect(format('entry %s has been changed', :base + 7)) AS added;
UPDATE retention.ledger AS l SET hash = r.computed FROM pg_temp.recomputed AS r WHERE r.seq = l.seq AND l.seq = :base + 7;
SELECT pg_temp.expect('the head of the ledger has been changed') AS added_well;
ROLLBACK TO s;
-- the head
DELETE FROM retention.ledger_head;
SELECT pg_temp.expect('the head of the ledger is missing') AS no_head;
ROLLBACK TO s;
UPDATE retention.ledger_head SET seq = :base + 2;
SELECT pg_temp.expect('the head of the ledger has been changed') AS head_back;
ROLLBACK;
SELECT ok, problem FROM retention.verify_ledger();

-- A seal does not cover a gap
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
CREATE TEMPORARY TABLE kept AS SELECT * FROM retention.ledger_head;
DELETE FROM retention.ledger_head;
SELECT retention.protect('ledger_test');
SELECT ok, entries - :base AS entries, unsealed, problem FROM retention.verify_ledger();
INSERT INTO retention.ledger_head SELECT * FROM kept;
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
SELECT ok, entries - :base AS entries, unsealed, problem FROM retention.verify_ledger();

-- Who may read it
CREATE ROLE ledger_reader IN ROLE pg_monitor;
CREATE ROLE ledger_nobody;
SET ROLE ledger_reader;
SELECT count(*) > 0 AS readable FROM retention.ledger;
SELECT ok FROM retention.verify_ledger();
INSERT INTO retention.ledger (recorded_at, event) VALUES (now(), 'none');
UPDATE retention.ledger SET rows = 1;
SET ROLE ledger_nobody;
SELECT count(*) > 0 AS readable FROM retention.ledger;
SELECT ok FROM retention.verify_ledger();
RESET ROLE;
DROP ROLE ledger_reader, ledger_nobody;

SELECT retention.unprotect('ledger_test');
DROP TABLE ledger_test;
SELECT retention.drop_category('ledger test');
