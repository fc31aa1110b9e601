-- How each rule is doing: states, reasons, remedies, counts.
CREATE SCHEMA status;
SET search_path = status, public;
SET client_min_messages = error;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('status week', '7 days', 'the event');
	PERFORM retention.set_category('status year', '1 year', 'the event');
END$$;
CREATE FUNCTION at(as_of timestamptz, of regclass DEFAULT NULL,
	OUT relation regclass, OUT column_name name, OUT action text, OUT state text, OUT due bigint,
	OUT overdue_seconds bigint, OUT oldest_due timestamptz, OUT blocked bigint, OUT not_started bigint,
	OUT orphaned bigint, OUT implausible bigint, OUT live boolean, OUT exact boolean)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT s.relation, s.column_name, s.action, s.state, s.due, s.overdue_seconds, s.oldest_due, s.blocked, s.not_started,
		s.orphaned, s.implausible, s.counted_at = as_of, s.exact
	FROM retention.status_rows(as_of) AS s WHERE of IS NULL OR s.relation = of
	ORDER BY s.relation::text, s.column_name NULLS FIRST, s.category
$$;

-- Watched: what would be due.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE session (id int PRIMARY KEY, event_id int REFERENCES event ON DELETE SET NULL, address inet, agent text);
CREATE INDEX ON event (ended_at);
CREATE INDEX ON session (event_id);
SECURITY LABEL FOR privacy_retention ON TABLE session IS 'from event_id -> ended_at; status year, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN session.address IS 'status week, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN session.agent IS 'status year';
INSERT INTO event VALUES (1, '2024-01-01'), (2, '2024-01-02 12:00'), (3, NULL), (4, '1970-01-01'), (5, '-infinity');
INSERT INTO session SELECT n, NULLIF(n, 6), '192.0.2.1', 'agent' FROM generate_series(1, 6) n;
SELECT * FROM at('2024-01-08');
SELECT * FROM at('2024-01-10');
SELECT * FROM at('2025-02-01');
SELECT column_name, state, reason, remedy FROM retention.status_rows('2025-02-01') WHERE relation = 'session'::regclass ORDER BY 1 NULLS FIRST;
-- Protected: ok while in time, late beyond the promise.
SELECT retention.protect('session');
SHOW privacy_retention.promised_lateness;
SELECT column_name, category, action, state, reason, remedy, due, overdue_seconds, oldest_due, held, promised_lateness
	FROM retention.status_rows('2024-01-08') WHERE relation = 'session'::regclass ORDER BY 1 NULLS FIRST;
SELECT column_name, state, reason, remedy, due, overdue_seconds FROM retention.status_rows('2024-01-10') WHERE column_name = 'address';
SET privacy_retention.promised_lateness = '3d';
SELECT column_name, state, reason, remedy, promised_lateness FROM retention.status_rows('2024-01-10') WHERE column_name = 'address';
RESET privacy_retention.promised_lateness;
SET privacy_retention.enabled = off;
SELECT state, reason, regexp_replace(remedy, 'DATABASE \S+', 'DATABASE x') FROM retention.status_rows('2024-01-10') WHERE column_name = 'address';
RESET privacy_retention.enabled;
CALL retention.enforce('session', '2024-01-10');
SELECT * FROM at('2024-01-10', 'session');
SELECT column_name, last_success <= now() AS succeeded, last_error, seconds_to_clear FROM retention.status_rows('2024-01-10') WHERE relation = 'session'::regclass ORDER BY 1 NULLS FIRST;
-- the remedy is a statement that helps
SELECT state, remedy FROM retention.status_rows('2025-06-01') WHERE relation = 'session'::regclass AND column_name IS NULL;
SELECT remedy FROM retention.status WHERE relation = 'session'::regclass AND column_name IS NULL \gexec
SELECT state, remedy, due FROM retention.status_rows('2025-06-01') WHERE relation = 'session'::regclass AND column_name IS NULL;

-- Kept as the clock of others: due, and the reason says so.
SECURITY LABEL FOR privacy_retention ON TABLE event IS 'status week, from ended_at, then delete';
INSERT INTO event VALUES (10, '2024-03-01'), (11, '2024-03-01');
INSERT INTO session VALUES (10, 10, NULL, NULL);
SELECT retention.protect('event');
SELECT state, reason, remedy, due, overdue_seconds FROM retention.status_rows('2024-03-08') WHERE relation = 'event'::regclass;
SELECT state, reason, remedy, due, overdue_seconds FROM retention.status_rows('2024-04-01') WHERE relation = 'event'::regclass;
-- nothing but kept rows is left: no pass would help
CALL retention.enforce('event', '2024-04-01');
SELECT state, reason, remedy, due, overdue_seconds FROM retention.status_rows('2024-03-08 00:30') WHERE relation = 'event'::regclass;
SELECT state, reason, remedy, due, overdue_seconds FROM retention.status_rows('2024-04-01') WHERE relation = 'event'::regclass;

-- Blocked: why.
CREATE TABLE member (id int PRIMARY KEY, left_at timestamptz);
CREATE INDEX ON member (left_at);
CREATE TABLE invoice (member_id int CONSTRAINT invoice_member REFERENCES member);
SECURITY LABEL FOR privacy_retention ON TABLE member IS 'status week, from left_at, then delete';
INSERT INTO member VALUES (1, '2024-01-01'), (2, '2024-01-01');
INSERT INTO invoice VALUES (1);
SELECT retention.protect('member');
CALL retention.enforce('member', '2024-02-01');
SELECT state, reason, remedy, due, blocked FROM retention.status_rows('2024-02-01') WHERE relation = 'member'::regclass;
DELETE FROM invoice;
SELECT remedy FROM retention.status WHERE relation = 'member'::regclass \gexec
SELECT state, reason, remedy, due, blocked FROM retention.status_rows('2024-02-01') WHERE relation = 'member'::regclass;

-- Counts end at 10,000.
CREATE TABLE big (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON big (at);
SECURITY LABEL FOR privacy_retention ON TABLE big IS 'status week, from at, then delete';
INSERT INTO big SELECT n, CASE WHEN n <= 10001 THEN '2024-01-01'::timestamptz END FROM generate_series(1, 20001) n;
ANALYZE big;
SELECT * FROM at('2024-02-01', 'big');
DELETE FROM big WHERE id = 10001 OR id > 20000;
SELECT * FROM at('2024-02-01', 'big');
-- What the planner expects to be dear is not counted by whoever looks: the pass's
-- counts stand in, marked as not exact; before a pass nothing does.
CREATE TABLE dear (id int PRIMARY KEY, at timestamptz);
SECURITY LABEL FOR privacy_retention ON TABLE dear IS 'status week, from at, then delete';
INSERT INTO dear VALUES (1, '2024-01-01'), (2, '2030-01-01');
ANALYZE dear;
SELECT retention.protect('dear');
SET cpu_tuple_cost = 1000000;
SELECT * FROM at('2024-02-01', 'dear');
SELECT reason, remedy FROM retention.status_rows('2024-02-01') WHERE relation = 'dear'::regclass;
CALL retention.enforce('dear', '2024-02-01');
SELECT state, due, oldest_due, not_started, counted_at IS NOT NULL AS counted, exact FROM retention.status_rows('2024-02-01') WHERE relation = 'dear'::regclass;
-- what a pass counted long ago is no answer
SELECT state, reason, remedy, due FROM retention.status_rows(now() + '1 day') WHERE relation = 'dear'::regclass;
RESET cpu_tuple_cost;

-- Invalid rules, and rows that cannot be counted, hide nothing else.
CREATE TABLE wrong (id int PRIMARY KEY, at timestamptz, a text, b int);
SECURITY LABEL FOR privacy_retention ON TABLE wrong IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN wrong.a IS 'status week';
SECURITY LABEL FOR privacy_retention ON COLUMN wrong.b IS 'status week, where (1 / b > 0), then set null';
INSERT INTO wrong VALUES (1, '2024-01-01', 'a', 0);
SELECT column_name, state, reason, remedy, due, exact FROM retention.status_rows('2024-02-01') WHERE relation = 'wrong'::regclass ORDER BY 1 NULLS FIRST;

-- Who may read it; a user's code does not run as whoever looks.
CREATE TABLE seen (who text);
CREATE ROLE status_owner;
CREATE ROLE status_reader IN ROLE pg_monitor;
GRANT USAGE, CREATE ON SCHEMA status TO status_owner, status_reader;
CREATE FUNCTION who(timestamptz) RETURNS timestamptz STABLE LANGUAGE plpgsql AS
	'BEGIN IF current_user <> ''status_owner'' THEN RAISE ''wrong user %'', current_user; END IF; RETURN $1; END';
CREATE TABLE owned (id int PRIMARY KEY, at timestamptz);
INSERT INTO owned VALUES (1, '2024-01-01');
ALTER TABLE owned OWNER TO status_owner;
SECURITY LABEL FOR privacy_retention ON TABLE owned IS 'status week, from status.who(at), then delete';
SET ROLE status_reader;
SELECT state, due, blocked, exact FROM retention.status WHERE relation = 'owned'::regclass;
SELECT count(*) > 5 AS all_of_them FROM retention.status;
SET ROLE status_owner;
SELECT count(*) FROM retention.status;
SELECT count(*) FROM retention.status_rows();
RESET ROLE;
SELECT retention.unprotect(r) FROM unnest(ARRAY['event', 'session', 'member', 'dear']::regclass[]) r;
DROP SCHEMA status CASCADE;
DROP ROLE status_owner, status_reader;
SELECT retention.drop_category(name) FROM unnest(ARRAY['status week', 'status year']) name;
SELECT count(*) FROM retention.status;
