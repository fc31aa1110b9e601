-- What becomes of a value: each action, on each of its types, with rows for NULL,
-- for what is done already, and for the edges of the type. The row 0 is not due.
SELECT retention.create_key() > 0 AS created;
CREATE EXTENSION citext;
CREATE SCHEMA act;
SET search_path = act, public;
SELECT retention.set_category('short', '7 days', 'the event');
SET privacy_retention.timezone = 'Europe/Berlin';
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';

CREATE DOMAIN mail AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN price AS numeric(6, 2) CHECK (VALUE >= 0);
CREATE DOMAIN address AS inet;
CREATE FUNCTION first_letter(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, 1)';
CREATE FUNCTION closed(mail) RETURNS mail IMMUTABLE LANGUAGE sql AS $$ SELECT 'nobody@example.org'::act.mail $$;

-- One small table an action: made, labelled, and protected here.
CREATE TABLE case_list (name text PRIMARY KEY, action text);
CREATE FUNCTION make(name text, type text, action text, rows text[], more text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO case_list VALUES (name, action);
	EXECUTE format('CREATE TABLE %I (id int, at timestamptz, v %s %s)', name, type, more);
	EXECUTE format('INSERT INTO %I SELECT n, ''2024-01-01'', r::%s FROM unnest($1) WITH ORDINALITY AS u(r, n)', name, type) USING rows;
	EXECUTE format('INSERT INTO %I SELECT 0, ''9999-01-01'', $1[1]::%s', name, type) USING rows;
	EXECUTE format('SECURITY LABEL FOR privacy_retention ON TABLE %I IS ''from at''', name);
	EXECUTE format('SECURITY LABEL FOR privacy_retention ON COLUMN %I.id IS ''no personal data''', name);
	EXECUTE format('SECURITY LABEL FOR privacy_retention ON COLUMN %I.at IS ''no personal data''', name);
	EXECUTE format('SECURITY LABEL FOR privacy_retention ON COLUMN %I.v IS %L', name, 'short, then ' || action);
	EXECUTE format('CREATE TABLE %I AS SELECT id, v::text AS v, ctid::text AS place FROM %I', name || '_before', name);
	PERFORM retention.protect(name::regclass, at_most => 3000);
END $$;

-- (protect warns of indexes that such small tables do not need)
SET client_min_messages = error;
\o /dev/null
SELECT make('null_text', 'text', 'set null', ARRAY['a', '', NULL]);
SELECT make('null_row', 'point', 'set null', ARRAY['(1,2)', NULL]);
SELECT make('default_none', 'text', 'set default', ARRAY['a', NULL]);
SELECT make('default_some', 'text', 'set default', ARRAY['a', 'gone', NULL], $$DEFAULT 'go' || 'ne'$$);
SELECT make('literal_text', 'text', $$set 'gone'$$, ARRAY['a', 'gone', 'GONE', NULL]);
SELECT make('literal_citext', 'citext', $$set 'gone'$$, ARRAY['a', 'gone', 'GONE', NULL]);
SELECT make('literal_quote', 'varchar(10)', $$set 'it''s \'$$, ARRAY['a', $$it's \$$, NULL]);
SELECT make('literal_json', 'json', $$set '{}'$$, ARRAY['{"a": 1}', '{}', NULL]);
SELECT make('literal_time', 'timestamptz', $$set '2000-01-01 00:00+00'$$, ARRAY['2024-01-01', '2000-01-01', 'infinity', NULL]);
SELECT make('literal_mail', 'mail', $$set 'nobody@example.org'$$, ARRAY['a@b', NULL]);
SELECT make('cut_text', 'text', 'truncate to 3', ARRAY['abcdef', 'abc', 'äöüß', '', NULL]);
SELECT make('cut_char', 'char(5)', 'truncate to 3', ARRAY['abcde', 'ab', NULL]);
SELECT make('cut_citext', 'citext', 'truncate to 0', ARRAY['ABC', '', NULL]);
SELECT make('cut_inet', 'inet', 'truncate to 24/48', ARRAY['192.0.2.77', '192.0.2.0/24', '10.1.2.3/16', '10.0.0.0/8', '2001:db8:1:2:3::4', '2001:db8::/32', '::1', NULL]);
SELECT make('cut_both', 'address', 'truncate to 24', ARRAY['192.0.2.77', '2001:db8:1:2:3::4', NULL]);
SELECT make('cut_cidr', 'cidr', 'truncate to 24/48', ARRAY['192.0.2.77/32', '10.0.0.0/8', '2001:db8:1:2::/64', NULL]);
SELECT make('round_tstz', 'timestamptz', 'round to day', ARRAY['2024-03-31 12:00+00', '2024-10-27 00:30+00', '2024-10-27 01:30+00', '2024-01-14 23:00+00', 'infinity', '-infinity', NULL]);
SELECT make('round_hour', 'timestamptz', 'round to hour', ARRAY['2024-10-27 00:30+00', '2024-10-27 01:30+00', NULL]);
SELECT make('round_ts', 'timestamp', 'round to month', ARRAY['2024-01-15 12:00', '2024-01-01', 'infinity', NULL]);
SELECT make('round_date', 'date', 'round to quarter', ARRAY['2024-05-15', '2024-04-01', 'infinity', '0044-03-15 BC', NULL]);
SELECT make('round_time', 'time', 'round to hour', ARRAY['12:34:56', '24:00', '00:00', NULL]);
SELECT make('round_interval', 'interval', 'round to day', ARRAY['1 day 02:03', '3 days', '-1 mon -04:00', NULL]);
SELECT make('round_int2', 'smallint', 'round to 1000', ARRAY['32767', '-32768', '499', '500', '-1500', '2000', NULL]);
SELECT make('round_int4', 'int', 'round to 7', ARRAY['2147483647', '-2147483648', '10', '14', NULL]);
SELECT make('round_int8', 'bigint', 'round to 10', ARRAY['9223372036854775807', '-9223372036854775808', '15', NULL]);
SELECT make('round_numeric', 'numeric', 'round to 0.05', ARRAY['1.23', '1.25', 'NaN', 'Infinity', '123456789012345678901234567890.123', NULL]);
SELECT make('round_price', 'price', 'round to 10', ARRAY['9999.99', '15', '4', NULL]);
SELECT make('round_float8', 'float8', 'round to 0.1', ARRAY['1.23', 'NaN', '-Infinity', '1e308', '1e-320', '-7.77', NULL]);
SELECT make('round_float4', 'real', 'round to 0.1', ARRAY['1.23', 'NaN', '3e38', '419430.3', NULL]);
SELECT make('remove_keys', 'jsonb', 'remove a, b.c', ARRAY['{"a": 1, "b": {"c": 2, "d": 3}, "e": [{"a": 1}]}', '{"b": [{"c": 1}]}', '[{"a": 1}]', '{"b": {}}', 'null', NULL]);
SELECT make('keep_keys', 'jsonb', 'keep a, b.c', ARRAY['{"a": 1, "b": {"c": 2, "d": 3}, "e": [{"a": 1}]}', '{"b": [{"c": 1}]}', '[{"a": 1}]', '{"a": [{"z": 1}]}', 'null', NULL]);
SELECT make('call_text', 'varchar(20)', 'call first_letter', ARRAY['abc', 'a', '', NULL]);
SELECT make('call_domain', 'mail', 'call act.closed', ARRAY['a@b', NULL]);
SELECT make('call_builtin', 'int', 'call abs', ARRAY['-5', '5', NULL]);

\o
CALL retention.enforce();
-- Before, after; "touched" is whether the row was written at all.
CREATE FUNCTION after(name text) RETURNS TABLE (id int, before text, after text, touched boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT n.id, o.v, n.v::text, n.ctid::text <> o.place FROM %I AS n JOIN %I AS o USING (id) ORDER BY id', name, name || '_before');
END $$;
SELECT name, action, a.* FROM case_list, after(name) AS a ORDER BY name COLLATE "C", id;
SELECT relation, column_name, reason FROM retention.blocked;

-- Again: nothing to do.
CREATE TABLE entries AS SELECT count(*) FROM retention.ledger WHERE event = 'batch';
SELECT count > 0 AS batches FROM entries;
CALL retention.enforce();
SELECT count(*) - (SELECT count FROM entries) AS more_batches FROM retention.ledger WHERE event = 'batch';

-- Tokens: every type, NULL, and a token that was there before.
CREATE TABLE token_case (name text PRIMARY KEY);
CREATE FUNCTION make_tokens(name text, type text, rows text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM make('p_' || name, type, 'pseudonymise in persons', rows);
	PERFORM make('d_' || name, type, 'decorrelate', rows);
	INSERT INTO token_case VALUES ('p_' || name), ('d_' || name);
END $$;
\o /dev/null
SELECT make_tokens('text', 'text', ARRAY['a', 'a', 'A', '', NULL, retention.pseudonym('old', 'other')]);
SELECT make_tokens('varchar', 'varchar(26)', ARRAY['a', 'a', 'A', '', NULL, retention.pseudonym('old', 'other')]);
SELECT make_tokens('char', 'char(30)', ARRAY['a', 'a ', 'A', '', NULL, retention.pseudonym('old', 'other')]);
SELECT make_tokens('citext', 'citext', ARRAY['a', 'A', 'b', '', NULL, retention.pseudonym('old', 'other')]);
SELECT make_tokens('bytea', 'bytea', ARRAY['\x01', '\x01', '\x00', '\x', NULL, retention.pseudonym('\x02'::bytea, 'other')::text]);
SELECT make_tokens('uuid', 'uuid', ARRAY['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', '6a4bd60e-7a6d-4a8a-9e0c-0c1b8f0a1d2e', '6a4bd60e-7a6d-8a8a-9e0c-0c1b8f0a1d2e', NULL, retention.pseudonym('6a4bd60e-7a6d-4a8a-9e0c-0c1b8f0a1d2e'::uuid, 'other')::text]);
SELECT make_tokens('bigint', 'bigint', ARRAY['1', '1', '-1', '4611686018427387903', NULL]);
SELECT make_tokens('inet', 'inet', ARRAY['192.0.2.1', '192.0.2.1', '192.0.2.1/24', '::1', NULL]);
SELECT make_tokens('address', 'address', ARRAY['192.0.2.1', '192.0.2.1', '192.0.2.1/24', '::1', NULL]);
\o
CALL retention.enforce();
-- Rows 1 and 2 are equal: one pseudonym, but nothing that links them once decorrelated.
CREATE FUNCTION tokens(name text) RETURNS TABLE (due bigint, nulls bigint, tokens bigint, "1 = 2" boolean, "1 <> 3" boolean, kept boolean, clear boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT count(*), count(*) FILTER (WHERE n.v IS NULL), count(*) FILTER (WHERE retention.is_pseudonym(n.v)),
		max(n.v::text) FILTER (WHERE id = 1) = max(n.v::text) FILTER (WHERE id = 2), max(n.v::text) FILTER (WHERE id = 1) <> max(n.v::text) FILTER (WHERE id = 3),
		max(n.v::text) FILTER (WHERE id = 6) = max(o.v) FILTER (WHERE id = 6), bool_or(n.v::text = o.v) FILTER (WHERE id < 6)
		FROM %I AS n JOIN %I AS o USING (id) WHERE id > 0', name, name || '_before');
END $$;
SELECT name, t.* FROM token_case, tokens(name) AS t ORDER BY name COLLATE "C";
SELECT id, v FROM p_text WHERE id = 0;
SELECT (SELECT v FROM p_text WHERE id = 1) = retention.pseudonym('a', 'persons') AS as_asked_for, (SELECT v FROM p_citext WHERE id = 2) = retention.pseudonym('a', 'persons') AS citext;
-- A new epoch leaves tokens as they are.
SELECT retention.create_key() > 0 AS created;
CREATE TABLE held AS SELECT id, v FROM p_text;
CALL retention.enforce();
SELECT count(*) AS changed FROM held JOIN p_text USING (id) WHERE held.v IS DISTINCT FROM p_text.v;
SELECT relation, column_name, reason FROM retention.blocked;

-- Many values at random: the first pass leaves nothing to a second one.
SELECT setseed(0.5) IS NOT NULL AS seeded;
CREATE TABLE random_case (name text PRIMARY KEY);
CREATE FUNCTION make_random(name text, type text, action text, value text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	rows text[];
BEGIN
	EXECUTE format('SELECT array_agg((%s)::text) FROM generate_series(1, 2000) AS i', value) INTO rows;
	PERFORM make(name, type, action, rows);
	INSERT INTO random_case VALUES (name);
END $$;
-- the zone belongs to the policy that protect() confirms
SET privacy_retention.timezone = 'Australia/Lord_Howe';
\o /dev/null
SELECT make_random('many_tenths', 'float8', 'round to 0.1', '(random() - 0.5) * power(10, random() * 40 - 20)');
SELECT make_random('many_thirds', 'float8', 'round to 0.3', 'i * 0.1');
SELECT make_random('many_real', 'real', 'round to 0.7', '((random() - 0.5) * power(10, random() * 40 - 20))::real');
SELECT make_random('many_numeric', 'numeric', 'round to 0.3', '((random() - 0.5) * power(10, random() * 40 - 20))::numeric');
SELECT make_random('many_bigint', 'bigint', 'round to 7', '((random() - 0.5) * 1.8e19)::bigint');
SELECT make_random('many_inet', 'inet', 'truncate to 17', 'set_masklen(''0.0.0.0''::inet + (random() * 4294967295)::bigint, i % 33)');
SELECT make_random('many_texts', 'text', 'pseudonymise', 'i % 1000');
-- Half an hour twice, and midnights that do not exist, in the zone of the settings.
SELECT make_random('many_hours', 'timestamptz', 'round to hour', 'timestamptz ''2024-04-06 13:00+00'' + i * interval ''10 seconds''');
SELECT make_random('many_days', 'timestamptz', 'round to day', 'timestamptz ''2024-04-06 13:00+00'' + i * interval ''10 minutes''');
\o
CALL retention.enforce();
CREATE FUNCTION changed(name text) RETURNS TABLE (due bigint, changed bigint, "values" bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT count(*), count(*) FILTER (WHERE n.ctid::text <> o.place), count(DISTINCT n.v) FROM %I AS n JOIN %I AS o USING (id) WHERE id > 0', name, name || '_before');
END $$;
SELECT name, changed > 1000 AS most, "values" FROM random_case, changed(name) WHERE name NOT IN ('many_tenths', 'many_real', 'many_numeric', 'many_bigint', 'many_inet') ORDER BY name COLLATE "C";
UPDATE entries SET count = (SELECT count(*) FROM retention.ledger WHERE event = 'batch');
CALL retention.enforce();
SELECT count(*) - (SELECT count FROM entries) AS more_batches FROM retention.ledger WHERE event = 'batch';
SELECT relation, column_name, reason FROM retention.blocked;
RESET privacy_retention.timezone;

SET client_min_messages = warning;
SELECT count(retention.unprotect(c.oid::regclass)) > 0 AS unprotected FROM pg_class AS c JOIN case_list AS l ON c.oid = ('act.' || quote_ident(l.name))::regclass;
DROP SCHEMA act CASCADE;
SELECT retention.drop_category('short');
DROP EXTENSION citext;
DO $$ BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; rm -f "' || current_setting('privacy_retention.key_directory') || '"/*');
END $$;
