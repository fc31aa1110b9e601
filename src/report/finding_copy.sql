-- Findings about copies of personal data that rules do not reach.

CREATE VIEW retention.finding_copy AS
    WITH RECURSIVE member AS MATERIALIZED (
        SELECT * FROM retention.declared_member WHERE personal
    ), reader (relation, root, certain) AS (
        -- views over personal columns, and what is made of those; a rule that names a
        -- table and none of its columns may use whole rows
        SELECT r.ev_class, m.root, d.refobjsubid <> 0
          FROM member m
          JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = m.relation
               AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
               AND (d.refobjsubid = m.column_number
                    OR d.refobjsubid = 0 AND NOT EXISTS (
                        SELECT FROM pg_catalog.pg_depend o
                         WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = d.refclassid
                           AND o.refobjid = d.refobjid AND o.refobjsubid <> 0))
          JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> m.relation
        UNION
        SELECT r.ev_class, v.root, v.certain
          FROM reader v
          JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = v.relation
               AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
          JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> v.relation
    ), publication AS MATERIALIZED (
        SELECT DISTINCT p.pubname, p.pubdelete, p.pubupdate, p.pubtruncate, m.root, m.relation
          FROM pg_catalog.pg_publication_tables t
          JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname
          JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
          JOIN member m ON m.relation = c.oid
    )
    SELECT CASE WHEN pg_catalog.bool_or(v.certain) THEN 'warning' ELSE 'info' END AS severity,
           v.relation::pg_catalog.regclass::text AS object,
           pg_catalog.format(CASE WHEN pg_catalog.bool_or(v.certain)
                                  THEN 'the materialized view keeps a copy of personal data of %s until it is refreshed'
                                  ELSE 'the materialized view may keep a copy of whole rows of %s until it is refreshed' END,
                             v.root::pg_catalog.regclass) AS finding,
           pg_catalog.format('REFRESH MATERIALIZED VIEW %s; from a job, at least as often as rows fall due', v.relation::pg_catalog.regclass) AS hint
      FROM reader v JOIN pg_catalog.pg_class c ON c.oid = v.relation AND c.relkind = 'm'
     GROUP BY v.relation, v.root
    UNION ALL
    SELECT 'warning', pg_catalog.format('publication %I', p.pubname),
           pg_catalog.format('it publishes %s, but not each way in which rows and values go (%s): subscribers keep them', p.root::pg_catalog.regclass,
               pg_catalog.array_to_string(pg_catalog.array_remove(ARRAY[
                   CASE WHEN NOT p.pubdelete THEN 'delete' END, CASE WHEN NOT p.pubupdate THEN 'update' END,
                   CASE WHEN NOT p.pubtruncate THEN 'truncate' END], NULL), ', ')),
           pg_catalog.format('ALTER PUBLICATION %I SET (publish = ''insert, update, delete, truncate'')', p.pubname)
      FROM publication p
     WHERE NOT p.pubdelete OR NOT p.pubupdate OR NOT p.pubtruncate AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = p.root)
    UNION ALL
    SELECT 'info', pg_catalog.format('publication %I', p.pubname),
           pg_catalog.format('it publishes %s: subscribers hold a copy', p.root::pg_catalog.regclass),
           'Their copies are theirs to erase physically, and to label where they keep more than this server.'
      FROM publication p
    UNION ALL
    SELECT 'error', p.relation::pg_catalog.regclass::text,
           pg_catalog.format('publication %I publishes its updates and deletes, but it has no replica identity: the server refuses them', p.pubname),
           pg_catalog.format('A primary key, or ALTER TABLE %s REPLICA IDENTITY USING INDEX ...', p.relation::pg_catalog.regclass)
      FROM publication p JOIN pg_catalog.pg_class c ON c.oid = p.relation
     WHERE (p.pubdelete OR p.pubupdate) AND c.relkind = 'r'
       AND (c.relreplident = 'n'
            OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid)
            OR c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid))
    UNION ALL
    SELECT DISTINCT 'warning', c.oid::pg_catalog.regclass::text,
           'REPLICA IDENTITY FULL writes the old values of each changed row to the WAL, and to whoever decodes it',
           CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
                THEN pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.oid::pg_catalog.regclass)
                ELSE pg_catalog.format('A primary key, then ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.oid::pg_catalog.regclass) END
      FROM pg_catalog.pg_class c JOIN member m ON m.relation = c.oid
     WHERE c.relreplident = 'f' AND c.relkind = 'r'
    UNION ALL
    SELECT DISTINCT 'warning', pg_catalog.format('%s.%I', g.attrelid::pg_catalog.regclass, g.attname),
           pg_catalog.format('the column is generated from %I, which is personal data; its own label says it is none', m.column_name),
           pg_catalog.format('SECURITY LABEL FOR privacy_retention ON COLUMN %s.%I IS ''CATEGORY''', g.attrelid::pg_catalog.regclass, g.attname)
      FROM member m
      JOIN pg_catalog.pg_attribute g ON g.attrelid = m.relation AND g.attgenerated <> '' AND NOT g.attisdropped
      LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = g.attrelid AND f.adnum = g.attnum
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.refobjid = m.relation AND d.refobjsubid = m.column_number
           AND (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
                OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = g.attrelid AND d.objsubid = g.attnum)
      JOIN retention.declared_columns() n ON n.relation = m.root AND n.column_name = g.attname AND NOT n.personal
     WHERE m.root = m.relation;
REVOKE ALL ON retention.finding_copy FROM PUBLIC;
COMMENT ON VIEW retention.finding_copy IS 'internal: findings of retention.check() about copies of personal data';
COMMENT ON COLUMN retention.finding_copy.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_copy.object IS 'what copies, or is copied';
COMMENT ON COLUMN retention.finding_copy.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_copy.hint IS 'what helps';
