-- What we remember of a table follows its name, and ends with the table.
\pset format unaligned
CREATE SCHEMA names;
CREATE SCHEMA "Names 2";
SET search_path = names, public;
SELECT retention.set_category('names week', '7 days');
CREATE TABLE "my ""log" (id int PRIMARY KEY, at timestamptz, "E mail" text);
CREATE INDEX ON "my ""log" (at);
SELECT retention.label('"my ""log"', 'names week, from at, then delete');
SELECT retention.label('"my ""log"', 'names week, from at, then set null', '{"E mail"}');
SELECT retention.protect('"my ""log"');
INSERT INTO "my ""log" SELECT n, now() - interval '8 days', 'x' FROM generate_series(1, 3) n;
CREATE TABLE keeper (log_id int REFERENCES "my ""log");
INSERT INTO keeper VALUES (1);
CALL retention.enforce('"my ""log"');
SELECT retention.pause('"my ""log"', now() + interval '1 hour', 'a test');
CREATE VIEW remembered AS
	SELECT 'rule_state' AS "table", relation, column_name FROM retention.rule_state
	UNION ALL SELECT 'blocked_row', relation, column_name FROM retention.blocked_row
	UNION ALL SELECT 'paused_table', relation, NULL FROM retention.paused_table
	ORDER BY 1, 2, 3;
SELECT * FROM remembered WHERE relation LIKE 'names.%';
ALTER TABLE "my ""log" RENAME TO log;
ALTER TABLE log RENAME "E mail" TO mail;
SELECT * FROM remembered WHERE relation LIKE 'names.%';
SELECT relation, column_name, state FROM retention.status WHERE relation = 'log'::regclass ORDER BY column_name NULLS FIRST;
ALTER INDEX log RENAME TO "the log";
SELECT * FROM remembered WHERE relation LIKE 'names.%';
ALTER INDEX "the log" RENAME TO log;
ALTER TABLE log SET SCHEMA "Names 2";
ALTER SCHEMA "Names 2" RENAME TO "names_3";
SELECT * FROM remembered WHERE relation LIKE '%ames%';
BEGIN;
ALTER TABLE names_3.log RENAME TO other;
ROLLBACK;
SELECT count(*) FROM remembered WHERE relation = 'names_3.log';
-- The ledger keeps the names that it has testified to.
SELECT DISTINCT relation FROM retention.ledger WHERE relation LIKE 'names%' ORDER BY 1;
-- Dropped: in the ledger, and nothing is remembered.
DROP TABLE keeper;
DROP TABLE names_3.log;
SELECT * FROM remembered WHERE relation LIKE '%ames%';
CREATE TABLE part (id int, at timestamptz) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE plain (id int);
CREATE TEMP TABLE temporary (id int);
SELECT retention.label('part', 'names week, from at, then delete');
CREATE INDEX ON part (at);
SELECT retention.protect('part');
DROP TABLE part_1, temporary;
DROP SCHEMA names CASCADE;
SELECT event, relation FROM retention.ledger WHERE event = 'drop' AND relation LIKE 'names%' ORDER BY id;
SET client_min_messages = warning;
DROP SCHEMA names_3 CASCADE;
SELECT retention.drop_category('names week');
