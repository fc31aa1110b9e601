-- What the rules make of one row.
CREATE SCHEMA explain;
SET search_path = explain, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('explain week', '7 days', 'the event');
	PERFORM retention.set_category('explain year', '1 year', 'the event');
END$$;
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON event (ended_at);
CREATE TABLE session (id int, region text, event_id int REFERENCES event ON DELETE SET NULL, kind text,
	address inet, agent text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE session_eu PARTITION OF session FOR VALUES IN ('eu');
CREATE TABLE session_other PARTITION OF session DEFAULT;
CREATE INDEX ON session (event_id);
CREATE TABLE invoice (id int, region text, CONSTRAINT invoice_session FOREIGN KEY (id, region) REFERENCES session);
SECURITY LABEL FOR privacy_retention ON TABLE session IS
	'from event_id -> ended_at; explain week, where (kind = ''guest''), then delete; explain year, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN session.address IS 'explain week, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN session.agent IS 'explain week';
SECURITY LABEL FOR privacy_retention ON COLUMN session.n IS 'explain week, where (1 / n > 0), then set null';
INSERT INTO event VALUES (1, now() - interval '8 days'), (2, now() - interval '1 day'), (3, NULL), (4, '1970-01-01'), (5, now() - interval '2 years');
INSERT INTO session VALUES (1, 'eu', 1, 'guest', '192.0.2.1', 'agent', 1),	-- due
	(2, 'eu', 2, 'member', '192.0.2.1', 'agent', 0),	-- not yet; an expression fails
	(3, 'us', 3, 'guest', NULL, 'agent', NULL),		-- not started
	(4, 'us', 4, 'guest', '192.0.2.1', 'agent', NULL),	-- implausible
	(5, 'us', NULL, 'member', '192.0.2.1', 'agent', NULL),	-- orphaned
	(6, 'us', 5, 'member', '192.0.2.1', 'agent', NULL);	-- due, blocked later
CREATE VIEW explained AS
	SELECT s.id, e.column_name, e.stage, e.action, e.start = v.ended_at AS start, e.due - e.start AS after, e.state, e.reason,
		e.held_by IS NOT NULL AS held, e.blocked_why
	FROM session s LEFT JOIN event v ON v.id = s.event_id, retention.explain(s) e;
SELECT * FROM explained ORDER BY id, column_name NULLS FIRST, stage;
SELECT retention.label('session', 'explain week, then set null', '{n}'), retention.label('session', 'explain year', '{agent}');
SELECT retention.protect('session', at_most => 10);
SELECT id, column_name, stage, state, reason FROM explained WHERE state NOT IN ('not due', 'not applicable', 'goes with the row') ORDER BY id, column_name NULLS FIRST, stage;
-- Deadline and explanation agree: the first date to come, or the last that has passed.
SELECT s.id, retention.deadline(s) IS NOT DISTINCT FROM
	(SELECT coalesce(min(due) FILTER (WHERE due > now()), max(due)) FROM retention.explain(s) WHERE column_name IS NULL AND state <> 'not applicable') AS agree
FROM session s ORDER BY id;

-- Blocked: found by its primary key; of a leaf's row as well; of a changed copy, too.
INSERT INTO invoice VALUES (6, 'us');
CALL retention.enforce('session');
SELECT column_name, stage, state, blocked_why FROM retention.explain((SELECT s FROM session s WHERE id = 6)) ORDER BY column_name NULLS FIRST, stage;
SELECT column_name, stage, state, blocked_why FROM retention.explain((SELECT s FROM session_other s WHERE id = 6)) ORDER BY column_name NULLS FIRST, stage;
SELECT column_name, stage, state, blocked_why FROM retention.explain(ROW(6, 'us', 5, 'guest', NULL, NULL, NULL)::session) ORDER BY column_name NULLS FIRST, stage;
-- a row that is not stored
SELECT column_name, stage, state, blocked_why FROM retention.explain(ROW(7, 'eu', 5, 'guest', '::1', NULL, NULL)::session) ORDER BY column_name NULLS FIRST, stage;

-- Held, and by which suspension; kept for others.
SELECT retention.suspend('session', 'id = 6', 'a law suit', current_date + 30, 'the counsel') AS suspension \gset
SELECT column_name, state, held_by = ARRAY[:suspension::bigint] AS held FROM retention.explain((SELECT s FROM session s WHERE id = 6)) ORDER BY column_name NULLS FIRST, stage;
SECURITY LABEL FOR privacy_retention ON TABLE event IS 'explain year, from ended_at, then delete';
SELECT retention.protect('event', at_most => 10);
SELECT state, reason FROM event v, retention.explain(v) WHERE id = 5;
SELECT retention.lift_suspension(:suspension, 'settled');

-- Paused, unprotected.
SELECT retention.pause('session', now() + interval '1 day', 'an upgrade');
SELECT state, regexp_replace(reason, 'until .*: ', 'until ...: ') AS reason FROM session s, retention.explain(s) WHERE id = 6 AND stage = 2;
SELECT retention.unpause('session');
SELECT retention.unprotect('session');
SELECT state, reason FROM session s, retention.explain(s) WHERE id = 6 AND stage = 2;

-- Only for who may read the rows; of a row that policies hide, no more than it says itself.
CREATE ROLE explain_reader;
GRANT USAGE ON SCHEMA explain TO explain_reader;
SET ROLE explain_reader;
SELECT * FROM retention.explain(ROW(6, 'us', 5, 'member', NULL, NULL, NULL)::session);
RESET ROLE;
GRANT SELECT ON session TO explain_reader;
SET ROLE explain_reader;
SELECT column_name, stage, state FROM retention.explain(ROW(6, 'us', 5, 'member', NULL, NULL, NULL)::session) ORDER BY column_name NULLS FIRST, stage;
RESET ROLE;
CREATE TABLE plain (a int);
INSERT INTO plain VALUES (1);
SELECT retention.explain(p) FROM plain p;
SELECT retention.explain(1);
SELECT count(*) FROM retention.explain(NULL::session);
SELECT retention.unprotect('event');
DROP SCHEMA explain CASCADE;
DROP ROLE explain_reader;
SELECT retention.drop_category('explain week'), retention.drop_category('explain year');
