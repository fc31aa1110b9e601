-- Findings about the erasure of what was deleted: late, or nobody's.

CREATE VIEW retention.finding_erasure AS
    WITH RECURSIVE promise AS MATERIALIZED (
        SELECT * FROM retention.erasure_promise()
    ), holder AS MATERIALIZED (
        SELECT * FROM retention.erasure_holders()
    ), deleted (relation) AS (
        -- from table to table in the index, whatever the number of entries
        (SELECT l.relation FROM retention.ledger l
          WHERE l.event = 'batch' AND l.seq IS NOT NULL AND l.relation IS NOT NULL
          ORDER BY l.relation, l.seq LIMIT 1)
        UNION ALL
        SELECT (SELECT l.relation FROM retention.ledger l
                 WHERE l.event = 'batch' AND l.seq IS NOT NULL AND l.relation > d.relation
                 ORDER BY l.relation, l.seq LIMIT 1)
          FROM deleted d WHERE d.relation IS NOT NULL
    ), waiting AS MATERIALIZED (
        -- deletions that no round covers
        SELECT d.relation, w.entries, w.since, w.late, c.last_entry IS NOT NULL AS was_erased
          FROM deleted d CROSS JOIN promise p
          LEFT JOIN LATERAL (SELECT r.last_entry FROM retention.erasure_round r
                              WHERE r.relation = d.relation ORDER BY r.first_entry DESC LIMIT 1) c ON true
         CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS entries, pg_catalog.min(l.recorded_at) AS since,
                                    pg_catalog.count(*) FILTER (WHERE l.recorded_at + p.erase_within <= pg_catalog.now()) AS late
                               FROM retention.ledger l
                              WHERE l.event = 'batch' AND l.relation = d.relation AND l.seq > coalesce(c.last_entry, 0)) w
         WHERE d.relation IS NOT NULL AND w.entries > 0
    ), late AS (
        SELECT r.relation, r.first_deleted_at AS since, h.held_by, h.remedy,
               (SELECT pg_catalog.count(*) FROM retention.ledger l
                 WHERE l.event = 'batch' AND l.relation = r.relation AND l.seq BETWEEN r.first_entry AND r.last_entry) AS entries
          FROM retention.erasure_round r CROSS JOIN promise p LEFT JOIN holder h ON h.round = r.id
         WHERE r.wal_clear_at IS NULL AND r.durable_at IS NULL AND r.first_deleted_at + p.erase_within <= pg_catalog.now()
        UNION ALL
        SELECT w.relation, w.since, 'no round of erasure has begun',
               pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L)', w.relation, w.relation), w.late
          FROM waiting w WHERE w.late > 0
    )
    SELECT CASE WHEN pg_catalog.to_regclass(l.relation) IS NULL THEN 'warning' ELSE 'error' END AS severity,
           l.relation AS object,
           pg_catalog.format('erasure is late, of %s deletions, the oldest from %s; what holds it: %s',
                             pg_catalog.sum(l.entries), pg_catalog.min(l.since), (pg_catalog.array_agg(l.held_by ORDER BY l.since))[1]) AS finding,
           CASE WHEN pg_catalog.to_regclass(l.relation) IS NULL
                THEN 'The table is gone, or has another name now; where it is renamed, VACUUM it and CALL retention.scrub() on it.'
                ELSE coalesce((pg_catalog.array_agg(l.remedy ORDER BY l.since))[1], 'CALL retention.enforce() notes it now.') END AS hint
      FROM late l GROUP BY l.relation
    UNION ALL
    SELECT 'warning', w.relation,
           pg_catalog.format('nobody erases what is deleted: %s deletions, the oldest from %s; %s', w.entries, w.since,
               CASE WHEN p.erase_within IS NULL THEN 'privacy_retention.erase_within is 0' ELSE 'there is no worker' END),
           CASE WHEN pg_catalog.to_regclass(w.relation) IS NULL
                THEN 'The table is gone, or has another name now; where it is renamed, VACUUM it and CALL retention.scrub() on it.'
                ELSE pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L); or let the worker do it', w.relation, w.relation) END
      FROM waiting w CROSS JOIN promise p
     WHERE w.since < pg_catalog.now() - interval '1 day'
       AND CASE WHEN p.erase_within IS NULL THEN true
                ELSE w.late = 0 AND NOT w.was_erased
                     AND pg_catalog.current_setting('shared_preload_libraries') !~ 'privacy_retention' END
    UNION ALL
    SELECT 'info', 'setting privacy_retention.backup_retention',
           'it is not declared: nobody can say when what was deleted has left the backups',
           'ALTER SYSTEM SET privacy_retention.backup_retention = ...: for how long backups and archived WAL are kept; 0 where there are none'
      FROM promise p
     WHERE p.backup_retention IS NULL AND EXISTS (SELECT FROM deleted d WHERE d.relation IS NOT NULL)
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.backup_retention',
           'it says that there are no backups, but WAL is archived', 'Declare for how long the archive is kept.'
      FROM promise p
     WHERE p.backup_retention = interval '0' AND pg_catalog.current_setting('archive_mode') <> 'off';
REVOKE ALL ON retention.finding_erasure FROM PUBLIC;
COMMENT ON VIEW retention.finding_erasure IS 'internal: findings of retention.check() about the erasure of what was deleted';
COMMENT ON COLUMN retention.finding_erasure.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_erasure.object IS 'the table, or the setting';
COMMENT ON COLUMN retention.finding_erasure.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_erasure.hint IS 'what helps';
