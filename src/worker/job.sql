-- The jobs that pg_cron has for us.

CREATE FUNCTION retention.scheduled_jobs(
    OUT job_id bigint,
    OUT job_name text,
    OUT schedule text,
    OUT relation text,
    OUT database text,
    OUT role text,
    OUT active boolean,
    OUT last_run timestamptz,
    OUT last_status text,
    OUT problem text,
    OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'retention_job_rows_sql';
COMMENT ON FUNCTION retention.scheduled_jobs() IS 'the rows of retention.scheduled';
REVOKE ALL ON FUNCTION retention.scheduled_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.scheduled_jobs() TO pg_monitor;

CREATE VIEW retention.scheduled AS
    SELECT job_id, job_name, schedule, relation, database, role, active, last_run, last_status, problem, remedy
      FROM retention.scheduled_jobs();
REVOKE ALL ON retention.scheduled FROM PUBLIC;
GRANT SELECT ON retention.scheduled TO pg_monitor;
COMMENT ON VIEW retention.scheduled IS 'the jobs of pg_cron that retention.schedule() made, of all roles; empty where pg_cron is not in this database';
COMMENT ON COLUMN retention.scheduled.job_id IS 'number of the job in cron.job';
COMMENT ON COLUMN retention.scheduled.job_name IS 'its name, privacy_retention: and the table';
COMMENT ON COLUMN retention.scheduled.schedule IS 'when it runs, as pg_cron writes it';
COMMENT ON COLUMN retention.scheduled.relation IS 'the table that it enforces, vacuums or scrubs, schema-qualified; NULL: all tables';
COMMENT ON COLUMN retention.scheduled.database IS 'the database in which it runs';
COMMENT ON COLUMN retention.scheduled.role IS 'the role as which it runs';
COMMENT ON COLUMN retention.scheduled.active IS 'whether pg_cron runs it';
COMMENT ON COLUMN retention.scheduled.last_run IS 'when it last began';
COMMENT ON COLUMN retention.scheduled.last_status IS 'how that ended, as pg_cron says';
COMMENT ON COLUMN retention.scheduled.problem IS 'why it does not do what it was made for; NULL: nothing is wrong';
COMMENT ON COLUMN retention.scheduled.remedy IS 'what helps: a statement';
