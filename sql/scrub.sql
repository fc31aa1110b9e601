-- CALL retention.scrub(): freed bytes are overwritten, and nothing else changes.
CREATE EXTENSION IF NOT EXISTS bloom;
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE EXTENSION IF NOT EXISTS pageinspect;
SET client_min_messages = warning;

-- Which relations of a table have a text in their pages?
CREATE FUNCTION leaks(tab regclass, needle text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text := '';
	rel record;
BEGIN
	FOR rel IN SELECT c.oid, CASE WHEN c.relkind = 't' THEN 'toast' ELSE coalesce(a.amname, c.relname) END AS what
			FROM pg_class AS t JOIN pg_class AS c ON c.oid IN (t.oid, t.reltoastrelid)
				OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (t.oid, t.reltoastrelid))
			LEFT JOIN pg_am AS a ON a.oid = c.relam AND c.relkind = 'i'
			WHERE t.oid = tab ORDER BY 2 LOOP
		IF EXISTS (SELECT FROM generate_series(0, pg_relation_size(rel.oid) / 8192 - 1) AS block
				WHERE position(convert_to(needle, 'UTF8') IN get_raw_page(rel.oid::regclass::text, block::int)) > 0) THEN
			found := found || ' ' || rel.what;
		END IF;
	END LOOP;
	RETURN found;
END $$;

-- Each access method, and TOAST. Statistics and old tuple versions apart.
CREATE TABLE scrubbed (id int PRIMARY KEY, t text, words tsvector, p point, big text)
	WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE scrubbed ALTER big SET STORAGE EXTERNAL;
INSERT INTO scrubbed
	SELECT i, CASE WHEN i % 2 = 0 THEN 'gone-' ELSE 'kept-' END || i || repeat('.', i % 5), to_tsvector('simple', 'word' || i), point(i, -i),
		CASE WHEN i % 100 = 0 THEN repeat('big-gone ', 1000) WHEN i % 100 = 1 THEN repeat('big-kept ', 1000) END
	FROM generate_series(1, 4000) AS i;
CREATE INDEX ON scrubbed (t);
CREATE INDEX ON scrubbed USING hash (t);
CREATE INDEX ON scrubbed USING gin (words);
CREATE INDEX ON scrubbed USING gist (p);
CREATE INDEX ON scrubbed USING spgist (t);
CREATE INDEX ON scrubbed USING brin (id) WITH (pages_per_range = 2);
CREATE INDEX ON scrubbed USING bloom (id);
DELETE FROM scrubbed WHERE id % 2 = 0;
UPDATE scrubbed SET t = 'changed-' || id WHERE id % 20 = 1;

-- Before VACUUM: nothing of them is free, and it says so (how many rows have been
-- pruned to line pointers by now is nobody's promise).
SET client_min_messages = error;
CALL retention.scrub('scrubbed') \gset
SELECT :'missing' AS missing;
SELECT relation, running, timeline, skipped, missing, pages_done = pages_total AS all_pages
	FROM retention.scrubbed WHERE relation = 'public.scrubbed';
-- An entry that was reclaimed without its index is still a value in the index.
VACUUM (INDEX_CLEANUP OFF) scrubbed;
CALL retention.scrub('scrubbed', check_only => true) \gset
SELECT :'missing' AS missing;
SET client_min_messages = warning;
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) scrubbed;
SELECT leaks('scrubbed', 'big-gone') AS of_toast, leaks('scrubbed', 'gone-2000') <> '' AS of_columns;

-- Only looking changes nothing, and finds what the scrub then wipes.
SELECT pg_current_wal_insert_lsn() AS before \gset
CALL retention.scrub('scrubbed', check_only => true) \gset look_
SELECT :look_pages_wiped > 0 AS something, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'before') < 8192 AS no_wal;
CALL retention.scrub('scrubbed') \gset wipe_
SELECT :look_pages = :wipe_pages AS pages, :look_pages_wiped = :wipe_pages_wiped AS wiped, :look_bytes_wiped = :wipe_bytes_wiped AS bytes;
SELECT leaks('scrubbed', 'big-gone') AS of_toast, leaks('scrubbed', 'gone-2000') AS of_columns, leaks('scrubbed', 'big-kept') AS kept;
-- A second time there is nothing left.
SELECT pg_current_wal_insert_lsn() AS before \gset
CALL retention.scrub('scrubbed') \gset
SELECT :pages_wiped AS pages, :bytes_wiped AS bytes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'before') < 16384 AS hardly_any_wal;
-- Forced: all pages that have room.
CALL retention.scrub('scrubbed', force => true) \gset
SELECT :pages_wiped > :wipe_pages_wiped AS more, :bytes_wiped AS bytes;

-- The indexes agree with the table.
CREATE FUNCTION agrees(tab regclass, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan text;
	by_index text;
	by_table text;
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true);
	PERFORM set_config('enable_indexscan', 'on', true);
	PERFORM set_config('enable_bitmapscan', 'on', true);
	EXECUTE format('EXPLAIN (COSTS OFF, FORMAT JSON) SELECT count(*) FROM %s WHERE %s', tab, condition) INTO plan;
	EXECUTE format('SELECT count(*) || '' '' || sum(id) FROM %s WHERE %s', tab, condition) INTO by_index;
	PERFORM set_config('enable_seqscan', 'on', true);
	PERFORM set_config('enable_indexscan', 'off', true);
	PERFORM set_config('enable_indexonlyscan', 'off', true);
	PERFORM set_config('enable_bitmapscan', 'off', true);
	EXECUTE format('SELECT count(*) || '' '' || sum(id) FROM %s WHERE %s', tab, condition) INTO by_table;
	RETURN substring(plan FROM '"Index Name": "([^"]*)"') || CASE WHEN by_index IS NOT DISTINCT FROM by_table THEN ': agrees' ELSE ': differs' END;
END $$;
SELECT agrees('scrubbed', condition) FROM unnest(ARRAY[
	$$t >= 'kept-1' AND t < 'kept-3'$$, $$words @@ 'word1 | word77 | word2001 | word4'$$,
	$$p <@ box '((100,-100),(900,-900))'$$]) AS condition;
DROP INDEX scrubbed_t_idx;
SELECT agrees('scrubbed', $$t ^@ 'kept-2'$$);
DROP INDEX scrubbed_t_idx2;
SELECT agrees('scrubbed', $$t = 'kept-2003...'$$);
ALTER TABLE scrubbed DROP CONSTRAINT scrubbed_pkey;
SELECT agrees('scrubbed', $$id BETWEEN 100 AND 900$$);
DROP INDEX scrubbed_id_idx;
SELECT agrees('scrubbed', $$id = 777$$);
ALTER TABLE scrubbed ADD PRIMARY KEY (id);
CREATE INDEX scrubbed_t ON scrubbed (t);
CALL retention.scrub('scrubbed') \gset
SELECT bt_index_parent_check('scrubbed_pkey', true, true), bt_index_parent_check('scrubbed_t', true, true);
SELECT count(*) AS damaged FROM verify_heapam('scrubbed');
SELECT count(*), count(big), sum(length(big)) FROM scrubbed;

-- An index or a TOAST table alone; a catalog.
CALL retention.scrub('scrubbed_t') \gset
SELECT :pages = pg_relation_size('scrubbed_t') / 8192 AS all_pages;
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'scrubbed'::regclass \gset
CALL retention.scrub(:'toast') \gset
SELECT :pages_wiped;
ANALYZE scrubbed;
ANALYZE scrubbed;
VACUUM pg_statistic;
CALL retention.scrub('pg_statistic') \gset
CALL retention.scrub('pg_statistic', check_only => true) \gset
SELECT :bytes_wiped AS bytes;

-- No checkpoint writes what is not logged: the scrub does.
CREATE UNLOGGED TABLE unlogged (t text) WITH (autovacuum_enabled = off);
INSERT INTO unlogged SELECT 'gone-' || i FROM generate_series(1, 1000) AS i;
CREATE INDEX unlogged_t ON unlogged (t);
CREATE FUNCTION unlogged_file() RETURNS boolean LANGUAGE sql AS $$
	SELECT position(convert_to('gone-15', 'UTF8') IN pg_read_binary_file(pg_relation_filepath('unlogged_t'))) > 0
$$;
SELECT unlogged_file() AS before;
DELETE FROM unlogged;
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) unlogged;
CALL retention.scrub('unlogged') \gset
CHECKPOINT;
SELECT unlogged_file() AS after;
DROP TABLE unlogged;
DROP FUNCTION unlogged_file();

-- Partitions with their indexes, one of them unlogged; inheritance.
CREATE TABLE parted (id int, t text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000) WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1000) TO (2000) WITH (autovacuum_enabled = off);
CREATE INDEX ON parted (t);
INSERT INTO parted SELECT i, CASE WHEN i % 2 = 0 THEN 'gone-' ELSE 'kept-' END || i FROM generate_series(0, 1999) AS i;
DELETE FROM parted WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP ON) parted;
CALL retention.scrub('parted') \gset
SELECT :pages_wiped > 0 AS wiped;
CALL retention.scrub('parted', force => true) \gset
SELECT :bytes_wiped AS bytes;
SELECT leaks('parted_1', 'gone-5'), leaks('parted_2', 'gone-15') AS unlogged, leaks('parted_2', 'kept-15');
SELECT count(*) FROM parted;

-- What another server stores no scrub reaches: it says so, here and where it only looks.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
SELECT lsn FROM retention.scrubbed WHERE relation = 'public.parted' \gset before_
CREATE FOREIGN TABLE parted_3 PARTITION OF parted FOR VALUES FROM (2000) TO (3000) SERVER nowhere;
CALL retention.scrub('parted', check_only => true) \gset
CALL retention.scrub('parted') \gset
SELECT skipped, lsn > :'before_lsn' AS complete_here FROM retention.scrubbed WHERE relation = 'public.parted';
SELECT relation, place, pages, items, remedy FROM retention.residue('parted') WHERE place = 'elsewhere';
DROP FOREIGN DATA WRAPPER nowhere CASCADE;

-- Own temporary tables
CREATE TEMPORARY TABLE passing (id int PRIMARY KEY, t text);
INSERT INTO passing SELECT i, 'gone-' || i FROM generate_series(1, 2000) AS i;
DELETE FROM passing WHERE id % 2 = 0;
VACUUM passing;
CALL retention.scrub('passing') \gset
SELECT :pages_wiped > 0 AS wiped;
CALL retention.scrub('passing') \gset
SELECT :pages_wiped AS pages, count(*) FROM passing;

-- An access method that is not known is left alone, unless somebody vouches for it.
CREATE ACCESS METHOD other TYPE INDEX HANDLER gisthandler;
CREATE OPERATOR CLASS other_box DEFAULT FOR TYPE box USING other AS
	OPERATOR 3 &&, FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal),
	FUNCTION 2 gist_box_union(internal, internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
	FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal);
CREATE TABLE foreign_pages (b box);
INSERT INTO foreign_pages SELECT box(point(i, i), point(i + 1, i + 1)) FROM generate_series(1, 100) AS i;
CREATE INDEX foreign_index ON foreign_pages USING other (b);
CALL retention.scrub('foreign_pages') \gset
SELECT skipped, lsn FROM retention.scrubbed WHERE relation = 'public.foreign_pages';
SET privacy_retention.scrub_access_methods = 'other';
CALL retention.scrub('foreign_pages') \gset
SELECT skipped, lsn IS NOT NULL AS complete FROM retention.scrubbed WHERE relation = 'public.foreign_pages';
RESET privacy_retention.scrub_access_methods;

-- A protected table: the ledger says what was proved, and of which deletions.
SELECT retention.set_category('scrub week', '7 days', 'the visit') IS NOT NULL AS category;
CREATE TABLE visit (id int PRIMARY KEY, t text, at timestamptz) WITH (autovacuum_enabled = off);
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'scrub week, from at, then delete';
INSERT INTO visit SELECT i, 'gone-' || i, now() - CASE WHEN i % 2 = 0 THEN interval '8 days' ELSE interval '1 day' END FROM generate_series(1, 100) AS i;
SELECT retention.protect('visit', at_most => 100);
CALL retention.enforce('visit');
CALL retention.scrub('visit') \gset
SELECT :'missing' AS missing;
SELECT relation, vacuumed_at IS NOT NULL AS vacuumed, scrubbed_at IS NOT NULL AS scrubbed FROM retention.erasure_round WHERE relation = 'public.visit';
VACUUM (INDEX_CLEANUP ON) visit;
-- what was deleted since, and is known as dead in an index, belongs to a later round
DELETE FROM visit WHERE id = 1;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM visit WHERE id < 10;
SELECT count(*) FROM visit WHERE id < 10;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT items FROM retention.residue('visit_pkey') WHERE place = 'dead items';
CALL retention.scrub('visit') \gset
SELECT relation, removable_at IS NOT NULL AS removable, vacuumed_at IS NOT NULL AS vacuumed, scrubbed_at IS NOT NULL AS scrubbed,
	scrub_lsn = s.lsn AS lsn, r.timeline FROM retention.erasure_round AS r JOIN retention.scrubbed AS s USING (relation) WHERE relation = 'public.visit';
CALL retention.scrub('visit', check_only => true) \gset
SELECT event, erasure_level, regexp_replace(detail, '\d+', 'n', 'g') AS detail FROM retention.ledger
	WHERE relation = 'public.visit' AND event IN ('scrub', 'erasure') AND erasure_level IS DISTINCT FROM 'durable' ORDER BY id;
SELECT retention.unprotect('visit');

-- Refused
CREATE VIEW seen AS SELECT 1 AS one;
CREATE SEQUENCE counted;
CALL retention.scrub('seen');
CALL retention.scrub('counted');
CALL retention.scrub(NULL);
CALL retention.scrub('4294967000'::oid::regclass);
BEGIN;
CALL retention.scrub('scrubbed');
ROLLBACK;
CREATE FUNCTION inside() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	a bigint;
	m text;
BEGIN
	CALL retention.scrub('scrubbed', false, false, a, a, a, m);
END $$;
SELECT inside();
CREATE ROLE scrub_owner;
CREATE ROLE scrub_other;
GRANT USAGE ON SCHEMA retention TO scrub_owner, scrub_other;
ALTER TABLE scrubbed OWNER TO scrub_owner;
SET ROLE scrub_owner;
CALL retention.scrub('scrubbed');
RESET ROLE;
GRANT EXECUTE ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) TO scrub_owner, scrub_other;
SET ROLE scrub_other;
CALL retention.scrub('scrubbed');
CALL retention.scrub('pg_statistic');
SET ROLE scrub_owner;
CALL retention.scrub('scrubbed') \gset
SELECT :pages_wiped AS by_the_owner;
RESET ROLE;

DROP TABLE scrubbed, parted, passing, foreign_pages, visit;
DROP ACCESS METHOD other CASCADE;
DROP VIEW seen;
DROP SEQUENCE counted;
DROP FUNCTION leaks, agrees, inside;
REVOKE ALL ON SCHEMA retention FROM scrub_owner, scrub_other;
REVOKE ALL ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) FROM scrub_owner, scrub_other;
DROP ROLE scrub_owner, scrub_other;
DROP EXTENSION bloom;
DROP EXTENSION amcheck;
DROP EXTENSION pageinspect;

-- What a concurrent command left unfinished, VACUUM passes by: nothing is claimed, and it is named.
CREATE TABLE scrub_unfinished (id int, v text);
INSERT INTO scrub_unfinished SELECT n, 'value ' || n FROM generate_series(1, 100) n;
CREATE INDEX CONCURRENTLY scrub_half ON scrub_unfinished USING gin ((ARRAY[v, (1 / (id - 50))::text]));
SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = 'scrub_half'::regclass;
SELECT relation, place, items, remedy FROM retention.residue('scrub_unfinished', exact => true) WHERE relation = 'scrub_half'::regclass;
DELETE FROM scrub_unfinished;
VACUUM (INDEX_CLEANUP ON) scrub_unfinished;
SET client_min_messages = warning;
CALL retention.scrub('scrub_unfinished') \gset
DROP INDEX CONCURRENTLY scrub_half;
CALL retention.scrub('scrub_unfinished') \gset
RESET client_min_messages;
DROP TABLE scrub_unfinished;
