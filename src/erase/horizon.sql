-- How far the erasure of each deletion has got.

CREATE FUNCTION retention.erasure_holders(OUT round bigint, OUT held_by text, OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_holders_sql';
REVOKE ALL ON FUNCTION retention.erasure_holders() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_holders() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_holders() IS
    'internal: what keeps each open round from its next level now; on a standby, what the primary noted';

CREATE FUNCTION retention.erasure_promise(OUT erase_within interval, OUT backup_retention interval)
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_declared_sql';
REVOKE ALL ON FUNCTION retention.erasure_promise() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_promise() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_promise() IS
    'internal: privacy_retention.erase_within and backup_retention; NULL = not promised, not declared';

CREATE FUNCTION retention.erasure_doubts(OUT round bigint, OUT elsewhere boolean)
    RETURNS SETOF record
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_doubts_sql';
REVOKE ALL ON FUNCTION retention.erasure_doubts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_doubts() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_doubts() IS
    'internal: rounds that were noted on another server''s files, and are not so far here: not durable (elsewhere), or only not wal_clear';

CREATE VIEW retention.erasure_horizon AS
    WITH promise AS MATERIALIZED (
        SELECT * FROM retention.erasure_promise()
    ), holder AS MATERIALIZED (
        SELECT * FROM retention.erasure_holders()
    ), doubt AS MATERIALIZED (
        SELECT * FROM retention.erasure_doubts()
    ), reached AS (
        SELECT l.seq, l.relation, l.column_name, l.category, l.action, l.rows, l.recorded_at, l.detail,
               r.id, r.removable_at, r.vacuumed_at, r.reindexed_at, r.analyzed_at, r.scrubbed_at,
               CASE WHEN d.elsewhere IS NOT TRUE THEN r.durable_at END AS durable_at,
               CASE WHEN d.elsewhere IS NOT TRUE THEN r.replicas_at END AS replicas_at,
               CASE WHEN d.round IS NULL THEN r.wal_clear_at END AS wal_clear_at, d.round IS NOT NULL AS doubted,
               p.erase_within, p.backup_retention, CASE WHEN d.round IS NULL THEN r.wal_clear_at END + p.backup_retention AS backup_clear_at,
               pg_catalog.now() AS looked_at
          FROM retention.ledger l
         CROSS JOIN promise p
          LEFT JOIN LATERAL (SELECT * FROM retention.erasure_round c
                              WHERE c.relation = l.relation AND c.first_entry <= l.seq
                              ORDER BY c.first_entry DESC LIMIT 1) r ON r.last_entry >= l.seq
          LEFT JOIN doubt d ON d.round = r.id
         WHERE l.event = 'batch'
    )
    SELECT e.seq AS entry, e.relation, e.column_name, e.category, e.action, e.rows,
           e.recorded_at AS deleted, e.removable_at AS removable, e.vacuumed_at AS vacuumed, e.scrubbed_at AS scrubbed,
           e.durable_at AS durable, e.replicas_at AS replicas, e.wal_clear_at AS wal_clear,
           CASE WHEN e.backup_clear_at <= e.looked_at THEN e.backup_clear_at END AS backup_clear,
           e.backup_retention IS NOT NULL AS backup_declared,
           CASE WHEN e.backup_clear_at <= e.looked_at THEN 'backup_clear'
                WHEN e.wal_clear_at IS NOT NULL THEN 'wal_clear'
                WHEN e.replicas_at IS NOT NULL THEN 'replicas'
                WHEN e.durable_at IS NOT NULL THEN 'durable'
                WHEN e.scrubbed_at IS NOT NULL THEN 'scrubbed'
                WHEN e.vacuumed_at IS NOT NULL THEN 'vacuumed'
                WHEN e.removable_at IS NOT NULL THEN 'removable'
                ELSE 'deleted' END AS level,
           coalesce(e.detail IN ('a partition was dropped', 'a partition was truncated'), false) AS unlinked,
           CASE WHEN e.scrubbed_at IS NOT NULL
                THEN pg_catalog.array_remove(ARRAY[CASE WHEN e.reindexed_at IS NULL THEN 'indexes' END,
                                                   CASE WHEN e.analyzed_at IS NULL THEN 'statistics' END], NULL) END AS unproved,
           CASE WHEN e.seq IS NULL THEN 'the seal of the ledger, which has not come yet'
                WHEN e.id IS NULL THEN 'no round of erasure has begun' ||
                     CASE WHEN e.erase_within IS NULL THEN '' ELSE pg_catalog.format('; it is promised by %s', e.recorded_at + e.erase_within) END
                WHEN e.doubted THEN 'a look at this server''s files: what was noted is of those that they were copied from'
                WHEN e.wal_clear_at IS NULL THEN h.held_by
                WHEN e.backup_clear_at > e.looked_at THEN pg_catalog.format('backups, as declared: until %s', e.backup_clear_at)
                WHEN e.backup_clear_at IS NULL THEN 'nobody has declared how long backups are kept' END AS held_by,
           CASE WHEN e.seq IS NULL THEN 'SELECT * FROM retention.verify_ledger()'
                WHEN e.id IS NULL THEN pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L)', e.relation, e.relation)
                WHEN e.doubted THEN 'CALL retention.enforce()'
                WHEN e.wal_clear_at IS NULL THEN h.remedy
                WHEN e.backup_clear_at IS NULL THEN 'ALTER SYSTEM SET privacy_retention.backup_retention = ...; SELECT pg_reload_conf()' END AS remedy
      FROM reached e LEFT JOIN holder h ON h.round = e.id;
REVOKE ALL ON retention.erasure_horizon FROM PUBLIC;
GRANT SELECT ON retention.erasure_horizon TO pg_monitor;
COMMENT ON VIEW retention.erasure_horizon IS
    'a line a deletion in the ledger: when its bytes had gone from each place where they lie, and what holds the next; times are NULL until then';
COMMENT ON COLUMN retention.erasure_horizon.entry IS 'its place in the ledger (seq); NULL: not sealed yet';
COMMENT ON COLUMN retention.erasure_horizon.relation IS 'the table, as the ledger names it';
COMMENT ON COLUMN retention.erasure_horizon.column_name IS 'the column; NULL: whole rows';
COMMENT ON COLUMN retention.erasure_horizon.category IS 'the data category';
COMMENT ON COLUMN retention.erasure_horizon.action IS 'what became of the rows or values';
COMMENT ON COLUMN retention.erasure_horizon.rows IS 'of how many';
COMMENT ON COLUMN retention.erasure_horizon.deleted IS 'when no new statement saw them any more';
COMMENT ON COLUMN retention.erasure_horizon.removable IS 'when no old one did either, here or on a standby that sends feedback';
COMMENT ON COLUMN retention.erasure_horizon.vacuumed IS 'when the table''s and its indexes'' entries had been removed';
COMMENT ON COLUMN retention.erasure_horizon.scrubbed IS 'when the freed space of their pages, in memory, had been overwritten';
COMMENT ON COLUMN retention.erasure_horizon.durable IS 'when a checkpoint had written those pages to the files';
COMMENT ON COLUMN retention.erasure_horizon.replicas IS 'when all standbys that this server knows of had replayed that; their files follow at their next restartpoint';
COMMENT ON COLUMN retention.erasure_horizon.wal_clear IS 'when this server''s pg_wal, recycled files included, held nothing from before the scrub';
COMMENT ON COLUMN retention.erasure_horizon.backup_clear IS 'wal_clear and privacy_retention.backup_retention: as declared, not as looked at';
COMMENT ON COLUMN retention.erasure_horizon.backup_declared IS 'whether privacy_retention.backup_retention is declared';
COMMENT ON COLUMN retention.erasure_horizon.level IS 'the last of deleted, removable, vacuumed, scrubbed, durable, replicas, wal_clear, backup_clear that is reached';
COMMENT ON COLUMN retention.erasure_horizon.unlinked IS
    'whether a whole partition was dropped or truncated: its files are unlinked, their bytes in the file system''s free space, out of reach; the levels are those of what is left of the table, and of the WAL';
COMMENT ON COLUMN retention.erasure_horizon.unproved IS
    'where nobody had asked, when it was scrubbed, whether values are left that no scrub removes: indexes (separators, entries, summaries), statistics; retention.residue() says. The worker asks, a scrub by hand does not';
COMMENT ON COLUMN retention.erasure_horizon.held_by IS 'what holds the next level';
COMMENT ON COLUMN retention.erasure_horizon.remedy IS 'a statement that helps, or what to do';
