-- Who may do what: every function, procedure, view and table of the extension, walked from
-- the catalog as five roles.  A new function without a call below fails this test.
SET client_min_messages = error;
CREATE ROLE privilege_nobody;
CREATE ROLE privilege_auditor IN ROLE pg_monitor;
CREATE ROLE privilege_owner;
CREATE ROLE privilege_dpo;
CREATE ROLE privilege_officer IN ROLE privilege_dpo;
CREATE ROLE privilege_granted;
CREATE ROLE privilege_both IN ROLE privilege_dpo;
LOAD 'privacy_retention';
SET privacy_retention.officer_role = 'privilege_dpo';
CREATE SCHEMA privilege;
GRANT USAGE, CREATE ON SCHEMA privilege TO PUBLIC;
SELECT retention.create_key() > 0 AS created;
SELECT retention.set_category('privilege week', '7 days', 'the visit'), retention.set_category('privilege unused', '7 days', 'the visit');
CREATE TABLE privilege.visit (id int PRIMARY KEY, name text, seen timestamptz);
CREATE TABLE privilege.watched (id int PRIMARY KEY, name text, seen timestamptz);
INSERT INTO privilege.visit VALUES (1, 'somebody', now());
CREATE INDEX ON privilege.visit (seen);
CREATE INDEX ON privilege.watched (seen);
ALTER TABLE privilege.visit OWNER TO privilege_owner;
ALTER TABLE privilege.watched OWNER TO privilege_owner;
SELECT retention.label('privilege.visit', 'privilege week, from seen, then delete'), retention.label('privilege.watched', 'privilege week, from seen, then delete');
SELECT retention.protect('privilege.visit');
-- What CREATE EXTENSION leaves to be granted, is granted.
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA retention TO privilege_granted, privilege_both;

-- Tries a statement as a role, and undoes it: "yes", "-" (42501), or the error's code.
CREATE FUNCTION privilege.try(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE statement;
	RAISE SQLSTATE 'UNDO1';
EXCEPTION
	WHEN SQLSTATE 'UNDO1' THEN RETURN 'yes';
	WHEN insufficient_privilege THEN RETURN '-';
	WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
CREATE TABLE privilege.call (routine text, call text);
COPY privilege.call FROM stdin WITH (DELIMITER '|');
"check"()|SELECT * FROM retention.check()
accept_clock()|SELECT retention.accept_clock()
adopt(regclass)|SELECT retention.adopt('privilege.visit')
assert_healthy(text)|SELECT retention.assert_healthy('error')
checkpoint()|SELECT retention.checkpoint()
checkpoint_key()|SELECT retention.checkpoint_key()
coverage_rows()|SELECT * FROM retention.coverage_rows()
create_key()|SELECT retention.create_key()
create_key(timestamp with time zone)|SELECT retention.create_key('2000-01-01'::timestamptz)
deadline(anyelement,name)|SELECT retention.deadline(v) FROM privilege.visit v
explain(anyelement)|SELECT count(*) FROM privilege.visit v, retention.explain(v)
declared_columns()|SELECT * FROM retention.declared_columns()
decorrelated(anyelement)|SELECT retention.decorrelated('a'::text)
destroy_key(integer)|SELECT retention.destroy_key(999)
drop_category(text)|SELECT retention.drop_category('privilege unused')
erasure_doubts()|SELECT * FROM retention.erasure_doubts()
erasure_holders()|SELECT * FROM retention.erasure_holders()
erasure_promise()|SELECT * FROM retention.erasure_promise()
enforce(regclass,timestamp with time zone)|CALL retention.enforce('privilege.visit')
hmac_self_test()|SELECT retention.hmac_self_test()
holding()|SELECT retention.holding()
is_pseudonym(anyelement)|SELECT retention.is_pseudonym(1::bigint)
is_pseudonym(text)|SELECT retention.is_pseudonym('a')
jsonb_keep(jsonb,jsonb)|SELECT retention.jsonb_keep('{}', '{}')
jsonb_remove(jsonb,jsonb)|SELECT retention.jsonb_remove('{}', '{}')
key_list()|SELECT * FROM retention.key_list()
label(regclass,text,name[])|SELECT retention.label('privilege.watched', 'no personal data')
ledger_consistency(bigint,bigint)|SELECT retention.ledger_consistency(2, 1)
ledger_inclusion(bigint)|SELECT retention.ledger_inclusion(0)
lift_suspension(bigint,text)|SELECT retention.lift_suspension(0, 'over')
looks_personal(name,name,regtype)|SELECT retention.looks_personal('a', 'b', 'text')
merkle_consistency(bytea[],bigint)|SELECT retention.merkle_consistency('{a}', 1)
merkle_consistent(bigint,bigint,bytea[],bytea,bytea)|SELECT retention.merkle_consistent(1, 1, '{}', 'a', 'a')
merkle_included(bytea,bigint,bigint,bytea[],bytea)|SELECT retention.merkle_included('a', 0, 1, '{}', 'a')
merkle_inclusion(bytea[],bigint)|SELECT retention.merkle_inclusion('{a}', 0)
merkle_root(bytea[])|SELECT retention.merkle_root('{a}')
next_opening(timestamp with time zone)|SELECT retention.next_opening(now())
page_judge(bytea,text)|SELECT * FROM retention.page_judge(decode(repeat('00', 8192), 'hex'), 'heap')
pause(regclass,timestamp with time zone,text)|SELECT retention.pause('privilege.visit', now() + interval '1 day', 'migration')
preview(regclass,timestamp with time zone,boolean)|SELECT * FROM retention.preview('privilege.visit')
protect(regclass,bigint)|SELECT retention.protect('privilege.watched')
pseudonym(anyelement,text)|SELECT retention.pseudonym(1::bigint, 'a')
pseudonym(text,text)|SELECT retention.pseudonym('a', 'a')
pseudonymised(anyelement,text)|SELECT retention.pseudonymised('a'::text, 'a')
rule_rows()|SELECT * FROM retention.rule_rows()
residue(regclass,boolean)|SELECT * FROM retention.residue('privilege.visit')
schedule(text,regclass,text)|SELECT retention.schedule('0 3 * * *')
scheduled_jobs()|SELECT * FROM retention.scheduled_jobs()
scrub(regclass,boolean,boolean,bigint,bigint,bigint,text)|CALL retention.scrub('privilege.visit')
set_category(text,interval,text,text,text,text,text,boolean)|SELECT retention.set_category('privilege week', '6 days')
shorten_ledger(timestamp with time zone)|SELECT retention.shorten_ledger(now())
status_rows(timestamp with time zone)|SELECT * FROM retention.status_rows()
suspend(regclass,text,text,date,text)|SELECT retention.suspend('privilege.visit', 'true', 'a lawsuit', '2099-12-31', 'the DPO')
suspension_rows()|SELECT * FROM retention.suspension_rows()
uninstall()|SELECT retention.uninstall()
unpause(regclass)|SELECT retention.unpause('privilege.visit')
unprotect(regclass)|SELECT retention.unprotect('privilege.visit')
unschedule(regclass)|SELECT retention.unschedule()
verify_checkpoint(text)|SELECT * FROM retention.verify_checkpoint('')
verify_ledger()|SELECT * FROM retention.verify_ledger()
wake()|SELECT retention.wake()
worker_databases()|SELECT * FROM retention.worker_databases()
\.
CREATE VIEW privilege.routine AS
	SELECT p.oid, substr(p.oid::regprocedure::text, length('retention.') + 1) AS routine, p.prorettype
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'privacy_retention' AND d.classid = 'pg_proc'::regclass;
-- No line here: each has its call, and each call its function.  (Triggers cannot be called.)
SELECT routine FROM privilege.routine WHERE prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) EXCEPT SELECT routine FROM privilege.call;
SELECT routine FROM privilege.call EXCEPT SELECT routine FROM privilege.routine;
-- 42704, 55000 and the like: was let in, and had nothing to do.
\pset format unaligned
\pset footer off
SELECT routine, privilege.try('privilege_nobody', call) AS nobody, privilege.try('privilege_auditor', call) AS auditor,
	privilege.try('privilege_owner', call) AS owner, privilege.try('privilege_officer', call) AS officer,
	privilege.try('privilege_granted', call) AS granted, privilege.try('privilege_both', call) AS both
FROM privilege.call ORDER BY routine COLLATE "C";
-- Triggers: what can be made one, and does nothing elsewhere.
SELECT routine, has_function_privilege('privilege_nobody', oid, 'EXECUTE') AS nobody
FROM privilege.routine WHERE prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY routine COLLATE "C";
-- Relations: SELECT, and whether anything may be written.
SELECT c.relname AS relation, r.nobody, r.auditor, r.owner, r.officer, w.writers
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid,
	LATERAL (SELECT 'SELECT * FROM ' || c.oid::regclass AS query) q,
	LATERAL (SELECT privilege.try('privilege_nobody', query) AS nobody, privilege.try('privilege_auditor', query) AS auditor,
		privilege.try('privilege_owner', query) AS owner, privilege.try('privilege_officer', query) AS officer) r,
	LATERAL (SELECT count(*) AS writers FROM unnest('{privilege_nobody, privilege_auditor, privilege_owner, privilege_officer, privilege_granted, privilege_both}'::regrole[]) AS role
		WHERE c.relkind <> 'S' AND has_table_privilege(role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
			OR c.relkind = 'S' AND has_sequence_privilege(role, c.oid, 'USAGE, UPDATE')) w
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'privacy_retention' AND d.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v', 'S')
ORDER BY c.relname COLLATE "C";
-- Settings: nobody's but the superuser's.
SELECT name, context FROM pg_settings WHERE name LIKE 'privacy\_retention.%' AND context NOT IN ('superuser', 'sighup', 'postmaster');
SELECT count(*) > 10 AS settings, count(*) FILTER (WHERE privilege.try('privilege_both', format('SET %s = DEFAULT', name)) <> '-') AS accepted
FROM pg_settings WHERE name LIKE 'privacy\_retention.%' AND context = 'superuser';
\pset format aligned
\pset footer on

-- What is granted works, without a superuser: from the notice to the evidence.
SET SESSION AUTHORIZATION privilege_both;
SELECT retention.set_category('privilege made', '7 days', 'the visit');
SELECT retention.set_category('privilege made', '8 days');
SELECT retention.drop_category('privilege made');
SELECT retention.create_key() > 0 AS created;
SELECT retention.is_pseudonym(retention.pseudonym('somebody', 'privilege')) AS pseudonym;
SELECT retention.pause('privilege.visit', now() + interval '1 day', 'migration');
SELECT retention.unpause('privilege.visit');
SELECT retention.protect('privilege.watched');
SELECT retention.unprotect('privilege.watched');
SELECT ok FROM retention.verify_ledger();
SELECT count(*) > 0 AS rows FROM retention.status_rows();
SELECT retention.assert_healthy() IS NOT NULL AS healthy;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION privilege_granted;
CALL retention.enforce('privilege.visit');
CALL retention.enforce();
CALL retention.enforce('privilege.visit', now() + interval '1 year');
SELECT retention.set_category('privilege week', '6 days');
SELECT retention.set_category('privilege week', '60 days');
SELECT retention.create_key();
RESET SESSION AUTHORIZATION;
SELECT count(*) AS still_there FROM privilege.visit;
SET SESSION AUTHORIZATION privilege_both;
CALL retention.enforce('privilege.visit', now() + interval '1 year');
SELECT count(*) AS gone FROM retention.preview('privilege.visit') WHERE due > 0;
RESET SESSION AUTHORIZATION;
SELECT count(*) AS gone FROM privilege.visit;
-- The owner's own: label, protect, adopt, preview; not unprotect.
SET SESSION AUTHORIZATION privilege_owner;
SELECT retention.label('privilege.watched', NULL);
SELECT retention.label('privilege.watched', 'privilege week, from seen, then delete');
SELECT due FROM retention.preview('privilege.watched');
SELECT retention.protect('privilege.watched');
SELECT retention.label('privilege.watched', 'no personal data');
SELECT retention.unprotect('privilege.watched');
RESET SESSION AUTHORIZATION;

SELECT retention.unprotect('privilege.visit'), retention.unprotect('privilege.watched');
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA retention FROM privilege_granted, privilege_both;
DROP SCHEMA privilege CASCADE;
DROP ROLE privilege_nobody, privilege_auditor, privilege_owner, privilege_officer, privilege_granted, privilege_both, privilege_dpo;
SELECT retention.drop_category(c) FROM unnest('{privilege week, privilege unused}'::text[]) c;
RESET privacy_retention.officer_role;
SELECT count(retention.destroy_key(epoch)) > 0 AS destroyed FROM retention.key WHERE state IN ('current', 'retired');
DO $$ BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; rm -f "' || current_setting('privacy_retention.key_directory') || '"/*');
END $$;
