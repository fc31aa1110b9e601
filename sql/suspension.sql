-- Suspensions: who may order them, what they want to know, and how they end.
CREATE SCHEMA suspension;
SET search_path = suspension, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
ALTER TABLE retention.hold ALTER id RESTART WITH 2001;
DO $$BEGIN PERFORM retention.set_category('suspension week', '7 days', 'the event'); END$$;
CREATE ROLE suspension_owner;
CREATE ROLE suspension_other;
CREATE ROLE suspension_monitor IN ROLE pg_monitor;
CREATE ROLE suspension_officer;
GRANT ALL ON SCHEMA suspension TO PUBLIC;
SET ROLE suspension_owner;
CREATE TABLE visit (id int PRIMARY KEY, person text, note text, at timestamptz);
CREATE INDEX ON visit (at);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'suspension week, from at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.note IS 'no personal data';
INSERT INTO visit SELECT n, 'p' || n % 3, 'note', timestamptz '2024-01-01' + n * interval '1 hour' FROM generate_series(1, 9) n;
RESET ROLE;
CREATE VIEW entry AS SELECT event, relation, detail FROM retention.ledger WHERE relation LIKE 'suspension.%' ORDER BY id;
CREATE VIEW guard AS SELECT tgrelid::regclass AS relation, tgname, tgenabled FROM pg_trigger
	WHERE tgfoid = 'retention.guard'::regproc AND NOT tgisinternal OR tgname LIKE 'zz_privacy%' ORDER BY 1, 2;
CREATE FUNCTION later(days int) RETURNS date LANGUAGE sql AS $$SELECT '2099-12-01'::date + days$$;

-- What must be given.
SELECT retention.suspend(NULL, 'true', 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend('visit', NULL, 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend('visit', '', 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend('visit', 'true', NULL, later(30), 'the DPO');
SELECT retention.suspend('visit', 'true', E' \n', later(30), 'the DPO');
SELECT retention.suspend('visit', 'true', 'a lawsuit', NULL, 'the DPO');
SELECT retention.suspend('visit', 'true', 'a lawsuit', current_date, 'the DPO');
SELECT retention.suspend('visit', 'true', 'a lawsuit', 'infinity', 'the DPO');
SELECT retention.suspend('visit', 'true', 'a lawsuit', later(30), NULL);
SELECT retention.suspend('visit', 'true', 'a lawsuit', later(30), '');
-- Where there is nothing to hold.
CREATE VIEW looking AS SELECT * FROM visit;
CREATE TEMP TABLE passing (id int);
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
SELECT retention.suspend('looking', 'true', 'a lawsuit', later(30), 'the DPO');
\set VERBOSITY sqlstate
SELECT retention.suspend('passing', 'true', 'a lawsuit', later(30), 'the DPO');
\set VERBOSITY default
SELECT retention.suspend('parted_1', 'true', 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend('retention.ledger', 'true', 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend('pg_class', 'true', 'a lawsuit', later(30), 'the DPO');
SELECT retention.suspend(0, 'true', 'a lawsuit', later(30), 'the DPO');
-- Conditions that are none.
\set hold 'SELECT retention.suspend(''visit'', '
\set why ', ''a lawsuit'', later(30), ''the DPO'');'
:hold 'person =' :why
:hold 'persn = ''p1''' :why
:hold 'person' :why
:hold 'true) OR (true' :why
:hold '(true' :why
:hold 'true) FROM pg_class WHERE (true' :why
:hold 'true) LIMIT (1' :why
:hold 'true -- all' :why
:hold 'id IN (SELECT id FROM visit)' :why
:hold 'at > now() - interval ''1 year''' :why
:hold 'random() > 0.5' :why
:hold 'count(*) > 1' :why
SELECT count(*) FROM retention.suspension WHERE in_force;
SELECT * FROM guard;

-- Who may: the owner and officers suspend; officers lift.
SET ROLE suspension_other;
SELECT retention.suspend('visit', 'true', 'a lawsuit', later(30), 'the DPO');
SET ROLE suspension_owner;
SELECT retention.suspend('visit', $$person = 'p1'$$, 'a lawsuit', later(30), 'the DPO') AS first \gset
SELECT retention.lift_suspension(:first, 'I want to');
RESET ROLE;
SELECT * FROM guard;
SELECT event, relation, detail = 'suspension ' || :first AS named FROM entry;

-- Who sees what.
\set shown 'SELECT relation, condition, reason, review_on = later(30) AS review_on, approved_by, suspended_by, in_force, review_due, restricts, continues, problem FROM retention.suspension WHERE in_force;'
:shown
SET ROLE suspension_owner;
:shown
SET ROLE suspension_monitor;
:shown
SET ROLE suspension_other;
:shown
SELECT * FROM retention.hold;
RESET ROLE;

-- What a pass finds, does and leaves; a watched table's rows are held as well.
SELECT due, held, exact FROM retention.preview('visit');
SELECT retention.protect('visit', at_most => 9);
CALL retention.enforce('visit');
SELECT id, person FROM visit ORDER BY id;
SELECT due, held, blocked FROM retention.preview('visit');
SELECT count(*) FROM retention.blocked WHERE relation = 'suspension.visit';
SELECT state, reason, remedy, due, overdue_seconds, held, blocked FROM retention.status WHERE relation = 'visit'::regclass;
-- A row that comes to satisfy the condition is held, too; each suspension for itself.
INSERT INTO visit VALUES (10, 'p1', 'late', '2024-01-01'), (11, 'p2', 'late', '2024-01-01');
SELECT retention.suspend('visit', 'id = 11', 'another lawsuit', later(60), 'the board') AS second \gset
CALL retention.enforce('visit');
SELECT id, person FROM visit ORDER BY id;
-- For applications.
SELECT id, retention.deadline(v), retention.deadline(v, 'person') AS person FROM visit v WHERE id > 9
UNION ALL SELECT 12, retention.deadline(ROW(12, 'p2', NULL, '2024-01-01')::visit), NULL ORDER BY 1;

-- The end: once, by an officer, with a reason.
SELECT retention.lift_suspension(NULL, 'over');
SELECT retention.lift_suspension(:first, NULL);
SELECT retention.lift_suspension(:first, ' ');
SELECT retention.lift_suspension(0, 'over');
-- A pass would leave out what an earlier one has seen done.
UPDATE retention.rule_state SET swept_at = clock_timestamp(), sweep_cost = 1000000 WHERE relation = 'suspension.visit';
SET privacy_retention.officer_role = 'suspension_officer';
SET ROLE suspension_officer;
SELECT retention.lift_suspension(:first, 'the lawsuit is over');
RESET ROLE;
RESET privacy_retention.officer_role;
SELECT retention.lift_suspension(:first, 'again');
SELECT relation, condition, lifted_by, lift_reason, lifted_at IS NOT NULL AS lifted, in_force FROM retention.suspension WHERE relation LIKE 'suspension.%' ORDER BY id;
SELECT * FROM guard;
-- Catching up by itself: whatever the table was swept to before is forgotten.
SELECT relid::regclass, clock FROM retention.late_write;
CALL retention.enforce();
SELECT count(*) FROM retention.late_write WHERE relid = 'visit'::regclass;
SELECT id, person FROM visit ORDER BY id;
-- The extension does not go while something is held.
BEGIN;
SELECT retention.uninstall();
ROLLBACK;
SELECT retention.lift_suspension(:second, 'over, too');
SELECT * FROM guard;
SELECT event, relation, regexp_replace(detail, '\d+', 'N') AS detail FROM entry WHERE event <> 'batch';
CALL retention.enforce('visit');
SELECT id, person FROM visit ORDER BY id;

-- A watched table loses all guards with its last suspension; a protected one keeps its own.
SELECT retention.unprotect('visit');
SELECT * FROM guard;
SELECT retention.suspend('visit', 'true', 'a lawsuit', later(30), 'the DPO') AS third \gset
SELECT retention.suspend('visit', 'false', 'a lawsuit', later(30), 'the DPO') AS fourth \gset
SELECT * FROM guard;
SELECT retention.lift_suspension(:third, 'over');
SELECT * FROM guard;
SELECT retention.protect('visit', at_most => 9);
SELECT retention.unprotect('visit');
SELECT * FROM guard;
SELECT retention.lift_suspension(:fourth, 'over');
SELECT * FROM guard;

-- A partition that leaves takes the suspension along; so does a child.
SELECT retention.suspend('parted', 'id = 1 AND parted.id > 0', 'a lawsuit', later(30), 'the DPO') AS parted \gset
INSERT INTO parted VALUES (1);
SET client_min_messages = notice;
ALTER TABLE parted DETACH PARTITION parted_1;
SET client_min_messages = warning;
DELETE FROM parted_1;
SELECT relation, condition, continues = :parted AS continues, problem FROM retention.suspension WHERE in_force;
SELECT retention.lift_suspension(:parted, 'over');
DELETE FROM parted_1;
SELECT retention.lift_suspension(id, 'over') FROM retention.suspension WHERE in_force;
DELETE FROM parted_1;
CREATE TABLE base (id int, person text);
CREATE TABLE heir (more text) INHERITS (base);
INSERT INTO heir VALUES (1, 'p1', 'more');
SELECT retention.suspend('base', $$person = 'p1'$$, 'a lawsuit', later(30), 'the DPO') AS base \gset
SELECT retention.suspend('heir', $$more = 'less'$$, 'a lawsuit', later(30), 'the DPO') AS heir \gset
ALTER TABLE heir NO INHERIT base;
DELETE FROM heir;
SELECT relation, condition, continues = :base AS continues, problem FROM retention.suspension WHERE in_force ORDER BY id;
SELECT retention.lift_suspension(id, 'over') FROM retention.suspension WHERE in_force;
DELETE FROM heir;

-- A condition that has come to mean nothing holds everything, and says so.
INSERT INTO visit VALUES (1, 'p1', 'note', '2024-01-01'), (2, 'p2', 'note', '2024-01-01');
SELECT retention.suspend('visit', $$note = 'other'$$, 'a lawsuit', later(30), 'the DPO') AS broken \gset
DELETE FROM visit WHERE id = 2;
UPDATE retention.hold SET condition = 'gone = 1' WHERE id = :broken;
SELECT condition, problem FROM retention.suspension WHERE in_force;
SET ROLE suspension_monitor;
SELECT condition, problem FROM retention.suspension WHERE in_force;
RESET ROLE;
DELETE FROM visit;
UPDATE visit SET person = 'p3';
TRUNCATE visit;
SELECT due, held FROM retention.preview('visit');
SELECT state, reason, remedy, due, held FROM retention.status WHERE relation = 'visit'::regclass;
SELECT retention.deadline(v) FROM visit v;
SELECT retention.lift_suspension(:broken, 'over');
DELETE FROM visit;

-- Guards that somebody took away are missed, and come back.
SELECT retention.suspend('visit', 'true', 'a lawsuit', later(30), 'the DPO') AS lost \gset
ALTER TABLE visit DISABLE TRIGGER zz_privacy_retention_hold;
DROP TRIGGER zz_privacy_retention_hold ON visit;
ALTER EVENT TRIGGER privacy_retention_keep_after DISABLE;
ALTER TABLE visit DISABLE TRIGGER zz_privacy_retention_hold;
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
SELECT problem FROM retention.suspension WHERE in_force;
CALL retention.enforce();
SELECT problem FROM retention.suspension WHERE in_force;
SELECT retention.lift_suspension(:lost, 'over');

\set VERBOSITY terse
DROP SCHEMA suspension CASCADE;
DROP ROLE suspension_owner, suspension_other, suspension_monitor, suspension_officer;
SELECT retention.drop_category('suspension week');
