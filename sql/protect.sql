-- From watched to enforced, and back: what protect() refuses, warns of and makes.
CREATE SCHEMA protect;
SET search_path = protect, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN
	PERFORM retention.set_category('protect week', '7 days', 'the event');
END$$;
CREATE VIEW guard AS
	SELECT tgrelid::regclass AS relation, tgname, tgenabled, tgparentid <> 0 AS cloned,
		convert_from(substring(tgargs FROM 1 FOR position('\x00'::bytea IN tgargs) - 1), 'SQL_ASCII')::oid =
			(SELECT oid FROM pg_database WHERE datname = current_database()) AS this_database,
		convert_from(trim('\x00'::bytea FROM substring(tgargs FROM position('\x00'::bytea IN tgargs) + 1)), 'SQL_ASCII')::oid::regclass AS named
	FROM pg_trigger WHERE tgfoid = 'retention.guard'::regproc
	ORDER BY tgrelid::regclass::text, tgname;
CREATE VIEW entry AS
	SELECT event, relation, rows FROM retention.ledger
	WHERE relation LIKE 'protect.%' ORDER BY id;

-- What is no labelled table of its own.
CREATE TABLE plain (id int PRIMARY KEY, at timestamptz);
SELECT retention.protect(NULL);
SELECT retention.protect('plain');
CREATE VIEW looking AS SELECT * FROM plain;
SELECT retention.protect('looking');
SELECT retention.protect(0);

-- An invalid rule.
SECURITY LABEL FOR privacy_retention ON COLUMN plain.at IS 'protect week, then set null';
SELECT retention.protect('plain');
-- Columns that no label covers, named; then all covered.
SECURITY LABEL FOR privacy_retention ON TABLE plain IS 'from at';
ALTER TABLE plain ADD COLUMN "Two Words" text, ADD COLUMN gone int;
ALTER TABLE plain DROP COLUMN gone;
SELECT retention.protect('plain');
SECURITY LABEL FOR privacy_retention ON COLUMN plain.id IS 'no personal data';
SELECT retention.protect('plain');
SECURITY LABEL FOR privacy_retention ON COLUMN plain."Two Words" IS 'no personal data';
-- A missing index is a warning, with its statement; the statement helps.
SELECT retention.protect('plain');
CREATE INDEX ON plain (at);
SELECT retention.protect('plain');
SELECT * FROM guard;
SELECT * FROM entry;

-- The guard lets everything pass, and is harmless where somebody else puts it.
INSERT INTO plain VALUES (1, '2030-01-01'), (2, '2030-01-01');
UPDATE plain SET "Two Words" = 'x' WHERE id = 2 RETURNING *;
DELETE FROM plain WHERE id = 1 RETURNING id;
TRUNCATE plain;
SELECT count(*) FROM plain;
CREATE TABLE elsewhere (id int);
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON elsewhere FOR EACH ROW EXECUTE FUNCTION retention.guard();
CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE ON elsewhere FOR EACH ROW EXECUTE FUNCTION retention.guard('not', 'numbers');
CREATE TRIGGER c AFTER TRUNCATE ON elsewhere EXECUTE FUNCTION retention.guard('1');
INSERT INTO elsewhere VALUES (1);
UPDATE elsewhere SET id = 2;
SELECT * FROM elsewhere;
DELETE FROM elsewhere;
TRUNCATE elsewhere;
DROP TABLE elsewhere;

-- A disabled guard is seen; protecting again enables it.
SELECT state, remedy FROM retention.status WHERE relation = 'plain'::regclass;
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER TABLE plain DISABLE TRIGGER zz_privacy_retention;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
SELECT state, remedy FROM retention.status WHERE relation = 'plain'::regclass;
SELECT retention.protect('plain');
SELECT state, remedy FROM retention.status WHERE relation = 'plain'::regclass;
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER TABLE plain ENABLE TRIGGER zz_privacy_retention_truncate;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
SELECT state, reason, remedy FROM retention.status WHERE relation = 'plain'::regclass;
SELECT retention.protect('plain');
-- What came from another database, or is another table, waits for adopt().
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
DROP TRIGGER zz_privacy_retention ON plain;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
SELECT retention.adopt('plain');
CREATE TRIGGER zz_privacy_retention BEFORE INSERT OR UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION retention.guard('1', '2');
ALTER TABLE plain ENABLE ALWAYS TRIGGER zz_privacy_retention;
SELECT state, reason, remedy FROM retention.status WHERE relation = 'plain'::regclass;
SELECT retention.adopt('plain');
SELECT state, reason, remedy FROM retention.status WHERE relation = 'plain'::regclass;
SET client_min_messages = notice;
SELECT retention.adopt('plain');
SELECT retention.unprotect('plain');
SELECT retention.unprotect('plain');
SET client_min_messages = warning;
SELECT * FROM guard;
SELECT * FROM entry;

-- Partitions: the root's labels and guard count for all.
CREATE TABLE visit (id int NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2024-01-01');
CREATE TABLE visit_new PARTITION OF visit FOR VALUES FROM ('2024-01-01') TO ('2026-01-01') PARTITION BY RANGE (at);
CREATE TABLE visit_new_one PARTITION OF visit_new FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'protect week, from at, then delete';
SELECT retention.protect('visit_old');
SELECT retention.adopt('visit_new_one');
SELECT retention.protect('visit');
SELECT * FROM guard;
-- a new partition has the row guard by itself; what keeps it from the other (here: no event trigger) is mended by protecting again
ALTER EVENT TRIGGER privacy_retention_attach_after DISABLE;
CREATE TABLE visit_next PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER EVENT TRIGGER privacy_retention_attach_after ENABLE ALWAYS;
SELECT state, reason, remedy FROM retention.status WHERE relation = 'visit'::regclass;
SELECT retention.protect('visit');
SELECT * FROM guard WHERE relation = 'visit_next'::regclass;
SELECT state, reason, remedy FROM retention.status WHERE relation = 'visit'::regclass;
SELECT retention.unprotect('visit');
SELECT * FROM guard;

-- Inheritance: children of a labelled table.
CREATE TABLE parent (id int, at timestamptz);
CREATE TABLE child (more text) INHERITS (parent);
CREATE INDEX ON parent (at);
SECURITY LABEL FOR privacy_retention ON TABLE parent IS 'protect week, from at, then delete';
SELECT retention.protect('child');
SELECT retention.protect('parent');
SELECT * FROM guard;

-- A clock that can be lost: a warning, once for the starting point.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON event (ended_at);
CREATE TABLE device (id int PRIMARY KEY, event_id int REFERENCES event ON DELETE SET NULL, made timestamptz, a text, b text);
CREATE INDEX ON device (event_id);
SECURITY LABEL FOR privacy_retention ON TABLE device IS 'from event_id -> ended_at; protect week, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN device.a IS 'protect week, then set null';
SELECT retention.protect('device');
SELECT retention.unprotect('device');
SECURITY LABEL FOR privacy_retention ON TABLE device IS 'from event_id -> ended_at or made; protect week, then delete';
CREATE INDEX ON device (made);
SELECT retention.protect('device');

-- How many rows go at once: below the limits nobody is asked.
CREATE TABLE many (id int PRIMARY KEY, at timestamptz, a text);
CREATE INDEX ON many (at);
SECURITY LABEL FOR privacy_retention ON TABLE many IS 'from at; protect week, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN many.a IS 'protect week, then set null';
INSERT INTO many SELECT n, '2024-01-01', 'a' FROM generate_series(1, 10) n;
SELECT retention.protect('many', at_most => -1);
SELECT retention.protect('many', at_most => 9);
SELECT retention.protect('many');
SELECT retention.unprotect('many');
-- more than 10, more than a tenth; a row that is due twice is one row
INSERT INTO many VALUES (11, '2024-01-01', NULL);
SELECT retention.protect('many');
SELECT retention.protect('many', at_most => 10);
SELECT retention.protect('many', at_most => 11);
SELECT retention.unprotect('many');
INSERT INTO many SELECT n, NULL, 'a' FROM generate_series(12, 109) n;
SELECT retention.protect('many');
INSERT INTO many VALUES (110, NULL, 'a');
SELECT retention.protect('many');
SELECT retention.unprotect('many');
-- more than 100,000, whatever their share
INSERT INTO many SELECT n, '2024-01-01', NULL FROM generate_series(11011, 111000) n;
INSERT INTO many SELECT n, NULL, NULL FROM generate_series(200001, 1000000) n;
SELECT retention.protect('many', at_most => 100000);
SELECT retention.protect('many');
SELECT retention.protect('many', at_most => 100001);
SELECT retention.unprotect('many');
SELECT * FROM entry WHERE relation = 'protect.many';
DROP TABLE many;

-- A rule would turn the engine's statements into others; on a partition, too.
CREATE RULE elsewhere AS ON DELETE TO visit_old DO INSTEAD NOTHING;
SELECT retention.protect('visit');
SELECT state, reason, remedy FROM retention.status WHERE relation = 'visit'::regclass;
DROP RULE elsewhere ON visit_old;
CREATE RULE logged AS ON INSERT TO visit DO ALSO NOTHING;
SELECT retention.protect('visit');
SELECT retention.unprotect('visit');

-- A row whose clock cannot be computed: its value is not shown, the others go.
CREATE TABLE typed (id int PRIMARY KEY, at text);
INSERT INTO typed VALUES (1, 'Mrs Miller'), (2, '2024-01-01 00:00:00+00');
SECURITY LABEL FOR privacy_retention ON TABLE typed IS 'protect week, from ((at)::timestamptz), then delete';
SELECT retention.protect('typed');
SELECT retention.protect('typed', at_most => 1);
CALL retention.enforce('typed', '2024-02-01');
SELECT id FROM typed;

-- Pseudonyms that only their range tells from clear values.
SELECT retention.create_key() > 0 AS created;
CREATE TABLE token (id int PRIMARY KEY, at timestamptz, number bigint, address inet);
CREATE INDEX ON token (at);
SECURITY LABEL FOR privacy_retention ON TABLE token IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN token.id IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN token.at IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN token.number IS 'protect week, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN token.address IS 'protect week, then pseudonymise in addresses';
INSERT INTO token VALUES (1, '2024-01-01', 1::bigint << 62, '192.0.2.1');
SELECT retention.protect('token');
UPDATE token SET number = 42, address = retention.pseudonym('192.0.2.7'::inet, 'x');
SELECT retention.protect('token');
UPDATE token SET address = '192.0.2.1';
SELECT retention.protect('token');
CALL retention.enforce('token', as_of => '2024-02-01');
SELECT retention.is_pseudonym(number) AS number, retention.is_pseudonym(address) AS address FROM token;
SELECT retention.protect('token');

-- Whose right it is.
CREATE ROLE protect_owner;
CREATE ROLE protect_other;
GRANT USAGE ON SCHEMA protect TO protect_owner, protect_other;
ALTER TABLE plain OWNER TO protect_owner;
GRANT ALL ON plain TO protect_other;
SET ROLE protect_other;
SELECT retention.protect('plain');
SELECT retention.unprotect('plain');
SELECT retention.adopt('plain');
SELECT retention.uninstall();
SET ROLE protect_owner;
SELECT retention.protect('plain');
SELECT retention.adopt('plain');
SELECT retention.unprotect('plain');
SELECT retention.uninstall();
RESET ROLE;
SET privacy_retention.officer_role = 'protect_other';
SET ROLE protect_other;
SELECT retention.unprotect('plain');
SELECT retention.uninstall();
RESET ROLE;
RESET privacy_retention.officer_role;
SELECT * FROM entry WHERE relation = 'protect.plain' OFFSET 5;

-- DROP EXTENSION meets the guards; uninstall() removes them, and the labels.
BEGIN;
DROP EXTENSION privacy_retention;
ROLLBACK;
BEGIN;
SELECT retention.uninstall();
SELECT * FROM guard;
SELECT count(*) FROM pg_seclabel WHERE provider = 'privacy_retention';
SELECT event, relation FROM retention.ledger ORDER BY id DESC LIMIT 4;
DROP VIEW guard, entry;
DROP EXTENSION privacy_retention;
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA protect CASCADE;
DROP ROLE protect_owner, protect_other;
SELECT retention.drop_category('protect week');
