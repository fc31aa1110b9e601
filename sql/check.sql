-- The self-check: each finding, what helps against it, and that this does help.
SET client_min_messages = warning;
SET privacy_retention.backup_retention = '30d';
CREATE SCHEMA checked;
CREATE SCHEMA "Odd ""schema";
SET search_path = checked, public;
SET privacy_retention.governed_schemas = 'checked, "Odd ""schema"';
CREATE ROLE check_owner;
CREATE ROLE check_auditor;
GRANT pg_monitor TO check_auditor;
GRANT USAGE ON SCHEMA checked TO check_owner;
SELECT retention.set_category('check week', '7 days', 'the event', 'GDPR Art. 6(1)(f)', 'operations');
-- Findings about what this test makes: others of the database are none of its business.
CREATE VIEW found AS SELECT * FROM retention.check()
	WHERE object <> 'the worker' AND (object !~ '^data category' OR object ~ 'check week|half');
SELECT * FROM found;

-- No label, though names look personal; an odd name; a foreign table; partly labelled.
CREATE TABLE plain (id int, amount numeric);
CREATE TABLE unlabelled (id int, email text, ip inet);
CREATE TABLE "Odd ""schema"."Über 'uns'" ("E-Mail" text, "größe" int);
CREATE TABLE wide (email1 text, email2 text, email3 text, email4 text, email5 text, email6 text, email7 text, email8 text, email9 text, email10 text, email11 text, email12 text, email13 text, email14 text);
CREATE FOREIGN DATA WRAPPER check_wrapper;
CREATE SERVER check_server FOREIGN DATA WRAPPER check_wrapper;
CREATE FOREIGN TABLE abroad (phone text, amount int) SERVER check_server;
CREATE TABLE partly (id int, phone text, "Vorname" text, seen timestamptz);
SELECT retention.label('partly', 'from seen'), retention.label('partly', 'check week, then set null', '{phone}'), retention.label('partly', 'no personal data', '{id, seen}');
SELECT * FROM found;
-- The hints help.
SELECT retention.label('unlabelled', 'no personal data'), retention.label('wide', 'no personal data'), retention.label('"Odd ""schema"."Über ''uns''"', 'no personal data'),
	retention.label('partly', 'check week', '{Vorname}');
SELECT * FROM found WHERE severity <> 'info';
DROP FOREIGN DATA WRAPPER check_wrapper CASCADE;
DROP TABLE partly, wide, "Odd ""schema"."Über 'uns'";

-- Watched; an index that is missing; protected: nothing more to say.
CREATE TABLE visit (id int PRIMARY KEY, ip inet, email text, seen timestamptz);
SELECT retention.label('visit', 'from seen; check week, then delete'), retention.label('visit', 'check week, then truncate to 24', '{ip}');
SELECT * FROM found;
CREATE INDEX ON visit (seen);
SELECT retention.protect('visit');
SELECT * FROM found;
-- but that this server has no worker.
SELECT * FROM retention.check() WHERE object = 'the worker';

-- Guards: disabled, renamed, faked, outrun; rules that rewrite.
-- (Past all event triggers.)
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'visit'::regclass AND tgname = 'zz_privacy_retention_truncate';
SELECT * FROM found;
SELECT hint FROM retention.check() WHERE finding ~ 'zz_privacy_retention_truncate is disabled' \gexec
UPDATE pg_trigger SET tgenabled = 'O' WHERE tgrelid = 'visit'::regclass AND tgname = 'zz_privacy_retention';
SELECT * FROM found WHERE severity <> 'info';
SELECT hint FROM retention.check() WHERE finding ~ 'zz_privacy_retention is disabled' \gexec
SELECT * FROM found;
UPDATE pg_trigger SET tgname = 'aaa' WHERE tgrelid = 'visit'::regclass AND tgname = 'zz_privacy_retention';
SELECT * FROM found;
SELECT hint FROM retention.check() WHERE finding ~ 'was renamed' \gexec
SELECT * FROM found;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
CREATE TRIGGER "aaa fires before" BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER zzz_after AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER zz_privacy_retention BEFORE INSERT OR UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT * FROM found;
DROP TRIGGER zzz ON visit;
DROP TRIGGER zz_privacy_retention ON plain;
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
CREATE RULE shift AS ON DELETE TO visit DO INSTEAD NOTHING;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
SELECT * FROM found;
SELECT hint FROM retention.check() WHERE finding ~ 'rule ON UPDATE' \gexec
SELECT * FROM found;

-- Row security, unlogged tables.
ALTER TABLE visit ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, SET UNLOGGED;
SELECT * FROM found;
ALTER TABLE visit DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY, SET LOGGED;

-- Copies: materialized views, also through views and of whole rows; publications.
CREATE VIEW as_view AS SELECT id, upper(email) AS email FROM visit;
CREATE VIEW as_view_again AS SELECT * FROM as_view;
CREATE MATERIALIZED VIEW copied AS SELECT email FROM as_view_again;
CREATE MATERIALIZED VIEW whole AS SELECT to_jsonb(v) FROM visit v;
CREATE MATERIALIZED VIEW apart AS SELECT id FROM plain;
SELECT * FROM found;
DROP VIEW as_view CASCADE;
DROP MATERIALIZED VIEW whole, apart;
-- What is said of wal_level differs between releases.
SET client_min_messages = error;
CREATE PUBLICATION inserts FOR TABLE visit WITH (publish = 'insert');
SET client_min_messages = warning;
SELECT * FROM found;
SELECT hint FROM retention.check() WHERE object = 'publication inserts' AND severity = 'warning' \gexec
SELECT * FROM found;
ALTER TABLE visit REPLICA IDENTITY NOTHING;
SELECT * FROM found;
ALTER TABLE visit REPLICA IDENTITY FULL;
SELECT * FROM found;
SELECT hint FROM retention.check() WHERE finding ~ '^REPLICA IDENTITY FULL' \gexec
DROP PUBLICATION inserts;
SELECT * FROM found;

-- Generated columns, indexes, statistics.
ALTER TABLE visit ADD COLUMN domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED, ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED;
SELECT retention.label('visit', 'no personal data', '{domain, id}');
CREATE INDEX by_network ON visit (set_masklen(ip, 16));
CREATE UNIQUE INDEX once ON visit (ip, email);
CREATE UNIQUE INDEX once_anyway ON visit (id, ip);
CREATE UNIQUE INDEX elsewhere ON visit (email);
CREATE STATISTICS common (mcv) ON ip, email FROM visit;
CREATE STATISTICS harmless (ndistinct) ON ip, email FROM visit;
INSERT INTO visit SELECT n, '192.0.2.1', n || '@example.com', now() FROM generate_series(1, 100) n;
ANALYZE visit;
SELECT * FROM found;
DROP INDEX by_network, once, once_anyway, elsewhere;
DROP STATISTICS common, harmless;
ALTER TABLE visit DROP COLUMN domain, DROP COLUMN twice;
DELETE FROM visit;

-- What is late, blocked, invalid; lost and implausible clocks; what the owner may not.
INSERT INTO visit VALUES (1, '192.0.2.1', 'somebody', '2024-01-01'), (2, '192.0.2.1', 'somebody', '1970-01-01');
CREATE TABLE invoice (visit int CONSTRAINT invoice_visit REFERENCES visit);
INSERT INTO invoice VALUES (1);
SELECT severity, object, regexp_replace(finding, '\d+ s', 'N s') AS finding, hint FROM found WHERE finding !~ 'statistics';
CALL retention.enforce('visit');
SELECT severity, object, finding, hint FROM found WHERE finding !~ 'statistics';
TRUNCATE invoice;
DELETE FROM visit;
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE guest (id int, event_id int REFERENCES event ON DELETE SET NULL);
CREATE INDEX ON guest (event_id);
CREATE INDEX ON event (ended_at);
INSERT INTO guest VALUES (1, NULL);
SELECT retention.label('guest', 'check week, from event_id -> ended_at, then delete'), retention.label('event', 'no personal data');
SELECT retention.protect('guest');
SELECT * FROM found WHERE finding !~ 'statistics';
DELETE FROM guest;
CALL retention.enforce();
ALTER TABLE visit OWNER TO check_owner;
REVOKE DELETE, UPDATE (ip), UPDATE ON visit FROM check_owner;
SELECT * FROM found WHERE finding !~ 'statistics';
SELECT hint FROM retention.check() WHERE finding ~ 'lacks the privilege' \gexec
REVOKE USAGE ON SCHEMA checked FROM check_owner;
SELECT * FROM found WHERE finding !~ 'statistics';
SELECT hint FROM retention.check() WHERE finding ~ 'lacks the privilege' \gexec
SELECT * FROM found WHERE finding !~ 'statistics';

-- The guard of a clock in another table.
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'event'::regclass AND tgname = 'zz_privacy_retention_clock';
SELECT * FROM found WHERE finding !~ 'statistics';
SELECT hint FROM retention.check() WHERE finding ~ 'that clock can be moved' \gexec
SELECT * FROM found WHERE finding !~ 'statistics';

-- Suspensions: past their review; with a condition that cannot be asked.
SELECT retention.suspend('guest', 'id > 5', 'lawsuit', current_date + 1, 'counsel') AS suspension \gset
SELECT * FROM found WHERE finding !~ 'statistics';
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'guest'::regclass AND tgname = 'zz_privacy_retention_hold';
SELECT * FROM found WHERE finding !~ 'statistics';
UPDATE pg_trigger SET tgenabled = 'A' WHERE tgrelid = 'guest'::regclass AND tgname = 'zz_privacy_retention_hold';
UPDATE retention.hold SET review_on = '2024-01-01' WHERE id = :suspension;
SELECT severity, regexp_replace(object, '\d+', 'N') AS object, finding, regexp_replace(hint, '\d+', 'N') AS hint FROM found WHERE object ~ '^suspension';
SELECT retention.lift_suspension(:suspension, 'settled');
SELECT * FROM found WHERE finding !~ 'statistics';

-- Categories: incomplete, unused.
SELECT retention.set_category('half said', '1 year');
SELECT * FROM found WHERE object ~ 'category';
SELECT retention.label('visit', 'half said', '{email}');
SELECT * FROM found WHERE object ~ 'category';
SELECT retention.label('visit', NULL, '{email}'), retention.drop_category('half said');

-- The installation: event triggers, the ledger's triggers, privileges, settings, sessions.
-- From 17 on a setting switches all event triggers off.
SELECT count(set_config(name, 'off', false)) < 2 AS "off" FROM pg_settings WHERE name = 'event_triggers';
SELECT (SELECT count(*) FROM pg_settings WHERE name = 'event_triggers') - (SELECT count(*) FROM found WHERE object = 'setting event_triggers') AS "not found";
SELECT count(set_config(name, 'on', false)) < 2 AS "on" FROM pg_settings WHERE name = 'event_triggers';
ALTER EVENT TRIGGER privacy_retention_ddl_after DISABLE;
ALTER EVENT TRIGGER privacy_retention_load ENABLE;
SELECT * FROM found WHERE finding !~ 'statistics';
SELECT hint FROM retention.check() WHERE object ~ '^event trigger' \gexec
ALTER EXTENSION privacy_retention DROP EVENT TRIGGER privacy_retention_detach;
DROP EVENT TRIGGER privacy_retention_detach;
SELECT * FROM found WHERE finding !~ 'statistics';
CREATE EVENT TRIGGER privacy_retention_detach ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION retention.detach();
ALTER EVENT TRIGGER privacy_retention_detach ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_detach IS 'gives a partition that is detached the labels and the guards of its root';
ALTER EXTENSION privacy_retention ADD EVENT TRIGGER privacy_retention_detach;
ALTER TABLE retention.ledger DISABLE TRIGGER append_only;
ALTER EXTENSION privacy_retention DROP FUNCTION retention.wake();
SELECT * FROM found WHERE finding !~ 'statistics';
ALTER EXTENSION privacy_retention ADD FUNCTION retention.wake();
SELECT hint FROM retention.check() WHERE object ~ '^trigger' \gexec
BEGIN;
DROP TRIGGER append_only ON retention.ledger_head;
SELECT * FROM found WHERE finding !~ 'statistics';
SELECT hint FROM retention.check() WHERE object = 'retention.ledger_head' \gexec
SELECT * FROM found WHERE finding !~ 'statistics';
ROLLBACK;
BEGIN;
GRANT EXECUTE ON PROCEDURE retention.enforce TO PUBLIC;
GRANT CREATE ON SCHEMA retention TO check_owner, PUBLIC;
INSERT INTO retention.ledger (recorded_at, event) VALUES (now() - interval '2 hours', 'batch');
ALTER ROLE check_owner SET session_replication_role = replica;
SET privacy_retention.officer_role = 'not there';
SET privacy_retention.late_rows = accept;
SET privacy_retention.unlabelled = ignore;
SET privacy_retention.largest_share = 100;
SET privacy_retention.governed_schemas = 'checked, "not there"';
SET privacy_retention.enabled = off;
SELECT severity, object, finding, regexp_replace(hint, 'DATABASE \S+', 'DATABASE x') FROM found WHERE finding !~ 'statistics';
ROLLBACK;
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'privacy_retention';
SELECT severity, object, regexp_replace(finding, 'version [1-9]\S*$', 'version x') AS finding, hint FROM found WHERE object ~ '^extension';
UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'privacy_retention') WHERE extname = 'privacy_retention';

-- A source that fails hides no other; the order is severity, object, finding.
BEGIN;
ALTER VIEW retention.finding_copy RENAME TO finding_mislaid;
SELECT * FROM found WHERE finding !~ 'statistics';
ROLLBACK;
SELECT bool_and(ordered) AS ordered FROM (
	SELECT (array_position(ARRAY['error', 'warning', 'info'], severity), object COLLATE "C", finding COLLATE "C", hint COLLATE "C")
		>= lag((array_position(ARRAY['error', 'warning', 'info'], severity), object COLLATE "C", finding COLLATE "C", hint COLLATE "C")) OVER (ROWS UNBOUNDED PRECEDING) AS ordered
	FROM retention.check()) AS o;

-- Whoever is asked says the same; nobody else is.
CREATE TEMP TABLE mine AS SELECT * FROM retention.check();
GRANT SELECT ON mine TO check_auditor;
SET ROLE check_auditor;
SELECT count(*) AS different FROM ((TABLE mine EXCEPT SELECT * FROM retention.check()) UNION ALL (SELECT * FROM retention.check() EXCEPT TABLE mine)) AS d;
SELECT count(*) FROM retention.finding_guard;
SET ROLE check_owner;
SELECT * FROM retention.check();
SELECT retention.assert_healthy();
RESET ROLE;

-- assert_healthy: for CI.
SELECT retention.unprotect(r) FROM unnest('{visit, guest}'::regclass[]) r;
ALTER TABLE visit OWNER TO CURRENT_USER;
SELECT retention.assert_healthy('fatal');
SELECT retention.assert_healthy();
ALTER EVENT TRIGGER privacy_retention_ddl_after DISABLE;
SELECT retention.assert_healthy(NULL);
SELECT retention.assert_healthy();
\echo :LAST_ERROR_SQLSTATE
ALTER EVENT TRIGGER privacy_retention_ddl_after ENABLE ALWAYS;

RESET privacy_retention.governed_schemas;
DROP VIEW found;
DROP TABLE mine;
DROP SCHEMA checked, "Odd ""schema" CASCADE;
DROP ROLE check_owner, check_auditor;
SELECT retention.drop_category('check week');
