-- Pauses of a table, and the times of day at which the worker works.
CREATE SCHEMA pause;
SET search_path = pause, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('pause week', '7 days', 'the event');
END$$;
CREATE VIEW entry AS
	SELECT event, relation, rows, regexp_replace(detail, '\d{4}-\d\d-\d\d [0-9:.]+', 'DATE') AS detail FROM retention.ledger
	WHERE relation LIKE 'pause.%' ORDER BY id;

CREATE TABLE visit (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'pause week, from at, then delete';
INSERT INTO visit VALUES (1, now() - interval '8 days'), (2, now() - interval '7 days' + interval '1 hour'), (3, NULL);

-- Nothing to pause: not enforced.
SELECT retention.pause('visit', now() + interval '1 day', 'audit');
SELECT retention.protect('visit');
-- What a pause must have.
SELECT retention.pause(NULL, now() + interval '1 day', 'audit');
SELECT retention.pause('visit', NULL, 'audit');
SELECT retention.pause('visit', 'infinity', 'audit');
SELECT retention.pause('visit', now(), 'audit');
SELECT retention.pause('visit', now() + interval '1 day', NULL);
SELECT retention.pause('visit', now() + interval '1 day', E' \n');
SELECT retention.pause(0, now() + interval '1 day', 'audit');

-- Nothing goes, by name or not; a person who asks by name hears why.
SELECT retention.pause('visit', '2100-01-01', 'migration, ticket 4711');
CALL retention.enforce();
CALL retention.enforce('visit');
SELECT id FROM visit ORDER BY id;
SELECT relation, until, reason, paused_at <= now() AS paused, paused_by = current_user AS by_me FROM retention.pause;
-- They age all the same.
SELECT due, overdue_seconds > 3600 AS overdue FROM retention.status WHERE relation = 'visit'::regclass;
-- Another pause replaces it; unpause ends it, once.
SELECT retention.pause('visit', now() + interval '1 hour', 'a shorter one');
SELECT until < now() + interval '2 hours' AS shorter, reason FROM retention.pause;
SELECT retention.unpause('visit');
SELECT * FROM retention.pause;
SET client_min_messages = notice;
SELECT retention.unpause('visit');
SET client_min_messages = warning;
CALL retention.enforce('visit');
SELECT id FROM visit ORDER BY id;
SELECT * FROM entry;

-- It ends by itself.
INSERT INTO visit VALUES (4, now() - interval '8 days');
SELECT retention.pause('visit', now() + interval '1 day', 'ends by itself');
CALL retention.enforce();
UPDATE retention.paused_table SET until = now() - interval '1 s';
SELECT * FROM retention.pause;
CALL retention.enforce();
SELECT id FROM visit ORDER BY id;

-- One table stops no other.
CREATE TABLE other (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON other (at);
SECURITY LABEL FOR privacy_retention ON TABLE other IS 'pause week, from at, then delete';
SELECT retention.protect('other');
INSERT INTO other VALUES (1, now() - interval '8 days');
INSERT INTO visit VALUES (5, now() - interval '8 days');
SELECT retention.pause('visit', now() + interval '1 day', 'one of two');
CALL retention.enforce();
SELECT id FROM other;
SELECT id FROM visit ORDER BY id;
-- unprotect() ends it as well
SELECT retention.unprotect('visit');
SELECT * FROM retention.pause;
SELECT retention.protect('visit');
CALL retention.enforce('visit');
SELECT id FROM visit ORDER BY id;

-- Partitions: the root is paused.
CREATE TABLE parted (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parted_all PARTITION OF parted DEFAULT;
CREATE INDEX ON parted (at);
SECURITY LABEL FOR privacy_retention ON TABLE parted IS 'pause week, from at, then delete';
SELECT retention.protect('parted');
SELECT retention.pause('parted_all', now() + interval '1 day', 'audit');
SELECT retention.pause('parted', now() + interval '1 day', 'audit');
INSERT INTO parted VALUES (now() - interval '8 days');
CALL retention.enforce();
SELECT count(*) FROM parted;
SELECT retention.unpause('parted');
CALL retention.enforce();
SELECT count(*) FROM parted;

-- Whose right it is: the owner's, for a month at most; the officer's.
CREATE ROLE pause_owner;
CREATE ROLE pause_officer;
CREATE ROLE pause_other;
GRANT USAGE ON SCHEMA pause TO pause_owner, pause_officer, pause_other;
GRANT ALL ON visit TO pause_other;
ALTER TABLE visit OWNER TO pause_owner;
SET privacy_retention.officer_role = 'pause_officer';
SET ROLE pause_other;
SELECT retention.pause('visit', now() + interval '1 day', 'audit');
SELECT retention.unpause('visit');
SELECT * FROM retention.pause;
SELECT * FROM retention.paused_table;
SET ROLE pause_owner;
SELECT retention.pause('visit', now() + interval '31 days', 'audit');
SELECT retention.pause('visit', now() + interval '29 days', 'audit');
SELECT retention.unpause('visit');
SET ROLE pause_officer;
SELECT retention.pause('visit', now() + interval '1 year', 'audit');
SELECT retention.unpause('visit');
RESET ROLE;
RESET privacy_retention.officer_role;
BEGIN READ ONLY;
SELECT retention.pause('visit', now() + interval '1 day', 'audit');
ROLLBACK;

-- The worker's window.
SELECT retention.next_opening('2026-03-01 12:00+00') AS always;
SET privacy_retention.time_window = '22:00-06:00, 12:00-12:30';
SELECT at, nullif(retention.next_opening(at), at) AS opens
	FROM unnest(ARRAY['2026-03-01 00:00+00', '2026-03-01 05:59:59.9+00', '2026-03-01 06:00+00', '2026-03-01 12:00+00',
		'2026-03-01 12:30+00', '2026-03-01 21:59+00', '2026-03-01 22:00+00', '2026-12-31 23:59+00']::timestamptz[]) AS at;
-- by the clocks of the notice's country; the last Sunday of March has no 02:30; that of October
-- has two, of which the first is open, too, but not foreseen
SET privacy_retention.timezone = 'Europe/Berlin';
SET privacy_retention.time_window = '02:30-03:30';
SELECT at, nullif(retention.next_opening(at), at) AS opens
	FROM unnest(ARRAY['2026-03-28 00:00+00', '2026-03-29 00:00+00', '2026-03-29 01:00+00', '2026-03-29 01:30+00', '2026-10-24 23:00+00',
		'2026-10-25 00:30+00', '2026-10-25 01:00+00', '2026-10-25 01:30+00', '2026-10-25 02:30+00']::timestamptz[]) AS at;
SELECT retention.next_opening('infinity');
RESET privacy_retention.timezone;
-- a person's CALL is not the worker's
INSERT INTO visit VALUES (6, now() - interval '8 days');
SELECT set_config('privacy_retention.time_window', to_char(now() + interval '3 hours', 'HH24:MI-') || to_char(now() + interval '4 hours', 'HH24:MI'), false) <> '' AS closed;
SELECT retention.next_opening() > now() AS closed;
CALL retention.enforce();
SELECT id FROM visit ORDER BY id;
RESET privacy_retention.time_window;

-- A paused table's rows do not go with another table's that they reference in a ring.
CREATE TABLE hen (id int PRIMARY KEY, egg int, at timestamptz);
CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen, at timestamptz);
ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg;
CREATE INDEX ON hen (at);
CREATE INDEX ON egg (at);
SECURITY LABEL FOR privacy_retention ON TABLE hen IS 'pause week, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE egg IS 'pause week, from at, then delete';
INSERT INTO hen VALUES (1, NULL, now() - interval '8 days');
INSERT INTO egg VALUES (1, 1, now() - interval '8 days');
UPDATE hen SET egg = 1;
SELECT retention.protect('hen');
SELECT retention.protect('egg');
SELECT retention.pause('egg', '2100-01-01', 'an audit');
CALL retention.enforce();
CALL retention.enforce('hen');
SELECT (SELECT count(*) FROM hen) AS hens, (SELECT count(*) FROM egg) AS eggs;
SELECT relation, sqlstate FROM retention.blocked WHERE relation LIKE 'pause.%';
SELECT retention.unpause('egg');
CALL retention.enforce('hen');
SELECT (SELECT count(*) FROM hen) AS hens, (SELECT count(*) FROM egg) AS eggs;

SELECT retention.unprotect(r) FROM unnest(ARRAY['visit', 'other', 'parted', 'hen', 'egg']::regclass[]) r;
DROP SCHEMA pause CASCADE;
DROP ROLE pause_owner, pause_officer, pause_other;
SELECT retention.drop_category('pause week');
