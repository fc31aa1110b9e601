-- States that are not ok: each says why, and its remedy, pasted, makes it ok again.
CREATE SCHEMA health;
SET search_path = health, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
DO $$BEGIN PERFORM retention.set_category('health week', '7 days', 'the event'); END$$;
CREATE ROLE health_owner;
GRANT USAGE, CREATE ON SCHEMA health TO health_owner;
CREATE TABLE visit (id int PRIMARY KEY, ip inet, seen timestamptz);
CREATE INDEX visit_seen ON visit (seen);
ALTER TABLE visit OWNER TO health_owner;
SELECT retention.label('visit', 'from seen; health week, then delete'), retention.label('visit', 'health week, then set null', '{ip}');
INSERT INTO visit VALUES (1, '192.0.2.1', now() - interval '1 day');
CREATE VIEW rules AS SELECT column_name, state, reason, remedy FROM retention.status
	WHERE relation = 'visit'::regclass ORDER BY column_name NULLS FIRST;
CREATE VIEW remedies AS SELECT DISTINCT remedy FROM rules WHERE remedy IS NOT NULL;

-- Watched.
SELECT * FROM rules;
SELECT * FROM remedies \gexec
-- a fresh installation has nothing to remark, nor is an update pending
SELECT * FROM rules;

-- Event triggers that are disabled, an index that is missing, a guard that is
-- disabled: the first remedy, then the next, until there is nothing to say.
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER EVENT TRIGGER privacy_retention_keep_before DISABLE;
DROP INDEX visit_seen;
ALTER TABLE visit DISABLE TRIGGER zz_privacy_retention;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;

-- A rule ON DELETE, a copy's guard, privileges that the owner has lost.
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER EVENT TRIGGER privacy_retention_keep_before DISABLE;
CREATE RULE nothing AS ON DELETE TO visit DO INSTEAD NOTHING;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
ALTER EVENT TRIGGER privacy_retention_keep_before ENABLE ALWAYS;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
REVOKE DELETE, UPDATE ON visit FROM health_owner;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
REVOKE SELECT ON visit FROM health_owner;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
REVOKE USAGE ON SCHEMA health FROM health_owner;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;

-- The owner may no longer read where the clock is.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON event (ended_at);
GRANT SELECT, REFERENCES ON event TO health_owner;
ALTER TABLE event OWNER TO health_owner;
ALTER TABLE visit ADD event_id int REFERENCES event;
CREATE INDEX ON visit (event_id);
SELECT retention.label('visit', 'from seen; health week, from event_id -> ended_at or seen, then delete');
SELECT retention.protect('visit');
SELECT * FROM rules;
REVOKE SELECT ON event FROM health_owner;
SELECT * FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;

-- Late; blocked; each once more well.
INSERT INTO visit VALUES (2, NULL, '2024-01-01');
SELECT column_name, state, regexp_replace(reason, '\d+ s', 'N s') AS reason, remedy FROM rules;
SELECT * FROM remedies \gexec
SELECT * FROM rules;
CREATE TABLE invoice (visit int CONSTRAINT invoice_visit REFERENCES visit);
INSERT INTO visit VALUES (3, NULL, '2024-01-01');
INSERT INTO invoice VALUES (3);
CALL retention.enforce('visit');
SELECT * FROM rules;
DELETE FROM invoice;
SELECT * FROM remedies \gexec
SELECT * FROM rules;

-- Virtual columns, from 18 on, have no index: the one that is missing is of what they are made of.
DO $$
DECLARE
	statement text := $q$SELECT remedy FROM retention.status WHERE relation = 'made'::regclass$q$;
	missing text;
BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		EXECUTE $q$CREATE TABLE made (opened timestamp, closes timestamp GENERATED ALWAYS AS (coalesce(opened, '2000-01-01')) VIRTUAL)$q$;
		PERFORM retention.label('made', 'health week, from closes, then delete');
		PERFORM set_config('client_min_messages', 'error', true);
		PERFORM retention.protect('made');
		EXECUTE statement INTO missing;
		IF missing IS NULL OR missing !~ '^CREATE INDEX ON health.made ..COALESCE' THEN RAISE 'no index of it: %', missing; END IF;
		EXECUTE missing;
		EXECUTE statement INTO missing;
		IF missing ~ 'INDEX' THEN RAISE 'it does not help: %', missing; END IF;
	END IF;
END$$;

SELECT retention.unprotect('visit');
DROP SCHEMA health CASCADE;
DROP ROLE health_owner;
SELECT retention.drop_category('health week');
