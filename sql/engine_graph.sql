-- Clocks in other tables: hops, what goes first, what is lost.
CREATE SCHEMA graph;
SET search_path = graph, public;
SET client_min_messages = error;
DO $$BEGIN
	PERFORM retention.set_category('graph short', '7 days', 'the event');
	PERFORM retention.set_category('graph long', '1 mon', 'the event');
	PERFORM retention.set_category('graph longest', '1 year', 'the event');
END$$;
CREATE VIEW stuck AS
	SELECT relation, column_name, partition, sqlstate, constraint_name, count(*)
	FROM retention.blocked WHERE relation LIKE 'graph.%'
	GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3, 4, 5;

-- The event is kept until its dependents are done, although it is due earlier.
-- It has the foreign key's cascade, too: nothing may go early by it.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE session (id int PRIMARY KEY, event_id int NOT NULL REFERENCES event ON DELETE CASCADE, address inet);
CREATE TABLE device (id int PRIMARY KEY, session_id int NOT NULL REFERENCES session ON DELETE CASCADE, name text);
INSERT INTO event VALUES (1, '2024-01-01 00:00:00+00'), (2, '2024-01-20 00:00:00+00'), (3, NULL), (4, '2024-01-01 00:00:00+00');
INSERT INTO session SELECT n * 10, n, '192.0.2.77' FROM generate_series(1, 3) n;
INSERT INTO device SELECT n, n * 10, 'name' FROM generate_series(1, 3) n;
SELECT retention.label('event', 'graph short, from ended_at, then delete');
SELECT retention.label('session', 'from event_id -> ended_at');
SELECT retention.label('session', 'no personal data', ARRAY['id', 'event_id']::name[]);
SELECT retention.label('session', 'graph long, then truncate to 24/48', ARRAY['address']::name[]);
SELECT retention.label('device', 'from session_id -> event_id -> ended_at; graph longest, then delete');
SELECT retention.label('device', 'graph short, then set null', ARRAY['name']::name[]);
SELECT retention.protect(r, at_most => 20) FROM unnest(ARRAY['event', 'session', 'device']::regclass[]) r;
-- 10 January: event 4, which nobody needs, goes; device 1 loses its name
CALL retention.enforce(as_of => '2024-01-10 00:00:00+00');
SELECT e.id AS event, s.id AS session, s.address, d.id AS device, d.name
	FROM event e LEFT JOIN session s ON s.event_id = e.id LEFT JOIN device d ON d.session_id = s.id ORDER BY 1;
-- 5 February: session 10 is cut, device 2 loses its name
CALL retention.enforce(as_of => '2024-02-05 00:00:00+00');
SELECT e.id AS event, s.id AS session, s.address, d.id AS device, d.name
	FROM event e LEFT JOIN session s ON s.event_id = e.id LEFT JOIN device d ON d.session_id = s.id ORDER BY 1;
-- 5 January 2025: device 1 goes, then nothing needs event 1: it goes and takes
-- session 10 along, whose column is done
CALL retention.enforce(as_of => '2025-01-05 00:00:00+00');
CALL retention.enforce(as_of => '2025-01-05 00:00:00+00');
SELECT e.id AS event, s.id AS session, s.address, d.id AS device, d.name
	FROM event e LEFT JOIN session s ON s.event_id = e.id LEFT JOIN device d ON d.session_id = s.id ORDER BY 1;
-- an event that is not over keeps everything, for ever
CALL retention.enforce(as_of => '2027-01-05 00:00:00+00');
CALL retention.enforce(as_of => '2027-01-05 00:00:00+00');
SELECT e.id AS event, s.id AS session, s.address, d.id AS device, d.name
	FROM event e LEFT JOIN session s ON s.event_id = e.id LEFT JOIN device d ON d.session_id = s.id ORDER BY 1;
-- the event ends; late children come; the end is corrected to an earlier day, or put off
INSERT INTO event VALUES (5, '2026-02-01 00:00:00+00'), (6, '2026-02-01 00:00:00+00');
INSERT INTO session VALUES (50, 5, '192.0.2.77'), (60, 6, '192.0.2.77');
CALL retention.enforce(as_of => '2026-02-20 00:00:00+00');
SELECT e.id AS event, s.id AS session, s.address FROM event e LEFT JOIN session s ON s.event_id = e.id ORDER BY 1, 2;
UPDATE event SET ended_at = '2026-01-01 00:00:00+00' WHERE id = 3;
UPDATE event SET ended_at = '2026-01-02 00:00:00+00' WHERE id = 5;
UPDATE event SET ended_at = '2026-08-01 00:00:00+00' WHERE id = 6;
INSERT INTO session VALUES (51, 5, '192.0.2.77');
CALL retention.enforce(as_of => '2026-02-20 00:00:00+00');
CALL retention.enforce(as_of => '2026-02-20 00:00:00+00');
-- 3 waits for device 3; 5 is gone with its sessions; 6 is as it was
SELECT e.id AS event, s.id AS session, s.address, d.id AS device, d.name
	FROM event e LEFT JOIN session s ON s.event_id = e.id LEFT JOIN device d ON d.session_id = s.id ORDER BY 1, 2;
SELECT * FROM stuck;

-- A clock behind a key of two columns, and by the constraint's name; a
-- reference without a foreign key; "or" for rows where a hop finds nothing.
CREATE TABLE contract (tenant int, nr int, ended date, PRIMARY KEY (tenant, nr));
INSERT INTO contract VALUES (1, 1, '2024-01-01'), (1, 2, '2024-06-01'), (2, 1, NULL);
CREATE TABLE invoice (id int PRIMARY KEY, tenant int, nr int, sent date,
	CONSTRAINT "by contract" FOREIGN KEY (tenant, nr) REFERENCES contract);
INSERT INTO invoice VALUES
	(1, 1, 1, '2020-01-01'),	-- due by its contract
	(2, 1, 2, '2020-01-01'),	-- its contract is not
	(3, 2, 1, '2020-01-01'),	-- its contract has not ended: it does not count when it was sent
	(4, 2, NULL, '2024-01-01'),	-- no contract: due by what it is itself
	(5, NULL, NULL, '2024-06-01'),	-- not
	(6, NULL, NULL, NULL);		-- not started
SELECT retention.label('invoice', 'graph long, from "by contract" -> ended or sent, then delete');
CREATE TABLE person (id int, mail text, gone_at bigint, UNIQUE (mail));
INSERT INTO person VALUES (1, 'a', 1704067200), (2, 'b', 1717200000), (3, 'c', NULL), (4, 'd', 0);
CREATE TABLE letter (id int PRIMARY KEY, mail text, body text);
INSERT INTO letter VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'x'), (4, 'd', 'x'), (5, 'e', 'x'), (6, NULL, 'x');
SELECT retention.label('letter', 'graph long, from mail references graph.person(mail) -> to_timestamp(gone_at) or (timestamp ''2024-01-01'' + id * interval ''0''), then delete');
SELECT retention.protect('invoice', at_most => 6), retention.protect('letter', at_most => 6);
CALL retention.enforce('invoice', as_of => '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "2 3 5 6" FROM invoice;
CALL retention.enforce('letter', as_of => '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "2 3 4" FROM letter;
-- 5 comes back, and the person it wants comes, too
INSERT INTO person VALUES (5, 'e', 1717200000);
INSERT INTO letter VALUES (5, 'e', 'x');
CALL retention.enforce('letter', as_of => '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "2 3 4 5" FROM letter;

-- Trees: a row that has its clock in its parent. No row waits for itself.
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, ended date);
INSERT INTO tree VALUES (1, NULL, '2024-01-01'), (2, 1, NULL), (3, 2, '2024-01-01'), (4, 4, '2024-01-01'),
	(5, NULL, '2024-06-01'), (6, 5, '2024-01-01'),
	(7, NULL, '2024-01-01'), (8, 7, '2024-01-01'), (9, 8, '2024-06-01'), (10, 8, '2024-06-01');
SELECT retention.label('tree', 'graph long, from parent -> ended or ended, then delete');
SELECT retention.protect('tree', at_most => 10);
CALL retention.enforce('tree', as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce('tree', as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce('tree', as_of => '2024-06-01 00:00:00+00');
-- a whole tree of three levels went, from its leaves (9, 10, 8, 7), and 4; 3's
-- clock is 2, which has no end, so 3 waits, 2 waits for 3 and 1 for 2; 6's is 5
SELECT id, parent, ended FROM tree ORDER BY id;
SELECT * FROM stuck;
SELECT state, due, not_started, orphaned FROM retention.status WHERE relation = 'tree'::regclass;
CREATE TABLE ring_a (id int PRIMARY KEY, b int, ended date);
CREATE TABLE ring_b (id int PRIMARY KEY, a int REFERENCES ring_a, ended date);
ALTER TABLE ring_a ADD CONSTRAINT ring FOREIGN KEY (b) REFERENCES ring_b DEFERRABLE INITIALLY DEFERRED;
INSERT INTO ring_a VALUES (1, NULL, '2024-01-01'), (2, NULL, '2024-01-01');
INSERT INTO ring_b VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01');
UPDATE ring_a SET b = 1 WHERE id = 1;
SELECT retention.label('ring_a', 'graph long, from ended, then delete');
SELECT retention.label('ring_b', 'graph long, from ended, then delete');
SELECT retention.protect('ring_a', at_most => 2), retention.protect('ring_b', at_most => 2);
CALL retention.enforce(as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce(as_of => '2024-06-01 00:00:00+00');
-- row 2 of both went, and so did the ring: its two rows can only go together
SELECT id FROM ring_a; SELECT id FROM ring_b;
SELECT * FROM stuck;
-- the same where the keys RESTRICT, which from 18 on is an error of its own
ALTER TABLE ring_a DROP CONSTRAINT ring, ADD FOREIGN KEY (b) REFERENCES ring_b ON DELETE RESTRICT;
ALTER TABLE ring_b DROP CONSTRAINT ring_b_a_fkey, ADD FOREIGN KEY (a) REFERENCES ring_a ON DELETE RESTRICT;
INSERT INTO ring_a VALUES (3, NULL, '2024-01-01');
INSERT INTO ring_b VALUES (3, 3, '2024-01-01');
UPDATE ring_a SET b = 3;
CALL retention.enforce(as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce(as_of => '2024-06-01 00:00:00+00');
SELECT id FROM ring_a; SELECT id FROM ring_b;
SELECT * FROM stuck;

-- A reference that is set to null loses its clock: that is counted.
CREATE TABLE host (id int PRIMARY KEY, ended timestamptz);
CREATE TABLE guest (id int PRIMARY KEY, host_id int REFERENCES host ON DELETE SET NULL, name text);
INSERT INTO host VALUES (1, '2024-01-01 00:00:00+00'), (2, '2024-01-01 00:00:00+00');
INSERT INTO guest VALUES (1, 1, 'a'), (2, 2, 'b');
SELECT retention.label('guest', 'graph long, from host_id -> ended, then delete');
DELETE FROM host WHERE id = 2;
SELECT relation, orphaned FROM retention.status WHERE relation = 'guest'::regclass;
CALL retention.enforce(as_of => '2024-06-01 00:00:00+00');
SELECT * FROM guest ORDER BY id;

-- A clock row is kept, too, where only a cascade would take it: b is the clock of
-- c, and goes with a.
CREATE TABLE a (id int PRIMARY KEY, at date);
CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a ON DELETE CASCADE, at date);
CREATE TABLE c (id int PRIMARY KEY, b_id int REFERENCES b ON DELETE SET NULL, at date);
INSERT INTO a VALUES (1, '2024-01-01'), (2, '2024-01-01');
INSERT INTO b VALUES (1, 1, '2024-06-01'), (2, 2, '2024-06-01');
INSERT INTO c VALUES (1, 1, '2023-01-01');
SELECT retention.label('a', 'graph short, from at, then delete');
SELECT retention.label('c', 'graph short, from b_id -> at or at, then delete');
SELECT retention.protect('a', at_most => 9), retention.protect('c', at_most => 9);
CALL retention.enforce(as_of => '2024-03-01 00:00:00+00');
CALL retention.enforce(as_of => '2024-03-01 00:00:00+00');
-- 2 went, with its b; 1 waits for c
SELECT a.id AS a, b.id AS b, c.id AS c FROM a JOIN b ON a_id = a.id LEFT JOIN c ON b_id = b.id ORDER BY 1;
CALL retention.enforce(as_of => '2024-07-01 00:00:00+00');
CALL retention.enforce(as_of => '2024-07-01 00:00:00+00');
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c) AS none;

-- A period that is shortened counts at once, and for all; lengthened, only for
-- clocks that start afterwards.
CREATE TABLE note (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON note (at);
INSERT INTO note SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day' FROM generate_series(1, 30) n;
SELECT retention.label('note', 'graph long, from at, then delete');
SELECT retention.protect('note', at_most => 30);
CALL retention.enforce('note', as_of => '2024-02-01 00:00:00+00');
SELECT count(*) AS thirty FROM note;
SELECT retention.set_category('graph long', '10 days');
SELECT retention.protect('note', at_most => 30);
CALL retention.enforce('note', as_of => '2024-02-01 00:00:00+00');
SELECT min(id) AS "22", count(*) AS nine FROM note;
SELECT retention.set_category('graph long', '20 days');
CALL retention.enforce('note', as_of => '2024-02-03 00:00:00+00');
SELECT min(id) AS "still ten days: 24" FROM note;
SELECT retention.set_category('graph long', '20 days', retroactive => true);
CALL retention.enforce('note', as_of => '2024-02-04 00:00:00+00');
SELECT min(id) AS "twenty days: 24" FROM note;
CALL retention.enforce('note', as_of => '2024-02-14 00:00:00+00');
SELECT min(id) AS "25" FROM note;
-- a clock that is set back behind what was looked at already
UPDATE note SET at = '2024-01-01 00:00:00+00' WHERE id = 30;
INSERT INTO note VALUES (31, '2024-01-01 00:00:00+00');
CALL retention.enforce('note', as_of => '2024-02-14 00:00:00+00');
SELECT min(id), max(id) AS "29" FROM note;
-- a pass as of the future does not make the next one skip what comes until then
CALL retention.enforce('note', as_of => '2099-01-01 00:00:00+00');
SELECT count(*) AS none FROM note;
INSERT INTO note VALUES (32, '2024-03-01 00:00:00+00'), (33, '2090-03-01 00:00:00+00');
CALL retention.enforce('note', as_of => '2024-04-01 00:00:00+00');
SELECT id AS "33" FROM note;

-- The end.
SELECT ok, problem FROM retention.verify_ledger();
DO $$BEGIN
	PERFORM retention.unprotect(tgrelid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE tgname = 'zz_privacy_retention' AND c.relnamespace = 'graph'::regnamespace;
END$$;
DROP SCHEMA graph CASCADE;
DO $$BEGIN
	PERFORM retention.drop_category(c) FROM unnest(ARRAY['graph short', 'graph long', 'graph longest']) c;
END$$;
