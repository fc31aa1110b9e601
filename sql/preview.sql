-- What a pass would do: counts, caps, cascades.
CREATE SCHEMA preview;
SET search_path = preview, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('preview week', '7 days', 'the event');
	PERFORM retention.set_category('preview month', '1 mon', 'the event');
END$$;

CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE session (id int PRIMARY KEY, event_id int NOT NULL REFERENCES event, kind text, address inet, agent text);
SECURITY LABEL FOR privacy_retention ON TABLE session IS
	'preview week, where (kind = ''guest''), from event_id -> ended_at, then delete; preview month, from event_id -> ended_at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN session.address IS 'preview week, from event_id -> ended_at, then truncate to 24/48';
SECURITY LABEL FOR privacy_retention ON COLUMN session.agent IS 'preview month';
INSERT INTO event VALUES (1, '2024-01-01'), (2, '2024-02-01'), (3, NULL);
INSERT INTO session
	SELECT n, 1 + n % 3, CASE WHEN n % 2 = 0 THEN 'guest' ELSE 'member' END, '192.0.2.77', 'agent'
	FROM generate_series(1, 60) n;
-- nothing; the first event's guests and all its addresses; then its members; then all but the third's
SELECT * FROM retention.preview('session', '2024-01-07');
SELECT * FROM retention.preview('session', '2024-01-08');
SELECT * FROM retention.preview('session', '2024-02-01');
SELECT * FROM retention.preview('session', '2030-01-01');
-- what is done is not due
UPDATE session SET address = '192.0.2.0/24' WHERE event_id = 1;
SELECT * FROM retention.preview('session', '2024-01-08');
-- the pass does just that
SELECT retention.protect('session', at_most => 100);
SELECT * FROM retention.preview('session', '2024-02-01');
CALL retention.enforce('session', '2024-02-01');
SELECT * FROM retention.preview('session', '2024-02-01');
SELECT count(*), count(*) FILTER (WHERE event_id = 1) AS of_first FROM session;

-- What goes along: by several ways, over several levels, in circles, in partitions.
CREATE TABLE person (id int PRIMARY KEY, left_at timestamptz, boss int REFERENCES person ON DELETE CASCADE);
CREATE TABLE account (id int PRIMARY KEY, person_id int REFERENCES person ON DELETE CASCADE, other_id int REFERENCES person ON DELETE CASCADE);
CREATE TABLE post (a int, b int, account_id int REFERENCES account ON DELETE CASCADE, at date, PRIMARY KEY (a, b, at)) PARTITION BY RANGE (at);
CREATE TABLE post_old PARTITION OF post FOR VALUES FROM ('2020-01-01') TO ('2024-01-01');
CREATE TABLE post_new PARTITION OF post DEFAULT;
CREATE TABLE reply (a int, b int, at date, FOREIGN KEY (a, b, at) REFERENCES post ON DELETE CASCADE);
CREATE TABLE kept (person_id int REFERENCES person ON DELETE SET NULL);
SECURITY LABEL FOR privacy_retention ON TABLE person IS 'preview week, from left_at, then delete';
INSERT INTO person VALUES (1, '2024-01-01', NULL), (2, '2024-01-01', 1), (3, NULL, 2), (4, NULL, 3), (5, NULL, NULL);
INSERT INTO account VALUES (10, 1, 2), (11, 4, NULL), (12, 5, 1), (13, 5, NULL), (14, NULL, NULL);
INSERT INTO post VALUES (1, 1, 10, '2023-01-01'), (1, 2, 12, '2025-01-01'), (1, 3, 13, '2025-01-01');
INSERT INTO reply VALUES (1, 1, '2023-01-01'), (1, 1, '2023-01-01'), (1, 2, '2025-01-01'), (1, 3, '2025-01-01'), (1, NULL, '2025-01-01');
INSERT INTO kept VALUES (1);
-- persons 1, 2 go; 3, 4 along; accounts 10 to 12; two posts; three replies
SELECT * FROM retention.preview('person', '2024-02-01');
SELECT * FROM retention.preview('person', '2024-01-02');
BEGIN;
CREATE TEMP VIEW rows AS SELECT (SELECT count(*) FROM person) + (SELECT count(*) FROM account)
	+ (SELECT count(*) FROM post) + (SELECT count(*) FROM reply) + (SELECT count(*) FROM kept) AS rows;
CREATE TEMP TABLE before AS SELECT * FROM rows;
DELETE FROM person WHERE left_at <= '2024-01-25';
SELECT before.rows - rows.rows - 2 AS went_along FROM before, rows;
ROLLBACK;

-- Caps: 10,000 unless exact.
CREATE TABLE big (id int PRIMARY KEY, at timestamptz, a text);
CREATE TABLE small (id int, big_id int REFERENCES big ON DELETE CASCADE);
CREATE INDEX ON big (at);
CREATE INDEX ON small (big_id);
SECURITY LABEL FOR privacy_retention ON TABLE big IS 'preview week, from at, then delete';
INSERT INTO big SELECT n, '2024-01-01', 'a' FROM generate_series(1, 10000) n;
INSERT INTO small SELECT n, 1 + n % 5000 FROM generate_series(1, 10000) n;
SELECT * FROM retention.preview('big', '2024-02-01');
INSERT INTO small VALUES (0, 1);
SELECT * FROM retention.preview('big', '2024-02-01');
DELETE FROM small WHERE id = 0;
INSERT INTO big VALUES (0, '2024-01-01', 'a');
INSERT INTO small VALUES (0, 0);
SELECT * FROM retention.preview('big', '2024-02-01');
SELECT * FROM retention.preview('big', '2024-02-01', exact => true);

-- An invalid rule, and one whose counting fails, do not hide the others.
CREATE TABLE broken (id int PRIMARY KEY, at timestamptz, a int);
SECURITY LABEL FOR privacy_retention ON TABLE broken IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN broken.a IS 'preview week, where (1 / a > 0), then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN broken.at IS 'no personal data';
INSERT INTO broken VALUES (1, '2024-01-01', 0);
CREATE TABLE wrong (id int PRIMARY KEY, a text);
SECURITY LABEL FOR privacy_retention ON COLUMN wrong.a IS 'preview week, then set null';
SELECT * FROM retention.preview(as_of => '2024-02-01') WHERE relation::text NOT IN ('session', 'event') ORDER BY relation::text, column_name NULLS FIRST;

-- Which tables, and whose.
SELECT * FROM retention.preview('event');
SELECT * FROM retention.preview('post_old');
CREATE ROLE preview_owner;
CREATE ROLE preview_other;
GRANT USAGE ON SCHEMA preview TO preview_owner, preview_other;
ALTER TABLE broken OWNER TO preview_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA preview TO preview_other;
SET ROLE preview_owner;
SELECT relation, column_name, due FROM retention.preview(as_of => '2024-01-02');
SELECT relation, column_name, due FROM retention.preview('big', as_of => '2024-02-01');
SET ROLE preview_other;
SELECT relation, column_name, due FROM retention.preview(as_of => '2024-01-02');
RESET ROLE;
GRANT pg_monitor TO preview_other;
SET ROLE preview_other;
SELECT relation, column_name, due FROM retention.preview('big', as_of => '2024-02-01');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA preview CASCADE;
DROP ROLE preview_owner, preview_other;
SELECT retention.drop_category(name) FROM unnest(ARRAY['preview week', 'preview month']) name;
