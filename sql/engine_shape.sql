-- Tables of every shape.
CREATE SCHEMA shape;
SET search_path = shape, public;
SET client_min_messages = error;
DO $$BEGIN
	PERFORM retention.set_category('shape short', '7 days', 'the event');
	PERFORM retention.set_category('shape long', '1 mon', 'the event');
END$$;
CREATE VIEW stuck AS
	SELECT relation, column_name, partition, sqlstate, constraint_name, count(*)
	FROM retention.blocked WHERE relation LIKE 'shape.%'
	GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3, 4, 5;
\set pass 'CALL retention.enforce(as_of => ''2024-06-01 00:00:00+00'')'
-- as_of is after the first of "due" and before the second of "live"
\set due '''2024-01-01 00:00:00+00'''
\set live '''2024-05-31 00:00:00+00'''

-- No primary key, and rows that are alike in every bit.
CREATE TABLE bare (seen timestamptz, what text);
INSERT INTO bare VALUES (:due, 'twin'), (:due, 'twin'), (:live, 'live'), (:live, 'live'), (:due, NULL), (NULL, NULL);
SELECT retention.label('bare', 'shape short, from seen, then delete');
-- Unlogged.
CREATE UNLOGGED TABLE loose (seen timestamptz, what text);
INSERT INTO loose TABLE bare;
SELECT retention.label('loose', 'shape short, from seen, then delete');
-- Columns that were dropped, generated, identity; values in TOAST.
CREATE TABLE worn (junk int, seen timestamptz, id int GENERATED ALWAYS AS IDENTITY, a text,
	b text GENERATED ALWAYS AS (upper(a)) STORED, big text);
ALTER TABLE worn DROP COLUMN junk;
INSERT INTO worn (seen, a, big) VALUES (:due, 'one', repeat('x', 100000)), (:live, 'two', repeat('y', 100000)),
	('2024-05-20 00:00:00+00', 'three', repeat('z', 100000));
ALTER TABLE worn ADD COLUMN later text DEFAULT 'added';
SELECT retention.label('worn', 'from seen; shape long, then delete');
SELECT retention.label('worn', 'shape short, then truncate to 2', ARRAY['a']::name[]);
SELECT retention.protect(r, at_most => 6) FROM unnest(ARRAY['bare', 'loose', 'worn']::regclass[]) r;
:pass;
SELECT what, count(*) FROM bare GROUP BY 1 ORDER BY 1;
SELECT what, count(*) FROM loose GROUP BY 1 ORDER BY 1;
-- 1 went, 2 is as it was, 3 is cut, and what was generated from it follows
SELECT id, a, b, length(big), later FROM worn ORDER BY id;

-- Row security, forced on an owner who may see one row only.
CREATE ROLE shape_owner;
GRANT ALL ON SCHEMA shape TO shape_owner;
CREATE TABLE hidden (id int PRIMARY KEY, seen timestamptz, name text);
INSERT INTO hidden VALUES (1, :due, 'name'), (2, :live, 'name'), (3, '2024-05-20 00:00:00+00', 'name');
ALTER TABLE hidden OWNER TO shape_owner;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY odd ON hidden USING (id = 2) WITH CHECK (false);
SELECT retention.label('hidden', 'from seen; shape long, then delete');
SELECT retention.label('hidden', 'shape short, then set null', ARRAY['name']::name[]);
-- The trigger sees who runs it.
CREATE TABLE seen_by (who text, relation text);
GRANT ALL ON seen_by TO shape_owner;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN INSERT INTO shape.seen_by VALUES (current_user, TG_RELID::regclass::text); RETURN OLD; END$$;
CREATE TRIGGER tell BEFORE DELETE ON hidden FOR EACH ROW EXECUTE FUNCTION tell();
SELECT retention.protect('hidden', at_most => 6);
:pass;
SELECT * FROM hidden ORDER BY id;
SELECT * FROM seen_by;

-- Partitions: by range of the clock, with default; by list over hash; attached
-- with its columns in another order.  A row number (ctid) is there in each.
CREATE TABLE months (seen timestamptz, id int, what text) PARTITION BY RANGE (seen);
CREATE TABLE months_1 PARTITION OF months FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE months_5 (what text, junk int, id int, seen timestamptz);
ALTER TABLE months_5 DROP COLUMN junk;
ALTER TABLE months ATTACH PARTITION months_5 FOR VALUES FROM ('2024-05-01') TO ('2024-06-01');
CREATE TABLE months_d PARTITION OF months DEFAULT;
INSERT INTO months SELECT d, n, 'what'
	FROM (VALUES (1, timestamptz '2024-01-01 00:00:00+00'), (2, '2024-01-31 23:00:00+00'),
		(3, '2024-05-20 00:00:00+00'), (4, '2024-05-31 00:00:00+00'),
		(5, '2023-01-01 00:00:00+00'), (6, '2025-01-01 00:00:00+00'), (7, NULL)) v(n, d);
CREATE TABLE deep (id int, kind text, seen timestamptz, what text) PARTITION BY LIST (kind);
CREATE TABLE deep_a PARTITION OF deep FOR VALUES IN ('a') PARTITION BY HASH (id);
CREATE TABLE deep_a0 PARTITION OF deep_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE deep_a1 PARTITION OF deep_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE deep_rest PARTITION OF deep DEFAULT;
INSERT INTO deep SELECT n, CASE WHEN n % 3 = 0 THEN 'b' ELSE 'a' END,
	CASE WHEN n % 2 = 0 THEN timestamptz :due ELSE :live END, 'what'
	FROM generate_series(1, 40) n;
SELECT retention.label('months', 'shape short, from seen, then delete');
SELECT retention.label('deep', 'from seen; shape long, then delete');
SELECT retention.label('deep', 'shape short, then truncate to 2', ARRAY['what']::name[]);
-- labels belong to the root
SELECT retention.label('months_1', 'shape short, from seen, then delete');
SELECT retention.protect('months', at_most => 7), retention.protect('deep', at_most => 80);
CALL retention.enforce('deep', as_of => '2024-01-10 00:00:00+00');
SELECT what, count(*), bool_and(id % 2 = 0) AS even FROM deep GROUP BY 1 ORDER BY 1;
:pass;
SELECT id FROM months ORDER BY id;
SELECT count(*) AS twenty, bool_and(id % 2 = 1 AND seen = :live) AS live FROM deep;
SELECT relation, column_name, sum(rows) FROM retention.ledger
	WHERE event = 'batch' AND relation IN ('shape.months', 'shape.deep') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS partitions FROM pg_inherits WHERE inhparent IN ('months'::regclass, 'deep'::regclass, 'deep_a'::regclass);
-- a partition that comes later is covered
CREATE TABLE months_7 PARTITION OF months FOR VALUES FROM ('2024-07-01') TO ('2024-08-01');
INSERT INTO months VALUES ('2024-07-02 00:00:00+00', 8, 'what');
CALL retention.enforce('months', as_of => '2024-07-20 00:00:00+00');
-- 4 has fallen due meanwhile, too
SELECT id FROM months ORDER BY id;

-- Tables that inherit.
CREATE TABLE base (id int, seen timestamptz, what text);
CREATE TABLE heir (more text) INHERITS (base);
CREATE TABLE heir_of_heir (even_more text) INHERITS (heir);
INSERT INTO base VALUES (1, :due, 'base'), (2, :live, 'base');
INSERT INTO heir VALUES (3, :due, 'heir', 'more'), (4, :live, 'heir', 'more');
INSERT INTO heir_of_heir VALUES (5, :due, 'heir of heir', 'more', 'even more'), (6, :live, 'heir of heir', 'more', 'even more');
SELECT retention.label('base', 'shape short, from seen, then delete');
SELECT retention.protect('base', at_most => 6);
CALL retention.enforce('base', as_of => '2024-06-01 00:00:00+00');
SELECT id, what FROM base ORDER BY id;

-- Odd names.
CREATE SCHEMA "Odd ""schema.";
CREATE TABLE "Odd ""schema."."then delete; or ->" ("a -> b" int PRIMARY KEY, "from" timestamp, "or" text, "größe, then" inet);
INSERT INTO "Odd ""schema."."then delete; or ->" VALUES (1, '2024-01-01', 'x', '192.0.2.1'), (2, '2024-05-31', 'y', '192.0.2.1'), (3, '2024-05-20', 'z', '192.0.2.1');
SELECT retention.label('"Odd ""schema."."then delete; or ->"', 'from "from"; shape long, then delete');
SELECT retention.label('"Odd ""schema."."then delete; or ->"', 'shape short, where ("or" = ''z''), then truncate to 24/48', ARRAY['größe, then']::name[]);
SELECT retention.protect('"Odd ""schema."."then delete; or ->"', at_most => 6);
:pass;
SELECT "a -> b", "or", "größe, then" FROM "Odd ""schema."."then delete; or ->" ORDER BY 1;

-- What has no rows of its own, or none that last, is refused.
CREATE VIEW a_view AS SELECT * FROM bare;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM bare;
CREATE SEQUENCE a_sequence;
CREATE FOREIGN DATA WRAPPER shape_wrapper;
CREATE SERVER shape_server FOREIGN DATA WRAPPER shape_wrapper;
CREATE FOREIGN TABLE a_foreign (seen timestamptz) SERVER shape_server;
SECURITY LABEL FOR privacy_retention ON VIEW a_view IS 'shape short, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON MATERIALIZED VIEW a_matview IS 'shape short, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON SEQUENCE a_sequence IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON FOREIGN TABLE a_foreign IS 'shape short, from seen, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN a_view.seen IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON ROLE shape_owner IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE retention.data_category IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE pg_class IS 'no personal data';

-- The end.
SELECT * FROM stuck;
SELECT ok, problem FROM retention.verify_ledger();
DO $$BEGIN
	PERFORM retention.unprotect(tgrelid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE tgname = 'zz_privacy_retention' AND NOT c.relispartition
		AND NOT exists(SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
		AND c.relnamespace IN ('shape'::regnamespace, '"Odd ""schema."'::regnamespace);
END$$;
DROP SCHEMA shape CASCADE;
DROP SCHEMA "Odd ""schema." CASCADE;
DROP FOREIGN DATA WRAPPER shape_wrapper CASCADE;
DROP ROLE shape_owner;
DO $$BEGIN
	PERFORM retention.drop_category(c) FROM unnest(ARRAY['shape short', 'shape long']) c;
END$$;
