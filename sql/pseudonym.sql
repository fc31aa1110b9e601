-- Pseudonyms: what must hold for tokens of every type.
CREATE EXTENSION citext;
SELECT retention.create_key() > 0 AS created;

-- How they look.
SELECT retention.pseudonym('value', 'domain') ~ '^[a-z2-7]{26}$' AS text,
	length(retention.pseudonym('\x00'::bytea, 'domain')) AS bytea,
	retention.pseudonym('6a4bd60e-7a6d-4a8a-9e0c-0c1b8f0a1d2e'::uuid, 'domain')::text ~ '^.{14}8.{4}[89ab]' AS uuid,
	retention.pseudonym(42::bigint, 'domain') >= 1::bigint << 62 AS bigint,
	retention.pseudonym('192.0.2.1'::inet, 'domain') << 'fd00::/8' AS inet;
SELECT pg_typeof(retention.pseudonym('value', 'domain')) AS literal,
	pg_typeof(retention.pseudonym('value'::text, 'domain')) AS text,
	pg_typeof(retention.pseudonym('\x00'::bytea, 'domain')) AS bytea;

-- One value of each type in many, as rows: clear, token, another domain's token.
CREATE TEMP VIEW many AS SELECT i, md5(i::text) AS h FROM generate_series(1, 20000) AS i;
CREATE TEMP TABLE result AS
	SELECT 'text' AS type, i, h AS clear, retention.pseudonym(h, 'one') AS token, retention.pseudonym(h, 'two') AS other,
		retention.is_pseudonym(h) AS before, retention.is_pseudonym(retention.pseudonym(h, 'one')) AS after FROM many
	UNION ALL SELECT 'varchar', i, h, retention.pseudonym(h::varchar(40), 'one'), retention.pseudonym(h::varchar(40), 'two'),
		retention.is_pseudonym(h::varchar(40)), retention.is_pseudonym(retention.pseudonym(h::varchar(40), 'one')::varchar(40)) FROM many
	UNION ALL SELECT 'bytea', i, v::text, retention.pseudonym(v, 'one')::text, retention.pseudonym(v, 'two')::text,
		retention.is_pseudonym(v), retention.is_pseudonym(retention.pseudonym(v, 'one')) FROM many, decode(h, 'hex') AS v
	UNION ALL SELECT 'uuid', i, v::text, retention.pseudonym(v, 'one')::text, retention.pseudonym(v, 'two')::text,
		retention.is_pseudonym(v), retention.is_pseudonym(retention.pseudonym(v, 'one')) FROM many, CAST(h AS uuid) AS v
	UNION ALL SELECT 'bigint', i, v::text, retention.pseudonym(v, 'one')::text, retention.pseudonym(v, 'two')::text,
		retention.is_pseudonym(v), retention.is_pseudonym(retention.pseudonym(v, 'one')) FROM many, CAST(10000 - i AS bigint) AS v
	UNION ALL SELECT 'inet', i, v::text, retention.pseudonym(v, 'one')::text, retention.pseudonym(v, 'two')::text,
		retention.is_pseudonym(v), retention.is_pseudonym(retention.pseudonym(v, 'one')) FROM many, CAST('10.0.0.0'::inet + i AS inet) AS v;
SELECT type, count(*), count(DISTINCT clear) AS clear, count(DISTINCT token) AS tokens, count(DISTINCT other) AS others,
	count(*) FILTER (WHERE token = other) AS not_separated, count(*) FILTER (WHERE token = clear) AS unchanged,
	count(*) FILTER (WHERE before) AS taken_for_tokens, count(*) FILTER (WHERE NOT after) AS not_known
FROM result GROUP BY type ORDER BY type COLLATE "C";

-- The same value, the same token: in another statement, another transaction.
SELECT count(*) AS different FROM result WHERE type = 'text' AND retention.pseudonym(clear, 'one') <> token;
SELECT count(*) AS different FROM result WHERE type = 'uuid' AND retention.pseudonym(clear::uuid, 'two')::text <> other;
-- A token stays what it is, in its domain and any other.
SELECT count(*) AS changed FROM result WHERE type = 'text' AND (retention.pseudonym(token, 'one') <> token OR retention.pseudonym(token, 'two') <> token);
SELECT count(*) AS changed FROM result WHERE type = 'uuid' AND retention.pseudonym(token::uuid, 'two') <> token::uuid;
SELECT count(*) AS changed FROM result WHERE type = 'bytea' AND retention.pseudonym(token::bytea, 'two') <> token::bytea;
SELECT count(*) AS changed FROM result WHERE type = 'bigint' AND retention.pseudonym(token::bigint, 'two') <> token::bigint;
SELECT count(*) AS changed FROM result WHERE type = 'inet' AND retention.pseudonym(token::inet, 'two') <> token::inet;

-- What is nearly a token is none: each character, changed, upper case, longer, cut.
SELECT count(*) AS tried, count(*) FILTER (WHERE retention.is_pseudonym(overlay(token PLACING CASE substr(token, n, 1) WHEN 'a' THEN 'b' ELSE 'a' END FROM n FOR 1))) AS taken
FROM (SELECT token FROM result WHERE type = 'text' AND i <= 200) AS t, generate_series(1, 26) AS n;
SELECT bool_or(retention.is_pseudonym(upper(token))) AS upper, bool_or(retention.is_pseudonym(token || 'a')) AS longer,
	bool_or(retention.is_pseudonym(token || ' ')) AS blank, bool_or(retention.is_pseudonym(left(token, 25))) AS cut
FROM result WHERE type = 'text';
SELECT count(*) AS tried, count(*) FILTER (WHERE retention.is_pseudonym(set_byte(token::bytea, n, get_byte(token::bytea, n) # 1))) AS taken
FROM (SELECT token FROM result WHERE type = 'bytea' AND i <= 200) AS t, generate_series(0, 15) AS n;
-- The mark of one type is not another's.
SELECT count(*) AS taken FROM result WHERE type = 'uuid' AND retention.is_pseudonym(decode(replace(token, '-', ''), 'hex'));
-- Nor is every version 8, or every local address.
SELECT retention.is_pseudonym('6a4bd60e-7a6d-8a8a-9e0c-0c1b8f0a1d2e'::uuid), retention.is_pseudonym('fd00::1'::inet),
	retention.is_pseudonym(4611686018427387903), retention.is_pseudonym(4611686018427387904), retention.is_pseudonym(-1::bigint);
-- All inet tokens lie in one /48; a network of it is no token.
SELECT count(DISTINCT network(set_masklen(token::inet, 48))), bool_or(retention.is_pseudonym(set_masklen(token::inet, 64))) FROM result WHERE type = 'inet';
SELECT retention.pseudonym('192.0.2.1'::inet, 'd') = retention.pseudonym('192.0.2.1/24'::inet, 'd') AS mask_ignored,
	retention.pseudonym('1.2.3.4'::inet, 'd') = retention.pseudonym('102:304::'::inet, 'd') AS family_ignored;

-- Equal values have equal tokens: char(n) without its blanks, citext without its case.
SELECT retention.pseudonym('Bob'::char(30), 'd') = retention.pseudonym('Bob', 'd') AS padded,
	retention.pseudonym('Bob  ', 'd') = retention.pseudonym('Bob', 'd') AS blanks_in_text;
CREATE TEMP TABLE person (name citext, pad char(30), email varchar(40));
INSERT INTO person VALUES ('BOB', 'x', 'a@example.org'), ('bob', 'y', 'a@example.org'), ('Zoë', 'z', NULL);
SELECT count(DISTINCT retention.pseudonym(name, 'd')), bool_and(retention.is_pseudonym(retention.pseudonym(name, 'd'))) FROM person;
SELECT retention.pseudonym(name, 'd') = retention.pseudonym('bob', 'd') FROM person WHERE name = 'Bob';
UPDATE person SET name = retention.pseudonym(name, 'd'), pad = retention.pseudonym(pad, 'd'), email = retention.pseudonym(email, 'd');
SELECT retention.is_pseudonym(name), retention.is_pseudonym(pad), retention.is_pseudonym(email) FROM person;
-- Domains count as their type.
CREATE DOMAIN pg_temp.address AS text;
SELECT retention.pseudonym('a@example.org'::pg_temp.address, 'd') = retention.pseudonym('a@example.org', 'd') AS same;

-- NULL and nothing.
SELECT retention.pseudonym(NULL::text, 'd') IS NULL AS text, retention.pseudonym(NULL, 'd') IS NULL AS literal,
	retention.pseudonym(NULL::uuid, 'd') IS NULL AS uuid, retention.is_pseudonym(NULL::text) IS NULL AS is_pseudonym,
	retention.is_pseudonym(retention.pseudonym('', 'd')) AS empty, retention.is_pseudonym('') AS clear;
SELECT retention.pseudonym('a', NULL);
SELECT retention.pseudonym(NULL::text, NULL);

-- What cannot be a pseudonym.
SELECT retention.pseudonym(42, 'd');
SELECT retention.pseudonym(now(), 'd');
SELECT retention.pseudonym('{}'::jsonb, 'd');
SELECT retention.pseudonym('10.0.0.0/8'::cidr, 'd');
SELECT retention.pseudonym(ARRAY['a'], 'd');
SELECT retention.is_pseudonym(1.5);

-- Another epoch: other tokens. Those of a destroyed one are still recognised.
SELECT retention.create_key() > 0 AS created;
SELECT type, count(*) FILTER (WHERE CASE type WHEN 'text' THEN retention.pseudonym(clear, 'one') WHEN 'bigint' THEN retention.pseudonym(clear::bigint, 'one')::text
		WHEN 'inet' THEN retention.pseudonym(clear::inet, 'one')::text END = token) AS same_as_before
FROM result WHERE type IN ('text', 'bigint', 'inet') AND i <= 1000 GROUP BY type ORDER BY type COLLATE "C";
SELECT bool_and(retention.destroy_key(epoch) IS NOT NULL) FROM retention.key WHERE state = 'retired';
SELECT count(*) FILTER (WHERE NOT retention.is_pseudonym(token)) AS lost FROM result WHERE type IN ('text', 'varchar');
SELECT count(*) FILTER (WHERE NOT retention.is_pseudonym(token::uuid)) AS lost FROM result WHERE type = 'uuid';
SELECT count(*) FILTER (WHERE NOT retention.is_pseudonym(token::inet)) AS lost FROM result WHERE type = 'inet';

-- Who may: anybody asks whether it is one, the officer makes them, the engine's own are the engine's.
CREATE ROLE regress_pseudonym;
GRANT SELECT ON result TO regress_pseudonym;
SET ROLE regress_pseudonym;
SELECT bool_and(retention.is_pseudonym(token)) FROM result WHERE type = 'text' AND i < 10;
SELECT retention.pseudonym('a', 'd');
SELECT retention.pseudonym(1::bigint, 'd');
SELECT retention.pseudonymised('a'::text, 'd');
SELECT retention.decorrelated('a'::text);
RESET ROLE;
SELECT retention.pseudonymised('a'::text, 'd');
SELECT retention.decorrelated('a'::text);
DROP TABLE result, person;
DROP EXTENSION citext;
DROP ROLE regress_pseudonym;

-- Leave no keys.
DO $$ BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; rm -f "' || current_setting('privacy_retention.key_directory') || '"/*');
END $$;
