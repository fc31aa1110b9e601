-- Commands that would break what a protected table needs are refused.
\pset format unaligned
CREATE SCHEMA keep;
SET search_path = keep, public;
SELECT retention.set_category('keep week', '7 days');
CREATE TABLE meeting (id int PRIMARY KEY, code text UNIQUE, "At End" timestamptz, kind text, other text);
CREATE INDEX ON meeting ("At End");
CREATE TABLE guest (id int PRIMARY KEY, meeting_id int NOT NULL CONSTRAINT of_meeting REFERENCES meeting, meeting_code text,
	seen timestamptz, mail text, note text, boss int);
CREATE INDEX guest_meeting ON guest (meeting_id);
CREATE INDEX guest_seen ON guest (seen);
CREATE INDEX guest_code ON guest (meeting_code);
CREATE FUNCTION keep_it(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'x';
SELECT retention.label('guest', 'keep week, where (mail <> ''x''), from meeting_id -> "At End", then delete; subject boss');
SELECT retention.label('guest', 'keep week, from seen, then call keep.keep_it', '{mail}');
SELECT retention.label('guest', 'keep week, from meeting_code references meeting (code) -> "At End", then set null', '{note}');

-- Unprotected, everything goes.
BEGIN;
ALTER TABLE guest DROP CONSTRAINT of_meeting, DROP COLUMN seen;
DROP INDEX guest_meeting;
ROLLBACK;
SELECT retention.protect('guest');

-- Columns: of the table, of its parents, also with others; its own label goes with a column.
ALTER TABLE guest DROP COLUMN seen;
ALTER TABLE guest DROP COLUMN mail;
ALTER TABLE guest DROP COLUMN boss;
ALTER TABLE meeting DROP COLUMN kind, DROP COLUMN "At End";
ALTER TABLE meeting DROP COLUMN other, DROP COLUMN IF EXISTS missing;
BEGIN;
ALTER TABLE guest DROP COLUMN note;
ROLLBACK;
-- Types, constraints and defaults under which a rule cannot hold.
ALTER TABLE guest ALTER seen TYPE text;
ALTER TABLE guest ALTER note SET NOT NULL;
ALTER TABLE guest ALTER mail TYPE int USING 1;
-- Foreign keys and unique constraints that a hop follows.
ALTER TABLE guest DROP CONSTRAINT of_meeting;
ALTER TABLE meeting DROP CONSTRAINT meeting_pkey CASCADE;
ALTER TABLE meeting DROP CONSTRAINT meeting_code_key;
ALTER TABLE guest DROP CONSTRAINT of_meeting, ADD CONSTRAINT of_meeting FOREIGN KEY (meeting_id) REFERENCES meeting;
-- Indexes by which due rows are found: the last one stays, also where it is dropped concurrently.
DROP INDEX guest_meeting;
DROP INDEX CONCURRENTLY guest_meeting;
DROP INDEX guest_seen, guest_code;
CREATE INDEX guest_meeting_2 ON guest (meeting_id, id);
DROP INDEX CONCURRENTLY guest_meeting;
DROP INDEX guest_meeting_2;
ALTER INDEX guest_seen RENAME TO guest_was_seen;
REINDEX INDEX CONCURRENTLY guest_was_seen;
-- Tables and functions that a rule leads to.
DROP TABLE meeting;
DROP TABLE meeting CASCADE;
DROP FUNCTION keep_it(text);
ALTER FUNCTION keep_it(text) VOLATILE;
ALTER FUNCTION keep_it(text) RENAME TO keep_that;
ALTER FUNCTION keep_it(text) COST 10;
CREATE SCHEMA keep_elsewhere;
ALTER FUNCTION keep_it(text) SET SCHEMA keep_elsewhere;

-- The guards.
DROP TRIGGER zz_privacy_retention ON guest;
DROP TRIGGER zz_privacy_retention_truncate ON guest;
ALTER TABLE guest DISABLE TRIGGER zz_privacy_retention;
ALTER TABLE guest DISABLE TRIGGER USER;
ALTER TABLE guest DISABLE TRIGGER ALL;
ALTER TABLE guest ENABLE TRIGGER zz_privacy_retention;
ALTER TABLE guest ENABLE REPLICA TRIGGER zz_privacy_retention;
ALTER TABLE guest ENABLE ALWAYS TRIGGER zz_privacy_retention;
ALTER TRIGGER zz_privacy_retention ON guest RENAME TO aa;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE OR REPLACE TRIGGER zz_privacy_retention BEFORE INSERT ON guest FOR EACH ROW EXECUTE FUNCTION nothing();
-- Nobody comes after them, or rewrites the statements.
CREATE TRIGGER zzz BEFORE UPDATE ON guest FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER before_it BEFORE UPDATE ON guest FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER zzz_after AFTER UPDATE ON guest FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TRIGGER before_it ON guest RENAME TO zzz;
ALTER TABLE guest DISABLE TRIGGER before_it;
ALTER TABLE guest ENABLE TRIGGER before_it;
CREATE RULE hidden AS ON DELETE TO guest DO INSTEAD NOTHING;
CREATE RULE diverted AS ON INSERT TO guest DO INSTEAD NOTHING;

-- On partitions as on the root.
CREATE TABLE log (id int, at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE INDEX log_at ON log (at);
SELECT retention.label('log', 'keep week, from at, then delete');
SELECT retention.protect('log');
DROP TRIGGER zz_privacy_retention_truncate ON log_1;
DROP TRIGGER zz_privacy_retention ON log_1;
ALTER TABLE log_1 DISABLE TRIGGER ALL;
CREATE TRIGGER zzz BEFORE INSERT ON log_1 FOR EACH ROW EXECUTE FUNCTION nothing();
DROP INDEX log_at;
DROP TABLE log_1;

-- A subtransaction that failed leaves no permit, and neither does the engine's own work.
BEGIN;
SAVEPOINT s;
SELECT retention.unprotect('guest'), 1 / 0;
ROLLBACK TO s;
DROP TRIGGER zz_privacy_retention ON guest;
ROLLBACK;

-- The owner's change may leave a rule invalid between two commands: a warning.
CREATE ROLE keep_owner;
GRANT ALL ON SCHEMA keep TO keep_owner;
ALTER TABLE guest OWNER TO keep_owner;
ALTER TABLE meeting OWNER TO keep_owner;
SELECT column_name, state, reason FROM retention.status WHERE relation = 'guest'::regclass;
-- To the owner the same is refused.
SET ROLE keep_owner;
ALTER TABLE guest DROP COLUMN seen;
ALTER TABLE guest DISABLE TRIGGER USER;
RESET ROLE;

-- Whoever restores a dump gets rules later, but the guards hold.
SET check_function_bodies = off;
BEGIN;
ALTER TABLE guest DROP CONSTRAINT of_meeting;
ROLLBACK;
ALTER TABLE guest DISABLE TRIGGER ALL;
RESET check_function_bodies;

-- What was broken by another way is no reason to refuse more.
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER TABLE guest DISABLE TRIGGER USER;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
ALTER TABLE guest DISABLE TRIGGER USER;
ALTER TABLE guest ENABLE ALWAYS TRIGGER zz_privacy_retention;
ALTER TABLE guest DISABLE TRIGGER zz_privacy_retention;

-- By other names: ALTER VIEW renames a table's columns, and ALTER TYPE goes on to the
-- tables that were made of the type.
CREATE TYPE made AS (id int, seen timestamptz);
CREATE TABLE made_of OF made;
CREATE INDEX ON made_of (seen);
SELECT retention.label('made_of', 'keep week, from seen, then delete'), retention.protect('made_of');
ALTER TYPE made DROP ATTRIBUTE seen CASCADE;
ALTER TYPE made RENAME ATTRIBUTE seen TO at CASCADE;
ALTER TYPE made ALTER ATTRIBUTE seen TYPE text CASCADE;
ALTER VIEW made_of RENAME COLUMN id TO number;
CREATE TABLE viewed (id int, seen timestamptz);
CREATE INDEX ON viewed (seen);
SELECT retention.label('viewed', 'keep week, from seen, then delete'), retention.protect('viewed');
ALTER VIEW viewed RENAME COLUMN seen TO looked;
ALTER MATERIALIZED VIEW viewed RENAME COLUMN looked TO gazed;
ALTER FOREIGN TABLE viewed RENAME COLUMN gazed TO stared;
SELECT relation, start, valid FROM retention.rule WHERE relation::text IN ('viewed', 'made_of') ORDER BY 1;
DROP TABLE viewed, made_of;
DROP TYPE made;

-- Nothing is kept of commands that are over, nor of those that failed.
BEGIN;
DO $$BEGIN
	FOR n IN 1 .. 20 LOOP
		EXECUTE 'ALTER TABLE guest ALTER COLUMN id SET NOT NULL';
		BEGIN
			EXECUTE 'ALTER TABLE guest DROP COLUMN seen';
		EXCEPTION WHEN dependent_objects_still_exist THEN
			NULL;
		END;
	END LOOP;
END$$;
SELECT count(*) AS remembered FROM pg_backend_memory_contexts WHERE name = 'privacy_retention command';
COMMIT;

-- All goes together, and unprotected.
DROP TABLE guest, meeting;
SELECT retention.unprotect('log');
DROP INDEX log_at;
SET client_min_messages = warning;
DROP SCHEMA keep, keep_elsewhere CASCADE;
DROP ROLE keep_owner;
SELECT retention.drop_category('keep week');
