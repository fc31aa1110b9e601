-- A chain of stages does not fall back when the clock of a later one has gone.

SET client_min_messages = error;
CREATE SCHEMA chain;
SET search_path = chain;
-- rows that are late as they are written are another test's matter
SET privacy_retention.late_rows = accept;
SELECT retention.create_key() > 0 AS created;
SELECT retention.set_category('chain day', '1 day', 'the event');
SELECT retention.set_category('chain week', '7 days', 'the event');
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE visit (id int PRIMARY KEY, event_id int, left_at timestamptz, name text, place text);
INSERT INTO event VALUES (1, '2024-01-01'), (2, NULL), (3, '2024-01-01');
CREATE TABLE remark (id int PRIMARY KEY, event_id int, left_at timestamptz, note text);
INSERT INTO remark VALUES (1, 3, '2024-01-01', 'a note');
INSERT INTO visit (id, event_id, left_at, name) VALUES
    (1, 1, '2024-01-01', 'Ann'), (2, 2, '2024-01-01', 'Bob'), (3, 1, '2024-01-01', NULL);
SELECT retention.label('event', 'chain week, from ended_at, then delete');
SELECT retention.label('visit', 'chain week, from left_at, then set null; chain day, from event_id references event (id) -> ended_at, then pseudonymise', '{name}');
SELECT retention.label('visit', 'chain day, from left_at, then pseudonymise; chain week, from left_at, then set null; chain day, from event_id references event (id) -> ended_at, then pseudonymise', '{place}');
SELECT retention.label('visit', 'no personal data', '{id,event_id,left_at}');
SELECT retention.label('remark', 'chain week, from left_at, then set null; chain day, from event_id references event (id) -> ended_at, then set ''gone''', '{note}');
SELECT retention.label('remark', 'no personal data', '{id,event_id,left_at}');
SELECT retention.protect('event'), retention.protect('visit'), retention.protect('remark');
-- Ann has a token, and with it done the event goes; Bob's event has no end.
CALL retention.enforce(as_of => '2024-03-01');
SELECT id, name IS NULL AS empty, retention.is_pseudonym(name) AS token FROM visit ORDER BY id;
SELECT id FROM event ORDER BY id;
CALL retention.enforce(as_of => '2024-04-01');
SELECT id, name IS NULL AS empty, retention.is_pseudonym(name) AS token FROM visit ORDER BY id;
SELECT column_name, sum(due) AS due FROM retention.preview('visit', '2024-04-01', true) GROUP BY 1 ORDER BY 1;

-- Of other values nobody can tell which stage made them: the event stays for as
-- long as an earlier stage would change what the later one made.
SELECT id FROM remark WHERE note = 'gone';
-- With the row, the need goes.
DELETE FROM remark;
CALL retention.enforce(as_of => '2024-04-01');
SELECT id FROM event ORDER BY id;

-- A token that an earlier stage made is no later stage's: the stage between them is due.
INSERT INTO visit (id, event_id, left_at, place) VALUES (6, 2, '2024-01-01', 'Ulm');
CALL retention.enforce(as_of => '2024-01-04');
SELECT retention.is_pseudonym(place) FROM visit WHERE id = 6;
CALL retention.enforce(as_of => '2024-04-01');
SELECT place FROM visit WHERE id = 6;

SELECT retention.unprotect('event'), retention.unprotect('visit'), retention.unprotect('remark');
DROP SCHEMA chain CASCADE;
SELECT retention.drop_category('chain day'), retention.drop_category('chain week');
