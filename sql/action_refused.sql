-- Actions that cannot hold: on the column's type, said at once; for a constraint, a
-- default, a value, a key or a privilege, in retention.rule.
SELECT retention.create_key() > 0 AS created;
CREATE EXTENSION citext;
CREATE SCHEMA act;
SET search_path = act, public;
SELECT retention.set_category('short', '7 days', 'the event');
CREATE DOMAIN mail AS citext CHECK (VALUE ~ '@');
CREATE FUNCTION first_letter(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, 1)';

-- What an action cannot do on a column is said at once.
CREATE TABLE refused (id int, at timestamptz, i int, t text, j json, b jsonb, d date, tm time, iv interval, n numeric(5, 2), a inet, c cidr, s varchar(25), m mail);
CREATE FUNCTION grows(text) RETURNS text VOLATILE LANGUAGE sql AS $$ SELECT $1 || 'x' $$;
CREATE FUNCTION number(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION several(text) RETURNS SETOF text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
SECURITY LABEL FOR privacy_retention ON TABLE refused IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.i IS 'short, then truncate to 3';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.i IS 'short, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.i IS 'short, then round to day';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.i IS 'short, then round to 0.5';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then round to 10';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then truncate to 3/4';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then call grows';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then call number';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then call several';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then call nobody';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then call nowhere.nobody';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.j IS 'short, then remove a';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.t IS 'short, then keep a';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.b IS 'short, then decorrelate';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.d IS 'short, then round to hour';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.d IS 'short, then round to 5';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.tm IS 'short, then round to day';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.iv IS 'short, then round to week';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.n IS 'short, then round to 0.005';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.a IS 'short, then truncate to 48';
SECURITY LABEL FOR privacy_retention ON COLUMN refused.c IS 'short, then pseudonymise';

-- What a constraint, a default or a value forbids makes the rule invalid.
CREATE TABLE invalid (id int, at timestamptz, nn text NOT NULL, u text UNIQUE, un int UNIQUE NULLS NOT DISTINCT, def timestamptz DEFAULT now(),
	g int GENERATED ALWAYS AS (id + 1) STORED, ia int GENERATED ALWAYS AS IDENTITY, s varchar(25), m mail, p int, w timestamptz, ud text UNIQUE DEFAULT 'x', n varchar(2));
CREATE TABLE split (id int, at timestamptz, p text) PARTITION BY LIST (p);
SECURITY LABEL FOR privacy_retention ON TABLE invalid IS 'from at';
SECURITY LABEL FOR privacy_retention ON TABLE split IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.nn IS 'short, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.u IS 'short, then set ''x''';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.un IS 'short, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.def IS 'short, then set default';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.g IS 'short, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.ia IS 'short, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.s IS 'short, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.m IS 'short, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.p IS 'short, then set ''x''';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.w IS 'short, then set ''today''';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.ud IS 'short, then set default';
SECURITY LABEL FOR privacy_retention ON COLUMN invalid.n IS 'short, then set ''xyz''';
SECURITY LABEL FOR privacy_retention ON COLUMN split.p IS 'short, then set null';
SELECT column_name, action, valid, problem FROM retention.rule WHERE relation::text LIKE '%invalid' OR relation::text LIKE '%split' ORDER BY relation::text COLLATE "C", column_name COLLATE "C";

-- The function of "call" is the owner's to call; without a key nothing is made a token.
CREATE ROLE regress_action;
GRANT USAGE ON SCHEMA act TO regress_action;
CREATE TABLE owned (id int, at timestamptz, v text, k text);
SECURITY LABEL FOR privacy_retention ON TABLE owned IS 'from at';
SECURITY LABEL FOR privacy_retention ON COLUMN owned.v IS 'short, then call first_letter';
SECURITY LABEL FOR privacy_retention ON COLUMN owned.k IS 'short, then decorrelate';
ALTER TABLE owned OWNER TO regress_action;
REVOKE EXECUTE ON FUNCTION first_letter(text) FROM PUBLIC;
SELECT count(retention.destroy_key(epoch)) FROM retention.key WHERE state IN ('current', 'retired');
SELECT column_name, valid, problem FROM retention.rule WHERE relation::text LIKE '%owned' ORDER BY column_name COLLATE "C";
GRANT EXECUTE ON FUNCTION first_letter(text) TO regress_action;
SELECT retention.create_key() > 0 AS created;
SELECT column_name, valid, problem FROM retention.rule WHERE relation::text LIKE '%owned' ORDER BY column_name COLLATE "C";
REVOKE USAGE ON SCHEMA act FROM regress_action;
SELECT column_name, valid, problem FROM retention.rule WHERE relation::text LIKE '%owned' ORDER BY column_name COLLATE "C";

-- The expressions of jsonb, by themselves: quotes in keys, empty keys, keys within kept keys.
SELECT retention.jsonb_remove('{"we\"ird": 1, "a''b": {"": 1, "k": 2}}', '{"we\"ird": true, "a''b": {"": true}}') AS quotes,
	retention.jsonb_keep('{"a": {"b": 1, "c": {"d": [1, {"e": null}]}}, "x": 1}', '{"a": {"c": true}, "y": true}') AS nested,
	retention.jsonb_keep('"scalar"', '{"a": true}') AS scalar, retention.jsonb_keep('{}', '{"a": true}') AS empty,
	retention.jsonb_remove(NULL, '{"a": true}') IS NULL AS "null";
SELECT retention.jsonb_keep('{}', '[]');

SET client_min_messages = warning;
DROP SCHEMA act CASCADE;
SELECT retention.drop_category('short');
DROP EXTENSION citext;
DROP ROLE regress_action;
DO $$ BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; rm -f "' || current_setting('privacy_retention.key_directory') || '"/*');
END $$;
