-- Whoever owns a table gains nothing when a superuser has the engine change its
-- rows: not in triggers, functions of actions, starting points, conditions or
-- indexes; and what their code sets does not stay in the caller's session.
SET client_min_messages = warning;
CREATE ROLE identity_owner;
CREATE SCHEMA identity AUTHORIZATION identity_owner;
SET search_path = identity, public;
SET TimeZone = 'UTC';
SELECT retention.set_category('identity week', '7 days', 'the event');
-- "calm" keeps the bait from this test's own preparations: SET ROLE is no barrier to the code.
SET application_name = 'calm';
SET ROLE identity_owner;

-- Where code ran, and what each attempt of the trigger came to.
CREATE SEQUENCE ran_start;
CREATE SEQUENCE ran_condition;
CREATE SEQUENCE ran_index;
CREATE SEQUENCE ran_call;
CREATE SEQUENCE ran_trigger;
CREATE SEQUENCE ran_constraint;
CREATE TABLE attempt (place text, what text, outcome text);

-- Says what it has gained; silent if nothing. Runs also where nothing may be written.
CREATE FUNCTION grasp(place text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE gained text := '';
BEGIN
	IF current_setting('application_name') = 'calm' THEN RETURN; END IF;
	PERFORM nextval('identity.ran_' || place);
	IF current_user <> 'identity_owner' THEN gained := gained || ' user'; END IF;
	BEGIN PERFORM count(rolpassword) FROM pg_authid; gained := gained || ' passwords'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM pg_read_file('PG_VERSION'); gained := gained || ' files'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM set_config('role', session_user, false); gained := gained || ' role'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM set_config('session_authorization', session_user, false); gained := gained || ' session'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM set_config('privacy_retention.officer_role', 'identity_owner', false); gained := gained || ' office'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM set_config('session_replication_role', 'replica', false); gained := gained || ' replica'; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN PERFORM lo_import('/nonexistent'); EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction OR feature_not_supported THEN WHEN OTHERS THEN gained := gained || ' import'; END;
	PERFORM set_config('search_path', 'identity', false);
	PERFORM set_config('TimeZone', 'Asia/Tokyo', false);
	PERFORM set_config('identity.leak', 'leaked', false);
	IF gained <> '' THEN RAISE WARNING 'gained in %:%', place, gained; END IF;
END $$;
CREATE FUNCTION start(t timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS
	$$BEGIN PERFORM identity.grasp('start'); RETURN t; END$$;
CREATE FUNCTION condition(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS
	$$BEGIN PERFORM identity.grasp('condition'); RETURN true; END$$;
CREATE FUNCTION index_of(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
	$$BEGIN PERFORM identity.grasp('index'); RETURN id; END$$;
CREATE FUNCTION mask(v text) RETURNS text LANGUAGE plpgsql STABLE AS
	$$BEGIN PERFORM identity.grasp('call'); RETURN 'masked'; END$$;

-- What a trigger may try besides: statements.
CREATE FUNCTION attack() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	what text;
	outcome text;
BEGIN
	PERFORM identity.grasp(TG_ARGV[0]);
	FOREACH what IN ARRAY ARRAY[
		'RESET ROLE', 'SET ROLE NONE', 'SET SESSION AUTHORIZATION DEFAULT', 'RESET SESSION AUTHORIZATION', 'RESET ALL',
		'ALTER ROLE identity_owner SUPERUSER', 'CREATE ROLE identity_more SUPERUSER', 'GRANT pg_read_all_data TO identity_owner',
		'COPY identity.attempt TO PROGRAM ''true''',
		'CREATE TEMP TABLE identity_temp ()', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
		'CREATE FUNCTION identity.made() RETURNS int LANGUAGE c AS ''x''', 'CREATE FUNCTION public.made() RETURNS int LANGUAGE sql AS ''SELECT 1''',
		'CREATE FUNCTION pg_catalog.made() RETURNS int LANGUAGE sql AS ''SELECT 1''',
		'CREATE OR REPLACE FUNCTION identity.made() RETURNS int LANGUAGE sql AS ''SELECT 1''',
		'CREATE OR REPLACE FUNCTION retention.guard() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END''',
		'DELETE FROM retention.ledger', 'INSERT INTO retention.ledger (recorded_at, event) VALUES (now(), ''false'')',
		'UPDATE retention.data_category SET period = ''100 years''', 'DELETE FROM retention.rule_state', 'DELETE FROM retention.blocked_row',
		'SELECT retention.unprotect(''identity.evil'')', 'SELECT retention.uninstall()', 'SELECT retention.create_key()',
		'SELECT retention.set_category(''identity week'', ''100 years'')', 'CALL retention.enforce()',
		'SELECT retention.pseudonym(''a''::text, ''b'')', 'COMMIT'] LOOP
		BEGIN
			EXECUTE what;
			outcome := 'done';
		EXCEPTION WHEN OTHERS THEN
			outcome := SQLSTATE;
		END;
		INSERT INTO identity.attempt VALUES (TG_ARGV[0], what, outcome);
	END LOOP;
	IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
	RETURN NEW;
END $$;
CREATE TABLE evil (id int, at timestamptz, name text, later timestamptz);
CREATE INDEX ON evil (index_of(id), name);
INSERT INTO evil SELECT n, '2024-01-01', 'Mrs Miller', '2024-06-01' FROM generate_series(1, 3) n;
SELECT retention.label('evil', 'identity week, where (identity.condition(id)), from identity.start(later), then delete');
SELECT retention.label('evil', 'identity week, from identity.start(at), then call identity.mask', '{name}');
CREATE TRIGGER before BEFORE UPDATE OR DELETE ON evil FOR EACH ROW EXECUTE FUNCTION attack('trigger');
CREATE CONSTRAINT TRIGGER after AFTER UPDATE OR DELETE ON evil DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION attack('constraint');
CREATE VIEW ran AS
	SELECT sequencename AS place FROM pg_catalog.pg_sequences WHERE schemaname = 'identity' AND last_value IS NOT NULL;
RESET ROLE;
SET application_name = 'bold';

-- The bait: whoever is a superuser and runs it himself does lose.
BEGIN;
SELECT identity.grasp('start');
SELECT current_setting('search_path') AS path, current_setting('TimeZone') AS zone;
ROLLBACK;

-- What a superuser calls.
SELECT count(setval(c, 1, false)) FROM unnest('{ran_start, ran_condition, ran_index, ran_call, ran_trigger, ran_constraint}'::regclass[]) c;
SELECT retention.protect('evil', at_most => 3);
SELECT * FROM ran ORDER BY 1;
SELECT due FROM retention.preview('evil', exact => true);
SELECT count(retention.deadline(e)) FROM evil e;
SELECT count(*) FROM retention.status WHERE relation = 'evil'::regclass;
CALL retention.enforce('evil', as_of => '2024-02-01');
SELECT name, count(*) FROM evil GROUP BY name;
CALL retention.enforce('evil');
SELECT count(*) FROM evil;
SELECT relation, reason FROM retention.blocked WHERE relation = 'identity.evil';
-- All of it ran (the deletion needs no value of an index: that ran for the update),
SELECT * FROM ran ORDER BY 1;
-- but nothing was gained ("done" is what everybody may do with what is theirs),
SELECT DISTINCT what, outcome FROM attempt WHERE place = 'trigger' ORDER BY 1, 2;
SELECT * FROM (SELECT DISTINCT what, outcome FROM attempt WHERE place = 'constraint'
	EXCEPT SELECT what, outcome FROM attempt WHERE place = 'trigger') AS other;
SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE 'identity%';
SELECT proowner::regrole FROM pg_proc WHERE proname = 'made';
-- and nothing stays in the session of who called.
SELECT current_user = session_user AS same_user, current_setting('search_path') AS path, current_setting('TimeZone') AS zone,
	coalesce(current_setting('identity.leak', true), '') AS leak, current_setting('session_replication_role') AS role,
	current_setting('privacy_retention.officer_role') AS officer;
SELECT count(*) FROM pg_cursors WHERE is_holdable;

-- Code that a trigger puts off until the commit, when the owner's rights have ended, does not come to it.
CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN SET CONSTRAINTS ALL DEFERRED; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END$$;
ALTER FUNCTION put_off OWNER TO identity_owner;
CREATE TRIGGER a_first BEFORE DELETE ON evil FOR EACH ROW EXECUTE FUNCTION put_off();
SET application_name = 'calm';
DELETE FROM attempt;
INSERT INTO evil VALUES (9, '2024-01-01', 'masked', '2024-06-01');
SET application_name = 'bold';
SELECT retention.protect('evil', at_most => 1);
CALL retention.enforce('evil');
SELECT sqlstate, reason FROM retention.blocked WHERE relation = 'identity.evil';
SELECT place FROM attempt;
SELECT count(*) FROM evil;

SELECT retention.unprotect('evil');
SELECT retention.label('evil', NULL), retention.label('evil', NULL, '{name}');
RESET application_name;
RESET search_path;
DROP SCHEMA identity CASCADE;
DROP ROLE identity_owner;
SELECT retention.drop_category('identity week');
