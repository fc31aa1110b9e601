-- Checkpoints of the ledger, and what is an extension of them.
\set VERBOSITY terse
SET client_min_messages = warning;
SET privacy_retention.ledger_origin = 'example.com/ledger+1';
SET privacy_retention.ledger_origin = 'example.com/ledger 1';
SET privacy_retention.ledger_origin = 'example.com/ledger';
SELECT retention.set_category('checkpoint test', '1 year', 'collection', 'consent', 'test', 'testers', 'the tester');
CREATE TABLE checkpoint_test (at timestamptz);
CREATE INDEX ON checkpoint_test (at);
SECURITY LABEL FOR privacy_retention ON TABLE checkpoint_test IS 'checkpoint test, from at, then delete';
SELECT retention.protect('checkpoint_test');
SELECT retention.unprotect('checkpoint_test');
SELECT ok FROM retention.verify_ledger();
SELECT max(seq) AS base FROM retention.ledger \gset

-- Its text, by the definitions
SELECT retention.checkpoint() AS one \gset
SELECT array_agg(hash ORDER BY seq) AS leaves FROM retention.ledger WHERE seq <= :base \gset
SELECT lines[1] AS origin, lines[2]::bigint = :base AS size,
	decode(lines[3], 'base64') = retention.merkle_root(:'leaves') AS root, lines[4] AS empty,
	lines[5] ~ '^— example.com/ledger [A-Za-z0-9+/]+=*$' AS signature, lines[6] AS end, cardinality(lines)
	FROM string_to_array(:'one', E'\n') AS lines;
SELECT retention.checkpoint_key() AS key \gset
SELECT parts[1] AS name,
	parts[2] = encode(substr(sha256(convert_to(parts[1], 'UTF8') || '\x0a'::bytea || decode(rest, 'base64')), 1, 4), 'hex') AS id,
	get_byte(decode(rest, 'base64'), 0) AS algorithm, length(decode(rest, 'base64'))
	FROM string_to_array(:'key', '+') AS parts, substr(:'key', length(parts[1]) + length(parts[2]) + 3) AS rest;
SELECT ok, entries = :base AS entries, signature, problem FROM retention.verify_checkpoint(:'one');

-- It holds as the ledger grows
SELECT retention.protect('checkpoint_test');
SELECT retention.unprotect('checkpoint_test');
SELECT ok, entries - :base AS entries, signature, problem FROM retention.verify_checkpoint(:'one');
SELECT retention.checkpoint() AS two \gset
SELECT ok, entries - :base AS entries, signature, problem FROM retention.verify_checkpoint(:'two');
SELECT retention.merkle_consistent(:base, :base + 2, retention.ledger_consistency(:base, :base + 2),
	decode(split_part(:'one', E'\n', 3), 'base64'), decode(split_part(:'two', E'\n', 3), 'base64')) AS consistent;
SELECT retention.ledger_consistency(0, 1);
SELECT retention.ledger_consistency(2, 1);
SELECT retention.ledger_consistency(1, 1000000) IS NULL;

-- An entry's proof, for who has nothing else
SELECT retention.ledger_inclusion(:base + 1) AS proof \gset
SELECT lines[1] AS format, lines[2] = format('index %s', :base) AS index,
	substr(:'proof', strpos(:'proof', E'\n\n') + 2) = :'two' AS checkpoint,
	retention.merkle_included((SELECT hash FROM retention.ledger WHERE seq = :base + 1), :base, :base + 2,
		(SELECT coalesce(array_agg(decode(line, 'base64') ORDER BY i), '{}')
		FROM unnest(lines[3:]) WITH ORDINALITY AS l (line, i)),
		decode(split_part(:'two', E'\n', 3), 'base64')) AS included
	FROM string_to_array(split_part(:'proof', E'\n\n', 1), E'\n') AS lines;
SELECT retention.ledger_inclusion(0) IS NULL;
SELECT retention.ledger_inclusion(1000000) IS NULL;

-- What is done where the guards are switched off, with a chain that is computed anew
CREATE FUNCTION pg_temp.field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(int4send(length(value)) || value, '\xffffffff') $$;
CREATE FUNCTION pg_temp.instant(value timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT int8send((extract(epoch FROM value) * 1000000)::bigint) $$;
CREATE FUNCTION pg_temp.rechain() RETURNS void LANGUAGE plpgsql AS $$
DECLARE previous bytea := decode(repeat('00', 32), 'hex'); last bigint := 0; l retention.ledger; BEGIN
	FOR l IN SELECT * FROM retention.ledger WHERE seq IS NOT NULL ORDER BY seq LOOP
		last := last + 1;
		UPDATE retention.ledger SET seq = last, prev_hash = previous, hash = sha256(previous
			|| pg_temp.field('privacy_retention ledger 1') || pg_temp.field(int8send(last)) || pg_temp.field(int8send(l.id))
			|| pg_temp.field(pg_temp.instant(l.recorded_at))
			|| pg_temp.field(convert_to(l.event, 'UTF8')) || pg_temp.field(convert_to(l.relation, 'UTF8'))
			|| pg_temp.field(convert_to(l.column_name, 'UTF8')) || pg_temp.field(convert_to(l.category, 'UTF8'))
			|| pg_temp.field(convert_to(l.action, 'UTF8')) || pg_temp.field(l.policy_digest) || pg_temp.field(pg_temp.instant(l.cutoff))
			|| pg_temp.field(int8send(l.rows)) || pg_temp.field(int8send((extract(epoch FROM l.lateness) * 1000000)::bigint))
			|| pg_temp.field(convert_to(l.erasure_level, 'UTF8')) || pg_temp.field(convert_to(l.detail, 'UTF8')))
			WHERE id = l.id RETURNING hash INTO previous;
	END LOOP;
	UPDATE retention.ledger_head SET seq = last, hash = previous;
END $$;
CREATE FUNCTION pg_temp.judge(checkpoint text, OUT chain boolean, OUT ok boolean, OUT problem text) LANGUAGE sql AS $$
	SELECT l.ok, v.ok, v.problem FROM retention.verify_ledger() AS l, retention.verify_checkpoint(checkpoint) AS v $$;
BEGIN;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER TABLE retention.ledger_head DISABLE TRIGGER append_only;
SAVEPOINT s;
SELECT pg_temp.rechain();
SELECT * FROM pg_temp.judge(:'two');
UPDATE retention.ledger SET rows = 4711 WHERE seq = :base;
SELECT pg_temp.judge(:'two') = (false, false, format('entry %s has been changed', :base)) AS changed;
SELECT pg_temp.rechain();
SELECT pg_temp.judge(:'two') = (true, false, format('the first %s entries are not those of the checkpoint', :base + 2)) AS rechained;
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq = :base;
SELECT pg_temp.rechain();
SELECT pg_temp.judge(:'one') = (true, false, format('the first %s entries are not those of the checkpoint', :base)) AS removed;
SELECT pg_temp.judge(:'two') = (true, false, format('the checkpoint is of %s entries, and the ledger has %s', :base + 2, :base + 1)) AS removed;
ROLLBACK TO s;
DELETE FROM retention.ledger WHERE seq > :base + 1;
SELECT pg_temp.rechain();
SELECT pg_temp.judge(:'one') = (true, true, NULL::text) AS end_before;
SELECT pg_temp.judge(:'two') = (true, false, format('the checkpoint is of %s entries, and the ledger has %s', :base + 2, :base + 1)) AS cut_off;
ROLLBACK TO s;
TRUNCATE retention.ledger, retention.ledger_head;
SELECT pg_temp.judge(:'one') = (true, false, format('the checkpoint is of %s entries, and the ledger has 0', :base)) AS emptied;
SELECT retention.checkpoint() AS nothing \gset
SELECT split_part(:'nothing', E'\n', 2) AS size, decode(split_part(:'nothing', E'\n', 3), 'base64') = sha256('') AS root,
	(retention.verify_checkpoint(:'nothing')).*;
ROLLBACK TO s;
-- of what does not hold there is no checkpoint, and no proof
UPDATE retention.ledger SET rows = 4711 WHERE seq = 1;
SELECT retention.checkpoint();
ROLLBACK TO s;
UPDATE retention.ledger SET rows = 4711 WHERE seq = 1;
SELECT retention.ledger_inclusion(1);
ROLLBACK;

-- Other checkpoints
SELECT ok, signature, problem FROM retention.verify_checkpoint(regexp_replace(:'two', 'ledger', 'logbook'));
SELECT ok, signature, problem FROM retention.verify_checkpoint(replace(:'two', 'ledger', 'logbook'));
SELECT ok, signature, problem FROM retention.verify_checkpoint(split_part(:'two', E'\n\n', 1) || E'\n');
SELECT ok, signature, problem FROM retention.verify_checkpoint(:'two' || E'\n\n');
SELECT ok, signature, problem FROM retention.verify_checkpoint(regexp_replace(:'two', '\n\d+\n', E'\n1\n'));
SELECT ok, signature, problem FROM retention.verify_checkpoint(split_part(:'one', E'\n\n', 1) || E'\n\n' || split_part(:'two', E'\n\n', 2));
-- what others have signed is not judged
SELECT ok, signature, problem FROM retention.verify_checkpoint(:'two' || E'— example.com/witness AAAAAA==\n');
SELECT ok, signature, problem FROM retention.verify_checkpoint(:'two' || E'— example.com/witness AAAAAAA=\n');
SELECT ok, signature, problem FROM retention.verify_checkpoint(E'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n');

-- What is no checkpoint
SELECT n, ok, problem FROM unnest(ARRAY['', E'\n', E'\n\n\n', 'x', E'x\n', E'x\n1\n', E'x\n1\nAAAA\n',
	E'x\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n', E'x\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
	E'x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n', E'x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n',
	E'x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\r\n', E'x\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'])
	WITH ORDINALITY AS t (text, n), retention.verify_checkpoint(text) AS v;
SELECT ok, problem FROM retention.verify_checkpoint(E'x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' || repeat(E'— w AAAAAAA=\n', 65));
-- A checkpoint that has lost, doubled or changed a piece is not one of this ledger, or is signed no more
SELECT count(*) > 500 AS many, bool_or(v.ok AND v.signature = 'valid') AS any
	FROM generate_series(1, length(:'two') - 1) AS i, unnest(ARRAY[left(:'two', i), substr(:'two', 1 + i),
		overlay(:'two' placing '' from i for 1), overlay(:'two' placing chr(ascii(substr(:'two', i)) # 1) from i for 1)]) AS text,
	retention.verify_checkpoint(text) AS v WHERE rtrim(text, E'\n') <> rtrim(:'two', E'\n') AND text !~ '[^[:print:]\n—]';

-- Who may ask
CREATE ROLE checkpoint_reader IN ROLE pg_monitor;
CREATE ROLE checkpoint_nobody;
SET ROLE checkpoint_reader;
SELECT retention.checkpoint() = :'two' AS checkpoint, retention.checkpoint_key() = :'key' AS key;
SET ROLE checkpoint_nobody;
SELECT retention.checkpoint();
SELECT retention.verify_checkpoint('');
RESET ROLE;
DROP ROLE checkpoint_reader, checkpoint_nobody;
-- Without a name given: the server's and the database's
RESET privacy_retention.ledger_origin;
SELECT split_part(retention.checkpoint(), E'\n', 1) = format('postgresql/%s/%s', system_identifier, current_database()) AS origin FROM pg_control_system();
DROP TABLE checkpoint_test;
SELECT retention.drop_category('checkpoint test');
