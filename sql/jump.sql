-- A clock that jumped: what the last pass saw is what a test can change.
CREATE SCHEMA jump;
SET search_path = jump, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('jump month', '30 days', 'the event');
END$$;
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON visit (at);
CREATE TABLE few (LIKE visit INCLUDING ALL);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'jump month, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE few IS 'jump month, from at, then delete';
SELECT retention.protect(r) FROM unnest(ARRAY['visit', 'few']::regclass[]) r;
CREATE VIEW state AS
	SELECT relation, state, regexp_replace(reason, 'at \d.*|for \d+ s', '...') AS reason, remedy FROM retention.status
	WHERE relation::text NOT LIKE '%.%' ORDER BY relation::text;
CREATE PROCEDURE due() LANGUAGE sql AS $$
	INSERT INTO visit SELECT n, now() - interval '31 days' FROM generate_series(1, 30) n ON CONFLICT DO NOTHING;
	INSERT INTO few SELECT n, CASE WHEN n <= 9 THEN now() - interval '31 days' END FROM generate_series(1, 30) n ON CONFLICT DO NOTHING
$$;
CALL retention.enforce();
SELECT at <= clock_timestamp() AS seen, jumps, ahead, back_since FROM retention.pass_clock;

-- Time that goes by is no jump: neither on one machine, ...
CALL due();
UPDATE retention.pass_clock SET at = at - interval '20 days', running = running - 20 * 86400 * 1000000::bigint;
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few, jumps FROM retention.pass_clock;
-- ... nor across a restart or a move of the machine.
CALL due();
UPDATE retention.pass_clock SET at = at - interval '29 days', boot = 'another';
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few, jumps FROM retention.pass_clock;

-- A clock jump of a year must not delete a table; few rows go all the same.
CALL due();
UPDATE retention.pass_clock SET at = at - interval '1 year';
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few, jumps FROM retention.pass_clock;
SELECT * FROM state;
CALL retention.enforce();
-- Answered for one table with its number, ...
SELECT retention.protect('visit');
SELECT remedy FROM state WHERE state = 'waiting' \gexec
SELECT * FROM state;
CALL retention.enforce();
SELECT left(event, 7) AS event, rows FROM retention.ledger WHERE relation = 'jump.visit' ORDER BY id DESC LIMIT 2;
-- ... or for all by the officer.
CALL due();
UPDATE retention.pass_clock SET at = at - interval '1 year', boot = 'another';
CALL retention.enforce();
SELECT relation, state FROM state;
SELECT retention.accept_clock();
SELECT relation, state FROM state;
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few FROM retention.pass_clock;

-- A clock that went back: nothing goes until it is accepted.
CALL due();
UPDATE retention.pass_clock SET at = at + interval '1 hour', ahead = 0;
CALL retention.enforce();
CALL retention.enforce('visit');
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few FROM retention.pass_clock;
SELECT * FROM state;
CREATE ROLE jump_nobody;
GRANT USAGE ON SCHEMA jump TO jump_nobody;
SET ROLE jump_nobody;
SELECT retention.accept_clock();
RESET ROLE;
SELECT DISTINCT remedy FROM state \gexec
SELECT relation, state FROM state;
SELECT event, relation, rows, regexp_replace(detail, '\d{4}-\d\d-\d\d [0-9:.+]+', 'DATE') AS detail FROM retention.ledger WHERE event = 'accept_clock' ORDER BY id;
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few FROM retention.pass_clock;
-- It goes on by itself once the clock has caught up, ...
CALL due();
UPDATE retention.pass_clock SET at = at + interval '1 hour', ahead = 0;
CALL retention.enforce();
UPDATE retention.pass_clock SET at = at - interval '1 hour';
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few, back_since FROM retention.pass_clock;
-- ... and where it went back no further than it had jumped ahead: it was put right.
CALL due();
UPDATE retention.pass_clock SET at = at + interval '1 hour', ahead = 3600 * 1000000::bigint;
CALL retention.enforce();
SELECT (SELECT count(*) FROM visit) AS visit, (SELECT count(*) FROM few) AS few, ahead FROM retention.pass_clock;
SELECT relation, state FROM state;
-- Time services correct minutes.
UPDATE retention.pass_clock SET at = at + interval '4 minutes', ahead = 0;
CALL retention.enforce();
UPDATE retention.pass_clock SET at = at - interval '8 minutes', ahead = 0;
CALL retention.enforce();
SELECT relation, state FROM state;

-- Leave it right for the tests that follow.
SELECT retention.accept_clock();
SELECT retention.unprotect(r) FROM unnest(ARRAY['visit', 'few']::regclass[]) r;
DROP SCHEMA jump CASCADE;
DROP ROLE jump_nobody;
SELECT retention.drop_category('jump month');
