-- What a pass does to plain tables: rows, columns, stages, evidence.
CREATE SCHEMA engine;
SET search_path = engine, public;
SET client_min_messages = error;
-- what is written too late is the business of passes here
SET privacy_retention.late_rows = accept;
DO $$BEGIN
	PERFORM retention.set_category('engine short', '7 days', 'the event');
	PERFORM retention.set_category('engine long', '1 mon', 'the event');
	PERFORM retention.set_category('engine longest', '1 year', 'the event');
END$$;
-- ledger entries and blocked rows of this test's tables
CREATE TABLE mark (id bigint);
INSERT INTO mark SELECT coalesce(max(id), 0) FROM retention.ledger;
CREATE VIEW evidence AS
	SELECT l.relation, l.column_name, l.category, l.action, sum(l.rows) AS rows
	FROM retention.ledger l, mark m
	WHERE l.id > m.id AND l.event = 'batch'
	GROUP BY 1, 2, 3, 4 ORDER BY 1, 2 NULLS FIRST, 3, 4;
CREATE VIEW stuck AS
	SELECT relation, column_name, partition, sqlstate, constraint_name, count(*)
	FROM retention.blocked WHERE relation LIKE 'engine.%'
	GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3, 4, 5;

-- A row goes when starting point + period has come: not a microsecond earlier.
-- No clock (NULL), one that never comes and one that cannot be are never due.
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, what text);
INSERT INTO visit VALUES
	(1, '2024-01-31 12:00:00+00', 'due exactly at the end of February'),
	(2, '2024-01-31 12:00:00.000001+00', 'a microsecond later'),
	(3, NULL, 'not started'),
	(4, 'infinity', 'never'),
	(5, '-infinity', 'implausible'),
	(6, '1970-01-01 00:00:00+00', 'implausible'),
	(7, '1999-12-31 23:59:59.999999+00', 'implausible'),
	(8, '2000-01-01 00:00:00+00', 'due'),
	(9, '294276-12-31 23:59:59.999999+00', 'the end of time'),
	(10, '9999-12-31 00:00:00+00', 'a sentinel');
SELECT retention.label('visit', 'engine long, from seen, then delete');
-- watched is not enforced
CALL retention.enforce(as_of => '2024-02-29 12:00:00+00');
SELECT count(*) AS ten FROM visit;
CALL retention.enforce('visit', as_of => '2024-02-29 12:00:00+00');
SELECT count(*) AS ten FROM visit;
-- nine tenths at once want a number that says so
SELECT retention.protect('visit', at_most => 10);
CALL retention.enforce('visit', as_of => '2024-02-29 11:59:59.999999+00');
SELECT array_agg(id ORDER BY id) AS "all but 8" FROM visit;
CALL retention.enforce('visit', as_of => '2024-02-29 12:00:00+00');
SELECT array_agg(id ORDER BY id) AS "1 went too" FROM visit;
-- an earlier instant afterwards, and the same once more: nothing happens
CALL retention.enforce('visit', as_of => '2024-02-01 00:00:00+00');
CALL retention.enforce('visit', as_of => '2024-02-29 12:00:00+00');
SELECT count(*) AS eight FROM visit;
CALL retention.enforce('visit', as_of => '2024-03-15 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "2 went too" FROM visit;
-- the evidence: three rows, and no entry for passes that did nothing
SELECT * FROM evidence;
SELECT count(*) AS three, min(cutoff AT TIME ZONE 'UTC'), max(cutoff AT TIME ZONE 'UTC')
	FROM retention.ledger l, mark m WHERE l.id > m.id AND event = 'batch';
SELECT * FROM stuck;

-- Not in a transaction block and not in a function.
BEGIN;
CALL retention.enforce('visit', as_of => '2024-03-15 00:00:00+00');
ROLLBACK;
CREATE FUNCTION pass() RETURNS void LANGUAGE plpgsql AS
	$$BEGIN CALL retention.enforce('visit', as_of => '2024-03-15 00:00:00+00'); END$$;
SELECT pass();
SELECT count(*) AS seven FROM visit;

-- Stages of a row: the first whose "where" is true decides, also if its clock
-- has not started; where none is, the row stays.
CREATE TABLE staged (id int PRIMARY KEY, kind text, a timestamp, b timestamp);
INSERT INTO staged VALUES
	(1, 'a', '2024-01-01', '2024-03-01'),	-- by a: due
	(2, 'b', '2024-03-01', '2024-01-01'),	-- by b: due
	(3, 'b', '2024-01-01', '2024-03-01'),	-- by b: not yet
	(4, 'a', NULL, '2024-01-01'),			-- by a: not started
	(5, 'c', '2024-01-01', '2024-01-01'),	-- by nothing
	(6, NULL, '2024-01-01', '2024-01-01');	-- by nothing: unknown is not true
SELECT retention.label('staged', $$engine short, where (kind = 'a'), from a, then delete;
	engine short, where (kind in ('a', 'b')), from b, then delete$$);
SELECT retention.protect('staged', at_most => 6);
CALL retention.enforce('staged', as_of => '2024-02-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "3 4 5 6" FROM staged;
CALL retention.enforce('staged', as_of => '2025-02-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) AS "4 5 6" FROM staged;

-- Stages of a column: the last one due decides. NULL is not started.
CREATE TABLE chain (id int PRIMARY KEY, seen timestamptz, address inet, name text);
INSERT INTO chain VALUES
	(1, '2024-01-01 00:00:00+00', '192.0.2.77', 'longer name'),
	(2, '2024-01-20 00:00:00+00', '2001:db8:1:2:3::77', 'longer name'),
	(3, '2023-12-01 00:00:00+00', '192.0.2.77', NULL),
	(4, NULL, '192.0.2.77', 'longer name');
SELECT retention.label('chain', 'from seen');
SELECT retention.label('chain', 'engine short, then truncate to 24/48; engine long, then set null', ARRAY['address']::name[]);
SELECT retention.label('chain', 'engine long, then truncate to 6', ARRAY['name']::name[]);
SELECT retention.label('chain', 'no personal data', ARRAY['id', 'seen']::name[]);
SELECT retention.protect('chain', at_most => 10);
CALL retention.enforce('chain', as_of => '2024-01-10 00:00:00+00');
-- 1: truncated; 2: not yet; 3: nulled, its name is NULL already; 4: not started
SELECT id, address, name FROM chain ORDER BY id;
CALL retention.enforce('chain', as_of => '2024-02-01 00:00:00+00');
-- 1: nulled and cut; 2: truncated
SELECT id, address, name FROM chain ORDER BY id;
-- what is written later is changed again; what is done is not written again
UPDATE chain SET address = '192.0.2.99' WHERE id = 3;
CREATE TABLE earlier AS SELECT id, xmin AS version FROM chain;
CALL retention.enforce('chain', as_of => '2024-02-01 00:00:00+00');
SELECT c.id, address, c.xmin <> e.version AS written FROM chain c JOIN earlier e USING (id) ORDER BY id;
SELECT * FROM evidence WHERE relation = 'engine.chain';

-- Two columns of one row, and the row itself, in one pass.
CREATE TABLE pair (id int PRIMARY KEY, seen timestamptz, a text DEFAULT 'none', b int);
INSERT INTO pair SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '10 days', 'value', 17
	FROM generate_series(1, 4) n;
SELECT retention.label('pair', 'from seen; engine longest, then delete');
SELECT retention.label('pair', 'engine short, then set default', ARRAY['a']::name[]);
SELECT retention.label('pair', 'engine long, then round to 10', ARRAY['b']::name[]);
SELECT retention.protect('pair', at_most => 100);
CALL retention.enforce('pair', as_of => '2024-03-01 00:00:00+00');
-- a: all; b: 1 to 3 (11, 21 and 31 January)
SELECT id, a, b = 17 AS b_as_it_was, b % 10 = 0 AS b_rounded FROM pair ORDER BY id;
CALL retention.enforce('pair', as_of => '2025-01-20 00:00:00+00');
-- row 1 went; b of 4 is rounded, too
SELECT id, a, b % 10 = 0 AS b_rounded FROM pair ORDER BY id;
SELECT * FROM evidence WHERE relation = 'engine.pair';

-- The pass counts in the setting's time zone, whatever the session's is: the
-- day that begins in Berlin's summer ends with it.
CREATE TABLE day (id int PRIMARY KEY, at timestamptz, on_day date, local timestamp);
INSERT INTO day VALUES (1, '2024-03-24 00:00:00+01', '2024-03-24', '2024-03-24 00:00:00');
SELECT retention.label('day', 'engine short, where (id = 1), from at, then delete');
SELECT retention.protect('day', at_most => 1);
SET privacy_retention.timezone = 'Europe/Berlin';
SET TimeZone = 'Pacific/Honolulu';
SET DateStyle = 'SQL, DMY';
CALL retention.enforce('day', as_of => '2024-03-30 22:59:59+00');
SELECT count(*) AS one FROM day;
CALL retention.enforce('day', as_of => '2024-03-30 23:00:00+00');
SELECT count(*) AS none FROM day;
INSERT INTO day VALUES (2, NULL, '2024-03-25', NULL), (3, NULL, NULL, '2024-03-25 00:00:00');
RESET DateStyle;
SELECT retention.unprotect('day');
SELECT retention.label('day', 'engine short, where (id = 2), from on_day, then delete; engine short, from local, then delete');
SELECT retention.protect('day', at_most => 2);
-- seven days of Berlin are 167 hours here: until 31 March 24:00 = 22:00 UTC
CALL retention.enforce('day', as_of => '2024-03-31 21:59:59+00');
SELECT count(*) AS two FROM day;
CALL retention.enforce('day', as_of => '2024-03-31 22:00:00+00');
SELECT count(*) AS none FROM day;
RESET privacy_retention.timezone;
RESET TimeZone;

-- The end.
SELECT * FROM stuck;
SELECT ok, problem FROM retention.verify_ledger();
DO $$BEGIN
	PERFORM retention.unprotect(r) FROM unnest(ARRAY['visit', 'staged', 'chain', 'pair', 'day']::regclass[]) r;
END$$;
DROP SCHEMA engine CASCADE;
DO $$BEGIN
	PERFORM retention.drop_category(c) FROM unnest(ARRAY['engine short', 'engine long', 'engine longest']) c;
END$$;
