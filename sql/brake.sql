-- What stops a rule until somebody has confirmed a number of rows.
CREATE SCHEMA brake;
SET search_path = brake, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('brake month', '30 days', 'the event');
	PERFORM retention.set_category('brake year', '1 year', 'the event');
END$$;
CREATE VIEW state AS
	SELECT relation, column_name, state, regexp_replace(reason, 'for \d+ s', 'for some time') AS reason, remedy FROM retention.status
	WHERE relation::text NOT LIKE '%.%' ORDER BY relation::text, column_name NULLS FIRST;
CREATE FUNCTION left_in(name text) RETURNS bigint LANGUAGE plpgsql AS
	$$DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %I', name) INTO n; RETURN n; END$$;

-- A widened rule: few rows go at once without anybody being asked, ...
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz, ip inet);
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'from at; brake year, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.ip IS 'brake year, then set null';
INSERT INTO visit SELECT n, now() - n * interval '1 day', '192.0.2.1' FROM generate_series(1, 374) n;
SELECT retention.protect('visit');
CALL retention.enforce('visit');
SELECT left_in('visit');
SELECT retention.set_category('brake year', '355 days');
CALL retention.enforce('visit');
SELECT left_in('visit');
-- ... many wait, whoever calls, until their number is confirmed.
SELECT retention.set_category('brake year', '180 days');
CALL retention.enforce('visit');
CALL retention.enforce();
SELECT left_in('visit');
SELECT * FROM state;
SELECT retention.protect('visit');
SELECT retention.protect('visit', at_most => 100);
SELECT * FROM state;
-- The remedy is a statement that helps: rows that have fallen due since the count do
-- not count (here number 180, as of an hour ago), ...
UPDATE retention.confirmation SET counted_as_of = counted_as_of - interval '1 hour' WHERE relation = 'brake.visit';
SELECT retention.protect('visit', at_most => 173);
SELECT retention.protect('visit', at_most => 174);
SELECT * FROM state;
CALL retention.enforce('visit');
SELECT left_in('visit'), max(now() - at) < interval '180 days' AS in_time FROM visit;
SELECT event, rows, detail FROM retention.ledger WHERE relation = 'brake.visit' ORDER BY id DESC LIMIT 2;
-- ... and not for more than the number.
SELECT retention.set_category('brake year', '100 days');
CALL retention.enforce('visit');
INSERT INTO visit SELECT n, now() - interval '150 days', NULL FROM generate_series(1001, 1010) n;
SELECT remedy FROM state WHERE column_name IS NULL \gexec
-- Put back, it goes on.
SELECT retention.set_category('brake year', '180 days', retroactive => true);
CALL retention.enforce('visit');
SELECT * FROM state;
SELECT left_in('visit');

-- A label says more than the one that was confirmed; the other rule goes on.
CREATE TABLE device (id int PRIMARY KEY, at timestamptz, kind text, agent text);
CREATE INDEX ON device (at);
SECURITY LABEL FOR privacy_retention ON TABLE device IS 'from at; brake month, where (kind = ''phone''), then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN device.agent IS 'brake month, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN device.id IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN device.kind IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN device.at IS 'no personal data';
INSERT INTO device SELECT n, now() - interval '40 days', CASE WHEN n > 5 THEN 'desk' ELSE 'phone' END, 'agent' FROM generate_series(1, 50) n;
SELECT retention.protect('device', at_most => 50);
CALL retention.enforce('device');
SELECT count(*), count(agent) FROM device;
INSERT INTO device VALUES (51, now() - interval '40 days', 'desk', 'agent');
SECURITY LABEL FOR privacy_retention ON TABLE device IS 'from at; brake month, where (kind <> ''car''), then delete';
CALL retention.enforce('device');
SELECT count(*), count(agent) FROM device;
-- it is counted anew after an hour, or when asked by name
DELETE FROM device WHERE id > 10;
CALL retention.enforce();
SELECT count(*) FROM device;
UPDATE retention.confirmation SET counted_at = counted_at - interval '1 hour' WHERE relation = 'brake.device';
CALL retention.enforce();
SELECT count(*) FROM device;
SELECT retention.unprotect('device');
SELECT count(*) FROM retention.confirmation WHERE relation = 'brake.device';

-- The largest share of a table in one pass.
CREATE TABLE log (id int PRIMARY KEY, at timestamptz, ip inet);
CREATE INDEX ON log (at);
SECURITY LABEL FOR privacy_retention ON TABLE log IS 'brake month, from at, then delete';
SELECT retention.protect('log');
-- less than 1,000 rows are no share
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(1, 999) n;
CALL retention.enforce('log');
SELECT left_in('log');
-- half a load: a restore that is under way, a clock that went wild
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(1, 1000) n;
INSERT INTO log SELECT n, now() FROM generate_series(1001, 1999) n;
CALL retention.enforce('log');
SELECT left_in('log');
SELECT * FROM state WHERE relation = 'log'::regclass;
SELECT last_error FROM retention.status WHERE relation = 'log'::regclass;
INSERT INTO log VALUES (2000, now());
CALL retention.enforce('log');
SELECT left_in('log');
SELECT * FROM state WHERE relation = 'log'::regclass;
-- confirmed, for one pass
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(2001, 5000) n;
CALL retention.enforce('log');
SELECT remedy FROM state WHERE relation = 'log'::regclass \gexec
CALL retention.enforce('log');
SELECT left_in('log');
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(2001, 5000) n;
CALL retention.enforce('log');
SELECT left_in('log');
-- more than the number, and more than the share on top of it
SELECT retention.protect('log', at_most => 3000);
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(5001, 12000) n;
CALL retention.enforce('log');
SELECT left_in('log');
-- another share, or none
SET privacy_retention.largest_share = 99;
CALL retention.enforce('log');
SELECT left_in('log');
INSERT INTO log SELECT n, now() - interval '31 days' FROM generate_series(2001, 3000) n;
SET privacy_retention.largest_share = 10;
CALL retention.enforce('log');
SELECT left_in('log');
SET privacy_retention.largest_share = 100;
CALL retention.enforce('log');
SELECT left_in('log');
RESET privacy_retention.largest_share;

-- Partitions are weighed before the first is truncated.
CREATE TABLE parted (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE INDEX ON parted (at);
SECURITY LABEL FOR privacy_retention ON TABLE parted IS 'brake month, from at, then delete';
SELECT retention.protect('parted');
INSERT INTO parted SELECT '2024-01-02' FROM generate_series(1, 800);
INSERT INTO parted SELECT '2024-02-02' FROM generate_series(1, 800);
INSERT INTO parted SELECT now() FROM generate_series(1, 100);
CALL retention.enforce('parted');
SELECT left_in('parted');
SELECT remedy FROM state WHERE relation = 'parted'::regclass \gexec
CALL retention.enforce('parted');
SELECT left_in('parted');

-- A column's rule, and a clock with "or": both ways count together.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON event (ended_at);
CREATE TABLE session (id int PRIMARY KEY, event_id int, at timestamptz, ip inet);
CREATE INDEX ON session (event_id);
CREATE INDEX ON session (at);
SECURITY LABEL FOR privacy_retention ON TABLE session IS 'from event_id references event(id) -> ended_at or at';
SELECT retention.label('session', 'no personal data', '{id,event_id,at}');
SECURITY LABEL FOR privacy_retention ON COLUMN session.ip IS 'brake month, then set null';
SELECT retention.protect('session');
INSERT INTO event VALUES (1, now() - interval '31 days'), (2, NULL);
INSERT INTO session SELECT n, CASE WHEN n <= 1100 THEN 1 WHEN n > 2200 THEN 2 END, now() - interval '31 days', '192.0.2.1' FROM generate_series(1, 4300) n;
CALL retention.enforce('session');
SELECT count(ip) FROM session;
SELECT state, reason FROM state WHERE relation = 'session'::regclass;
UPDATE session SET event_id = 2 WHERE id < 100;
CALL retention.enforce('session');
SELECT count(ip) FROM session;

-- Rows that cannot be counted: nobody knows how many would go.
CREATE TABLE typed (id int PRIMARY KEY, at text);
SECURITY LABEL FOR privacy_retention ON TABLE typed IS 'brake year, from ((at)::timestamptz), then delete';
SELECT retention.protect('typed');
INSERT INTO typed VALUES (1, 'Mrs Miller'), (2, '2024-01-01 00:00:00+00');
SELECT retention.set_category('brake year', '170 days');
CALL retention.enforce('typed');
SELECT id FROM typed ORDER BY id;
SELECT state, reason, remedy FROM state WHERE relation = 'typed'::regclass;
SELECT remedy FROM state WHERE relation = 'typed'::regclass \gexec
CALL retention.enforce('typed');
SELECT id FROM typed ORDER BY id;

-- What passes of 1.0 did is confirmed; what they did not is counted.
INSERT INTO visit SELECT n, now() - interval '171 days', NULL FROM generate_series(2001, 2100) n;
SELECT retention.protect('visit', at_most => 120);
CALL retention.enforce('visit');
INSERT INTO visit SELECT n, now() - interval '171 days', NULL FROM generate_series(2001, 2100) n;
DELETE FROM retention.confirmation;
CALL retention.enforce();
SELECT count(*) FROM visit WHERE id > 2000;
INSERT INTO visit SELECT n, now() - interval '171 days', NULL FROM generate_series(2001, 2100) n;
DELETE FROM retention.confirmation;
DELETE FROM retention.rule_state;
CALL retention.enforce('visit');
SELECT count(*) FROM visit WHERE id > 2000;
SELECT retention.unprotect('visit');
DELETE FROM visit WHERE id > 2000;

-- What many visits take turns at is counted once an hour, not by each of them: here
-- one ends before it is done.
CREATE TABLE turn (id int PRIMARY KEY, at timestamptz NOT NULL, keep interval);
CREATE INDEX ON turn (at);
CREATE INDEX ON turn (keep, at);
CREATE FUNCTION turn_cancel() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN
		IF OLD.id = 1200 THEN RAISE EXCEPTION USING ERRCODE = 'query_canceled'; END IF;
		RETURN OLD;
	END$$;
CREATE TRIGGER turn_cancel BEFORE DELETE ON turn FOR EACH ROW EXECUTE FUNCTION turn_cancel();
SECURITY LABEL FOR privacy_retention ON TABLE turn IS 'brake year, from at, for keep, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN turn.id IS 'no personal data';
SELECT retention.protect('turn');
SET privacy_retention.late_rows = accept;
INSERT INTO turn SELECT n, now() - (CASE WHEN n <= 1200 THEN 10 ELSE 1 END) * interval '1 day', '5 days' FROM generate_series(1, 5000) n;
INSERT INTO turn VALUES (5001, now(), '3 days');
RESET privacy_retention.late_rows;
ANALYZE turn;
SET client_min_messages = error;
\set SHOW_CONTEXT never
CALL retention.enforce();
\set SHOW_CONTEXT errors
SELECT admitted, counted_at > now() - interval '1 minute' AS counted FROM retention.confirmation WHERE relation = 'brake.turn';
DROP TRIGGER turn_cancel ON turn;
CALL retention.enforce();
SET client_min_messages = warning;
SELECT left_in('turn'), admitted FROM retention.confirmation WHERE relation = 'brake.turn';

-- Nobody writes there.
CREATE ROLE brake_nobody;
SET ROLE brake_nobody;
SELECT * FROM retention.confirmation;
DELETE FROM retention.confirmation;
SELECT * FROM retention.pass_clock;
SELECT retention.accept_clock();
RESET ROLE;

DO $$BEGIN
	PERFORM retention.unprotect(r) FROM unnest(ARRAY['log', 'parted', 'session', 'turn', 'typed']::regclass[]) r;
END$$;
DROP SCHEMA brake CASCADE;
DROP ROLE brake_nobody;
SELECT retention.drop_category(name) FROM unnest(ARRAY['brake month', 'brake year']) name;
