-- Hostile owners gain nothing: attempted one by one.  (Triggers, SET, index expressions,
-- start expressions, conditions and functions of "call" are in identity.sql.)
SET client_min_messages = warning;
CREATE ROLE hostile_mallory;
CREATE ROLE hostile_victim;
CREATE SCHEMA hostile AUTHORIZATION hostile_mallory;
CREATE SCHEMA victim;
GRANT USAGE ON SCHEMA victim TO hostile_mallory;
SELECT retention.set_category('hostile week', '7 days', 'the event');
-- The bait: says whose rights it got, unless they are its owner's.
SET ROLE hostile_mallory;
CREATE FUNCTION hostile.grasp(place text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user <> 'hostile_mallory' AND current_setting('application_name') <> 'calm' THEN
		RAISE WARNING 'gained: % ran as %', place, current_user;
	END IF;
	RETURN place;
END $$;
-- The same, not folded into a constant at its first use.
CREATE FUNCTION hostile.grab(place text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN hostile.grasp(place); END $$;
RESET ROLE;
SELECT hostile.grasp('the bait'), hostile.grab('the other bait');

-- 1. A label that leads to another's table: its conditions and functions would be
-- evaluated where that table's rows are looked at (does anything need their clock?).
CREATE TABLE victim.event (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON victim.event (ended_at);
INSERT INTO victim.event VALUES (1, '2024-01-01'), (2, '2024-01-01');
SELECT retention.label('victim.event', 'hostile week, from ended_at, then delete');
GRANT SELECT, REFERENCES ON victim.event TO hostile_mallory;
SET ROLE hostile_mallory;
CREATE FUNCTION hostile.is_so(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RETURN hostile.grab('condition') IS NOT NULL; END$$;
CREATE FUNCTION hostile.mask(v text) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN hostile.grab('call'); END$$;
CREATE TABLE hostile.follower (id int, event_id int, name text);
INSERT INTO hostile.follower VALUES (1, 1, 'somebody');
CREATE INDEX ON hostile.follower (event_id);
CREATE INDEX ON hostile.follower (id) WHERE hostile.grasp('predicate of an index') = 'x';
CREATE STATISTICS hostile.follower_statistics ON (hostile.grasp('statistics expression') || name), id FROM hostile.follower;
ALTER TABLE hostile.follower ENABLE ROW LEVEL SECURITY;
CREATE POLICY leak ON hostile.follower USING (hostile.grasp('policy') IS NOT NULL);
GRANT SELECT ON hostile.follower TO PUBLIC;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
SELECT retention.label('hostile.follower', 'from event_id references victim.event(id) -> ended_at; hostile week, where (hostile.is_so(id)), then delete'),
	retention.label('hostile.follower', 'hostile week, then call hostile.mask', '{name}');
RESET ROLE;
SELECT retention.protect('victim.event', at_most => 2);
SELECT due FROM retention.preview('victim.event');
SELECT count(*) FROM retention.status WHERE relation::text LIKE '%event' OR relation::text LIKE '%follower';
SELECT count(retention.deadline(e)) FROM victim.event e;
SELECT count(*) > 0 AS checked FROM retention.check();
CALL retention.enforce('victim.event');
-- A label alone, of whom nobody allowed it, keeps nothing,
SELECT count(*) AS rows FROM victim.event;
-- a foreign key, which the table's owner has allowed, does.
INSERT INTO victim.event VALUES (1, '2024-01-01'), (2, '2024-01-01');
SET ROLE hostile_mallory;
ALTER TABLE hostile.follower ADD CONSTRAINT follower_event FOREIGN KEY (event_id) REFERENCES victim.event ON DELETE CASCADE;
SELECT retention.label('hostile.follower', 'from event_id -> ended_at; hostile week, where (hostile.is_so(id)), then delete');
RESET ROLE;
SELECT count(*) FROM retention.preview('victim.event');
CALL retention.enforce('victim.event');
SELECT count(*) AS rows FROM victim.event;
-- The same where the follower cascades from, and is needed by, others.
SET ROLE hostile_mallory;
SELECT retention.label('hostile.follower', NULL), retention.label('hostile.follower', NULL, '{name}');
CREATE TABLE hostile.follower_of_follower (follower_id int, seen timestamptz);
ALTER TABLE hostile.follower ADD PRIMARY KEY (id), ADD COLUMN seen timestamptz;
SELECT retention.label('hostile.follower_of_follower', 'hostile week, from follower_id references hostile.follower(id) -> seen, then delete');
RESET ROLE;
CALL retention.enforce('victim.event');
SELECT count(*) AS rows FROM victim.event;
DROP TABLE hostile.follower_of_follower;
-- Rows that block each other are not deleted together across owners.
SET ROLE hostile_mallory;
ALTER TABLE hostile.follower DROP CONSTRAINT follower_event;
ALTER TABLE hostile.follower ADD CONSTRAINT follower_event FOREIGN KEY (event_id) REFERENCES victim.event, DISABLE ROW LEVEL SECURITY;
CREATE FUNCTION hostile.on_delete() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('trigger of a ring'); RETURN OLD; END$$;
CREATE TRIGGER on_delete BEFORE DELETE ON hostile.follower FOR EACH ROW EXECUTE FUNCTION hostile.on_delete();
UPDATE hostile.follower SET seen = '2024-01-01';
SELECT retention.label('hostile.follower', 'hostile week, from seen, then delete');
SELECT retention.protect('hostile.follower', at_most => 1);
RESET ROLE;
CALL retention.enforce('victim.event');
SELECT id FROM victim.event;
SELECT relation, reason FROM retention.blocked WHERE relation = 'victim.event';
SELECT retention.unprotect('hostile.follower');
-- Rows under suspension, by a condition of the hostile owner's.
SET ROLE hostile_mallory;
SELECT retention.label('hostile.follower', NULL);
ALTER TABLE hostile.follower DROP CONSTRAINT follower_event;
ALTER TABLE hostile.follower ADD CONSTRAINT follower_event FOREIGN KEY (event_id) REFERENCES victim.event ON DELETE CASCADE;
SELECT retention.suspend('hostile.follower', 'hostile.is_so(id)', 'lawsuit', current_date + 30, 'counsel') > 0 AS suspended;
SELECT retention.suspend('hostile.follower', 'id > 0', 'lawsuit', current_date + 30, 'counsel') > 0 AS suspended;
RESET ROLE;
SELECT due, held FROM retention.preview('victim.event');
SELECT count(*) FROM retention.status WHERE relation::text LIKE '%event';
CALL retention.enforce('victim.event');
SELECT id FROM victim.event;
SELECT sqlstate FROM retention.blocked WHERE relation = 'victim.event';
SELECT retention.lift_suspension(id, 'settled') FROM retention.suspension WHERE relation = 'hostile.follower' AND in_force;
SELECT retention.unprotect('victim.event');
SET application_name = calm;
DROP TABLE hostile.follower, victim.event;
RESET application_name;

-- 2. A label of one's own that leads to another's table, which then changes; and a
-- partition that gets another owner.
SET application_name = calm;
CREATE TABLE hostile.clock (id int PRIMARY KEY, ended_at timestamptz);
ALTER TABLE hostile.clock OWNER TO hostile_mallory;
CREATE TABLE hostile.tenant (id int PRIMARY KEY, keep interval);
ALTER TABLE hostile.tenant OWNER TO hostile_mallory;
CREATE TABLE victim.lease (id int, tenant_id int REFERENCES hostile.tenant, seen timestamptz);
SELECT retention.label('victim.lease', 'hostile week, from seen, for tenant_id -> keep, then delete');
CREATE TABLE victim.session (id int, clock_id int REFERENCES hostile.clock);
CREATE TABLE victim.parted (id int, seen timestamptz) PARTITION BY LIST (id);
CREATE TABLE victim.part PARTITION OF victim.parted DEFAULT;
INSERT INTO hostile.clock VALUES (1, '2024-01-01');
INSERT INTO victim.session VALUES (1, 1);
INSERT INTO victim.parted VALUES (1, '2024-01-01');
SELECT retention.label('victim.session', 'hostile week, from clock_id -> ended_at, then delete'), retention.label('victim.parted', 'hostile week, from seen, then delete');
SET client_min_messages = error;
SELECT retention.protect('victim.parted', 1);
SET client_min_messages = warning;
ALTER TABLE victim.part OWNER TO hostile_mallory;
GRANT USAGE, CREATE ON SCHEMA victim TO hostile_mallory;
SET ROLE hostile_mallory;
CREATE INDEX ON hostile.clock (id) WHERE hostile.grasp('predicate of the clock''s index') = 'x';
CREATE STATISTICS hostile.clock_statistics ON (hostile.grasp('statistics expression of the clock') || id), id FROM hostile.clock;
CREATE INDEX ON victim.part (id) WHERE hostile.grasp('predicate of the partition''s index') = 'x';
RESET ROLE;
RESET application_name;
SET ROLE hostile_mallory;
CREATE FUNCTION hostile.mask_part(v text) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN hostile.grab('call, on a partition'); END$$;
CREATE TABLE hostile.root (id int, name text, seen timestamptz) PARTITION BY LIST (id);
CREATE TABLE hostile.root_part PARTITION OF hostile.root DEFAULT;
INSERT INTO hostile.root VALUES (1, 'somebody', '2024-01-01');
SELECT retention.label('hostile.root', 'from seen'), retention.label('hostile.root', 'hostile week, then call hostile.mask_part', '{name}'), retention.label('hostile.root', 'no personal data', '{id, seen}');
SELECT retention.protect('hostile.root', 1);
RESET ROLE;
ALTER TABLE hostile.root_part OWNER TO CURRENT_USER;
SELECT retention.protect('victim.session', 1);
CALL retention.enforce('hostile.root');
SELECT state FROM retention.status WHERE relation = 'hostile.root'::regclass;
SELECT retention.unprotect('hostile.root');
DROP TABLE hostile.root;
SELECT relation, problem, hint FROM retention.rule WHERE NOT valid AND relation::text LIKE 'victim.%' ORDER BY relation::text COLLATE "C";
SELECT relation, state FROM retention.status WHERE relation::text LIKE 'victim.%' ORDER BY relation::text COLLATE "C";
SELECT count(*) > 0 AS checked FROM retention.check();
SELECT count(*) > 0 AS previewed FROM retention.preview();
CALL retention.enforce();
SELECT retention.unprotect('victim.parted');
SET application_name = calm;
DROP TABLE victim.session, victim.parted, victim.lease, hostile.clock, hostile.tenant;
RESET application_name;

-- 3. Types, casts, operators, domains, defaults, generated columns, policies, check constraints.
SET ROLE hostile_mallory;
CREATE TYPE hostile.colour AS ENUM ('red', 'green');
CREATE FUNCTION hostile.to_time(hostile.colour) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM hostile.grab('cast'); RETURN '2024-01-01 00:00:00+00'; END$$;
CREATE CAST (hostile.colour AS timestamptz) WITH FUNCTION hostile.to_time(hostile.colour) AS IMPLICIT;
CREATE FUNCTION hostile.same(a int, b int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM hostile.grab('operator'); RETURN true; END$$;
CREATE OPERATOR hostile.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.same);
CREATE OPERATOR hostile.= (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.same);
CREATE DOMAIN hostile.nickname AS text CHECK (hostile.grasp('check of a domain') IS NOT NULL);
CREATE FUNCTION hostile.letter() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN hostile.grab('default'); END$$;
CREATE FUNCTION hostile.lettered(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN hostile.grab('generated column'); END$$;
CREATE TABLE hostile.types (id int PRIMARY KEY, c hostile.colour, name hostile.nickname, letter text DEFAULT hostile.letter(),
	made text GENERATED ALWAYS AS (hostile.lettered(name)) STORED, more text, CHECK (hostile.grasp('check of a table') IS NOT NULL));
CREATE INDEX ON hostile.types ((c::timestamptz));
INSERT INTO hostile.types (id, c, name, letter, more) VALUES (1, 'red', 'nick', 'x', 'more'), (2, 'green', 'nick', 'x', 'more');
ALTER TABLE hostile.types ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON hostile.types USING (hostile.grasp('policy') = 'no row');
CREATE FUNCTION hostile.after() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('statement trigger'); RETURN NULL; END$$;
CREATE TRIGGER after AFTER UPDATE OR DELETE OR TRUNCATE ON hostile.types FOR EACH STATEMENT EXECUTE FUNCTION hostile.after();
SELECT retention.label('hostile.types', 'hostile week, where (id OPERATOR(hostile.===) 1 and id = 1), from (c::timestamptz + interval ''1 year''), then delete');
SELECT retention.label('hostile.types', 'from (c::timestamptz); hostile week, where (id OPERATOR(hostile.===) 1), from (c::timestamptz + interval ''10 years''), then delete');
SELECT retention.label('hostile.types', 'hostile week, then set ''masked''', '{name}'), retention.label('hostile.types', 'hostile week, then set default', '{letter}'),
	retention.label('hostile.types', 'hostile week, then set null', '{more}');
RESET ROLE;
SELECT retention.protect('hostile.types', at_most => 6);
SELECT count(*) FROM retention.preview('hostile.types', exact => true);
SELECT count(*) FROM retention.status WHERE relation = 'hostile.types'::regclass;
CALL retention.enforce('hostile.types');
SET application_name = calm;
SELECT id, name, letter, made, more FROM hostile.types ORDER BY id;
RESET application_name;
SELECT column_name, reason FROM retention.blocked WHERE relation = 'hostile.types';
CALL retention.enforce('hostile.types', '2100-01-01');
SELECT count(*) AS rows FROM hostile.types;
SELECT retention.unprotect('hostile.types');
SET application_name = calm;
DROP TABLE hostile.types;
RESET application_name;

-- 4. What is planted where names are looked for: functions, operators and tables that
-- shadow the server's and ours, in the caller's path and in pg_temp.
CREATE TABLE victim.visit (id int PRIMARY KEY, name text, seen timestamptz);
CREATE INDEX ON victim.visit (seen);
INSERT INTO victim.visit VALUES (1, 'somebody', '2024-01-01'), (2, 'somebody', now());
SET ROLE hostile_mallory;
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('now'); RETURN '1999-01-01'; END$$;
CREATE FUNCTION hostile.count(text) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('count'); RETURN 0; END$$;
CREATE FUNCTION hostile.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('sha256'); RETURN ''; END$$;
CREATE FUNCTION hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('format'); RETURN ''; END$$;
CREATE FUNCTION hostile.later(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('<='); RETURN true; END$$;
CREATE OPERATOR hostile.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = hostile.later);
CREATE FUNCTION hostile.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('='); RETURN true; END$$;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.equal);
CREATE FUNCTION hostile.equal_ids(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM hostile.grab('= of oid'); RETURN true; END$$;
CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hostile.equal_ids);
CREATE VIEW hostile.pg_class AS SELECT hostile.grasp('pg_class') AS relname;
CREATE VIEW hostile.ledger AS SELECT hostile.grasp('ledger') AS event;
CREATE VIEW hostile.data_category AS SELECT hostile.grasp('data_category') AS name, interval '1 s' AS period;
GRANT SELECT ON ALL TABLES IN SCHEMA hostile TO PUBLIC;
RESET ROLE;
CREATE TEMP VIEW pg_class AS SELECT hostile.grasp('temporary pg_class') AS relname;
CREATE TEMP VIEW rule_state AS SELECT hostile.grasp('temporary rule_state') AS relation;
SET search_path = hostile, pg_temp, pg_catalog;
SELECT retention.set_category('hostile week', '6 days');
SELECT retention.label('victim.visit', 'hostile week, from seen, then delete');
SELECT retention.protect('victim.visit', at_most => 1);
SELECT due FROM retention.preview('victim.visit');
SELECT state, due FROM retention.status s WHERE s.relation::pg_catalog.text OPERATOR(pg_catalog.=) 'victim.visit';
SELECT r.valid FROM retention.rule r WHERE r.relation::pg_catalog.text OPERATOR(pg_catalog.=) 'victim.visit';
CALL retention.enforce('victim.visit');
SELECT v.id, retention.deadline(v) OPERATOR(pg_catalog.>) pg_catalog.now() AS later FROM victim.visit v;
SELECT ok FROM retention.verify_ledger();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS checked FROM retention.check();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS covered FROM retention.coverage;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS known FROM retention.progress, retention.worker;
SELECT retention.unprotect('victim.visit'), retention.label('victim.visit', NULL);
RESET search_path;
DROP VIEW pg_temp.pg_class, pg_temp.rule_state;
DROP VIEW hostile.pg_class, hostile.ledger, hostile.data_category;
-- Planted before CREATE EXTENSION: it refuses to move into a schema that is there, and
-- looks for nothing outside pg_catalog.
CREATE DATABASE hostile_planted;
\set database :DBNAME
\c hostile_planted
SET client_min_messages = warning;
CREATE SCHEMA retention AUTHORIZATION hostile_mallory;
\set VERBOSITY terse
CREATE EXTENSION privacy_retention;
\set VERBOSITY default
DROP SCHEMA retention;
GRANT CREATE ON SCHEMA public TO hostile_mallory;
SET ROLE hostile_mallory;
CREATE TABLE public.data_category (name text);
CREATE FUNCTION public.pg_extension_config_dump(regclass, text) RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'gained: the install script called me as %', current_user; END$$;
CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'gained: format as %', current_user; RETURN ''; END$$;
RESET ROLE;
SET search_path = public, pg_catalog;
CREATE EXTENSION privacy_retention;
SELECT extname FROM pg_extension WHERE extname = 'privacy_retention';
SELECT count(*) FROM retention.check() WHERE severity = 'error';
\c :database
DROP DATABASE hostile_planted;
SET client_min_messages = warning;

-- 5. Guards that nobody raised: the trigger function is everybody's, and protects nobody
-- else's table; other triggers do not become guards by their name.
SET ROLE hostile_mallory;
CREATE TABLE hostile.faked (id int PRIMARY KEY, seen timestamptz);
CREATE FUNCTION hostile.guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER zz_privacy_retention BEFORE INSERT OR UPDATE ON hostile.faked FOR EACH ROW EXECUTE FUNCTION hostile.guard();
INSERT INTO hostile.faked VALUES (1, '2024-01-01');
SELECT retention.label('hostile.faked', 'hostile week, from seen, then delete');
RESET ROLE;
SELECT state FROM retention.status WHERE relation = 'hostile.faked'::regclass;
SELECT severity, object, finding FROM retention.check() WHERE object = 'hostile.faked' AND severity = 'warning' AND finding ~ 'guard';
SET ROLE hostile_mallory;
DROP TRIGGER zz_privacy_retention ON hostile.faked;
CREATE TRIGGER zz_privacy_retention BEFORE INSERT OR UPDATE ON hostile.faked FOR EACH ROW EXECUTE FUNCTION retention.guard('0', '0');
RESET ROLE;
SELECT state FROM retention.status WHERE relation = 'hostile.faked'::regclass;
SET ROLE hostile_mallory;
DROP TRIGGER zz_privacy_retention ON hostile.faked;
DO $$BEGIN EXECUTE format('CREATE TRIGGER zz_privacy_retention BEFORE INSERT OR UPDATE ON hostile.faked FOR EACH ROW EXECUTE FUNCTION retention.guard(%L, %L)',
	(SELECT oid FROM pg_database WHERE datname = current_database()), 'victim.visit'::regclass::oid); END$$;
CREATE TRIGGER zz_privacy_retention BEFORE INSERT ON victim.visit FOR EACH ROW EXECUTE FUNCTION retention.guard();
RESET ROLE;
SELECT state FROM retention.status WHERE relation = 'hostile.faked'::regclass;
CALL retention.enforce();
SELECT count(*) AS rows FROM hostile.faked;
DROP TABLE hostile.faked;

-- 6. Code that changes the table under the pass: it ends, and other tables are done.
SET ROLE hostile_mallory;
CREATE TABLE hostile.undead (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON hostile.undead (seen);
INSERT INTO hostile.undead SELECT n, '2024-01-01' FROM generate_series(1, 10) n;
CREATE FUNCTION hostile.rise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO hostile.undead VALUES (OLD.id, OLD.seen); RETURN NULL; END$$;
CREATE TRIGGER rise AFTER DELETE ON hostile.undead FOR EACH ROW EXECUTE FUNCTION hostile.rise();
SELECT retention.label('hostile.undead', 'hostile week, from seen, then delete');
SELECT retention.protect('hostile.undead', at_most => 10);
CREATE TABLE hostile.vanishing (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON hostile.vanishing (seen);
INSERT INTO hostile.vanishing VALUES (1, '2024-01-01'), (2, '2024-01-01');
CREATE FUNCTION hostile.vanish() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE what text;
BEGIN
	FOREACH what IN ARRAY ARRAY['DROP TABLE hostile.vanishing', 'TRUNCATE hostile.vanishing', 'ALTER TABLE hostile.vanishing ADD COLUMN x int',
		'ALTER TABLE hostile.vanishing DISABLE TRIGGER ALL', 'SELECT retention.label(''hostile.vanishing'', NULL)'] LOOP
		BEGIN
			EXECUTE what;
			RAISE WARNING '%: done', what;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING '%: %', what, SQLSTATE;
		END;
	END LOOP;
	RETURN OLD;
END $$;
CREATE TRIGGER vanish BEFORE DELETE ON hostile.vanishing FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION hostile.vanish();
SELECT retention.label('hostile.vanishing', 'hostile week, from seen, then delete');
SELECT retention.protect('hostile.vanishing', at_most => 2);
RESET ROLE;
SELECT retention.label('victim.visit', 'hostile week, from seen, then delete'), retention.protect('victim.visit');
INSERT INTO victim.visit VALUES (3, 'somebody', '2024-01-01');
SET statement_timeout = '30s';
CALL retention.enforce();
RESET statement_timeout;
SELECT count(*) AS undead FROM hostile.undead;
SELECT count(*) AS vanishing FROM hostile.vanishing;
SELECT count(*) AS done FROM victim.visit WHERE id = 3;
SELECT state FROM retention.status WHERE relation = 'hostile.undead'::regclass;
SELECT retention.unprotect(r) FROM unnest('{hostile.undead, hostile.vanishing, victim.visit}'::regclass[]) r;
DROP TABLE hostile.undead, hostile.vanishing, victim.visit;

-- Code that goes at what is held, on the occasion of what the engine does.
SET ROLE hostile_mallory;
CREATE FUNCTION hostile.try(what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE what;
	GET DIAGNOSTICS n = ROW_COUNT;
	RAISE WARNING '%: done, % rows', what, n;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING '%: %', what, SQLSTATE;
END $$;
CREATE TABLE hostile.held (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON hostile.held (seen);
INSERT INTO hostile.held VALUES (1, '2024-01-01', 'free'), (2, '2024-01-01', 'held'), (3, '2024-01-01', 'held'), (4, now(), 'held');
CREATE FUNCTION hostile.occasion() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	PERFORM hostile.try(what) FROM unnest(ARRAY['DELETE FROM hostile.held WHERE id = 2', 'UPDATE hostile.held SET name = ''free'' WHERE id = 3',
		'UPDATE hostile.held SET seen = ''infinity'' WHERE id = 3', 'DELETE FROM hostile.held WHERE id = 4']) AS what;
	RETURN OLD;
END $$;
CREATE TRIGGER occasion BEFORE DELETE ON hostile.held FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION hostile.occasion();
SELECT retention.label('hostile.held', 'hostile week, from seen, then delete');
CREATE TABLE hostile.parts (id int, seen timestamptz, name text) PARTITION BY RANGE (seen);
CREATE TABLE hostile.parts_1 PARTITION OF hostile.parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE hostile.parts_2 PARTITION OF hostile.parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE INDEX ON hostile.parts (seen);
INSERT INTO hostile.parts SELECT n, '2024-01-10', 'free' FROM generate_series(1, 10) n;
INSERT INTO hostile.parts VALUES (11, '2024-02-10', 'held');
CREATE FUNCTION hostile.occasion_of_parts() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	PERFORM hostile.try(what) FROM unnest(ARRAY['TRUNCATE hostile.parts_2', 'DELETE FROM hostile.parts_2', 'DROP TABLE hostile.parts_2',
		'ALTER TABLE hostile.parts_2 DISABLE TRIGGER ALL']) AS what;
	RETURN NULL;
END $$;
CREATE TRIGGER occasion BEFORE TRUNCATE ON hostile.parts_1 FOR EACH STATEMENT EXECUTE FUNCTION hostile.occasion_of_parts();
SELECT retention.label('hostile.parts', 'hostile week, from seen, then delete');
SELECT retention.protect('hostile.held', 3), retention.protect('hostile.parts', 11);
SELECT count(retention.suspend(t, 'name = ''held''', 'lawsuit', current_date + 30, 'counsel')) FROM unnest('{hostile.held, hostile.parts}'::regclass[]) t;
RESET ROLE;
CALL retention.enforce('hostile.held');
SELECT id, seen < now() AS seen, name FROM hostile.held ORDER BY id;
CALL retention.enforce('hostile.parts');
SELECT id, name FROM hostile.parts ORDER BY id;
SELECT count(retention.lift_suspension(id, 'settled')) FROM retention.suspension WHERE relation LIKE 'hostile.%' AND in_force;
SELECT retention.unprotect('hostile.held'), retention.unprotect('hostile.parts');
DROP TABLE hostile.held, hostile.parts;

-- 6a. Triggers of theirs on our function: without a row in hand, or in the name of
-- another's table, for tokens of another's domain, or with other types.
SELECT retention.set_category('hostile hour', '1 hour', 'the event');
CREATE TABLE victim.secret (id int PRIMARY KEY, seen timestamptz, own interval, name text);
CREATE INDEX ON victim.secret (seen); CREATE INDEX ON victim.secret (own, seen);
SELECT retention.label('victim.secret', 'hostile week, from seen, for own, then delete');
SELECT retention.label('victim.secret', 'hostile hour, from seen, then set ''taken''', '{name}');
SELECT retention.protect('victim.secret');
SELECT format('%L, %L', d.oid, 'victim.secret'::regclass::oid) AS arguments FROM pg_database AS d WHERE datname = current_database() \gset
SET ROLE hostile_mallory;
CREATE TABLE hostile.oracle (id int, seen timestamptz, own interval, name text);
CREATE TRIGGER oracle BEFORE INSERT OR UPDATE ON hostile.oracle FOR EACH ROW EXECUTE FUNCTION retention.guard(:arguments);
INSERT INTO hostile.oracle VALUES (1, now() - interval '3 hours', NULL, 'clear') RETURNING name;
CREATE TABLE hostile.shapes (id int, seen timestamptz, own bigint, name int);
CREATE TRIGGER shapes BEFORE INSERT OR UPDATE ON hostile.shapes FOR EACH ROW EXECUTE FUNCTION retention.guard(:arguments);
CREATE TRIGGER zz_privacy_retention_clock BEFORE UPDATE ON hostile.shapes FOR EACH ROW EXECUTE FUNCTION retention.guard(:arguments);
INSERT INTO hostile.shapes VALUES (1, now() - interval '3 hours', 7, 8) RETURNING own, name;
UPDATE hostile.shapes SET seen = now() RETURNING own, name;
CREATE TABLE hostile.events (id int, seen timestamptz);
CREATE INDEX ON hostile.events (seen);
SELECT retention.label('hostile.events', 'hostile week, from seen, then delete');
SELECT retention.protect('hostile.events');
SELECT format('%L, %L', d.oid, 'hostile.events'::regclass::oid) AS arguments FROM pg_database AS d WHERE datname = current_database() \gset
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON hostile.events FOR EACH STATEMENT EXECUTE FUNCTION retention.guard(:arguments);
CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON hostile.events FOR EACH STATEMENT EXECUTE FUNCTION retention.guard(:arguments);
CREATE TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON hostile.events FOR EACH ROW EXECUTE FUNCTION retention.guard(:arguments);
CREATE VIEW hostile.seen AS SELECT * FROM hostile.events;
CREATE TRIGGER d INSTEAD OF INSERT OR UPDATE OR DELETE ON hostile.seen FOR EACH ROW EXECUTE FUNCTION retention.guard(:arguments);
INSERT INTO hostile.events VALUES (1, now());
UPDATE hostile.events SET id = 2;
INSERT INTO hostile.seen VALUES (3, now());
UPDATE hostile.seen SET id = 4;
DELETE FROM hostile.seen;
SELECT id FROM hostile.events;
DELETE FROM hostile.events;
TRUNCATE hostile.events;
RESET ROLE;
SELECT count(*) AS told_of_the_victim FROM retention.late_write WHERE relid = 'victim.secret'::regclass;
SELECT retention.unprotect('hostile.events'), retention.unprotect('victim.secret');
DROP TABLE hostile.events, hostile.shapes, hostile.oracle CASCADE;
SELECT retention.label('victim.secret', NULL, '{name}');
SELECT retention.drop_category('hostile hour');

-- 6b. Held rows of one table, deleted by code that runs inside the engine's statement
-- on another, or while that is planned.
SET ROLE hostile_mallory;
CREATE TABLE hostile.kept (id int PRIMARY KEY);
INSERT INTO hostile.kept VALUES (1);
CREATE TABLE hostile.due (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON hostile.due (seen);
INSERT INTO hostile.due VALUES (1, '2024-01-01');
CREATE FUNCTION hostile.wipe() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	DELETE FROM hostile.kept;
	RETURN true;
EXCEPTION WHEN restrict_violation THEN
	RETURN true;
END $$;
CREATE FUNCTION hostile.inside(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RETURN hostile.wipe(); END $$;
CREATE FUNCTION hostile.planning() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN hostile.wipe(); END $$;
SELECT retention.label('hostile.due', 'hostile week, where (hostile.inside(id) and hostile.planning()), from seen, then delete');
INSERT INTO hostile.kept VALUES (1) ON CONFLICT DO NOTHING;
RESET ROLE;
SELECT count(retention.suspend('hostile.kept', 'true', 'lawsuit', current_date + 30, 'counsel'));
SET ROLE hostile_mallory;
SELECT retention.protect('hostile.due', 1);
RESET ROLE;
CALL retention.enforce('hostile.due');
SELECT (SELECT count(*) FROM hostile.due) AS due, (SELECT count(*) FROM hostile.kept) AS kept;
SELECT count(retention.lift_suspension(id, 'settled')) FROM retention.suspension WHERE relation LIKE 'hostile.%' AND in_force;
SELECT retention.unprotect('hostile.due');
DROP TABLE hostile.kept, hostile.due;

-- 7. Names: with quotes, newlines, of 63 bytes, of SQL.
CREATE FUNCTION hostile.odd(n int) RETURNS name LANGUAGE sql AS $odd$
	SELECT (ARRAY['"; DROP SCHEMA victim; --', E'new\nline', repeat('ü', 31), 'it''s', '$$ || x', '%s %I %L %', '\', 'a.b', ' ', 'SELECT'])[n]::name $odd$;
SET client_min_messages = error;
DO $$
DECLARE
	n int;
	odd name;
BEGIN
	FOR n IN 1 .. 10 LOOP
		odd := hostile.odd(n);
		PERFORM retention.set_category('odd ' || replace(odd, E'\n', ' ') || 'x', '7 days');
		EXECUTE format('CREATE SCHEMA %I', odd || 's');
		EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY, %I timestamptz, %I text, ip inet)', odd || 's', odd, odd || 'i', odd || 'c', odd || 'v');
		EXECUTE format('CREATE INDEX ON %I.%I (%I)', odd || 's', odd, odd || 'c');
		EXECUTE format('INSERT INTO %I.%I VALUES (1, ''2024-01-01'', ''a'', ''192.0.2.1''), (2, now() - interval ''8 days'', ''b'', ''192.0.2.1'')', odd || 's', odd);
		PERFORM retention.label(format('%I.%I', odd || 's', odd)::regclass, format('%I, from %I, then delete', 'odd ' || replace(odd, E'\n', ' ') || 'x', odd || 'c'));
		PERFORM retention.label(format('%I.%I', odd || 's', odd)::regclass, format('%I, from (%I), then set %L', 'odd ' || replace(odd, E'\n', ' ') || 'x', odd || 'c', odd), ARRAY[odd || 'v']::name[]);
		PERFORM retention.protect(format('%I.%I', odd || 's', odd)::regclass, 4);
	END LOOP;
END $$;
SELECT count(*) AS rules, count(*) FILTER (WHERE state = 'late') AS late FROM retention.status WHERE relation::text LIKE '%' AND category LIKE 'odd %';
SELECT count(*) > 0 AS checked FROM retention.check();
-- the remedies are statements
SELECT DISTINCT remedy FROM retention.status WHERE category LIKE 'odd %' AND state = 'late' ORDER BY 1 LIMIT 3;
SELECT DISTINCT remedy FROM retention.status WHERE category LIKE 'odd %' AND state = 'late' \gexec
SELECT state, count(*), sum(due) AS due FROM retention.status WHERE category LIKE 'odd %' GROUP BY 1;
SELECT count(*) AS entries FROM retention.ledger WHERE category LIKE 'odd %' AND event = 'batch' AND rows > 0;
SELECT ok FROM retention.verify_ledger();
SELECT count(retention.unprotect(relation)) FROM retention.status WHERE category LIKE 'odd %' AND column_name IS NULL;
DO $$BEGIN
	FOR n IN 1 .. 10 LOOP EXECUTE format('DROP SCHEMA %I CASCADE', hostile.odd(n) || 's'); END LOOP;
	PERFORM retention.drop_category(name) FROM retention.data_category WHERE name LIKE 'odd %';
END$$;
SELECT count(*) AS still_there FROM pg_namespace WHERE nspname = 'victim';
-- Too long, and what only looks like a category.
SELECT retention.set_category(repeat('x', 300), '7 days');
SELECT retention.set_category(E'two\nlines', '7 days');

SET application_name = calm;
DROP SCHEMA hostile, victim CASCADE;
DROP ROLE hostile_mallory, hostile_victim;
SELECT count(retention.drop_category(name)) FROM retention.data_category WHERE name = 'hostile week' OR name ~ '^xxx';
