-- Findings about the installation: what of the extension is missing, disabled or old.

CREATE VIEW retention.finding_installation AS
    WITH own AS MATERIALIZED (
        SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'privacy_retention'
         WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
    ), event_function AS (
        SELECT p.oid, p.proname FROM pg_catalog.pg_proc p
          JOIN own ON own.objid = p.oid AND own.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
         WHERE p.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
    )
    SELECT 'error' AS severity,
           pg_catalog.format('event trigger %I', t.evtname) AS object,
           CASE t.evtenabled WHEN 'D' THEN 'it is disabled: commands that break protection are not noticed'
                ELSE 'it does not fire in each session: session_replication_role passes it by' END AS finding,
           pg_catalog.format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', t.evtname) AS hint
      FROM pg_catalog.pg_event_trigger t JOIN event_function f ON f.oid = t.evtfoid
     WHERE t.evtenabled <> 'A'
    UNION ALL
    SELECT 'error', pg_catalog.format('function retention.%I', f.proname),
           'its event trigger is missing: commands that break protection are not noticed',
           'DROP EXTENSION privacy_retention after retention.uninstall(), and create it anew; or create the event trigger as in the install script.'
      FROM event_function f
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger t WHERE t.evtfoid = f.oid)
    UNION ALL
    -- From 17 on.
    SELECT 'error', 'setting event_triggers', 'it is off: commands that break protection are not noticed',
           'ALTER SYSTEM RESET event_triggers; SELECT pg_reload_conf(); or take it from the database or the role that has it'
     WHERE pg_catalog.current_setting('event_triggers', true)::boolean IS FALSE
    UNION ALL
    SELECT 'error', pg_catalog.format('trigger %I on %s', t.tgname, t.tgrelid::pg_catalog.regclass),
           'it is disabled: evidence can be changed, or categories change unnoticed',
           pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::pg_catalog.regclass, t.tgname)
      FROM pg_catalog.pg_trigger t
      JOIN own ON own.objid = t.tgrelid AND own.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
     WHERE NOT t.tgisinternal AND t.tgenabled <> 'A'
    UNION ALL
    SELECT 'error', w.relation, 'the trigger that keeps it append-only is missing',
           pg_catalog.format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION retention.ledger_guard(); ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', w.relation, w.relation)
      FROM (VALUES ('retention.ledger'), ('retention.ledger_head')) AS w (relation)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                        WHERE t.tgrelid = w.relation::pg_catalog.regclass
                          AND t.tgfoid = 'retention.ledger_guard()'::pg_catalog.regprocedure)
    UNION ALL
    SELECT 'warning', 'extension privacy_retention',
           pg_catalog.format('its objects are of version %s, its library of version %s', a.installed_version, a.default_version),
           'ALTER EXTENSION privacy_retention UPDATE'
      FROM pg_catalog.pg_available_extensions a
     WHERE a.name = 'privacy_retention' AND a.installed_version <> a.default_version
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.enabled', 'it is off: nothing is enforced in this database, and due rows age',
           pg_catalog.format('ALTER DATABASE %I SET privacy_retention.enabled = on', pg_catalog.current_database())
     WHERE NOT pg_catalog.current_setting('privacy_retention.enabled')::boolean
    UNION ALL
    SELECT 'info', 'setting privacy_retention.' || g.name, g.finding, 'ALTER SYSTEM RESET privacy_retention.' || g.name
      FROM (VALUES ('late_rows', 'accept', 'it is accept: values past their date are stored in clear until the next pass'),
                   ('unlabelled', 'ignore', 'it is ignore: columns and copies without a label are not spoken of'),
                   ('largest_share', '100', 'it is 100: no pass stops before it empties a table')) AS g (name, value, finding)
     WHERE pg_catalog.current_setting('privacy_retention.' || g.name, true) = g.value
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.officer_role',
           'it names no role that exists: only superusers are officers',
           'CREATE ROLE ..., or ALTER SYSTEM SET privacy_retention.officer_role = ...'
     WHERE pg_catalog.current_setting('privacy_retention.officer_role') <> ''
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
                        WHERE r.rolname = pg_catalog.current_setting('privacy_retention.officer_role'))
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.governed_schemas',
           pg_catalog.format('there is no schema %I', s.name),
           'ALTER SYSTEM SET privacy_retention.governed_schemas = ...'
      FROM pg_catalog.unnest(pg_catalog.parse_ident(pg_catalog.replace(
             nullif(pg_catalog.current_setting('privacy_retention.governed_schemas'), ''), ',', '.'), false)) AS s (name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = pg_catalog.btrim(s.name))
    UNION ALL
    SELECT 'error', 'schema retention',
           pg_catalog.format('%s may create objects in it', CASE a.grantee WHEN 0 THEN 'everybody' ELSE 'role ' || a.grantee::pg_catalog.regrole END),
           pg_catalog.format('REVOKE CREATE ON SCHEMA retention FROM %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END)
      FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) AS a
     WHERE n.nspname = 'retention' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
    UNION ALL
    SELECT 'warning', pg_catalog.format('%s %s', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::pg_catalog.regprocedure),
           'everybody may call what changes data, keys or categories',
           pg_catalog.format('REVOKE EXECUTE ON %s %s FROM PUBLIC', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
      JOIN own ON own.objid = p.oid AND own.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = p.oid AND i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objsubid = 0
     WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS a WHERE a.grantee = 0)
       AND i.initprivs IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(i.initprivs) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'warning', 'retention.ledger',
           pg_catalog.format('%s entries have not been sealed for more than an hour', u.entries),
           'SELECT * FROM retention.verify_ledger()'
      FROM (SELECT pg_catalog.count(*) AS entries FROM retention.ledger
             WHERE seq IS NULL AND recorded_at < pg_catalog.now() - interval '1 hour') AS u
     WHERE u.entries > 0 AND NOT pg_catalog.pg_is_in_recovery()
    UNION ALL
    SELECT CASE k.state WHEN 'unusable' THEN 'error' ELSE 'warning' END, pg_catalog.format('key epoch %s', k.epoch),
           CASE k.state WHEN 'unusable' THEN 'its file is damaged, or open to other users: it makes no tokens, and if it has a date of destruction, that is not known and not kept'
                ELSE 'its destruction has not been completed' END,
           CASE k.state WHEN 'unusable' THEN pg_catalog.format('chmod 0600 epoch-%s.key in privacy_retention.key_directory, or restore it from the backup of the keys; or, if it must go, SELECT retention.destroy_key(%s)', k.epoch, k.epoch)
                ELSE pg_catalog.format('SELECT retention.destroy_key(%s)', k.epoch) END
      FROM retention.key k WHERE k.state IN ('unusable', 'destroying')
    UNION ALL
    -- By so much the clock may be ahead, as the last pass saw it: for so long the key is kept.
    SELECT 'warning', pg_catalog.format('key epoch %s', k.epoch),
           CASE WHEN j.held THEN 'the date of its destruction has passed by a clock that jumped ahead, and waits until somebody has accepted the clock'
                ELSE 'the date of its destruction has passed' END,
           CASE WHEN j.held THEN 'SELECT retention.accept_clock(), if the server''s clock is right'
                ELSE pg_catalog.format('SELECT retention.destroy_key(%s); the server''s log says why it was not destroyed', k.epoch) END
      FROM retention.key k
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM retention.pass_clock c
                                         WHERE k.destroy_on > pg_catalog.now() - c.ahead / 1000000.0 * interval '1 second')) AS j (held)
     WHERE k.state IN ('current', 'retired') AND k.destroy_on < pg_catalog.now() - interval '1 hour'
    UNION ALL
    SELECT 'warning', pg_catalog.format('role settings of %s', coalesce(s.setrole::pg_catalog.regrole::text, 'all')),
           pg_catalog.format('%s is set for whole sessions: foreign keys are not checked in them, and rows lose their clocks', pg_catalog.split_part(c.item, '=', 1)),
           CASE WHEN s.setrole = 0 THEN pg_catalog.format('ALTER DATABASE %I RESET session_replication_role', pg_catalog.current_database())
                ELSE pg_catalog.format('ALTER ROLE %s RESET session_replication_role', s.setrole::pg_catalog.regrole) END
      FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c (item)
     WHERE c.item = 'session_replication_role=replica'
       AND (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()));
REVOKE ALL ON retention.finding_installation FROM PUBLIC;
COMMENT ON VIEW retention.finding_installation IS 'internal: findings of retention.check() about the installation';
COMMENT ON COLUMN retention.finding_installation.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_installation.object IS 'what is at fault';
COMMENT ON COLUMN retention.finding_installation.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_installation.hint IS 'what helps';
