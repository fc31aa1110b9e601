-- pg_cron, where it is not: what is refused, and what helps. Where it is:
-- t/053_cron.pl.
CREATE SCHEMA cron_test;
SET search_path = cron_test;
SELECT retention.set_category('cron visits', '1 day', 'the visit');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz) PARTITION BY RANGE (id);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (1) TO (2);
CREATE INDEX ON visit (seen);
SELECT retention.label('visit', 'cron visits, from seen, then delete');

-- None at all.
SELECT retention.schedule('* * * * *');
SELECT retention.unschedule();
SELECT * FROM retention.scheduled;

-- What would make no pass.
SELECT retention.schedule(NULL);
SELECT retention.schedule('* * * * *', 'visit');
SELECT retention.protect('visit');
SELECT retention.schedule('* * * * *', 'visit_1');
SELECT retention.schedule('* * * * *', 'visit');
SELECT retention.schedule('* * * * *', 0);
SELECT retention.unschedule(0);

-- A schema of that name that is not pg_cron's: nothing in it is called.
CREATE SCHEMA cron;
SELECT retention.schedule('* * * * *');
CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the fake was called as %', current_user; END $$;
CREATE TABLE cron.job AS SELECT 1::bigint AS jobid, 'privacy_retention: all tables' AS jobname;
SELECT retention.schedule('* * * * *');
SELECT retention.unschedule();
SELECT * FROM retention.scheduled;
DROP TABLE cron.job;
SELECT retention.schedule('* * * * *');
DROP FUNCTION cron.schedule(text, text, text);
CREATE VIEW cron.job_run_details AS SELECT 1 / 0 AS jobid;
SELECT * FROM retention.scheduled;
DROP SCHEMA cron CASCADE;

-- Who may.
CREATE ROLE cron_nobody;
CREATE ROLE cron_maker;
GRANT EXECUTE ON FUNCTION retention.schedule TO cron_maker;
SET ROLE cron_nobody;
SELECT retention.schedule('* * * * *');
SELECT retention.unschedule();
SELECT * FROM retention.scheduled;
SET ROLE cron_maker;
SELECT retention.schedule('* * * * *');
RESET ROLE;
GRANT EXECUTE ON PROCEDURE retention.enforce TO cron_maker;
SET ROLE cron_maker;
SELECT retention.schedule('* * * * *');
RESET ROLE;

SELECT retention.unprotect('visit');
DROP SCHEMA cron_test CASCADE;
DROP OWNED BY cron_maker;
DROP ROLE cron_nobody, cron_maker;
SELECT retention.drop_category('cron visits');
