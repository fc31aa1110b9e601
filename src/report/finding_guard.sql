-- Findings about guards: triggers that are disabled, renamed, faked or outrun.

CREATE VIEW retention.finding_guard AS
    WITH guard AS MATERIALIZED (
        SELECT t.* FROM pg_catalog.pg_trigger t WHERE t.tgfoid = 'retention.guard()'::pg_catalog.regprocedure
    ), guarded AS MATERIALIZED (
        SELECT DISTINCT tgrelid FROM guard WHERE tgname = 'zz_privacy_retention'
    )
    SELECT 'error' AS severity, g.tgrelid::pg_catalog.regclass::text AS object,
           pg_catalog.format('its guard %I is disabled, or fires not in each session', g.tgname) AS finding,
           pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', g.tgrelid::pg_catalog.regclass, g.tgname) AS hint
      FROM guard g WHERE g.tgenabled <> 'A'
    UNION ALL
    SELECT 'error', g.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its guard was renamed to %I, so that it protects no more', g.tgname),
           -- tgtype: 4 = INSERT, 8 = DELETE, 32 = TRUNCATE
           pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO zz_privacy_retention%s', g.tgname, g.tgrelid::pg_catalog.regclass,
               CASE WHEN g.tgtype::integer & 32 <> 0 THEN '_truncate' WHEN g.tgtype::integer & 8 <> 0 THEN '_delete'
                    WHEN g.tgtype::integer & 4 <> 0 THEN '' ELSE '_clock' END)
      FROM guard g WHERE g.tgname !~ '^zz_privacy_retention(_[a-z]+)?$' AND g.tgparentid = 0
    UNION ALL
    SELECT 'warning', t.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its trigger %I has the name of a guard, but calls %s', t.tgname, t.tgfoid::pg_catalog.regprocedure),
           pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::pg_catalog.regclass)
      FROM pg_catalog.pg_trigger t
     WHERE t.tgname ~ '^zz_privacy_retention' AND t.tgfoid <> 'retention.guard()'::pg_catalog.regprocedure AND t.tgparentid = 0
    UNION ALL
    -- tgtype: 1 = row, 2 = BEFORE, 4 = INSERT, 16 = UPDATE; names sort as the server sorts triggers
    SELECT 'warning', t.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its trigger %I fires after the guard and can change what the guard has seen', t.tgname),
           pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO ...; a name that sorts before zz_privacy_retention', t.tgname, t.tgrelid::pg_catalog.regclass)
      FROM pg_catalog.pg_trigger t JOIN guarded USING (tgrelid)
     WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D' AND t.tgtype::integer & 3 = 3 AND t.tgtype::integer & 20 <> 0
       AND t.tgname > 'zz_privacy_retention' AND t.tgfoid <> 'retention.guard()'::pg_catalog.regprocedure
    UNION ALL
    SELECT 'info', c.oid::pg_catalog.regclass::text, 'row security is forced on its owner; passes see and change all rows all the same',
           'Nothing, if that is meant; policies do not limit what retention removes.'
      FROM pg_catalog.pg_class c JOIN guarded ON tgrelid = c.oid
     WHERE c.relforcerowsecurity
    UNION ALL
    SELECT 'info', c.oid::pg_catalog.regclass::text, 'the table is unlogged: it is empty after a crash and on standbys, whatever was promised',
           pg_catalog.format('ALTER TABLE %s SET LOGGED', c.oid::pg_catalog.regclass)
      FROM pg_catalog.pg_class c JOIN guarded ON tgrelid = c.oid
     WHERE c.relpersistence = 'u';
REVOKE ALL ON retention.finding_guard FROM PUBLIC;
COMMENT ON VIEW retention.finding_guard IS 'internal: findings of retention.check() about guards';
COMMENT ON COLUMN retention.finding_guard.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_guard.object IS 'the table';
COMMENT ON COLUMN retention.finding_guard.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_guard.hint IS 'what helps';
