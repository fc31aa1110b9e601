-- Where bytes of deleted values are left: each place is made, seen, mended by the
-- statement that "remedy" names, and no longer seen.
SET client_min_messages = warning;
ALTER SYSTEM SET autovacuum = off;
SELECT pg_reload_conf();
CREATE EXTENSION btree_gist;
CREATE EXTENSION bloom;
CREATE EXTENSION pg_trgm;

-- What there is beside free bytes, of which every index has some, and catalogs.
CREATE FUNCTION places(root regclass) RETURNS TABLE (relation regclass, place text, items bigint, share double precision, remedy text)
LANGUAGE sql AS $$
    SELECT r.relation, r.place, r.items, r.share, r.remedy
      FROM retention.residue(root) r
     WHERE r.place NOT IN ('hole', 'gap') AND r.remedy !~ '(VACUUM|scrub).*pg_catalog'
$$;

--
-- Rows that are dead, and line pointers that are (specs/residue_seen: what somebody may see)
--
CREATE TABLE person (id int PRIMARY KEY, name text, note text) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, 'name ' || i, repeat('x', 100) FROM generate_series(1, 2000) i;
SELECT * FROM places('person');
DELETE FROM person WHERE id <= 100;
SELECT * FROM places('person');
-- an abandoned insert, too
BEGIN;
INSERT INTO person SELECT i, 'abandoned', '' FROM generate_series(2001, 2007) i;
ROLLBACK;
SELECT * FROM places('person');
-- without the indexes: line pointers stay
VACUUM (INDEX_CLEANUP OFF) person;
SELECT * FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT * FROM places('person');
-- free bytes
SELECT relation, place, pages > 0 AS pages, bytes >= 100 * 100 AS bytes, items, share, remedy
  FROM retention.residue('person') WHERE relation = 'person'::regclass;
\o /dev/null
SELECT remedy FROM retention.residue('person') WHERE relation = 'person'::regclass \gexec
\o
SELECT * FROM retention.residue('person') WHERE remedy !~ 'pg_catalog';

-- up to seven bytes of an older row behind a row of another length
CREATE TABLE gap (name text) WITH (autovacuum_enabled = off);
INSERT INTO gap SELECT repeat('x', 40) FROM generate_series(1, 1000);
DELETE FROM gap;
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) gap;
INSERT INTO gap SELECT repeat('y', 5) FROM generate_series(1, 1000);
SELECT place, pages > 0 AS pages, bytes > 1000 AS bytes, items, remedy FROM retention.residue('gap') WHERE relation = 'gap'::regclass;
\o /dev/null
CALL retention.scrub('gap');
\o
SELECT place FROM retention.residue('gap') WHERE relation = 'gap'::regclass;
DROP TABLE gap;

-- who deletes may still think better of it
BEGIN;
DELETE FROM person WHERE id = 101;
SELECT * FROM places('person');
ROLLBACK;
DROP TABLE person;

--
-- Separators of a B-tree: several columns, a column that is only included,
-- duplicates in posting lists
--
CREATE TABLE person (id int, name text, town text, kind int) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, 'name ' || md5(i::text), 'town ' || i % 100, i % 3 FROM generate_series(1, 20000) i;
CREATE INDEX person_id ON person (id) INCLUDE (name);
CREATE INDEX person_town ON person (town, name);
CREATE INDEX person_kind ON person (kind);
CREATE INDEX person_nothing ON person (nullif(id, id));
CREATE INDEX person_some ON person (name COLLATE "C") WHERE id % 2 = 0;
SELECT * FROM places('person');
DELETE FROM person WHERE id % 10 <> 1;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items BETWEEN 10 AND 300 AS items, share, remedy FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT * FROM places('person');
-- a range of values goes: its pages go with it
DELETE FROM person WHERE id > 1000;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items BETWEEN 0 AND 100 AS items, remedy FROM places('person') WHERE relation <> 'person_id'::regclass;
-- ... and all of them
DELETE FROM person;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items <= 2 AS items, remedy FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT * FROM places('person');
DROP TABLE person;

-- Equal for the operator class, and not the same bytes: a number's scale is
-- what was written.
CREATE TABLE amount (value numeric, filler text) WITH (autovacuum_enabled = off);
CREATE INDEX amount_value ON amount (value);
INSERT INTO amount SELECT i / 7 + CASE WHEN i % 7 = 3 THEN 0.0 ELSE 0.000 END FROM generate_series(1, 7000) i;
SELECT * FROM places('amount');
DROP TABLE amount;

--
-- Keys of a GIN index
--
CREATE TABLE person (id int, tags text[], words tsvector) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, ARRAY['tag ' || i, 'group ' || i % 2, NULL], to_tsvector('simple', 'w' || i) FROM generate_series(1, 3000) i;
INSERT INTO person VALUES (-1, NULL, NULL), (-2, '{}', '');
CREATE INDEX person_tags ON person USING gin (tags);
CREATE INDEX person_both ON person USING gin (words, tags);
SELECT * FROM places('person');
-- 1500 tags, and a group that has a posting tree
DELETE FROM person WHERE id % 2 = 1 OR id < 0;
VACUUM (INDEX_CLEANUP ON) person;
SELECT * FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT * FROM places('person');
DROP TABLE person;

--
-- GiST: bounds are judged, signatures cannot be
--
CREATE TABLE person (id int, at point, during int4range, name text, ip inet, seen timestamptz) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, point(i * 7 % 997, i * 11 % 1009), int4range(i, i + i % 13), 'name ' || md5(i::text),
       ('10.' || i % 7 || '.' || i % 256 || '.' || i % 251)::inet FROM generate_series(1, 5000) i;
CREATE INDEX person_at ON person USING gist (at);
CREATE INDEX person_during ON person USING gist (during, id) INCLUDE (ip);
CREATE INDEX person_name ON person USING gist (name);
CREATE INDEX person_ip ON person USING gist (ip inet_ops);
CREATE INDEX person_signature ON person USING gist (name gist_trgm_ops);
INSERT INTO person SELECT i, point(i * 7 % 997, i * 11 % 1009), int4range(i, i + i % 13), 'name ' || md5(i::text),
       ('10.' || i % 7 || '.' || i % 256 || '.' || i % 251)::inet FROM generate_series(5001, 10000) i;
SELECT * FROM places('person');
DELETE FROM person WHERE id % 20 <> 1;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items > 20 AS items, remedy FROM places('person') ORDER BY relation::text;
REINDEX TABLE CONCURRENTLY person;
SELECT relation, place, items, remedy FROM places('person');
-- ... but once deletions are on record it is known whether an index is younger
SELECT retention.set_category('residue', '1 week');
SECURITY LABEL FOR privacy_retention ON TABLE person IS 'residue, from seen, then delete';
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon)
    VALUES ('public.person', 'person'::regclass, 1, 1, '2020-01-01', '2020-01-01', pg_snapshot_xmax(pg_current_snapshot()));
SELECT relation, place, items, remedy FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT relation, place, items, remedy FROM places('person');
DELETE FROM retention.erasure_round;
DROP TABLE person;
SELECT retention.drop_category('residue');

--
-- SP-GiST: radix trees are judged, centroids cannot be
--
CREATE TABLE person (id int, at point, name text, ip inet) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, point(i * 7 % 997, i * 11 % 1009), 'name ' || md5(i::text),
       ('10.' || i % 7 || '.' || i % 256 || '.' || i % 251)::inet FROM generate_series(1, 5000) i;
INSERT INTO person SELECT i, NULL, 'only ' || i FROM generate_series(1, 1000) i;
INSERT INTO person SELECT i, NULL, 'same', '10.0.0.1' FROM generate_series(1, 1000) i;
CREATE INDEX person_at ON person USING spgist (at);
CREATE INDEX person_name ON person USING spgist (name);
CREATE INDEX person_ip ON person USING spgist (ip);
SELECT relation, place, items FROM places('person');
DELETE FROM person WHERE at IS NULL AND name LIKE 'only%' OR ip << '10.3.0.0/16';
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items > 0 AS items, remedy FROM places('person');
SELECT remedy FROM places('person') WHERE items > 0 \gexec
SELECT relation, place, items FROM places('person');
DROP TABLE person;

--
-- BRIN: minimum and maximum of plain columns
--
CREATE TABLE person (id int, born date, name text, score numeric) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, date '1950-01-01' + i, 'name ' || i, i / 7.0 FROM generate_series(1, 5000) i;
CREATE INDEX person_born ON person USING brin (born, name, score) WITH (pages_per_range = 2);
CREATE INDEX person_more ON person USING brin (born date_minmax_multi_ops) WITH (pages_per_range = 2);
SELECT relation, place, items FROM places('person');
DELETE FROM person WHERE id % 50 <> 25;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items > 10 AS items, remedy FROM places('person');
SELECT remedy FROM places('person') WHERE items > 0 \gexec
SELECT relation, place, items FROM places('person');
DROP TABLE person;

-- Hash and bloom keep values of no row beside holes.
CREATE TABLE person (id int, name text) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, 'name ' || i FROM generate_series(1, 5000) i;
CREATE INDEX person_hash ON person USING hash (name);
CREATE INDEX person_bloom ON person USING bloom (id, name);
DELETE FROM person WHERE id % 50 <> 25;
VACUUM (INDEX_CLEANUP ON) person;
SELECT * FROM places('person');
SELECT DISTINCT relation, place, remedy FROM retention.residue('person') WHERE remedy !~ 'pg_catalog' ORDER BY 1, 2;
\o /dev/null
CALL retention.scrub('person');
\o
SELECT * FROM retention.residue('person') WHERE remedy !~ 'pg_catalog';
DROP TABLE person;

--
-- Dropped columns: what rows still carry, in the TOAST table, too
--
CREATE TABLE person (id int, born date, name text, life text, twice int GENERATED ALWAYS AS (id * 2) STORED) WITH (autovacuum_enabled = off);
ALTER TABLE person ALTER COLUMN life SET STORAGE EXTERNAL;
INSERT INTO person SELECT i, '1950-01-01', CASE WHEN i % 2 = 0 THEN 'name' END, CASE WHEN i = 1 THEN repeat('x', 10000) END FROM generate_series(1, 100) i;
SELECT * FROM places('person');
ALTER TABLE person DROP COLUMN born, DROP COLUMN name, DROP COLUMN life;
SELECT relation, place, pages, bytes, items, share, remedy FROM retention.residue('person') WHERE place = 'dropped column';
SELECT remedy FROM places('person') \gexec
SELECT place, items, share, remedy FROM places('person');
SELECT remedy FROM places('person') LIMIT 1 \gexec
SELECT * FROM places('person');
DROP TABLE person;
-- no column is left that an UPDATE could name
CREATE TABLE person (id int GENERATED ALWAYS AS IDENTITY, name text);
INSERT INTO person (name) VALUES ('somebody');
ALTER TABLE person DROP COLUMN name;
SELECT * FROM places('person');
SELECT remedy FROM places('person') \gexec
SELECT * FROM places('person');
DROP TABLE person;

--
-- Statistics: of columns, expressions, several columns, partitions together
--
CREATE TABLE person (id int, name text, town text, ages int[]) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, 'name ' || i % 500, 'town ' || i % 5, ARRAY[i % 3, 7] FROM generate_series(1, 1000) i;
CREATE INDEX person_upper ON person (upper(name));
CREATE STATISTICS person_both (mcv) ON name, town FROM person;
ANALYZE person;
SELECT * FROM places('person');
DELETE FROM person WHERE town = 'town 1';
SELECT pg_stat_force_next_flush();
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items > 0 AS items, share, remedy FROM places('person');
SELECT remedy FROM places('person') WHERE place = 'statistics' \gexec
SELECT * FROM places('person') WHERE place = 'statistics';
-- on an emptied table ANALYZE keeps them
DELETE FROM person;
VACUUM (INDEX_CLEANUP ON, ANALYZE) person;
SELECT relation, place, items > 0 AS items, remedy FROM places('person');
SELECT remedy FROM retention.residue('person') WHERE place = 'statistics' \gexec
SELECT * FROM retention.residue('person') WHERE place = 'statistics';
DROP TABLE person;
-- where ANALYZE is told to leave a column alone
CREATE TABLE person (id int, name text);
INSERT INTO person SELECT i, 'name' FROM generate_series(1, 100) i;
ANALYZE person;
ALTER TABLE person ALTER COLUMN name SET STATISTICS 0;
UPDATE person SET name = NULL;
SELECT items, remedy FROM retention.residue('person') WHERE place = 'statistics';
SELECT remedy FROM retention.residue('person') WHERE place = 'statistics' \gexec
SELECT items, remedy FROM retention.residue('person') WHERE place = 'statistics';
DROP TABLE person;
-- partitions: statistics of the whole are of all rows
CREATE TABLE person (name text, id int) PARTITION BY RANGE (id);
CREATE TABLE person_a (id int, name text);
ALTER TABLE person ATTACH PARTITION person_a FOR VALUES FROM (0) TO (100);
CREATE TABLE person_b PARTITION OF person FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE person_bb PARTITION OF person_b FOR VALUES FROM (100) TO (200);
INSERT INTO person SELECT 'name ' || i / 2, i FROM generate_series(0, 199) i;
ANALYZE person;
SELECT * FROM places('person');
DELETE FROM person WHERE id >= 150;
SELECT relation, place, items > 0 AS items, remedy FROM places('person');
ANALYZE person;
SELECT * FROM places('person');
DELETE FROM person_bb;
SELECT relation, place, items > 0 AS items, remedy FROM places('person');
SELECT relation, place, items, remedy FROM places('person_bb');
VACUUM (INDEX_CLEANUP ON) person;
ANALYZE person;
SELECT relation, place, items > 0 AS items, remedy FROM retention.residue('person') WHERE place = 'statistics';
DROP TABLE person;

-- Indexes of exclusion constraints, which are not rebuilt beside others: what helps can be pasted, too
CREATE TABLE person (id int, stay int4range, a int, b int, CONSTRAINT alone EXCLUDE USING gist (stay WITH &&),
	CONSTRAINT "Alone" EXCLUDE USING spgist (int4range(a, b) WITH &&) WHERE (a > 0)) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, int4range(i * 10, i * 10 + 5), i * 10, i * 10 + 5 FROM generate_series(1, 2000) i;
DELETE FROM person WHERE id % 100 < 90;
VACUUM (INDEX_CLEANUP ON) person;
SELECT relation, place, items > 0 AS items, remedy FROM retention.residue('person', exact => true) WHERE place = 'summaries';
\o /dev/null
SELECT remedy FROM retention.residue('person', exact => true) WHERE place = 'summaries' \gexec
\o
SELECT relation, place, items > 0 AS items FROM retention.residue('person', exact => true) WHERE place = 'summaries';
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'person'::regclass ORDER BY 1;
DROP TABLE person;

--
-- All at once: after every remedy, one after the other, nothing is left, in the catalogs either
--
CREATE TABLE person (id int, name text, tags text[], at point, born date, gone text) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, 'name ' || md5(i::text), ARRAY['tag ' || i], point(i, i), date '1950-01-01' + i, 'gone ' || i FROM generate_series(1, 3000) i;
CREATE INDEX person_name ON person (name);
CREATE INDEX person_tags ON person USING gin (tags);
CREATE INDEX person_at ON person USING gist (at);
CREATE INDEX person_radix ON person USING spgist (name);
CREATE INDEX person_born ON person USING brin (born) WITH (pages_per_range = 1);
ANALYZE person;
DELETE FROM person WHERE id % 10 <> 1;
ALTER TABLE person DROP COLUMN gone;
SELECT DISTINCT place FROM retention.residue('person') WHERE relation = 'person'::regclass ORDER BY place;
\o /dev/null
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^UPDATE' \gexec
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^VACUUM' AND remedy !~ 'pg_catalog' \gexec
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^REINDEX' \gexec
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^ANALYZE' \gexec
-- what earlier tests left in the catalogs, too
\set ECHO none
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^VACUUM' \gexec
SELECT DISTINCT remedy FROM retention.residue('person') WHERE remedy ~ '^CALL' \gexec
\set ECHO all
\o
SELECT * FROM retention.residue('person');
DROP TABLE person;

--
-- What can be named, by whom
--
CREATE TABLE person (id int PRIMARY KEY, name text) WITH (autovacuum_enabled = off);
CREATE TEMPORARY TABLE mine (id int);
INSERT INTO mine VALUES (1);
DELETE FROM mine;
CREATE VIEW seen AS SELECT * FROM person;
CREATE MATERIALIZED VIEW stored AS SELECT * FROM person;
SELECT place, items FROM retention.residue('mine') WHERE relation = 'mine'::regclass;
SELECT count(*) FROM retention.residue('stored') WHERE relation = 'stored'::regclass;
SELECT count(*) FROM retention.residue('person_pkey');
SELECT count(*) >= 0 AS ok FROM retention.residue('pg_catalog.pg_statistic', exact => true);
SELECT * FROM retention.residue(NULL);
SELECT * FROM retention.residue('seen');
SELECT * FROM retention.residue(0);
CREATE ROLE residue_reader;
CREATE ROLE residue_monitor IN ROLE pg_monitor;
GRANT USAGE ON SCHEMA retention TO residue_reader, residue_monitor;
SET ROLE residue_reader;
SELECT count(*) FROM retention.residue('person');
SELECT count(*) FROM retention.residue('person_pkey');
RESET ROLE;
SET ROLE residue_monitor;
SELECT count(*) FROM retention.residue('person') WHERE relation = 'person'::regclass;
RESET ROLE;
ALTER TABLE person OWNER TO residue_reader;
SET ROLE residue_reader;
SELECT count(*) FROM retention.residue('person') WHERE relation = 'person'::regclass;
RESET ROLE;

DROP TABLE person CASCADE;
DROP OWNED BY residue_reader, residue_monitor;
DROP ROLE residue_reader, residue_monitor;
DROP FUNCTION places;
DROP EXTENSION btree_gist;
DROP EXTENSION bloom;
DROP EXTENSION pg_trgm;
ALTER SYSTEM RESET autovacuum;
SELECT pg_reload_conf();
