-- A chain does not fall back: a token stays when the clock of its stage has gone.

SET client_min_messages = error;
CREATE SCHEMA chain;
SET search_path = chain;
SELECT retention.create_key() > 0 AS created;
SELECT retention.set_category('chain day', '1 day', 'the event');
SELECT retention.set_category('chain week', '7 days', 'the event');
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE visit (id int PRIMARY KEY, event_id int, left_at timestamptz, name text);
INSERT INTO event VALUES (1, '2024-01-01'), (2, NULL);
INSERT INTO visit VALUES (1, 1, '2024-01-01', 'Ann'), (2, 2, '2024-01-01', 'Bob'), (3, 1, '2024-01-01', NULL);
SELECT retention.label('event', 'chain week, from ended_at, then delete');
SELECT retention.label('visit', 'chain week, from left_at, then set null; chain day, from event_id references event (id) -> ended_at, then pseudonymise', '{name}');
SELECT retention.label('visit', 'no personal data', '{id,event_id,left_at}');
SELECT retention.protect('event'), retention.protect('visit');
-- Ann has a token, and with it done the event goes; Bob's event has no end.
CALL retention.enforce(as_of => '2024-03-01');
SELECT id, name IS NULL AS empty, retention.is_pseudonym(name) AS token FROM visit ORDER BY id;
SELECT id FROM event;
CALL retention.enforce(as_of => '2024-04-01');
SELECT id, name IS NULL AS empty, retention.is_pseudonym(name) AS token FROM visit ORDER BY id;

SELECT retention.unprotect('event'), retention.unprotect('visit');
DROP SCHEMA chain CASCADE;
SELECT retention.drop_category('chain day'), retention.drop_category('chain week');
SELECT retention.destroy_key(epoch) FROM retention.key;
