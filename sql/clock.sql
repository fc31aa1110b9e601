-- Clocks that have passed: nobody but the officer moves them later.
CREATE SCHEMA clocks;
SET client_min_messages = error;
\pset format unaligned
\pset tuples_only on
CREATE ROLE clock_owner;
CREATE ROLE clock_app;
CREATE ROLE clock_officer;
CREATE ROLE clock_other;
GRANT ALL ON SCHEMA clocks TO clock_owner, clock_other;
GRANT USAGE ON SCHEMA clocks TO PUBLIC;
SET search_path = clocks, public;
DO $$BEGIN
	PERFORM retention.set_category('clock week', '7 days', 'the event');
	PERFORM retention.set_category('clock month', '1 mon', 'the event');
END$$;
CREATE TABLE mark (id bigint);
INSERT INTO mark SELECT coalesce(max(id), 0) FROM retention.ledger;
CREATE VIEW moves AS SELECT relation, count(*) FROM retention.ledger l, mark m
	WHERE l.id > m.id AND l.event = 'clock' GROUP BY 1 ORDER BY 1;
-- Runs a statement in a subtransaction; says what came of it, in one line.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint; detail text;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN 'ok, ' || n;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || '. ' || detail;
END$$;
GRANT EXECUTE ON FUNCTION attempt TO PUBLIC;

-- In the row itself
SET ROLE clock_owner;
CREATE TABLE ticket (id int PRIMARY KEY, closed timestamptz, mail text, note text);
CREATE INDEX ON ticket (closed);
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE ticket IS 'clock month, from closed, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN ticket.mail IS 'clock week, from closed, then set null';
SET ROLE clock_owner;
SELECT retention.protect('ticket');
INSERT INTO ticket VALUES
	(1, NULL, 'a@example.org', 'open'),
	(2, now() + interval '1 day', 'a@example.org', 'closes tomorrow'),
	(3, now() - interval '1 day', 'a@example.org', 'closed yesterday'),
	(4, now() - interval '20 days', NULL, 'closed, mail gone'),
	(5, now() - interval '40 days', NULL, 'due'),
	(6, '1970-01-01', 'a@example.org', 'implausible');
-- not passed yet: as one likes
SELECT attempt('UPDATE ticket SET closed = now() + interval ''2 days'' WHERE id = 1');
SELECT attempt('UPDATE ticket SET closed = NULL WHERE id IN (1, 2)');
SELECT attempt('UPDATE ticket SET closed = now() - interval ''1 hour'' WHERE id = 1');
SELECT attempt('UPDATE ticket SET closed = now() - interval ''1 hour'' WHERE id = 6');
-- what has ended does not un-end
SELECT attempt('UPDATE ticket SET closed = NULL WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = now() + interval ''1 day'' WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = ''infinity'' WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = ''-infinity'' WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = ''1970-01-01'' WHERE id = 3');
-- activity renews, and may always be earlier than was thought
SELECT attempt('UPDATE ticket SET closed = now() - interval ''1 hour'' WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = clock_timestamp() WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = clock_timestamp() + interval ''10 seconds'' WHERE id = 3');
SELECT attempt('UPDATE ticket SET closed = now() - interval ''2 days'' WHERE id = 3');
-- due for the column, and done: it may be renewed; due for the row: it may not
SELECT attempt('UPDATE ticket SET closed = now() - interval ''1 hour'' WHERE id = 4');
SELECT attempt('UPDATE ticket SET closed = now() - interval ''1 hour'' WHERE id = 5');
SELECT attempt('UPDATE ticket SET closed = closed + interval ''1 second'' WHERE id = 5');
SELECT attempt('UPDATE ticket SET closed = closed - interval ''1 second'' WHERE id = 5');
SELECT attempt('UPDATE ticket SET closed = closed, note = ''the same'' WHERE id = 5');
SELECT attempt('INSERT INTO ticket VALUES (5) ON CONFLICT (id) DO UPDATE SET closed = NULL');
SELECT attempt('MERGE INTO ticket USING (VALUES (5)) AS n (id) ON ticket.id = n.id WHEN MATCHED THEN UPDATE SET closed = NULL');
-- due for the column, and not done
RESET ROLE;
SET privacy_retention.late_rows = accept;
INSERT INTO ticket VALUES (7, now() - interval '20 days', 'a@example.org', 'mail due');
RESET privacy_retention.late_rows;
SET ROLE clock_owner;
SELECT attempt('UPDATE ticket SET closed = now() WHERE id = 7');
SELECT attempt('UPDATE ticket SET closed = now(), mail = NULL WHERE id = 7');
-- The message names neither a value nor a key.
UPDATE ticket SET closed = NULL WHERE id = 5;
-- a trigger of the owner's is no way around it, and neither is replica mode
CREATE FUNCTION reopen() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.closed = NULL; RETURN NEW; END$$;
CREATE TRIGGER reopen BEFORE UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION reopen();
SELECT attempt('UPDATE ticket SET note = ''anything'' WHERE id = 5');
DROP TRIGGER reopen ON ticket;
RESET ROLE;
GRANT SELECT, UPDATE ON ticket TO clock_app;
GRANT SET ON PARAMETER session_replication_role TO clock_app;
SET ROLE clock_app;
SET session_replication_role = replica;
SELECT attempt('UPDATE ticket SET closed = NULL WHERE id = 5');
RESET session_replication_role;
RESET ROLE;

-- The officer may, and so may a superuser; an entry a transaction and table.
SELECT * FROM moves;
SET privacy_retention.officer_role = clock_officer;
GRANT SELECT, UPDATE ON ticket TO clock_officer;
SET ROLE clock_officer;
SELECT attempt('UPDATE ticket SET closed = now() + interval ''1 day'' WHERE id IN (3, 5)');
RESET ROLE;
SELECT * FROM moves;
SELECT detail FROM retention.ledger l, mark m WHERE l.id > m.id AND event = 'clock';
UPDATE ticket SET closed = now() - interval '3 days' WHERE id IN (3, 5);
UPDATE ticket SET closed = now() WHERE id IN (3, 5);
SELECT * FROM moves;
BEGIN;
UPDATE ticket SET closed = NULL WHERE id = 3;
UPDATE ticket SET closed = NULL WHERE id = 5;
COMMIT;
SELECT * FROM moves;
BEGIN;
UPDATE ticket SET closed = now() - interval '1 day' WHERE id IN (3, 5);
SAVEPOINT s;
UPDATE ticket SET closed = NULL WHERE id = 3;
ROLLBACK TO s;
UPDATE ticket SET closed = NULL WHERE id = 5;
COMMIT;
SELECT * FROM moves;
RESET privacy_retention.officer_role;

-- In a parent, through two hops, the first without a foreign key
SET ROLE clock_owner;
CREATE TABLE event (id int PRIMARY KEY, ended timestamptz, title text);
CREATE TABLE room (code text PRIMARY KEY, event_id int REFERENCES event, colour text);
CREATE TABLE device (id int PRIMARY KEY, room text, peer text);
CREATE TABLE chat (id int PRIMARY KEY, event_id int REFERENCES event ON UPDATE CASCADE, body text);
CREATE INDEX ON event (ended);
CREATE INDEX ON room (event_id);
CREATE INDEX ON device (room);
CREATE INDEX ON chat (event_id);
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE device IS 'clock week, from room references room (code) -> event_id -> ended, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE chat IS 'clock month, from event_id -> ended, then delete';
CREATE VIEW clock_guards AS SELECT tgrelid::regclass AS relation, tgenabled,
	(SELECT string_agg(a::oid::regclass::text, ', ' ORDER BY a::oid::regclass::text)
	 FROM unnest((string_to_array(encode(tgargs, 'escape'), '\000'))[3:]) AS a WHERE a <> '') AS on_behalf
	FROM pg_trigger WHERE tgname = 'zz_privacy_retention_clock' AND tgrelid::regclass::text !~ '\.' ORDER BY tgrelid::regclass::text;
GRANT SELECT ON clock_guards TO PUBLIC;
SET ROLE clock_owner;
SELECT retention.protect('device');
SELECT * FROM clock_guards;
SELECT retention.protect('chat');
SELECT * FROM clock_guards;
-- nothing looks protected by it
RESET ROLE;
SELECT relation, state FROM retention.status WHERE relation IN ('event'::regclass, 'room'::regclass);
SET ROLE clock_owner;
INSERT INTO event SELECT n, now() - n * interval '10 days', 'title' FROM generate_series(-1, 4) AS n;
INSERT INTO room SELECT 'r' || n, n FROM generate_series(-1, 3) AS n;
INSERT INTO device SELECT n, 'r' || n, 'peer' FROM generate_series(-1, 3) AS n;
INSERT INTO chat SELECT n, n, 'body' FROM generate_series(-1, 4) AS n;
-- -1 is not over, 0 has just ended, 1 to 3: the device is due, 4: chat is due, too
SELECT n, attempt(format('UPDATE event SET ended = now() + interval ''1 day'' WHERE id = %s', n)) FROM generate_series(-1, 1) AS n;
SELECT n, attempt(format('UPDATE event SET ended = now() - interval ''1 second'' WHERE id = %s', n)) FROM generate_series(0, 4) AS n;
SELECT attempt('UPDATE event SET title = ''another'', ended = ended WHERE id = 4');
-- another way to a later clock: the row's own reference, a reference on the way
SELECT attempt('UPDATE chat SET event_id = 0 WHERE id = 4');
SELECT attempt('UPDATE chat SET event_id = NULL WHERE id = 4');
SELECT attempt('UPDATE chat SET event_id = 0 WHERE id = 1');
SELECT attempt('UPDATE device SET room = ''r0'' WHERE id = 2');
SELECT attempt('UPDATE device SET room = ''nowhere'' WHERE id = 2');
SELECT attempt('UPDATE device SET room = ''r3'' WHERE id = 2');
SELECT attempt('UPDATE room SET event_id = 0 WHERE code = ''r3''');
SELECT attempt('UPDATE room SET code = ''other'' WHERE code = ''r3''');
SELECT attempt('UPDATE room SET colour = ''red'' WHERE code = ''r3''');
-- a key that foreign keys follow is not in the way of anything
SELECT attempt('UPDATE event SET id = 40 WHERE id = 4');
-- what was due and is gone keeps no clock back
RESET ROLE;
CALL retention.enforce('device');
CALL retention.enforce('chat');
SET ROLE clock_owner;
SELECT id FROM device ORDER BY id;
SELECT id, attempt(format('UPDATE event SET ended = now() - interval ''1 second'' WHERE id = %s', id)) FROM event WHERE id > 0 ORDER BY 1;
RESET ROLE;

-- A parent's clock that is set to a time long ago makes rows due that passes had
-- behind them.
INSERT INTO event VALUES (50, NULL);
INSERT INTO chat VALUES (50, 50, 'body');
CALL retention.enforce();
UPDATE retention.rule_state SET swept_at = clock_timestamp(), sweep_cost = 1000000 WHERE relation = 'clocks.chat';
UPDATE event SET ended = now() - interval '1 year' WHERE id = 50;
SELECT relid::regclass, clock < now() - interval '360 days' AS far_back FROM retention.late_write
	WHERE relid IN ('chat'::regclass, 'device'::regclass) ORDER BY relid::regclass::text;
CALL retention.enforce();
SELECT id FROM chat WHERE id = 50;

-- Another owner's table is nobody else's to guard.
SET ROLE clock_other;
CREATE TABLE foreign_event (id int PRIMARY KEY, ended timestamptz);
CREATE INDEX ON foreign_event (ended);
GRANT REFERENCES, SELECT ON foreign_event TO clock_owner;
SET ROLE clock_owner;
CREATE TABLE guest (id int PRIMARY KEY, event_id int REFERENCES foreign_event, name text);
CREATE INDEX ON guest (event_id);
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE guest IS 'clock week, from event_id -> ended, then delete';
SELECT valid, problem FROM retention.rule WHERE relation = 'guest'::regclass;
SET ROLE clock_owner;
SELECT retention.protect('guest');
RESET ROLE;
SELECT session_user AS superuser \gset
ALTER TABLE foreign_event OWNER TO :"superuser";
SELECT valid, problem FROM retention.rule WHERE relation = 'guest'::regclass;
ALTER TABLE foreign_event OWNER TO clock_owner;
SELECT valid FROM retention.rule WHERE relation = 'guest'::regclass;
SET ROLE clock_owner;
SELECT retention.protect('guest');
RESET ROLE;

-- Partitions and children of a clock's table; a relabelled table.
SET ROLE clock_owner;
CREATE TABLE meeting (id int, day date, ended timestamptz, planned timestamptz, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE meeting_1 PARTITION OF meeting FOR VALUES FROM ('2000-01-01') TO ('2030-01-01');
CREATE TABLE minute (id int PRIMARY KEY, meeting int, day date, body text, FOREIGN KEY (meeting, day) REFERENCES meeting);
CREATE INDEX ON minute (meeting, day);
CREATE INDEX ON meeting (ended);
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE minute IS 'clock week, from minute_meeting_day_fkey -> ended, then delete';
SELECT retention.protect('minute');
SET ROLE clock_owner;
CREATE TABLE meeting_2 PARTITION OF meeting FOR VALUES FROM ('2030-01-01') TO ('2040-01-01');
RESET ROLE;
SELECT * FROM clock_guards WHERE relation::text LIKE 'meeting%';
INSERT INTO meeting VALUES (1, '2024-01-01', now() - interval '10 days'), (2, '2031-01-01', now() - interval '1 day');
INSERT INTO minute VALUES (1, 1, '2024-01-01', 'body');
GRANT ALL ON meeting TO clock_app;
SET ROLE clock_app;
SELECT attempt('UPDATE meeting SET ended = now() WHERE id = 1');
SELECT attempt('UPDATE meeting SET ended = NULL WHERE id = 2');
-- across partitions
SELECT attempt('UPDATE meeting SET ended = NULL, day = ''2025-01-01'' WHERE id = 2');
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE minute IS 'clock week, from minute_meeting_day_fkey -> planned, then delete';
SET ROLE clock_app;
SELECT attempt('UPDATE meeting SET ended = NULL WHERE id = 2');
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE minute IS 'clock week, from event_id references event (id) -> ended, then delete';
ALTER TABLE minute ADD COLUMN event_id int;
SECURITY LABEL FOR privacy_retention ON TABLE minute IS 'clock week, from event_id references event (id) -> ended, then delete';
CALL retention.enforce('minute');
SELECT * FROM clock_guards;

-- Code of the owner's that runs inside a pass has no more rights than elsewhere.
SET ROLE clock_owner;
CREATE TABLE bystander (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON bystander (seen);
CREATE FUNCTION reopen_now() RETURNS void LANGUAGE plpgsql VOLATILE AS $$BEGIN
	UPDATE clocks.ticket SET closed = NULL WHERE id = 7;
END$$;
CREATE FUNCTION reopening(text) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN
	IF $1 IS NOT NULL THEN PERFORM clocks.reopen_now(); END IF;
	RETURN NULL;
END$$;
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE bystander IS 'clock month, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN bystander.name IS 'clock week, from seen, then call clocks.reopening';
SELECT retention.protect('bystander');
SET privacy_retention.late_rows = accept;
INSERT INTO bystander VALUES (1, now() - interval '8 days', 'name');
RESET privacy_retention.late_rows;
CALL retention.enforce('bystander');
SELECT column_name, last_error FROM retention.rule_state WHERE relation = 'clocks.bystander' ORDER BY 1;
SELECT closed IS NULL FROM ticket WHERE id = 7;

-- The guard of a clock goes with the last table that needs it.
SELECT retention.unprotect('chat');
SELECT * FROM clock_guards;
SELECT retention.unprotect('minute');
SELECT retention.unprotect('device');
SELECT * FROM clock_guards;
SELECT attempt('UPDATE event SET ended = NULL');
SELECT retention.unprotect('guest');
SELECT * FROM clock_guards;

-- A table whose rows have their clocks in rows of the same table
CREATE TABLE node (id int PRIMARY KEY, root int REFERENCES node, ended timestamptz, body text);
CREATE INDEX ON node (root);
CREATE INDEX ON node (ended);
SECURITY LABEL FOR privacy_retention ON TABLE node IS 'clock week, from root -> ended or ended, then delete';
SELECT retention.protect('node');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'node'::regclass AND tgname LIKE 'zz%' ORDER BY 1;
INSERT INTO node VALUES (1, NULL, now() - interval '1 day'), (2, 1, NULL);
GRANT ALL ON node TO clock_app;
SET ROLE clock_app;
SELECT attempt('UPDATE node SET ended = NULL WHERE id = 1');
SELECT attempt('UPDATE node SET ended = now() + interval ''1 year'' WHERE id = 2');
RESET ROLE;

-- By the clock in the row itself where the hop finds none, too, a row can be due.
SET privacy_retention.late_rows = accept;
INSERT INTO node VALUES (3, NULL, now() - interval '10 days'), (4, 1, now() - interval '10 days');
RESET privacy_retention.late_rows;
SET ROLE clock_app;
SELECT attempt('UPDATE node SET ended = ended + interval ''1 day'' WHERE id = 3');
SELECT attempt('UPDATE node SET ended = now() WHERE id = 3');
SELECT attempt('UPDATE node SET ended = ended - interval ''1 day'' WHERE id = 3');
-- not so where it finds one
SELECT attempt('UPDATE node SET ended = ended + interval ''1 day'' WHERE id = 4');
RESET ROLE;

-- An expression: what it reads is the clock.
CREATE TABLE parcel (id int PRIMARY KEY, sent bigint, body text);
SECURITY LABEL FOR privacy_retention ON TABLE parcel IS 'clock week, from to_timestamp(sent), then delete';
SELECT retention.protect('parcel');
INSERT INTO parcel VALUES (1, extract(epoch FROM now() - interval '1 day')), (2, extract(epoch FROM now() - interval '10 days'));
GRANT ALL ON parcel TO clock_app;
SET ROLE clock_app;
SELECT attempt('UPDATE parcel SET sent = NULL WHERE id = 1');
SELECT attempt('UPDATE parcel SET sent = sent + 60 WHERE id = 1');
SELECT attempt('UPDATE parcel SET sent = sent + 60 WHERE id = 2');
SELECT attempt('UPDATE parcel SET sent = sent * 100 WHERE id = 1');
RESET ROLE;

DROP SCHEMA clocks CASCADE;
DROP OWNED BY clock_owner, clock_app, clock_officer, clock_other;
DROP ROLE clock_owner, clock_app, clock_officer, clock_other;
