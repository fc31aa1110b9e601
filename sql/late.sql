-- Rows and values that are past their date when they are written: transformed,
-- refused or let in, whichever way they come.
CREATE SCHEMA late;
SET search_path = late, public;
SET client_min_messages = error;
\pset format unaligned
\pset footer off
DO $$BEGIN
	PERFORM retention.set_category('late short', '7 days', 'the event');
	PERFORM retention.set_category('late long', '1 mon', 'the event');
END$$;
CREATE TABLE mark (id bigint);
INSERT INTO mark SELECT coalesce(max(id), 0) FROM retention.ledger;

CREATE TABLE visit (
	id int PRIMARY KEY,
	seen timestamptz,
	address inet,
	agent text,
	kind text NOT NULL DEFAULT 'web',
	note text
);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.address IS 'late short, from seen, then truncate to 24/48';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.agent IS
	'late short, where (kind = ''web''), from seen, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.id IS 'no personal data';
CREATE INDEX ON visit (seen);
SELECT retention.protect('visit');

-- transform, the default: on time, late for the columns, late for the row
SHOW privacy_retention.late_rows;
INSERT INTO visit VALUES
	(1, now(), '192.0.2.77', 'agent', 'web', 'on time'),
	(2, now() - interval '8 days', '192.0.2.77', 'agent', 'web', 'late'),
	(3, now() - interval '8 days', '9001:db8:1:2::77', 'agent', 'mail', 'late, but the condition does not hold'),
	(4, now() - interval '60 days', '192.0.2.77', 'agent', 'web', 'let in: the next pass takes it'),
	(5, NULL, '192.0.2.77', 'agent', 'web', 'not started'),
	(6, '1970-01-01', '192.0.2.77', 'agent', 'web', 'implausible'),
	(7, 'infinity', '192.0.2.77', 'agent', 'web', 'never')
RETURNING id, address, agent;
SELECT id, address, agent, note FROM visit ORDER BY id;

-- the boundary: exactly at the end it is due, a microsecond before it is not
BEGIN;
INSERT INTO visit VALUES
	(8, now() - interval '168 hours', '192.0.2.77', 'agent'),
	(9, now() - interval '168 hours' + interval '1 microsecond', '192.0.2.77', 'agent')
RETURNING id, address, agent;
ROLLBACK;

-- A clear value cannot be written back; what the statement leaves alone is the
-- business of passes.
UPDATE visit SET address = '198.51.100.9' WHERE id = 2 RETURNING address;
UPDATE visit SET note = 'changed' WHERE id = 2 RETURNING address, agent, note;
UPDATE visit SET agent = 'agent' WHERE id IN (2, 3) RETURNING id, agent;
-- a condition that comes to hold, a clock that comes to be past
UPDATE visit SET kind = 'web' WHERE id = 3 RETURNING id, address, agent;
UPDATE visit SET seen = now() - interval '9 days' WHERE id = 1 RETURNING address, agent;
-- other columns of a row that is late already
SET privacy_retention.late_rows = accept;
INSERT INTO visit VALUES (10, now() - interval '8 days', '192.0.2.77', 'agent');
RESET privacy_retention.late_rows;
UPDATE visit SET note = 'changed' WHERE id = 10 RETURNING address, agent, note;
UPDATE visit SET address = '192.0.2.78' WHERE id = 10 RETURNING address, agent;

-- reject: what is late is an error, which names no value
SET privacy_retention.late_rows = reject;
INSERT INTO visit VALUES (11, now() - interval '8 days', '192.0.2.77', NULL);
INSERT INTO visit VALUES (11, now() - interval '8 days', '192.0.2.0/24', 'agent');
INSERT INTO visit VALUES (11, now() - interval '8 days', '192.0.2.0/24', NULL, 'web', 'as the rules leave it') RETURNING id;
INSERT INTO visit VALUES (12, now() - interval '60 days', NULL, NULL);
UPDATE visit SET address = '192.0.2.77' WHERE id = 11;
UPDATE visit SET note = 'still' WHERE id = 11 RETURNING note;
-- who only wants to insert where there is nothing is told, too
INSERT INTO visit VALUES (11, now() - interval '8 days', '192.0.2.77') ON CONFLICT DO NOTHING;
RESET privacy_retention.late_rows;

-- accept: nothing is changed; the pass does it
SET privacy_retention.late_rows = accept;
INSERT INTO visit VALUES (13, now() - interval '8 days', '192.0.2.77', 'agent') RETURNING address, agent;
RESET privacy_retention.late_rows;
CALL retention.enforce('visit');
SELECT id, address, agent FROM visit ORDER BY id;
TRUNCATE visit;

-- Whatever the way: COPY, MERGE, ON CONFLICT, a view, a rule,
-- replica mode, a CTE, another BEFORE trigger.
COPY visit (id, seen, address, agent) FROM stdin;
1	2024-01-01 00:00:00+00	192.0.2.1	agent
2	2099-01-01 00:00:00+00	192.0.2.2	agent
3	2024-01-01 00:00:00+00	192.0.2.3	agent
\.
SELECT id, address, agent FROM visit ORDER BY id;
MERGE INTO visit USING (VALUES (2, '192.0.2.20'::inet), (4, '192.0.2.4')) AS n (id, address) ON visit.id = n.id
	WHEN MATCHED THEN UPDATE SET seen = now() - interval '8 days', address = n.address
	WHEN NOT MATCHED THEN INSERT (id, seen, address, agent) VALUES (n.id, now() - interval '8 days', n.address, 'agent');
SELECT id, address, agent FROM visit WHERE id IN (2, 4) ORDER BY id;
INSERT INTO visit (id, seen, address, agent) VALUES (1, now() - interval '8 days', '192.0.2.111', 'agent')
	ON CONFLICT (id) DO UPDATE SET address = excluded.address, agent = 'written back' RETURNING id, address, agent;
CREATE VIEW seen AS SELECT id, seen, address, agent FROM visit;
INSERT INTO seen VALUES (5, now() - interval '8 days', '192.0.2.5', 'agent') RETURNING address, agent;
UPDATE seen SET agent = 'agent' WHERE id = 5 RETURNING address, agent;
CREATE TABLE incoming (LIKE visit INCLUDING DEFAULTS);
CREATE RULE forward AS ON INSERT TO incoming DO INSTEAD INSERT INTO visit VALUES (NEW.*);
INSERT INTO incoming VALUES (6, now() - interval '8 days', '192.0.2.6', 'agent');
SET session_replication_role = replica;
INSERT INTO visit (id, seen, address, agent) VALUES (7, now() - interval '8 days', '192.0.2.7', 'agent');
RESET session_replication_role;
WITH new AS (INSERT INTO visit (id, seen, address, agent)
	VALUES (8, now() - interval '8 days', '192.0.2.8', 'agent') RETURNING *) SELECT address, agent FROM new;
CREATE FUNCTION write_back() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.agent = 'written by a trigger'; RETURN NEW; END$$;
CREATE TRIGGER writer BEFORE INSERT OR UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION write_back();
INSERT INTO visit (id, seen, address) VALUES (9, now() - interval '8 days', '192.0.2.9') RETURNING address, agent;
UPDATE visit SET note = 'anything' WHERE id = 8 RETURNING address, agent;
DROP TRIGGER writer ON visit;
SELECT id, address, agent FROM visit WHERE id BETWEEN 5 AND 9 ORDER BY id;

-- Clocks of other types, in a zone of their own, and in expressions.
SET privacy_retention.timezone = 'Pacific/Auckland';
CREATE TABLE typed (
	id int PRIMARY KEY,
	on_day date, at_local timestamp, at_epoch bigint, ended timestamptz, started timestamptz,
	by_day text, by_local text, by_epoch text, by_either text, by_function text
);
CREATE FUNCTION own_clock(timestamptz) RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT $1';
DO $$BEGIN
	PERFORM retention.label('typed', 'no personal data', '{id,on_day,at_local,at_epoch,ended,started}');
	PERFORM retention.label('typed', 'late short, from on_day, then set null', '{by_day}');
	PERFORM retention.label('typed', 'late short, from at_local, then set null', '{by_local}');
	PERFORM retention.label('typed', 'late short, from to_timestamp(at_epoch / 1000.0), then set null', '{by_epoch}');
	PERFORM retention.label('typed', 'late short, from coalesce(ended, started), then set ''late''', '{by_either}');
	PERFORM retention.label('typed', 'late short, from late.own_clock(started), then set null', '{by_function}');
	PERFORM retention.protect('typed');
END$$;
INSERT INTO typed
SELECT n,
	(date_trunc('day', now() AT TIME ZONE 'Pacific/Auckland') - interval '7 days' + n * interval '1 day')::date,
	(now() AT TIME ZONE 'Pacific/Auckland') - interval '7 days' + n * interval '2 hours',
	extract(epoch FROM now() - interval '7 days' + n * interval '2 hours') * 1000,
	NULL, now() - interval '7 days' + n * interval '2 hours',
	'clear', 'clear', 'clear', 'clear', 'clear'
FROM unnest(ARRAY[-1, 1]) AS n;
SELECT id, by_day, by_local, by_epoch, by_either, by_function FROM typed ORDER BY id;
RESET privacy_retention.timezone;

-- An expression that fails is no reason for the application's statement to fail:
-- the row is let in, and the pass says what is wrong with it.
CREATE TABLE faulty (id int PRIMARY KEY, seen timestamptz, divisor int, body text);
SECURITY LABEL FOR privacy_retention ON TABLE faulty IS
	'late short, from (seen + interval ''1 day'' / divisor), then delete';
DO $$BEGIN PERFORM retention.protect('faulty'); END$$;
INSERT INTO faulty VALUES (1, now() - interval '30 days', 1, 'late'), (2, now() - interval '30 days', 0, 'faulty');
UPDATE faulty SET divisor = 0 WHERE id = 1;
UPDATE faulty SET divisor = 1 WHERE id = 1;
CALL retention.enforce('faulty');
SELECT id, body FROM faulty;
SELECT sqlstate, count(*) FROM retention.blocked WHERE relation = 'late.faulty' GROUP BY 1;

-- A generated clock is computed after all triggers; what it is made of is there.
CREATE TABLE made (
	id int PRIMARY KEY, opened timestamptz, hours int, body text,
	closes timestamptz GENERATED ALWAYS AS (coalesce(opened, '2000-01-01 00:00:00+00'::timestamptz)) STORED
);
SECURITY LABEL FOR privacy_retention ON TABLE made IS 'late long, from closes, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN made.body IS 'late short, from closes, then set null';
DO $$BEGIN PERFORM retention.protect('made'); END$$;
INSERT INTO made (id, opened, body) VALUES (1, now(), 'clear'), (2, now() - interval '8 days', 'clear')
	RETURNING id, body, closes = opened AS is_there;
UPDATE made SET opened = now() - interval '9 days' WHERE id = 1 RETURNING id, body;

-- Partitions, directly and by way of the root, in another order of columns; rows
-- that move from one to the other; children of plain inheritance.
CREATE TABLE part (id int, seen timestamptz NOT NULL, region text NOT NULL, body text) PARTITION BY LIST (region);
CREATE TABLE part_north PARTITION OF part FOR VALUES IN ('north');
CREATE TABLE part_south (region text NOT NULL, gone int, body text, seen timestamptz NOT NULL, id int);
ALTER TABLE part_south DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_south FOR VALUES IN ('south');
SECURITY LABEL FOR privacy_retention ON TABLE part IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN part.body IS 'late short, from seen, then set ''late''';
DO $$BEGIN PERFORM retention.protect('part'); END$$;
INSERT INTO part VALUES (1, now() - interval '8 days', 'north', 'clear'), (2, now() - interval '8 days', 'south', 'clear');
INSERT INTO part_south (id, seen, region, body) VALUES (3, now() - interval '8 days', 'south', 'clear'), (4, now(), 'south', 'clear');
SELECT tableoid::regclass, id, body FROM part ORDER BY id;
UPDATE part SET region = 'north', seen = now() - interval '8 days' WHERE id = 4 RETURNING tableoid::regclass, body;
CREATE TABLE base (id int PRIMARY KEY, seen timestamptz, body text);
CREATE TABLE derived (extra text) INHERITS (base);
SECURITY LABEL FOR privacy_retention ON TABLE base IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN base.body IS 'late short, from seen, then set null';
DO $$BEGIN PERFORM retention.protect('base'); END$$;
INSERT INTO derived VALUES (1, now() - interval '8 days', 'clear', 'extra') RETURNING body, extra;

-- ON UPDATE CASCADE into a protected table
CREATE TABLE person (mail text PRIMARY KEY);
CREATE TABLE letter (id int PRIMARY KEY, mail text REFERENCES person ON UPDATE CASCADE, sent timestamptz, body text);
SECURITY LABEL FOR privacy_retention ON TABLE letter IS 'late long, from sent, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN letter.mail IS 'late short, from sent, then set null';
DO $$BEGIN PERFORM retention.protect('letter'); END$$;
INSERT INTO person VALUES ('a@example.org');
SET privacy_retention.late_rows = accept;
INSERT INTO letter VALUES (1, 'a@example.org', now(), 'on time'), (2, 'a@example.org', now() - interval '8 days', 'late');
RESET privacy_retention.late_rows;
UPDATE person SET mail = 'b@example.org';
SELECT id, mail FROM letter ORDER BY id;

-- Labels, categories and settings that change are heeded at once.
CREATE TABLE change (id int, seen timestamptz, body text);
SECURITY LABEL FOR privacy_retention ON TABLE change IS 'late long, from seen, then delete';
DO $$BEGIN PERFORM retention.protect('change'); END$$;
INSERT INTO change VALUES (1, now() - interval '8 days', 'clear') RETURNING body;
SECURITY LABEL FOR privacy_retention ON COLUMN change.body IS 'late short, from seen, then set null';
INSERT INTO change VALUES (2, now() - interval '8 days', 'clear') RETURNING body;
SELECT retention.set_category('late short', period => '20 days', retroactive => true);
INSERT INTO change VALUES (3, now() - interval '8 days', 'clear') RETURNING body;
SELECT retention.set_category('late short', period => '7 days');
INSERT INTO change VALUES (4, now() - interval '8 days', 'clear') RETURNING body;
SET privacy_retention.earliest = '2090-01-01';
INSERT INTO change VALUES (5, now() - interval '8 days', 'clear') RETURNING body;
RESET privacy_retention.earliest;
SELECT retention.unprotect('change');
INSERT INTO change VALUES (6, now() - interval '8 days', 'clear') RETURNING body;

-- A longer period keeps the older promise for older clocks here, too.
SELECT retention.set_category('late kept', '7 days', 'the event');
CREATE TABLE kept (id int, seen timestamptz, body text);
SECURITY LABEL FOR privacy_retention ON TABLE kept IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN kept.body IS 'late kept, from seen, then set null';
DO $$BEGIN PERFORM retention.protect('kept'); END$$;
SELECT retention.set_category('late kept', period => '30 days');
INSERT INTO kept VALUES (1, now() - interval '8 days', 'clear'), (2, now() - interval '6 days', 'clear') RETURNING id, body;

-- A row's own period counts where it is in the row; one in another row is left to
-- passes, unless the row may be due for another reason, as 1 is.
CREATE TABLE tenant (id int PRIMARY KEY, keep interval);
CREATE TABLE own (id int, seen timestamptz, keep interval, tenant int REFERENCES tenant, body text, other text);
SECURITY LABEL FOR privacy_retention ON TABLE own IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN own.body IS 'late short, from seen, for keep, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN own.other IS 'late short, from seen, for tenant -> keep, then set null';
DO $$BEGIN PERFORM retention.protect('own'); END$$;
INSERT INTO tenant VALUES (1, '1 day'), (2, NULL);
INSERT INTO own VALUES
	(1, now() - interval '2 days', '1 day', 1, 'clear', 'clear'),
	(2, now() - interval '2 days', '3 days', 1, 'clear', 'clear'),
	(3, now() - interval '2 days', NULL, 2, 'clear', 'clear'),
	(4, now() - interval '8 days', '100 days', 1, 'clear', 'clear'),
	(5, now() - interval '8 days', NULL, 2, 'clear', 'clear');
UPDATE own SET keep = '1 day' WHERE id = 2;
SELECT id, body, other FROM own ORDER BY id;

-- What the guard has changed was never stored: passes have nothing to testify.
SELECT relation, sum(rows) FROM retention.ledger l, mark m
WHERE l.id > m.id AND l.event = 'batch' AND relation IN ('late.part', 'late.base', 'late.typed') GROUP BY 1;

-- Late rows tell passes to look behind what they have seen done.
CREATE TABLE big (id int PRIMARY KEY, seen timestamptz, body text);
CREATE INDEX ON big (seen);
SECURITY LABEL FOR privacy_retention ON TABLE big IS 'late long, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN big.body IS 'late short, from seen, then set null';
DO $$BEGIN PERFORM retention.protect('big'); END$$;
CREATE FUNCTION pretend_expensive() RETURNS void LANGUAGE sql AS $$
	UPDATE retention.rule_state SET swept_at = clock_timestamp(), sweep_cost = 1000000 WHERE relation = 'late.big' $$;
CREATE VIEW marks AS SELECT count(*) AS records, min(clock) < now() - interval '50 days' AS far_back FROM retention.late_write
	WHERE relid = 'late.big'::regclass;
INSERT INTO big SELECT n, now() - interval '6 days', 'clear' FROM generate_series(1, 10) AS n;
CALL retention.enforce();
SELECT pretend_expensive();
SELECT * FROM marks;
-- without a record, such a row would be found by the next full search only
INSERT INTO big VALUES (11, now() - interval '60 days', 'unseen');
DELETE FROM retention.late_write WHERE relid = 'big'::regclass;
CALL retention.enforce();
SELECT id FROM big WHERE id > 10;
-- with it, the next pass finds it, and all that is later
BEGIN;
INSERT INTO big VALUES (12, now() - interval '59 days', 'seen'), (13, now() - interval '61 days', 'seen');
SAVEPOINT s;
INSERT INTO big VALUES (14, now() - interval '40 days', 'gone again');
ROLLBACK TO s;
SELECT * FROM marks;
COMMIT;
SELECT * FROM marks;
CALL retention.enforce();
SELECT id FROM big WHERE id > 10;
SELECT * FROM marks;
-- from there on passes look until the next full search
SELECT column_name, swept_to > now() - interval '40 days' AS far FROM retention.rule_state WHERE relation = 'late.big' ORDER BY 1;
-- an UPDATE, and values that are accepted
SET privacy_retention.late_rows = accept;
UPDATE big SET seen = now() - interval '20 days' WHERE id = 1;
RESET privacy_retention.late_rows;
UPDATE big SET seen = now() - interval '50 days' WHERE id = 2;
SELECT records FROM marks;
CALL retention.enforce();
SELECT id, body FROM big WHERE id < 3;
-- a transaction that changes nothing of that records nothing
UPDATE big SET id = id + 100 WHERE id = 5;
INSERT INTO big VALUES (20, now(), 'on time');
BEGIN;
INSERT INTO big VALUES (21, now() - interval '60 days', 'rolled back');
ROLLBACK;
SELECT records FROM marks;
-- also by a clock in the row that counts only where a hop finds none
CREATE TABLE inn (id int PRIMARY KEY, ended timestamptz);
CREATE TABLE lodger (id int PRIMARY KEY, inn int REFERENCES inn, seen timestamptz);
SECURITY LABEL FOR privacy_retention ON TABLE lodger IS 'late long, from inn -> ended or seen, then delete';
DO $$BEGIN PERFORM retention.protect('lodger'); END$$;
INSERT INTO lodger VALUES (1, NULL, now()), (2, NULL, now());
CALL retention.enforce();
UPDATE retention.rule_state SET swept_at = clock_timestamp(), sweep_cost = 1000000 WHERE relation = 'late.lodger';
UPDATE lodger SET seen = now() - interval '60 days' WHERE id = 1;
CALL retention.enforce();
SELECT id FROM lodger;
DROP TABLE lodger, inn;
-- a table that is gone leaves nothing behind
INSERT INTO big VALUES (22, now() - interval '60 days', 'late');
SELECT records FROM marks;
DROP VIEW marks;
DROP TABLE big;
INSERT INTO visit (id, seen) VALUES (30, now() - interval '60 days');
CALL retention.enforce();
SELECT count(*) FROM retention.late_write w
WHERE relid = 'visit'::regclass OR NOT EXISTS (SELECT FROM pg_class WHERE oid = w.relid);

-- A value under suspension is not past its date: what may change in such a row, may.
CREATE TABLE dossier (id int PRIMARY KEY, seen timestamptz, body text);
SECURITY LABEL FOR privacy_retention ON COLUMN dossier.body IS 'late short, from seen, then set null';
SELECT retention.label('dossier', 'no personal data', '{id, seen}');
DO $$BEGIN PERFORM retention.protect('dossier'); END$$;
INSERT INTO dossier VALUES (1, now(), 'held'), (2, now(), 'clear');
ALTER TABLE retention.hold ALTER id RESTART WITH 9001;
SELECT retention.suspend('dossier', 'id = 1', 'a lawsuit', '2099-12-31', 'the DPO');
UPDATE dossier SET seen = now() - interval '60 days';
SET privacy_retention.late_rows = reject;
UPDATE dossier SET seen = now() - interval '61 days' WHERE id = 1;
UPDATE dossier SET body = 'changed' WHERE id = 1;
RESET privacy_retention.late_rows;
SELECT id, body FROM dossier ORDER BY 1;
SELECT retention.lift_suspension(9001, 'over');
CALL retention.enforce('dossier');
SELECT id, body FROM dossier ORDER BY 1;

DROP SCHEMA late CASCADE;
