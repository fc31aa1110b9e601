-- New columns and copies without a label are judged when the transaction commits.
\pset format unaligned
CREATE SCHEMA unlabelled;
SET search_path = unlabelled, public;
SELECT retention.set_category('unlabelled week', '7 days');
CREATE TABLE by_row (id int, seen timestamptz);
CREATE TABLE by_column (id int PRIMARY KEY, seen timestamptz, "E mail" text, kind text);
CREATE INDEX ON by_row (seen);
CREATE INDEX ON by_column (seen);
SELECT retention.label('by_row', 'unlabelled week, from seen, then delete');
SELECT retention.label('by_column', 'from seen');
SELECT retention.label('by_column', 'unlabelled week, then set null', '{"E mail"}');
SELECT retention.label('by_column', 'no personal data', '{id, seen, kind}');

-- Not protected: nobody asks.
BEGIN;
ALTER TABLE by_column ADD COLUMN phone text;
COMMIT;
ALTER TABLE by_column DROP COLUMN phone;
CREATE TABLE copy AS SELECT * FROM by_column;
DROP TABLE copy;
SELECT retention.protect('by_row'), retention.protect('by_column');
SHOW privacy_retention.unlabelled;

-- Covered by "delete"; labelled in the same transaction; dropped again; rolled back.
ALTER TABLE by_row ADD COLUMN phone text;
BEGIN;
ALTER TABLE by_column ADD COLUMN phone text;
SECURITY LABEL FOR privacy_retention ON COLUMN by_column.phone IS 'unlabelled week, then set null';
COMMIT;
BEGIN;
ALTER TABLE by_column ADD COLUMN fax text;
ALTER TABLE by_column DROP COLUMN fax;
SAVEPOINT s;
ALTER TABLE by_column ADD COLUMN fax text;
ROLLBACK TO s;
COMMIT;
-- Not: a warning, at the end, once.
BEGIN;
SAVEPOINT s;
ALTER TABLE by_column ADD COLUMN fax text, ADD COLUMN "Tele x" text;
RELEASE s;
ALTER TABLE by_column ALTER fax TYPE varchar(20);
ALTER TABLE by_column ADD COLUMN pager text;
SELECT retention.label('by_column', 'no personal data', '{pager}');
COMMIT;
ALTER TABLE by_column ADD COLUMN IF NOT EXISTS fax text;
ALTER TABLE by_column ALTER fax SET STORAGE plain;
-- An error.
SET privacy_retention.unlabelled = error;
ALTER TABLE by_column ADD COLUMN other text;
BEGIN;
ALTER TABLE by_column ADD COLUMN other text;
SELECT 1 AS still_here;
COMMIT;
BEGIN;
ALTER TABLE by_column ADD COLUMN other text;
PREPARE TRANSACTION 'unlabelled';
SELECT count(*) FROM pg_attribute WHERE attrelid = 'by_column'::regclass AND attname = 'other';
CREATE PROCEDURE add_other() LANGUAGE plpgsql AS 'BEGIN ALTER TABLE unlabelled.by_column ADD COLUMN other text; COMMIT; END';
CALL add_other();
-- Nothing.
SET privacy_retention.unlabelled = ignore;
ALTER TABLE by_column ADD COLUMN other text;
SET ROLE pg_monitor;
SET privacy_retention.unlabelled = ignore;
RESET ROLE;
RESET privacy_retention.unlabelled;

-- Columns that only a child has.
CREATE TABLE child (phone2 text) INHERITS (by_column);
CREATE TABLE late (LIKE by_row, mail text);
ALTER TABLE late INHERIT by_row;
ALTER TABLE child ADD COLUMN mail text;

-- Copies: of personal columns, by any way; a table that has its label in time is fine.
CREATE TABLE copy_1 AS SELECT * FROM by_column;
SELECT "E mail" INTO copy_2 FROM by_column;
CREATE TABLE copy_3 (LIKE by_row);
CREATE MATERIALIZED VIEW copy_4 AS SELECT lower("E mail") AS mail, count(*) FROM by_column GROUP BY 1;
CREATE VIEW between_them AS SELECT b.id, b."E mail" AS mail, r.seen FROM by_column b JOIN by_row r USING (id);
CREATE TABLE copy_5 AS WITH cte AS (SELECT mail AS m FROM between_them) SELECT (SELECT m) AS n FROM cte;
CREATE TABLE copy_6 AS SELECT * FROM (SELECT id FROM by_row UNION ALL SELECT length("E mail") FROM by_column) u;
CREATE TABLE copy_7 AS SELECT r FROM by_row r;
CREATE TABLE copy_8 AS SELECT part FROM by_column, LATERAL string_to_table("E mail", '@') AS part;
CREATE TABLE copy_9 AS WITH RECURSIVE t(n, x) AS (SELECT 1, phone FROM by_row UNION ALL SELECT n + 1, x FROM t WHERE n < 3) SELECT x FROM t;
CREATE TABLE copy_10 AS SELECT array(SELECT "E mail" FROM by_column ORDER BY 1) AS mails;
PREPARE all_of_it AS SELECT phone FROM by_row;
CREATE TABLE copy_11 AS EXECUTE all_of_it;
CREATE TABLE copy_12 AS SELECT coalesce(max(phone), '') AS longest FROM by_row WITH NO DATA;
-- None of them is a copy.
CREATE TABLE fine_1 AS SELECT kind, id FROM by_column WHERE "E mail" IS NOT NULL;
CREATE TABLE fine_2 AS SELECT count("E mail"), count(*) AS rows, EXISTS (SELECT "E mail" FROM by_column) AS some FROM by_column;
CREATE TEMP TABLE fine_3 AS SELECT * FROM by_column;
CREATE VIEW fine_4 AS SELECT * FROM by_column;
CREATE TABLE fine_5 (LIKE pg_class);
CREATE TABLE IF NOT EXISTS fine_5 AS SELECT * FROM by_column;
BEGIN;
CREATE TABLE fine_6 AS SELECT * FROM by_row;
SELECT retention.label('fine_6', 'unlabelled week, from seen, then delete');
COMMIT;
BEGIN;
CREATE TABLE fine_7 AS SELECT * FROM by_row;
DROP TABLE fine_7;
COMMIT;
SET privacy_retention.unlabelled = error;
CREATE TABLE refused AS SELECT * FROM by_row;
SELECT to_regclass('refused');
RESET privacy_retention.unlabelled;

-- Views on views, in which each column comes from all of those below.
CREATE VIEW deep_0 AS SELECT "E mail" AS c1, "E mail" AS c2, "E mail" AS c3, "E mail" AS c4 FROM by_column;
DO $$BEGIN
	FOR n IN 1 .. 5 LOOP
		EXECUTE format('CREATE VIEW deep_%s AS SELECT c1 || c2 || c3 || c4 AS c1, c1 || c2 || c3 || c4 AS c2, c1 || c2 || c3 || c4 AS c3, c1 || c2 || c3 || c4 AS c4 FROM deep_%s', n, n - 1);
	END LOOP;
END$$;
CREATE TABLE deep AS SELECT c1 FROM deep_5 WHERE false;

-- Whoever may not read the table is told so by the server.
CREATE ROLE unlabelled_other;
GRANT USAGE, CREATE ON SCHEMA unlabelled TO unlabelled_other;
SET ROLE unlabelled_other;
CREATE TABLE stolen AS SELECT * FROM by_row;
CREATE TABLE stolen (LIKE by_row);
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA unlabelled CASCADE;
DROP ROLE unlabelled_other;
SELECT retention.drop_category('unlabelled week');
