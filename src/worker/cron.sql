-- Passes by pg_cron.

CREATE FUNCTION retention.schedule(cron_expression text, relation regclass DEFAULT NULL,
                                   erase_expression text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_cron_schedule_sql';
REVOKE ALL ON FUNCTION retention.schedule(text, regclass, text) FROM PUBLIC;
COMMENT ON FUNCTION retention.schedule(text, regclass, text) IS
    'makes or changes the job of pg_cron that enforces one protected table (NULL: all), as the current role, and those that vacuum and scrub what its deletions reach; returns the first one''s number';

CREATE FUNCTION retention.unschedule(relation regclass DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_cron_unschedule_sql';
REVOKE ALL ON FUNCTION retention.unschedule(regclass) FROM PUBLIC;
COMMENT ON FUNCTION retention.unschedule(regclass) IS
    'removes the jobs of a table (NULL: the one over all tables); false: there was none';
