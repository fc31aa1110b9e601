-- What leaves a labelled root takes labels and protection along.
CREATE SCHEMA detach;
SET search_path = detach, public;
SET TimeZone = 'UTC';
SELECT retention.set_category('detach week', '7 days');
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
-- columns in another order, and partitions of its own
CREATE TABLE log_2 (ip inet, spare int, at timestamptz NOT NULL, id int) PARTITION BY RANGE (at);
ALTER TABLE log_2 DROP COLUMN spare;
CREATE TABLE "log 2a" PARTITION OF log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE log_3 PARTITION OF log FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE INDEX ON log (at);
SECURITY LABEL FOR privacy_retention ON TABLE log IS 'detach week, where (log.id > 0), from (detach.log.at), then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN log.ip IS 'detach week, from at, then truncate to 24';
INSERT INTO log VALUES (1, '2020-06-01', '192.0.2.1'), (2, '2021-06-01', '192.0.2.2'), (3, '2022-06-01', '192.0.2.3');

-- Of a root that is not protected: the labels.
BEGIN;
ALTER TABLE log DETACH PARTITION log_1;
SELECT * FROM labels;
SELECT * FROM guards;
ROLLBACK;
SELECT * FROM labels;

-- Of a protected one: the guards too.
SELECT retention.protect('log', at_most => 3);
ALTER TABLE log DETACH PARTITION log_1;
ALTER TABLE log DETACH PARTITION log_2;
SELECT * FROM labels;
SELECT * FROM guards;
SELECT relation, column_name, state FROM retention.status ORDER BY relation::text, column_name NULLS FIRST;
SELECT event, relation, rows, detail FROM retention.ledger WHERE relation LIKE 'detach.%' ORDER BY id;
CALL retention.enforce('log_1');
CALL retention.enforce('log_2');
SELECT tableoid::regclass, id FROM log_1 UNION ALL SELECT tableoid::regclass, id FROM log_2 UNION ALL SELECT tableoid::regclass, id FROM log;
-- It can go, or be attached again.
DROP TABLE log_1;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
-- Concurrently, in two transactions.
ALTER TABLE log DETACH PARTITION log_2 CONCURRENTLY;
SELECT * FROM guards WHERE relation <> 'log'::regclass;
SELECT * FROM labels WHERE relation = 'log_2'::regclass;

-- Another owner has not written these labels.
CREATE ROLE detach_other;
ALTER TABLE log_3 OWNER TO detach_other;
ALTER TABLE log DETACH PARTITION log_3;
SELECT * FROM labels WHERE relation = 'log_3'::regclass;

-- The owner needs no right but the owner's.
CREATE ROLE detach_owner;
GRANT ALL ON SCHEMA detach TO detach_owner;
CREATE TABLE log_4 PARTITION OF log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
ALTER TABLE log OWNER TO detach_owner;
ALTER TABLE log_4 OWNER TO detach_owner;
SET ROLE detach_owner;
ALTER TABLE log DETACH PARTITION log_4;
SELECT current_user;
RESET ROLE;
SELECT * FROM labels WHERE relation = 'log_4'::regclass;
SELECT * FROM guards WHERE relation = 'log_4'::regclass;

-- A foreign key by name that the table has under another.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE visit (id int, event_id int NOT NULL, CONSTRAINT of_event FOREIGN KEY (event_id) REFERENCES event) PARTITION BY LIST (id);
CREATE TABLE visit_1 (id int, event_id int NOT NULL, CONSTRAINT other_name FOREIGN KEY (event_id) REFERENCES event);
ALTER TABLE visit ATTACH PARTITION visit_1 FOR VALUES IN (1);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'detach week, from of_event -> ended_at, then delete';
ALTER TABLE visit DETACH PARTITION visit_1;
SELECT state, reason FROM retention.status WHERE relation = 'visit_1'::regclass;

-- Inheritance.
CREATE TABLE parent (id int, at timestamptz);
CREATE TABLE child (more text) INHERITS (parent);
CREATE INDEX ON parent (at);
CREATE INDEX ON child (at);
SECURITY LABEL FOR privacy_retention ON TABLE parent IS 'detach week, from at, then delete';
SELECT retention.protect('parent');
ALTER TABLE child NO INHERIT parent;
SELECT * FROM labels WHERE relation = 'child'::regclass;
SELECT * FROM guards WHERE relation = 'child'::regclass;
-- What has nothing to take along says nothing.
CREATE TABLE bare (id int) PARTITION BY LIST (id);
CREATE TABLE bare_1 PARTITION OF bare FOR VALUES IN (1);
ALTER TABLE bare DETACH PARTITION bare_1;

SET client_min_messages = warning;
DROP SCHEMA detach CASCADE;
DROP ROLE detach_other, detach_owner;
SELECT retention.drop_category('detach week');
