-- What becomes a part of another table keeps its promise.
\pset format unaligned
CREATE SCHEMA attach;
SET search_path = attach, public;
SELECT retention.set_category('attach week', '7 days'), retention.set_category('attach year', '1 year');
CREATE VIEW labels AS
	SELECT objoid::regclass AS relation, (SELECT attname FROM pg_attribute WHERE attrelid = objoid AND attnum = objsubid AND attnum > 0) AS "column", label
	FROM pg_seclabel WHERE provider = 'privacy_retention' ORDER BY objoid::regclass::text, objsubid;
CREATE VIEW guards AS
	SELECT tgrelid::regclass AS relation, tgname, tgenabled, tgparentid <> 0 AS cloned,
		convert_from(trim('\x00'::bytea FROM substring(tgargs FROM position('\x00'::bytea IN tgargs) + 1)), 'SQL_ASCII')::oid::regclass AS named
	FROM pg_trigger WHERE tgfoid = 'retention.guard'::regproc
	ORDER BY tgrelid::regclass::text, tgname;
CREATE TABLE log (id int, at timestamptz NOT NULL, ip inet) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE log_2 (ip inet, at timestamptz NOT NULL, id int) PARTITION BY RANGE (at);
CREATE TABLE "log 2a" PARTITION OF log_2 FOR VALUES FROM ('2021-01-01') TO ('2021-07-01');
CREATE TABLE log_3 (LIKE log);

-- A labelled table under a root without labels.
SELECT retention.label('log_2', 'attach week, from at, then delete');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
-- The root's labels count; others were only watched.
SELECT retention.label('log', 'attach week, where (log.id > 0), from at, then delete');
BEGIN;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT * FROM labels;
ROLLBACK;
-- Protected: not under a root that is not, nor under other labels.
CREATE INDEX ON log_2 (at);
SELECT retention.protect('log_2');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX ON log (at);
SELECT retention.protect('log');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT retention.label('log_2', 'attach week, where (log_2.id > 0), from at, then delete');
SELECT retention.label('log_2', 'attach year', '{ip}');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT retention.label('log_2', NULL, '{ip}');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT * FROM labels;
SELECT * FROM guards;
SELECT event, relation, detail FROM retention.ledger WHERE relation LIKE 'attach.%' ORDER BY id;
-- There and back.
ALTER TABLE log DETACH PARTITION log_2;
SELECT relation, label FROM labels;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT relation, label FROM labels;

-- New parts have their guards at once: no pass is needed.
ALTER TABLE log ATTACH PARTITION log_3 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE "log 2b" PARTITION OF log_2 FOR VALUES FROM ('2021-07-01') TO ('2022-01-01');
CREATE TABLE log_4 PARTITION OF log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY LIST (id);
CREATE TABLE IF NOT EXISTS log_4 PARTITION OF log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
SELECT relation, tgname FROM guards WHERE relation IN ('log_3'::regclass, '"log 2b"'::regclass, 'log_4'::regclass);
SELECT state, reason FROM retention.status WHERE relation = 'log'::regclass;

-- Inheritance.
CREATE TABLE person (id int, seen timestamptz);
CREATE INDEX ON person (seen);
SELECT retention.label('person', 'attach week, from seen, then delete');
SELECT retention.protect('person');
CREATE TABLE client (phone text) INHERITS (person);
CREATE TEMP TABLE passing () INHERITS (person);
CREATE TABLE guest (id int, seen timestamptz, ip inet);
ALTER TABLE guest INHERIT person;
SELECT relation, tgname, named FROM guards WHERE relation IN ('client'::regclass, 'guest'::regclass, 'passing'::regclass);
SELECT state, reason FROM retention.status WHERE relation = 'person'::regclass;
ALTER TABLE guest NO INHERIT person;
SELECT relation, tgname, named FROM guards WHERE relation = 'guest'::regclass;
ALTER TABLE guest INHERIT person;
SELECT relation, tgname, named FROM guards WHERE relation = 'guest'::regclass;
SELECT * FROM labels WHERE relation = 'guest'::regclass;
-- A child keeps other labels of its own, unless it is protected.
CREATE TABLE other (id int, seen timestamptz);
CREATE INDEX ON other (seen);
SELECT retention.label('other', 'attach year, from seen, then delete');
BEGIN;
ALTER TABLE other INHERIT person;
SELECT * FROM labels WHERE relation = 'other'::regclass;
ROLLBACK;
SELECT retention.protect('other');
ALTER TABLE other INHERIT person;
-- Under a root without labels a child keeps its own.
CREATE TABLE thing (id int, seen timestamptz);
ALTER TABLE other INHERIT thing;
SELECT state FROM retention.status WHERE relation = 'other'::regclass;

-- Suspended rows stay so on the way out and back.
\set VERBOSITY terse
SELECT retention.suspend('log', 'id = 1', 'a court', current_date + 30, 'the court') > 0 AS suspended;
INSERT INTO "log 2a" VALUES ('192.0.2.1', '2021-02-01', 1);
CREATE TABLE log_5 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT relation, tgname FROM guards WHERE relation = 'log_5'::regclass;
ALTER TABLE log DETACH PARTITION log_2;
DELETE FROM log_2;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
DELETE FROM log_2;
TRUNCATE log_2;
SELECT retention.lift_suspension(id, 'it is over') FROM retention.suspension WHERE in_force ORDER BY id;
DELETE FROM log_2;
\set VERBOSITY default

-- Whoever does not own the tables changes nothing.
CREATE ROLE attach_other;
GRANT USAGE ON SCHEMA attach TO attach_other;
ALTER TABLE log DETACH PARTITION log_3;
SET ROLE attach_other;
ALTER TABLE log ATTACH PARTITION log_3 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
RESET ROLE;
SELECT relation, tgname FROM guards WHERE relation = 'log_3'::regclass;

DROP TABLE passing;
SET client_min_messages = warning;
DROP SCHEMA attach CASCADE;
DROP ROLE attach_other;
SELECT retention.drop_category('attach week'), retention.drop_category('attach year');
