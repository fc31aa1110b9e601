-- When a row, or a value in it, falls due.
CREATE SCHEMA deadline;
SET search_path = deadline, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('deadline week', '7 days', 'the event');
	PERFORM retention.set_category('deadline month', '1 mon', 'the event');
	PERFORM retention.set_category('deadline century', '100 years', 'the event');
END$$;

CREATE TABLE event (id int PRIMARY KEY, ended_at timestamp);
CREATE TABLE session (id int PRIMARY KEY, event_id int REFERENCES event, kind text, made date,
	address inet, note text, agent text, plain int);
SECURITY LABEL FOR privacy_retention ON TABLE session IS
	'from event_id -> ended_at or made; deadline week, where (kind = ''guest''), then delete; deadline month, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN session.address IS
	'deadline week, from made, then truncate to 24/48; deadline century, where (kind = ''member''), from made, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN session.agent IS 'deadline month';
SECURITY LABEL FOR privacy_retention ON COLUMN session.plain IS 'no personal data';
INSERT INTO event VALUES (1, '2024-01-31'), (2, NULL), (3, '1970-01-01'), (4, 'infinity');
INSERT INTO session VALUES
	(1, 1, 'guest', '2024-01-01'),		-- a week after the event
	(2, 1, 'member', '2024-01-01'),		-- a month after, which is the end of February
	(3, 1, NULL, '2024-01-01'),			-- the same: not known to be a guest
	(4, 2, 'guest', '2024-01-01'),		-- the event is not over
	(5, 3, 'guest', '2024-01-01'),		-- an implausible clock
	(6, NULL, 'guest', '2024-01-01'),	-- no event: the other path
	(7, NULL, 'guest', NULL),			-- nothing has started
	(8, 4, 'guest', NULL);				-- for ever
SELECT id, retention.deadline(session) FROM session ORDER BY id;
-- the engine is of the same opinion, to the microsecond
SELECT due FROM retention.preview('session', '2024-02-06 23:59:59.999999') WHERE column_name IS NULL;
SELECT due FROM retention.preview('session', '2024-02-07') WHERE column_name IS NULL;
SELECT due FROM retention.preview('session', '2024-02-28 23:59:59.999999') WHERE column_name IS NULL;
SELECT due FROM retention.preview('session', '2024-02-29') WHERE column_name IS NULL;
-- A column: the next stage that is to come, or the last that came.
SELECT id, retention.deadline(s, 'address') AS address, retention.deadline(s, 'note') AS note,
	retention.deadline(s, 'agent') AS agent, retention.deadline(s, 'plain') AS plain FROM session AS s ORDER BY id;
SELECT c, retention.deadline(s, c) FROM session AS s, unnest(ARRAY['note', 'address', NULL, 'plain']::name[]) WITH ORDINALITY AS u (c, n) WHERE id = 2 ORDER BY n;
-- A row that is not stored; no row; a time zone of the session's own.
SELECT retention.deadline(ROW(9, 1, 'guest', NULL, NULL, NULL, NULL, NULL)::session);
SELECT retention.deadline(NULL::session);
SET timezone = 'Asia/Tokyo';
SELECT retention.deadline(s) AT TIME ZONE 'UTC' AS utc FROM session AS s WHERE id = 2;
SET timezone = 'UTC';

-- What has no deadline.
SELECT retention.deadline(event) FROM event;
SELECT retention.deadline(42);
SELECT retention.deadline('text');
SELECT retention.deadline(r) FROM (SELECT 1) AS r;
SELECT retention.deadline(session, 'missing') FROM session;

-- Partitions and children of a labelled table.
CREATE TABLE visit (id int NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE visit_part (at timestamptz NOT NULL, gone int, id int NOT NULL);
ALTER TABLE visit_part DROP COLUMN gone;
ALTER TABLE visit ATTACH PARTITION visit_part DEFAULT;
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'deadline week, where (id > 0), from at, then delete';
INSERT INTO visit VALUES (1, '2024-01-01'), (-1, '2024-01-01');
SELECT id, retention.deadline(visit) FROM visit ORDER BY id;
SELECT id, retention.deadline(visit_part), retention.deadline(visit_part, 'id') AS column FROM visit_part ORDER BY id;
CREATE TABLE parent (id int, at timestamptz);
CREATE TABLE child (more text) INHERITS (parent);
CREATE TABLE grandchild () INHERITS (child);
SECURITY LABEL FOR privacy_retention ON TABLE parent IS 'deadline week, from at, then delete';
INSERT INTO grandchild VALUES (1, '2024-01-01', 'more');
SELECT retention.deadline(parent) FROM parent;
SELECT retention.deadline(grandchild), retention.deadline(grandchild, 'more') AS more FROM grandchild;

-- Who may read the row is told; the parent's clock is read as the table's owner.
CREATE ROLE deadline_reader;
CREATE ROLE deadline_nobody;
GRANT USAGE ON SCHEMA deadline TO deadline_reader, deadline_nobody;
GRANT SELECT (id, event_id) ON session TO deadline_reader;
GRANT CREATE ON SCHEMA deadline TO deadline_nobody;
SET ROLE deadline_reader;
SELECT retention.deadline(ROW(9, 1, 'guest', NULL, NULL, NULL, NULL, NULL)::session);
SELECT ended_at FROM event;
SET ROLE deadline_nobody;
SELECT retention.deadline(ROW(9, 1, 'guest', NULL, NULL, NULL, NULL, NULL)::session);
RESET ROLE;

DROP SCHEMA deadline CASCADE;
DROP ROLE deadline_reader, deadline_nobody;
SELECT retention.drop_category(name) FROM unnest(ARRAY['deadline week', 'deadline month', 'deadline century']) name;
