-- Commands on tables with rows under suspension; suspensions follow renames.
CREATE SCHEMA hold_ddl;
CREATE SCHEMA "Hold, ""ddl""";
SET search_path = hold_ddl, public;
SET client_min_messages = warning;
ALTER TABLE retention.hold ALTER id RESTART WITH 3001;
CREATE FUNCTION suspend(relation regclass, condition text) RETURNS bigint LANGUAGE sql AS
	$$SELECT retention.suspend(relation, condition, 'a lawsuit', '2099-12-31', 'the DPO')$$;
CREATE FUNCTION lift_all() RETURNS bigint LANGUAGE sql AS
	$$SELECT count(retention.lift_suspension(id, 'over')) FROM retention.hold WHERE lifted_at IS NULL$$;
CREATE VIEW suspension AS SELECT id, relation, condition, in_force, problem FROM retention.suspension WHERE id > 3000 AND id < 4000 ORDER BY id;

-- Dropped by name, by whatever way, in part.
CREATE TABLE visit (id int PRIMARY KEY, person text, state text, spare text);
SECURITY LABEL FOR privacy_retention ON COLUMN visit.spare IS 'no personal data';
INSERT INTO visit VALUES (1, 'p1', 'open'), (2, 'p2', 'open');
SELECT suspend('visit', 'visit.id = 1 AND state = ''open''');
DROP TABLE visit;
DROP TABLE visit CASCADE;
DROP TABLE IF EXISTS absent, visit;
\set VERBOSITY terse
DROP SCHEMA hold_ddl CASCADE;
\set VERBOSITY default
CREATE ROLE hold_ddl_owner;
ALTER TABLE visit OWNER TO hold_ddl_owner;
DROP OWNED BY hold_ddl_owner;
ALTER TABLE visit OWNER TO CURRENT_USER;
DROP ROLE hold_ddl_owner;
ALTER TABLE visit DROP COLUMN person;
ALTER TABLE visit DROP COLUMN state;
ALTER TABLE visit ALTER person TYPE varchar(1) USING left(person, 1);
ALTER TABLE visit ALTER spare TYPE varchar(10);
ALTER TABLE visit DROP COLUMN spare;
DROP EXTENSION privacy_retention CASCADE;
-- The guards are nobody's to take away.
ALTER TABLE visit DISABLE TRIGGER ALL;
ALTER TABLE visit DISABLE TRIGGER zz_privacy_retention_truncate;
DROP TRIGGER zz_privacy_retention_hold ON visit;
ALTER TRIGGER zz_privacy_retention_hold ON visit RENAME TO mine;
-- Neither is what the condition needs, where no row is held.
DELETE FROM visit WHERE id = 2;
SELECT lift_all();
SELECT suspend('visit', 'id = 7 AND state = ''open''');
ALTER TABLE visit DROP COLUMN state;
ALTER TABLE visit ALTER state TYPE int USING 1;
ALTER TABLE visit DROP COLUMN person;
CREATE FUNCTION hold_ddl.wanted(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 > 5';
SELECT suspend('visit', 'hold_ddl.wanted(id)');
DROP FUNCTION hold_ddl.wanted;
ALTER FUNCTION hold_ddl.wanted RENAME TO other;

-- Renames: of columns, the table, its schema.
ALTER TABLE visit RENAME COLUMN state TO "Condition";
ALTER TABLE visit RENAME TO "The visits";
ALTER TABLE "The visits" SET SCHEMA "Hold, ""ddl""";
ALTER SCHEMA "Hold, ""ddl""" RENAME TO "hold_ddl_2";
SELECT * FROM suspension WHERE in_force;
ALTER TABLE hold_ddl_2."The visits" RENAME TO visit;
ALTER TABLE hold_ddl_2.visit SET SCHEMA hold_ddl;
SELECT lift_all();
SELECT suspend('visit', 'visit.id = 1');
SELECT suspend('visit', '(visit).id = 1');
ALTER TABLE visit RENAME COLUMN id TO number;
SELECT retention.lift_suspension(max(id), 'over') FROM suspension;
ALTER TABLE visit RENAME COLUMN id TO number;
ALTER TABLE visit RENAME TO visits;
SELECT * FROM suspension WHERE in_force;
DELETE FROM visits;
ALTER TABLE visits RENAME TO visit;
ALTER TABLE visit RENAME COLUMN number TO id;

-- A table without held rows may go, and its suspensions with it.
SELECT lift_all();
SELECT suspend('visit', 'id = 7');
DROP TABLE visit;
SELECT * FROM suspension WHERE id = (SELECT max(id) FROM suspension);
SELECT event, relation, regexp_replace(detail, '\d+', 'N') AS detail FROM retention.ledger WHERE relation = 'hold_ddl.visit' ORDER BY id DESC LIMIT 1;

-- Partitions and children.
CREATE TABLE parted (id int, person text) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (1, 'p1'), (2, 'p2');
SELECT suspend('parted', 'person = ''p1''');
DROP TABLE parted_1;
DROP TABLE parted;
DROP TABLE parted_2;
ALTER TABLE parted DROP COLUMN person;
ALTER TABLE parted RENAME COLUMN person TO who;
DELETE FROM parted_1;
CREATE TABLE base (id int);
CREATE TABLE heir () INHERITS (base);
INSERT INTO heir VALUES (1);
SELECT suspend('base', 'id = 1');
DROP TABLE base;
DROP TABLE base CASCADE;
ALTER TABLE base RENAME COLUMN id TO number;
DELETE FROM heir;
SELECT * FROM suspension WHERE in_force;

-- By other names: ALTER INDEX renames tables, ALTER VIEW their columns, and ALTER TYPE
-- goes on to the tables that were made of the type.
CREATE TABLE other (id int, person text);
INSERT INTO other VALUES (1, 'p1'), (2, 'p2');
SELECT suspend('other', 'person = ''p1''');
ALTER INDEX other RENAME TO another;
ALTER VIEW another RENAME COLUMN person TO who;
ALTER FOREIGN TABLE another RENAME COLUMN id TO number;
SELECT relation, condition, problem FROM suspension WHERE in_force AND relation ~ 'other';
DELETE FROM another WHERE number = 1;
CREATE TYPE made AS (id int, person text, note text);
CREATE TABLE made_of OF made;
INSERT INTO made_of VALUES (1, 'p1', 'n');
SELECT suspend('made_of', 'person = ''p1''');
ALTER TYPE made DROP ATTRIBUTE note CASCADE;
ALTER TYPE made ALTER ATTRIBUTE note TYPE varchar CASCADE;
ALTER TYPE made RENAME ATTRIBUTE person TO who CASCADE;
ALTER TYPE made ADD ATTRIBUTE more int CASCADE;
SELECT * FROM made_of;

-- Parts that come later have the guards at once.
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3);
CREATE TABLE parted_4 (id int, who text);
ALTER TABLE parted ATTACH PARTITION parted_4 FOR VALUES IN (4);
CREATE TABLE heir_2 () INHERITS (base);
CREATE TABLE heir_3 (number int);
ALTER TABLE heir_3 INHERIT base;
CREATE TABLE alone (id int);
INSERT INTO parted VALUES (3, 'p1'), (4, 'p1');
INSERT INTO heir_2 VALUES (1);
INSERT INTO heir_3 VALUES (1);
TRUNCATE parted_3;
TRUNCATE parted_4;
DELETE FROM parted_4;
DELETE FROM heir_2;
TRUNCATE heir_3;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgrelid::regclass::text IN ('parted_3', 'parted_4', 'heir_2', 'heir_3', 'alone') AND tgname LIKE 'zz%' ORDER BY 1, 2;

SELECT lift_all();
\set VERBOSITY terse
DROP SCHEMA hold_ddl CASCADE;
DROP SCHEMA hold_ddl_2;
