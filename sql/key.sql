-- Keys of pseudonyms: files outside the database, one an epoch.
-- Epochs are looked at through their files too, which only a superuser can do.

SELECT retention.hmac_self_test() > 0 AS vectors_of_the_standards_hold;

CREATE FUNCTION pg_temp.shell(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; cd "'
		|| current_setting('privacy_retention.key_directory') || '" && ' || command);
END $$;
CREATE FUNCTION pg_temp.files() RETURNS SETOF text LANGUAGE sql AS
	$$ SELECT name FROM pg_ls_dir(current_setting('privacy_retention.key_directory')) AS name ORDER BY name COLLATE "C" $$;
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
SELECT retention.destroy_key(5);
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
SELECT * FROM retention.key_epochs();
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

-- Leave the directory as it was.
SELECT pg_temp.shell('rm -f -- *');
SELECT * FROM retention.key;
