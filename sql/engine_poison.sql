-- Rows that cannot go: they are named, and they stop nobody else.
CREATE SCHEMA poison;
SET search_path = poison, public;
SET client_min_messages = error;
DO $$BEGIN
	PERFORM retention.set_category('poison short', '7 days', 'the event');
	PERFORM retention.set_category('poison long', '1 mon', 'the event');
END$$;
-- What ON DELETE RESTRICT raises is 23001 from 18 on.
CREATE VIEW stuck AS
	SELECT relation, column_name, partition, replace(sqlstate, '23001', '23503') AS sqlstate, constraint_name, count(*)
	FROM retention.blocked WHERE relation LIKE 'poison.%'
	GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3, 4, 5;
-- by which the tests go: one instant at which everything is due
\set pass 'CALL retention.enforce(as_of => ''2024-06-01 00:00:00+00'')'

-- A trigger that raises for some rows, and one that returns NULL.
CREATE TABLE raises (id int PRIMARY KEY, seen timestamptz);
INSERT INTO raises SELECT n, '2024-01-01 00:00:00+00' FROM generate_series(1, 20) n;
CREATE FUNCTION raise_some() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN
		IF OLD.id % 7 = 0 THEN RAISE EXCEPTION 'secret value % of a row', OLD.id; END IF;
		RETURN OLD;
	END$$;
CREATE TRIGGER raise_some BEFORE DELETE ON raises FOR EACH ROW EXECUTE FUNCTION raise_some();
CREATE TABLE keeps (id int PRIMARY KEY, seen timestamptz, name text);
INSERT INTO keeps SELECT n, '2024-01-01 00:00:00+00', 'name' FROM generate_series(1, 20) n;
CREATE FUNCTION keep_some() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN
		IF OLD.id % 7 = 0 THEN RETURN NULL; END IF;
		IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
		RETURN OLD;
	END$$;
CREATE TRIGGER keep_some BEFORE UPDATE OR DELETE ON keeps FOR EACH ROW EXECUTE FUNCTION keep_some();
SELECT retention.label('raises', 'poison short, from seen, then delete');
SELECT retention.label('keeps', 'from seen; poison long, then delete');
SELECT retention.label('keeps', 'poison short, then set null', ARRAY['name']::name[]);
SELECT retention.protect('raises', at_most => 20), retention.protect('keeps', at_most => 40);
CALL retention.enforce('keeps', as_of => '2024-01-20 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "7 14" FROM keeps WHERE name IS NOT NULL;
:pass;
SELECT array_agg(id ORDER BY id) AS "7 14" FROM raises;
SELECT array_agg(id ORDER BY id) AS "7 14" FROM keeps;
SELECT * FROM stuck;
-- no values of rows in what is said
SELECT count(*) AS none FROM retention.blocked b WHERE b::text LIKE '%secret value%';
-- counted is what went, not what was asked for
SELECT relation, column_name, sum(rows) AS eighteen FROM retention.ledger
	WHERE event = 'batch' AND relation LIKE 'poison.%' GROUP BY 1, 2 ORDER BY 1, 2 NULLS FIRST;
-- once the trigger is gone, so are the rows, and the list is empty
DROP TRIGGER raise_some ON raises;
DROP TRIGGER keep_some ON keeps;
CALL retention.enforce('raises', as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce('keeps', as_of => '2024-06-01 00:00:00+00');
SELECT (SELECT count(*) FROM raises) + (SELECT count(*) FROM keeps) AS none;
SELECT * FROM stuck;

-- A row that a table without a label refers to.
CREATE TABLE parent (id int PRIMARY KEY, seen timestamptz);
INSERT INTO parent SELECT n, '2024-01-01 00:00:00+00' FROM generate_series(1, 10) n;
CREATE TABLE child (parent_id int REFERENCES parent);
INSERT INTO child VALUES (3), (5);
CREATE TABLE deferred (parent_id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO deferred VALUES (7);
CREATE TABLE cascaded (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE);
INSERT INTO cascaded VALUES (1, 1), (2, 9);
-- behind a cascade, something that refuses
CREATE TABLE behind (cascaded_id int REFERENCES cascaded ON DELETE RESTRICT);
INSERT INTO behind VALUES (2);
CREATE TABLE nulled (parent_id int REFERENCES parent ON DELETE SET NULL);
INSERT INTO nulled VALUES (2);
CREATE TABLE not_nulled (parent_id int NOT NULL REFERENCES parent ON DELETE SET NULL);
INSERT INTO not_nulled VALUES (4);
SELECT retention.label('parent', 'poison short, from seen, then delete');
SELECT retention.protect('parent', at_most => 10);
:pass;
SELECT array_agg(id ORDER BY id) AS "3 4 5 7 9" FROM parent;
SELECT * FROM stuck;
SELECT DISTINCT reason FROM retention.blocked WHERE constraint_name = 'behind_cascaded_id_fkey';
SELECT * FROM cascaded;
SELECT * FROM nulled;
DELETE FROM child; DELETE FROM deferred; DELETE FROM behind; DELETE FROM not_nulled;
CALL retention.enforce('parent', as_of => '2024-06-01 00:00:00+00');
SELECT count(*) AS none FROM parent;
SELECT * FROM stuck;

-- Values that cannot change: CHECK, UNIQUE of several columns, an index that raises.
CREATE TABLE checked (id int PRIMARY KEY, seen timestamptz, name text, CHECK (id <> 3 OR name IS NOT NULL));
INSERT INTO checked SELECT n, '2024-01-01 00:00:00+00', 'name' FROM generate_series(1, 5) n;
SELECT retention.label('checked', 'from seen; poison long, then delete');
SELECT retention.label('checked', 'poison short, then set null', ARRAY['name']::name[]);
CREATE TABLE uniq (id int PRIMARY KEY, grp int, seen timestamptz, address inet, UNIQUE (grp, address));
INSERT INTO uniq VALUES
	(1, 1, '2024-01-01 00:00:00+00', '192.0.2.1'),
	(2, 1, '2024-01-01 00:00:00+00', '192.0.2.2'),
	(3, 2, '2024-01-01 00:00:00+00', '192.0.2.1'),
	(4, 3, '2024-01-01 00:00:00+00', '198.51.100.1');
SELECT retention.label('uniq', 'from seen; poison long, then delete');
SELECT retention.label('uniq', 'poison short, then truncate to 24/48', ARRAY['address']::name[]);
CREATE FUNCTION picky(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
	$$BEGIN IF $1 = 'lo' THEN RAISE EXCEPTION 'not indexed'; END IF; RETURN $1; END$$;
CREATE TABLE indexed (id int, seen timestamptz, name text);
CREATE INDEX ON indexed (picky(name));
INSERT INTO indexed VALUES (1, '2024-01-01 00:00:00+00', 'long'), (2, '2024-01-01 00:00:00+00', 'short');
SELECT retention.label('indexed', 'from seen; poison long, then delete');
SELECT retention.label('indexed', 'poison short, then truncate to 2', ARRAY['name']::name[]);
SELECT retention.protect('checked', at_most => 10), retention.protect('uniq', at_most => 10), retention.protect('indexed', at_most => 10);
CALL retention.enforce(as_of => '2024-01-15 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "3" FROM checked WHERE name IS NOT NULL;
SELECT grp, count(*), count(*) FILTER (WHERE masklen(address) = 24) AS truncated FROM uniq GROUP BY 1 ORDER BY 1;
SELECT id, name FROM indexed ORDER BY id;
SELECT * FROM stuck;
-- the rows themselves go when it is their turn, and with them what was blocked
CALL retention.enforce('checked', as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce('uniq', as_of => '2024-06-01 00:00:00+00');
CALL retention.enforce('indexed', as_of => '2024-06-01 00:00:00+00');
SELECT (SELECT count(*) FROM checked) + (SELECT count(*) FROM uniq) + (SELECT count(*) FROM indexed) AS none;
SELECT * FROM stuck;

-- A rule would turn the statement into another.
CREATE TABLE ruled (id int PRIMARY KEY, seen timestamptz);
INSERT INTO ruled SELECT n, '2024-01-01 00:00:00+00' FROM generate_series(1, 3) n;
CREATE TABLE redirected (id int PRIMARY KEY, seen timestamptz);
INSERT INTO redirected SELECT n, '2024-01-01 00:00:00+00' FROM generate_series(1, 3) n;
CREATE TABLE victim (id int PRIMARY KEY);
INSERT INTO victim SELECT generate_series(1, 3);
CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE RULE elsewhere AS ON DELETE TO redirected DO INSTEAD DELETE FROM victim;
SELECT retention.label('ruled', 'poison short, from seen, then delete');
SELECT retention.label('redirected', 'poison short, from seen, then delete');
SELECT retention.protect('ruled', at_most => 3);
SELECT retention.protect('redirected', at_most => 3);
:pass;
SELECT (SELECT count(*) FROM victim) AS three_victims;
-- nor one that is made later, by whoever goes around the event triggers
DROP RULE nothing ON ruled;
DROP RULE elsewhere ON redirected;
SELECT retention.protect('ruled', at_most => 3), retention.protect('redirected', at_most => 3);
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE RULE elsewhere AS ON DELETE TO redirected DO INSTEAD DELETE FROM victim;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
:pass;
SELECT (SELECT count(*) FROM victim) AS three_victims,
	(SELECT count(*) FROM ruled) AS ruled, (SELECT count(*) FROM redirected) AS redirected;
SELECT relation, state, reason FROM retention.status
	WHERE relation IN ('ruled'::regclass, 'redirected'::regclass) ORDER BY relation::text;
DROP RULE nothing ON ruled;
DROP RULE elsewhere ON redirected;
:pass;
SELECT (SELECT count(*) FROM victim) AS three_victims,
	(SELECT count(*) FROM ruled) AS ruled, (SELECT count(*) FROM redirected) AS redirected;

-- A clock that cannot be computed for one row. Sentinels near the ends of time
-- are no reason to fail.
CREATE TABLE broken (id int PRIMARY KEY, ms bigint, day date, at timestamp);
CREATE TABLE broken_day (LIKE broken);
CREATE TABLE broken_at (LIKE broken);
CREATE TABLE divided (id int PRIMARY KEY, n int);
SELECT retention.label('broken', 'poison short, from to_timestamp(ms / 1000.0), then delete');
SELECT retention.label('broken_day', 'poison short, from day, then delete');
SELECT retention.label('broken_at', 'poison short, from at, then delete');
SELECT retention.label('divided', $$poison short, from (timestamptz '2024-01-01 00:00:00+00' + interval '1 day' / n), then delete$$);
SELECT retention.protect(r) FROM unnest(ARRAY['broken', 'broken_day', 'broken_at', 'divided']::regclass[]) r;
INSERT INTO broken VALUES
	(1, 1704067200000, '2024-01-01', '2024-01-01'),
	(2, 9223372036854775807, '5874897-12-31', '294276-12-31 23:59:59'),
	(3, -9223372036854775808, '4713-01-01 BC', '4713-01-01 00:00:00 BC'),
	(4, NULL, NULL, NULL),
	(5, 0, 'infinity', 'infinity'),
	(6, 1704153600000, '2024-01-02', '2024-01-02');
INSERT INTO broken_day TABLE broken;
INSERT INTO broken_at TABLE broken;
INSERT INTO divided SELECT n, n - 2 FROM generate_series(1, 3) n;
:pass;
-- 1 and 6 are gone everywhere; the others are not due, or named
SELECT array_agg(id ORDER BY id) AS "2 3 4 5" FROM broken;
SELECT array_agg(id ORDER BY id) AS "2 3 4 5" FROM broken_day;
SELECT array_agg(id ORDER BY id) AS "2 3 4 5" FROM broken_at;
SELECT array_agg(id ORDER BY id) AS "2" FROM divided;
SELECT * FROM stuck;

-- The end.
SELECT ok, problem FROM retention.verify_ledger();
DO $$BEGIN
	PERFORM retention.unprotect(tgrelid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE tgname = 'zz_privacy_retention' AND c.relnamespace = 'poison'::regnamespace;
END$$;
DROP SCHEMA poison CASCADE;
DO $$BEGIN
	PERFORM retention.drop_category(c) FROM unnest(ARRAY['poison short', 'poison long']) c;
END$$;
