-- Partitions of which every row is due are emptied as a whole, or row by row
-- where somebody would notice.

SET client_min_messages = error;
CREATE SCHEMA partition;
SET search_path = partition;
SELECT retention.set_category('partition week', '7 days', 'the event');
CREATE VIEW entry AS
	SELECT relation, rows, lateness, detail FROM retention.ledger
	WHERE event = 'batch' AND relation LIKE 'partition.%' ORDER BY id;

CREATE TABLE visit (id int, at timestamptz, note text) PARTITION BY RANGE (at);
CREATE TABLE visit_jan PARTITION OF visit FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE visit_feb PARTITION OF visit FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (id);
CREATE TABLE visit_feb_0 PARTITION OF visit_feb FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE visit_feb_1 PARTITION OF visit_feb FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE visit_rest PARTITION OF visit DEFAULT;
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
	TRUNCATE visit;
	INSERT INTO visit SELECT n, timestamptz '2024-01-02' + n * interval '1 hour', 'x' FROM generate_series(1, 100) n;
	INSERT INTO visit SELECT n, timestamptz '2024-02-02' + n * interval '1 hour', 'x' FROM generate_series(1, 100) n;
	INSERT INTO visit SELECT n, timestamptz '2023-02-02' + n * interval '1 hour', 'x' FROM generate_series(1, 10) n;
	INSERT INTO visit VALUES (0, NULL, 'not started');
$$;
CREATE VIEW left_over AS SELECT tableoid::regclass AS partition, count(*), min(id), max(id) FROM visit GROUP BY 1 ORDER BY 1;
SELECT fill();
CREATE INDEX ON visit (at);
SELECT retention.label('visit', 'partition week, from at, then delete');
SELECT retention.protect('visit', at_most => 1000);

-- January as a whole; of the default partition, which has a row that is never
-- due, the others one by one; of February what is due by the 12th.
CALL retention.enforce('visit', '2024-02-12');
SELECT * FROM left_over;
SELECT rows, detail FROM entry;
CALL retention.enforce('visit', '2024-02-12');
SELECT count(*) FROM entry;

-- Dropped where that is wanted: ranges only, as default and hash partitions are
-- wanted again by the next row.
DELETE FROM visit WHERE at IS NULL;
SET privacy_retention.drop_partitions = on;
INSERT INTO visit VALUES (500, '2024-01-03', 'late'), (501, '2022-01-01', 'late');
CALL retention.enforce('visit', '2024-06-01');
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('visit'::regclass, 'visit_feb'::regclass) ORDER BY 1;
SELECT * FROM left_over;
SELECT rows, detail FROM entry OFFSET (SELECT 4);
RESET privacy_retention.drop_partitions;

-- Row by row: a trigger, a reference, or a dependent row would notice.
CREATE TABLE visit_jan PARTITION OF visit FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE heard (id int);
CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO partition.heard VALUES (OLD.id); RETURN NULL; END$$;
CREATE TRIGGER hear AFTER DELETE ON visit FOR EACH ROW EXECUTE FUNCTION hear();
INSERT INTO visit VALUES (1, '2024-01-03'), (2, '2024-01-04');
CALL retention.enforce('visit', '2024-06-01');
SELECT * FROM heard ORDER BY 1;
DROP TRIGGER hear ON visit;

CREATE TABLE keyed (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE keyed_jan PARTITION OF keyed FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE pointing (id int, at timestamptz, FOREIGN KEY (id, at) REFERENCES keyed);
INSERT INTO keyed VALUES (1, '2024-01-03'), (2, '2024-01-04');
INSERT INTO pointing VALUES (2, '2024-01-04');
SELECT retention.label('keyed', 'partition week, from at, then delete');
SELECT retention.protect('keyed');
CALL retention.enforce('keyed', '2024-06-01');
SELECT id FROM keyed;
SELECT partition, sqlstate, constraint_name FROM retention.blocked WHERE relation = 'partition.keyed';

-- A new partition has no TRUNCATE guard until a pass comes by.
CREATE TABLE keyed_feb PARTITION OF keyed FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CALL retention.enforce('keyed', '2024-01-05');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'keyed_feb'::regclass AND tgname LIKE 'zz%' ORDER BY 1;

SELECT ok, problem FROM retention.verify_ledger();
SELECT retention.unprotect('visit'), retention.unprotect('keyed');
DROP SCHEMA partition CASCADE;
SELECT retention.drop_category('partition week');
