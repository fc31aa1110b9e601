-- Keys of pseudonyms: files outside the database, one an epoch.
-- Epochs are looked at through their files too, which only a superuser can do.

SELECT retention.hmac_self_test() > 0 AS vectors_of_the_standards_hold;

CREATE FUNCTION pg_temp.shell(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; cd "'
		|| current_setting('privacy_retention.key_directory') || '" && ' || command);
END $$;
CREATE FUNCTION pg_temp.files() RETURNS SETOF text LANGUAGE sql AS
	$$ SELECT name FROM pg_ls_dir(current_setting('privacy_retention.key_directory')) AS name WHERE name <> 'ledger.key' ORDER BY name COLLATE "C" $$;
CREATE TEMP VIEW entry AS SELECT * FROM retention.ledger WHERE event IN ('create_key', 'destroy_key');
SELECT coalesce(max(id), 0) AS before FROM retention.ledger \gset
CREATE FUNCTION pg_temp.content(name text) RETURNS text LANGUAGE sql AS
	$$ SELECT pg_read_file(current_setting('privacy_retention.key_directory') || '/' || name) $$;

-- No key: everything that needs one says so; what needs none goes on.
SELECT pg_temp.files();
SELECT * FROM retention.key;
SELECT retention.pseudonym('value', 'domain');
SELECT retention.is_pseudonym('aaaaaaaaaaaaaaaaaaaaaaaaaa');
SELECT retention.is_pseudonym('value');
SELECT retention.destroy_key(1);

-- The first key brings the mark key along.
SELECT retention.create_key();
SELECT pg_temp.files();
SELECT epoch, state, created_at BETWEEN now() - interval '1 hour' AND clock_timestamp() AS recent, destroyed_at FROM retention.key;
SELECT regexp_replace(regexp_replace(pg_temp.content('epoch-1.key'), '^at \d+$', 'at NUMBER', 'n'), '[0-9a-f]{8,}', 'HEX', 'g');
SELECT retention.create_key();
SELECT epoch, state FROM retention.key;

-- Three keys, all different.
SELECT count(DISTINCT substring(pg_temp.content(name) from 'key ([0-9a-f]{64})\n')) FROM pg_temp.files() AS name;

-- A rollback does not bring a file back, nor take it away.
BEGIN;
SELECT retention.create_key();
ROLLBACK;
SELECT epoch, state FROM retention.key;

-- The current epoch is the highest whose key is there.
CREATE TEMP TABLE token AS SELECT 3 AS epoch, retention.pseudonym('value', 'domain') AS token;
SELECT retention.destroy_key(3);
INSERT INTO token SELECT 2, retention.pseudonym('value', 'domain');
SELECT pg_temp.files();
SELECT epoch, state, created_at IS NULL AS forgotten, destroyed_at IS NOT NULL AS noted FROM retention.key;
SELECT pg_temp.content('epoch-3.destroyed') !~ E'\nkey ' AS without_key, pg_temp.content('epoch-2.key') ~ E'\nkey ' AS with_key;
SELECT retention.destroy_key(3);
SELECT retention.destroy_key(99);
SELECT retention.destroy_key(0);
SELECT retention.destroy_key(NULL);

-- No number is given twice. Tokens of an epoch that is gone are still known.
SELECT retention.create_key();
INSERT INTO token SELECT 4, retention.pseudonym('value', 'domain');
SELECT count(DISTINCT token) AS different, bool_and(retention.is_pseudonym(token)) AS known,
	bool_and(retention.pseudonym(token, 'domain') = token) AS kept FROM token;

-- A destruction that stopped midway: the key is used no more, and can be destroyed.
SELECT pg_temp.shell('sed -e s/3/4/ epoch-3.destroyed > epoch-4.destroyed; chmod 600 epoch-4.destroyed');
SELECT epoch, state FROM retention.key;
SELECT retention.pseudonym('value', 'domain') = token AS epoch_2 FROM token WHERE epoch = 2;
SELECT retention.destroy_key(4);
SELECT epoch, state FROM retention.key;

-- A damaged key is not used, and no older one instead of it.
SELECT retention.create_key();
SELECT pg_temp.shell('sed -i -e "s/^key ./key g/" epoch-5.key');
SELECT epoch, state FROM retention.key;
SELECT retention.pseudonym('value', 'domain');
SELECT pg_temp.shell('sed -i -e "s/^key ./key 0/; s/^at 1/at 2/" epoch-5.key');
SELECT retention.pseudonym('value', 'domain');
SELECT pg_temp.shell(': > epoch-5.key');
SELECT retention.pseudonym('value', 'domain');
SELECT pg_temp.shell('head -c 2000 /dev/zero > epoch-5.key');
-- That is said aloud, for a date that it may have had is lost; it can be destroyed all the same.
SELECT severity, finding, hint FROM retention.check() WHERE object = 'key epoch 5';
CALL retention.enforce();
SELECT retention.destroy_key(5);
SELECT epoch, state FROM retention.key WHERE epoch = 5;
SELECT count(*) FROM entry WHERE id > :before AND event = 'destroy_key' AND detail LIKE 'epoch 5 at %';
SELECT count(*) FROM retention.check() WHERE object LIKE 'key epoch%';
SELECT retention.pseudonym('value', 'domain') = token AS epoch_2 FROM token WHERE epoch = 2;

-- Nobody else may be able to read keys.
SELECT pg_temp.shell('chmod 640 epoch-2.key');
SELECT retention.pseudonym('value', 'domain');
SELECT epoch, state FROM retention.key WHERE epoch = 2;
SELECT pg_temp.shell('chmod 600 epoch-2.key; chmod 644 mark.key');
SELECT retention.pseudonym('value', 'domain');
SELECT pg_temp.shell('chmod 600 mark.key; mv epoch-2.key other; ln -s other epoch-2.key');
SELECT retention.pseudonym('value', 'domain');
SELECT pg_temp.shell('mv other epoch-2.key; chmod 750 .');
SELECT retention.pseudonym('value', 'domain');
SELECT retention.create_key();
SELECT * FROM retention.key;
SELECT pg_temp.shell('chmod 700 .');
SELECT retention.pseudonym('value', 'domain') = token AS epoch_2 FROM token WHERE epoch = 2;

-- Another mark key would turn every token into a clear value.
SELECT pg_temp.shell('mv mark.key mark.saved');
SELECT retention.is_pseudonym(token) FROM token WHERE epoch = 2;
SELECT retention.create_key();
SELECT pg_temp.shell('mv mark.saved mark.key');
SELECT retention.is_pseudonym(token) FROM token WHERE epoch = 2;

-- Other files do not disturb; what a crash left behind is cleared away.
SELECT pg_temp.shell('umask 077; touch epoch-07.key epoch-x.key epoch-6.key.new epoch--1.key README');
SELECT retention.create_key();
SELECT pg_temp.files();
SELECT epoch, state FROM retention.key WHERE epoch > 4;

-- Who may.
CREATE ROLE regress_key_nobody;
CREATE ROLE regress_key_reader IN ROLE pg_monitor;
SET ROLE regress_key_nobody;
SELECT retention.create_key();
SELECT retention.destroy_key(2);
SELECT * FROM retention.key;
SELECT * FROM retention.key_list();
SELECT retention.hmac_self_test();
SET ROLE regress_key_reader;
SELECT count(*) FROM retention.key;
SELECT retention.create_key();
RESET ROLE;
-- EXECUTE alone is not enough.
GRANT EXECUTE ON FUNCTION retention.create_key(), retention.destroy_key(integer) TO regress_key_nobody;
SET ROLE regress_key_nobody;
SELECT retention.create_key();
SELECT retention.destroy_key(2);
RESET ROLE;
SET privacy_retention.officer_role = 'regress_key_nobody';
SET ROLE regress_key_nobody;
SELECT retention.create_key();
SELECT retention.destroy_key(7);
RESET ROLE;
RESET privacy_retention.officer_role;
REVOKE ALL ON FUNCTION retention.create_key(), retention.destroy_key(integer) FROM regress_key_nobody;
DROP ROLE regress_key_nobody, regress_key_reader;

-- A date, beside the key: a past one is none, and the key goes when it has come.
SELECT retention.create_key(now() - interval '1 second');
SELECT retention.create_key('infinity');
SELECT retention.create_key(NULL);
SELECT retention.create_key('2100-01-01 00:00+00');
SELECT regexp_replace(regexp_replace(pg_temp.content('epoch-9.key'), '^at \d+$', 'at NUMBER', 'n'), '[0-9a-f]{8,64}$', 'HEX', 'ng');
SELECT epoch, state, destroy_on AT TIME ZONE 'UTC' AS destroy_on FROM retention.key WHERE epoch > 8;
SELECT pg_temp.shell('sed -i -e "s/^destroy 4/destroy 5/" epoch-9.key');
SELECT state, destroy_on FROM retention.key WHERE epoch = 9;
SELECT severity, finding FROM retention.check() WHERE object = 'key epoch 9';
SELECT pg_temp.shell('sed -i -e "s/^destroy 5/destroy 4/" epoch-9.key');
-- Not by a pass over one table, whatever it is told; not a moment too early.
CREATE TABLE regress_key (at timestamptz, name text);
CREATE INDEX ON regress_key (at);
SELECT retention.set_category('key test', '1 day');
SELECT retention.label('regress_key', 'key test, from at, then delete');
SELECT retention.protect('regress_key');
CALL retention.enforce('regress_key', '2100-01-01 00:00+00');
CALL retention.enforce(as_of => '2099-12-31 23:59:59+00');
SELECT epoch, state FROM retention.key WHERE epoch > 8;
CREATE TEMP TABLE before AS SELECT created_at FROM retention.key WHERE epoch = 9;
-- Another takes its place, for as long; the epochs that have no date stay.
CALL retention.enforce(as_of => '2100-01-01 00:00+00');
SELECT epoch, state, destroyed_at IS NOT NULL AS destroyed FROM retention.key WHERE epoch > 8;
SELECT k.destroy_on - k.created_at = '2100-01-01 00:00+00' - b.created_at AS as_long FROM retention.key k, before b WHERE epoch = 10;
-- One that makes no tokens any more needs no other in its place.
SELECT retention.create_key('2101-01-01 00:00+00'), retention.create_key();
CALL retention.enforce(as_of => '2101-01-01 00:00+00');
SELECT epoch, state FROM retention.key WHERE epoch > 8;
-- A destruction that stopped midway is completed, whatever the date.
SELECT pg_temp.shell('sed -e s/3/12/ epoch-3.destroyed > epoch-12.destroyed; chmod 600 epoch-12.destroyed');
SELECT epoch, state FROM retention.key WHERE epoch > 7;
CALL retention.enforce(as_of => now());
SELECT epoch, state, destroyed_at IS NOT NULL AS destroyed FROM retention.key WHERE epoch > 7;

-- The ledger: once each, with the time at which it happened; those before are there, too.
SELECT event, substring(detail from '^epoch \d+') AS epoch, detail ~ '^epoch \d+ at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$' AS with_time, relation, rows
FROM entry WHERE id > :before ORDER BY substring(detail from '\d+')::int, event COLLATE "C";
-- What was rolled back has happened all the same.
BEGIN;
SELECT retention.create_key();
SELECT retention.destroy_key(8);
SELECT event FROM entry WHERE id > :before AND detail ~ '^epoch (8|13) ' ORDER BY 1;
ROLLBACK;
SELECT event FROM entry WHERE id > :before AND detail ~ '^epoch (8|13) ' ORDER BY 1;
CALL retention.enforce();
SELECT event, substring(detail from '^epoch \d+') AS epoch FROM entry WHERE id > :before AND detail ~ '^epoch (8|13) ' ORDER BY 1;
CALL retention.enforce();
SELECT count(*), count(DISTINCT (event, detail)) FROM entry WHERE id > :before;
BEGIN READ ONLY;
SELECT retention.create_key();
ROLLBACK;
BEGIN READ ONLY;
SELECT retention.destroy_key(13);
ROLLBACK;
SELECT max(epoch) FROM retention.key;
DROP TABLE regress_key;
SELECT retention.drop_category('key test');

-- Leave the directory as it was.
SELECT pg_temp.shell('rm -f -- epoch-* mark.key README');
SELECT * FROM retention.key;
