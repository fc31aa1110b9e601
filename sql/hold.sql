-- What nobody can do to a row under suspension, by whatever way.
CREATE SCHEMA hold;
SET search_path = hold, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
ALTER TABLE retention.hold ALTER id RESTART WITH 1001;
DO $$BEGIN PERFORM retention.set_category('hold week', '7 days', 'the event'); END$$;
CREATE FUNCTION suspend(relation regclass, condition text) RETURNS bigint LANGUAGE sql AS
	$$SELECT retention.suspend(relation, condition, 'a lawsuit', '2099-12-31', 'the DPO')$$;
CREATE FUNCTION lift_all() RETURNS bigint LANGUAGE sql AS
	$$SELECT count(retention.lift_suspension(id, 'over')) FROM retention.hold WHERE lifted_at IS NULL AND NOT restricts$$;

-- A table that has no label is held like any other; without labels every column is personal.
CREATE TABLE person (id int PRIMARY KEY, name text, big text, extra text);
INSERT INTO person VALUES (1, 'one', repeat('x', 100000)), (2, 'two', NULL), (3, NULL, 'x');
SELECT suspend('person', 'id = 1 OR name IS NULL');
DELETE FROM person WHERE id = 1;
DELETE FROM person;
DELETE FROM person WHERE id = 2 RETURNING id;
-- An unknown answer is no.
INSERT INTO person VALUES (4, 'four');
SELECT suspend('person', 'length(extra) > 3');
DELETE FROM person WHERE id = 4 RETURNING id;
UPDATE person SET extra = 'a lot' WHERE id = 1;
-- The same values may be written again, also where they are stored out of line.
UPDATE person SET name = 'one', big = big WHERE id = 1 RETURNING id;
UPDATE person SET big = repeat('x', 100000) WHERE id = 1 RETURNING id;
UPDATE person SET big = repeat('x', 99999) || 'y' WHERE id = 1;
DO $$DECLARE state text; relation text; name text; BEGIN
	DELETE FROM hold.person WHERE id = 1;
EXCEPTION WHEN restrict_violation THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, relation = TABLE_NAME, name = CONSTRAINT_NAME;
	RAISE WARNING '% % %', state, relation, name;
END$$;
-- Other rows may come to satisfy the condition; then they are held.
INSERT INTO person VALUES (5, 'five');
UPDATE person SET name = NULL WHERE id = 5;
DELETE FROM person WHERE id = 5;
TRUNCATE person;
SELECT lift_all();
TRUNCATE person;

-- Columns with no personal data may change, unless the key does or the row would leave the suspension.
CREATE TABLE visit (id int PRIMARY KEY, person text, state text, counter int, at timestamptz,
	twice int GENERATED ALWAYS AS (counter * 2) STORED);
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'hold week, from at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.id IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.state IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.counter IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.twice IS 'no personal data';
INSERT INTO visit SELECT n, 'p' || n, 'open', 0, '2024-01-01' FROM generate_series(1, 6) n;
SELECT suspend('visit', $$person IN ('p1', 'p2') AND state = 'open'$$);
UPDATE visit SET counter = counter + 1 WHERE id = 1 RETURNING counter, twice;
UPDATE visit SET state = 'closed' WHERE id = 1;
UPDATE visit SET id = 10 WHERE id = 1;
UPDATE visit SET at = '2024-01-02' WHERE id = 1;
UPDATE visit SET state = 'closed' WHERE id = 3 RETURNING state;

-- By superusers and replication roles, as by everybody; with triggers of the user's own.
SET session_replication_role = replica;
DELETE FROM visit WHERE id = 1;
UPDATE visit SET person = '' WHERE id = 1;
TRUNCATE visit;
RESET session_replication_role;
CREATE FUNCTION blank() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.person := ''; RETURN NEW; END$$;
CREATE TRIGGER zzzz BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION blank();
UPDATE visit SET counter = 5 WHERE id = 1;
DROP TRIGGER zzzz ON visit;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER zzzz BEFORE DELETE ON visit FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM visit WHERE id = 1;
DROP TRIGGER zzzz ON visit;
WITH gone AS (DELETE FROM visit WHERE id = 1 RETURNING *) SELECT count(*) FROM gone;
MERGE INTO visit v USING (VALUES (1), (4)) AS s (id) ON v.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO visit v USING (VALUES (1)) AS s (id) ON v.id = s.id WHEN MATCHED THEN UPDATE SET person = '';
INSERT INTO visit VALUES (1, 'p1') ON CONFLICT (id) DO UPDATE SET person = excluded.person || '!';
INSERT INTO visit VALUES (1, 'p1') ON CONFLICT (id) DO UPDATE SET counter = 7 RETURNING counter;
-- An error in a subtransaction is no way, nor is a view, nor a savepoint.
DO $$BEGIN
	BEGIN DELETE FROM hold.visit WHERE id = 1; EXCEPTION WHEN restrict_violation THEN RAISE WARNING 'refused'; END;
END$$;
CREATE VIEW seen AS SELECT * FROM visit;
DELETE FROM seen WHERE id = 1;
SELECT person, state, counter FROM visit ORDER BY id;

-- Foreign keys: what would delete or change a held row.
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, at timestamptz);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, name text);
CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child ON DELETE CASCADE, note text);
CREATE TABLE weak (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL, name text);
CREATE TABLE fallen (id int PRIMARY KEY, parent int DEFAULT 99 REFERENCES parent ON DELETE SET DEFAULT);
CREATE TABLE strict (id int PRIMARY KEY, parent int REFERENCES parent, name text);
CREATE TABLE coded (id int PRIMARY KEY, code text REFERENCES parent (code) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX ON parent (at);
SECURITY LABEL FOR privacy_retention ON TABLE parent IS 'hold week, from at, then delete';
INSERT INTO parent SELECT n, 'c' || n, '2024-01-01' FROM generate_series(1, 9) n;
INSERT INTO parent VALUES (99, 'c99', NULL);
INSERT INTO child SELECT n, n, 'n' || n FROM generate_series(1, 9) n;
INSERT INTO grandchild SELECT n, n, 'n' || n FROM generate_series(1, 9) n;
INSERT INTO weak SELECT n, n, 'n' || n FROM generate_series(1, 9) n;
INSERT INTO fallen SELECT n, n FROM generate_series(1, 9) n;
INSERT INTO coded SELECT n, 'c' || n FROM generate_series(1, 9) n;
INSERT INTO strict VALUES (8, 8, 'n8'), (9, 9, 'n9');
SELECT suspend('child', 'id = 1'), suspend('grandchild', 'id = 2'), suspend('weak', 'id = 3'),
	suspend('fallen', 'id = 4'), suspend('coded', 'id = 5'), suspend('strict', 'id = 9');
DELETE FROM parent WHERE id = 1;
DELETE FROM parent WHERE id = 2;
DELETE FROM parent WHERE id = 3;
DELETE FROM parent WHERE id = 4;
DELETE FROM parent WHERE id = 5;
UPDATE parent SET code = 'other' WHERE id = 5;
TRUNCATE parent CASCADE;
-- The engine keeps what leads to them, and counts it; 8 is blocked by a row that is not held.
SELECT due, held, exact FROM retention.preview('parent');
SELECT retention.protect('parent', at_most => 100);
CALL retention.enforce('parent');
SELECT id FROM parent ORDER BY id;
SELECT due, held, blocked FROM retention.preview('parent');
SELECT relation, sqlstate, constraint_name FROM retention.blocked WHERE relation LIKE 'hold.%';
SELECT state, reason ~ 'held.* by suspensions of tables that refer to it' AS said FROM retention.status WHERE relation = 'parent'::regclass;
SELECT lift_all();
DELETE FROM strict;
CALL retention.enforce('parent');
SELECT id FROM parent ORDER BY id;

-- A table that refers to itself: a row waits until those that refer to it are gone.
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE, at timestamptz);
CREATE INDEX ON tree (at);
SECURITY LABEL FOR privacy_retention ON TABLE tree IS 'hold week, from at, then delete';
INSERT INTO tree VALUES (1, NULL, '2024-01-01'), (2, 1, '2024-01-01'), (3, 2, '2024-01-01'), (4, 2, '2024-01-01'),
	(5, NULL, '2024-01-01'), (6, 5, '2024-01-01'), (7, 7, '2024-01-01');
SELECT suspend('tree', 'id = 3');
SELECT retention.protect('tree', at_most => 100);
CALL retention.enforce('tree');
SELECT id FROM tree ORDER BY id;
SELECT due, held FROM retention.preview('tree');
DELETE FROM tree WHERE id = 1;
SELECT lift_all();
CALL retention.enforce('tree');
SELECT id FROM tree ORDER BY id;

-- Columns: a value that is to change stays in a held row; so does one that held rows refer to.
CREATE TABLE account (id int PRIMARY KEY, mail text UNIQUE, name text, at timestamptz);
CREATE TABLE letter (id int PRIMARY KEY, mail text REFERENCES account (mail) ON UPDATE CASCADE);
SECURITY LABEL FOR privacy_retention ON TABLE account IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN account.id IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN account.at IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN account.name IS 'hold week, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN account.mail IS 'hold week, then truncate to 1';
INSERT INTO account SELECT n, n || '@example.org', 'name', '2024-01-01' FROM generate_series(1, 4) n;
INSERT INTO letter SELECT n, n || '@example.org' FROM generate_series(1, 4) n;
CREATE INDEX ON account (at);
SELECT suspend('account', 'id = 1'), suspend('letter', 'id = 2');
SELECT column_name, due, held FROM retention.preview('account') ORDER BY 1;
SELECT retention.protect('account', at_most => 100);
CALL retention.enforce('account');
SELECT a.*, l.mail FROM account a JOIN letter l USING (id) ORDER BY id;
SELECT lift_all();
CALL retention.enforce('account');
SELECT a.*, l.mail FROM account a JOIN letter l USING (id) ORDER BY id;

-- Partitions: those that come later, with columns in another order, and rows that move.
CREATE TABLE parted (at date, person text, part int) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (part int, gone int, person text, at date);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
SECURITY LABEL FOR privacy_retention ON TABLE parted IS 'hold week, from at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN parted.part IS 'no personal data';
INSERT INTO parted SELECT '2024-01-01', 'p' || n, 1 + n % 2 FROM generate_series(1, 10) n;
SELECT suspend('parted', $$parted.person = 'p5' OR person = 'p6'$$);
DELETE FROM parted WHERE person = 'p5';
DELETE FROM parted_1 WHERE person = 'p6';
UPDATE parted_2 SET person = '';
TRUNCATE parted;
TRUNCATE parted_2;
UPDATE parted SET part = 2 WHERE person = 'p6';
UPDATE parted SET part = 2 WHERE person = 'p8';
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3);
INSERT INTO parted VALUES ('2024-01-01', 'p5', 3), ('2024-01-01', 'p9', 3);
DELETE FROM parted_3;
SELECT due, held FROM retention.preview('parted');
SELECT retention.protect('parted', at_most => 100);
CALL retention.enforce('parted');
SELECT tableoid::regclass, person FROM parted ORDER BY 1, 2;
TRUNCATE parted_3;
-- A partition that is held in part is not emptied as a whole; the others are.
SELECT lift_all();
SELECT suspend('parted', $$person = 'p5' AND part = 3$$);
CALL retention.enforce('parted');
SELECT tableoid::regclass, person FROM parted ORDER BY 1, 2;
SELECT detail, rows FROM retention.ledger WHERE relation = 'hold.parted' AND event = 'batch' ORDER BY id;
SELECT lift_all();

-- Inheritance: the parent's suspension counts for children, a child's for itself.
CREATE TABLE base (id int, at timestamptz);
CREATE TABLE heir (more text) INHERITS (base);
SECURITY LABEL FOR privacy_retention ON TABLE base IS 'hold week, from at, then delete';
CREATE INDEX ON base (at); CREATE INDEX ON heir (at);
INSERT INTO base VALUES (1, '2024-01-01'), (2, '2024-01-01');
INSERT INTO heir VALUES (1, '2024-01-01', 'a'), (2, '2024-01-01', 'b'), (3, '2024-01-01', 'c');
SELECT suspend('base', 'id = 1'), suspend('heir', $$more = 'b'$$);
DELETE FROM base WHERE id = 2;
SELECT due, held FROM retention.preview('base');
SELECT retention.protect('base', at_most => 100);
CALL retention.enforce('base');
SELECT tableoid::regclass, id FROM base ORDER BY 1, 2;
SELECT id, retention.deadline(h) FROM heir h ORDER BY id;
SELECT lift_all();
CALL retention.enforce('base');
SELECT count(*) FROM base;

-- Conditions with a user's function run as the owner of the table, and an error in one refuses.
CREATE ROLE hold_owner;
CREATE ROLE hold_user;
GRANT ALL ON SCHEMA hold TO hold_owner, hold_user;
SET ROLE hold_owner;
CREATE TABLE owned (id int PRIMARY KEY, person text, at timestamptz);
INSERT INTO owned VALUES (1, 'p1', '2024-01-01 23:30:00+00'), (2, 'p2', '2024-01-02'), (3, 'p3', '2024-01-03');
GRANT ALL ON owned TO hold_user;
CREATE FUNCTION hold.mine(id int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
SELECT suspend('owned', 'hold.mine(id)');
RESET ROLE;
CREATE FUNCTION hold.wanted(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN
	IF id = 3 THEN RAISE INFO 'asked as %', current_user; END IF;
	RETURN id IN (1, 3) AND current_user = 'hold_owner';
END$$;
REVOKE ALL ON FUNCTION hold.wanted(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold.wanted(int) TO hold_owner;
SELECT suspend('owned', 'hold.wanted(id)');
SET ROLE hold_user;
DELETE FROM owned WHERE id = 1;
DELETE FROM owned WHERE id = 2 RETURNING id;
DELETE FROM owned WHERE id = 3;
RESET ROLE;
SELECT lift_all();
-- What another owner's table holds is not read as this one's owner: its guard refuses.
CREATE TABLE another (id int PRIMARY KEY, owned int REFERENCES owned ON DELETE CASCADE);
CREATE ROLE hold_another;
ALTER TABLE another OWNER TO hold_another;
GRANT ALL ON SCHEMA hold TO hold_another;
CREATE INDEX ON owned (at);
SECURITY LABEL FOR privacy_retention ON TABLE owned IS 'hold week, from at, then delete';
INSERT INTO another VALUES (3, 3);
INSERT INTO owned VALUES (2, 'p2', '2024-01-02');
SELECT suspend('another', 'true');
SELECT retention.protect('owned', at_most => 3);
CALL retention.enforce('owned');
SELECT id FROM owned ORDER BY id;
SELECT relation, sqlstate, constraint_name ~ '^suspension' AS suspension FROM retention.blocked WHERE relation LIKE 'hold.%';
SELECT lift_all();
CALL retention.enforce('owned');
SELECT count(*) FROM owned;
SELECT retention.unprotect('owned');
DROP TABLE another;
INSERT INTO owned VALUES (1, 'p1', '2024-01-01 23:30:00+00'), (3, 'p3', '2024-01-03');
-- Settings of the session change no answer.
SELECT suspend('owned', $$at::date = '2024-01-01'$$);
SET timezone = 'Pacific/Auckland';
DELETE FROM owned WHERE id = 1;
SET timezone = 'UTC';
SELECT lift_all();

-- Restriction: no column of the row can change, and an officer cannot lift it as a suspension.
SELECT suspend('owned', 'false');
INSERT INTO retention.hold (relation, condition, reason, review_on, approved_by, restricts)
	VALUES ('hold.owned', 'id = 1', 'asked for by the data subject', '2099-12-31', 'the DPO', true);
-- By a label that says that a column is not personal its owner would undo the hold.
SET ROLE hold_owner;
SECURITY LABEL FOR privacy_retention ON TABLE owned IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN owned.person IS 'no personal data';
RESET ROLE;
SECURITY LABEL FOR privacy_retention ON TABLE owned IS 'no personal data';
UPDATE owned SET person = 'px' WHERE id = 3 RETURNING person;
UPDATE owned SET person = 'px' WHERE id = 1;
UPDATE owned SET person = person WHERE id = 1 RETURNING person;
DELETE FROM owned WHERE id = 1;
SELECT retention.lift_suspension(id, 'over') FROM retention.hold WHERE restricts AND lifted_at IS NULL;
UPDATE retention.hold SET lifted_at = now(), lifted_by = 'test', lift_reason = 'over' WHERE restricts AND lifted_at IS NULL;
SELECT lift_all();
DELETE FROM owned WHERE id = 1;

-- A condition that fails for a row holds it, and does not tell what is in it.
CREATE TABLE number (id int, person text);
INSERT INTO number VALUES (1, 'secret'), (2, '7'), (3, '1');
SELECT suspend('number', 'person::int > 3');
DELETE FROM number WHERE id = 1;
DELETE FROM number WHERE id = 2;
DELETE FROM number WHERE id = 3;
TRUNCATE number;
DROP TABLE number;
UPDATE number SET person = '8' WHERE id = 1;
SELECT lift_all();
DELETE FROM number;

\set VERBOSITY terse
DROP SCHEMA hold CASCADE;
DROP ROLE hold_owner, hold_user, hold_another;
SELECT retention.drop_category('hold week');
