-- Findings about what stays of personal data beside the rows: indexes and statistics.

CREATE VIEW retention.finding_residue AS
    WITH member AS MATERIALIZED (
        SELECT * FROM retention.declared_member WHERE personal
    ), changed AS MATERIALIZED (
        SELECT m.root, m.relation, m.column_name, m.column_number, pg_catalog.min(r.action) AS action
          FROM member m JOIN retention.rule r ON r.relation = m.root AND r.column_name = m.column_name AND r.action IS NOT NULL
         GROUP BY m.root, m.relation, m.column_name, m.column_number
    ), indexed AS MATERIALIZED (
        SELECT DISTINCT i.indexrelid, i.indrelid, i.indisunique, c.root, c.relation, c.column_name, c.column_number, c.action,
               c.column_number <> ALL (i.indkey::smallint[]) AS computed, i.indnkeyatts
          FROM changed c
          JOIN pg_catalog.pg_index i ON i.indrelid = c.relation
          JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.relation AND d.refobjsubid = c.column_number
         WHERE c.root = c.relation
        UNION
        -- a constraint's index depends on the constraint, not on its columns
        SELECT i.indexrelid, i.indrelid, i.indisunique, c.root, c.relation, c.column_name, c.column_number, c.action, false, i.indnkeyatts
          FROM changed c
          JOIN pg_catalog.pg_index i ON i.indrelid = c.relation AND c.column_number = ANY (i.indkey::smallint[])
         WHERE c.root = c.relation
    )
    SELECT 'info' AS severity, pg_catalog.format('index %s', x.indexrelid::pg_catalog.regclass) AS object,
           pg_catalog.format(CASE WHEN x.computed THEN 'it computes something of column %s, which a rule changes; what it computed of old values stays until VACUUM'
                                  ELSE 'it holds column %s, which a rule changes; old values stay in it until VACUUM' END
                             || CASE WHEN m.amname IN ('hash', 'bloom') THEN '' ELSE ', some until REINDEX' END,
                             pg_catalog.format('%s.%I', x.relation::pg_catalog.regclass, x.column_name)) AS finding,
           pg_catalog.format(CASE WHEN m.amname IN ('hash', 'bloom') THEN 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) %s'
                                  ELSE 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) %s; SELECT * FROM retention.residue(%L)' END,
                             x.relation::pg_catalog.regclass, x.indexrelid::pg_catalog.regclass) AS hint
      FROM indexed x
      JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = i.relam
    UNION ALL
    SELECT 'warning', pg_catalog.format('index %s', x.indexrelid::pg_catalog.regclass),
           pg_catalog.format('it is unique, and the action "%s" makes values of %s alike: rows that come to collide are blocked', x.action,
                             pg_catalog.format('%s.%I', x.relation::pg_catalog.regclass, x.column_name)),
           'A unique index without the column; or pseudonymise it, which keeps values apart.'
      FROM indexed x
     WHERE x.indisunique AND NOT x.computed AND x.action !~ '^(pseudonymise|decorrelate)' AND (x.action <> 'set null'
           OR pg_catalog.pg_get_indexdef(x.indexrelid) ~ 'NULLS NOT DISTINCT')
       -- its other columns keep rows apart by themselves
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index u JOIN pg_catalog.pg_index i ON i.indexrelid = x.indexrelid
                        WHERE u.indrelid = x.relation AND u.indisunique AND u.indisvalid AND u.indpred IS NULL AND 0 <> ALL (u.indkey::smallint[])
                          AND x.column_number <> ALL ((u.indkey::smallint[])[:u.indnkeyatts - 1])
                          AND (u.indkey::smallint[])[:u.indnkeyatts - 1] <@ i.indkey::smallint[])
    UNION ALL
    SELECT 'info', pg_catalog.format('statistics object %I.%I', n.nspname, s.stxname),
           pg_catalog.format('it keeps common values of personal columns of %s until the next ANALYZE', s.stxrelid::pg_catalog.regclass),
           pg_catalog.format('ANALYZE %s after passes that changed much, or DROP STATISTICS %I.%I', s.stxrelid::pg_catalog.regclass, n.nspname, s.stxname)
      FROM pg_catalog.pg_statistic_ext s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
     WHERE 'm' = ANY (s.stxkind)
       AND EXISTS (SELECT FROM member m WHERE m.relation = s.stxrelid AND m.column_number = ANY (s.stxkeys::smallint[]))
    UNION ALL
    -- stakind: 1 = common values, 2 = histogram
    SELECT 'info', t.starelid::pg_catalog.regclass::text,
           pg_catalog.format('the planner''s statistics keep values of %s personal columns until the next ANALYZE', pg_catalog.count(*)),
           pg_catalog.format('ANALYZE %s after passes that changed much', t.starelid::pg_catalog.regclass)
      FROM pg_catalog.pg_statistic t
      JOIN (SELECT DISTINCT m.relation, m.column_number FROM member m) m ON m.relation = t.starelid AND m.column_number = t.staattnum
     WHERE ARRAY[t.stakind1, t.stakind2, t.stakind3, t.stakind4, t.stakind5] && ARRAY[1, 2]::smallint[]
     GROUP BY t.starelid;
REVOKE ALL ON retention.finding_residue FROM PUBLIC;
COMMENT ON VIEW retention.finding_residue IS 'internal: findings of retention.check() about indexes and statistics';
COMMENT ON COLUMN retention.finding_residue.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_residue.object IS 'what keeps values';
COMMENT ON COLUMN retention.finding_residue.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_residue.hint IS 'what helps';
