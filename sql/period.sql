-- Periods of a row's own: "for".
SET client_min_messages = warning;
CREATE SCHEMA period;
SET search_path = period, public;

SELECT retention.set_category('period visits', '30 days', 'the visit');

-- A tenant's, over a foreign key: none, a negative and a longer one do not count
CREATE TABLE tenant (id int PRIMARY KEY, keep interval);
CREATE TABLE visit (
	id int PRIMARY KEY,
	tenant_id int REFERENCES tenant,
	seen timestamptz
);
CREATE INDEX ON visit (tenant_id, seen);
CREATE INDEX ON visit (seen);
INSERT INTO tenant VALUES (1, '7 days'), (2, '0 days'), (3, NULL), (4, '-1 day'), (5, '90 days'), (6, '30 days'), (7, '168 hours');
INSERT INTO visit SELECT t * 100 + d, nullif(t, 8), timestamptz '2024-06-01 00:00:00+00' - d * interval '1 day'
	FROM generate_series(1, 8) t, unnest(ARRAY[-1, 0, 6, 7, 29, 30, 89, 90]) d;
INSERT INTO visit VALUES (901, 1, NULL), (902, 2, '1970-01-01');

SELECT retention.label('visit', 'period visits, from seen, for tenant_id -> keep, then delete');
SELECT relation, category, period, start, action, valid, own_period FROM retention.rule WHERE relation = 'visit'::regclass;
SELECT due, exact FROM retention.preview('visit', '2024-06-01 00:00:00+00', true);
SELECT retention.protect('visit', at_most => 1000);

-- What each row is told is what becomes of it
CREATE TEMP TABLE told AS SELECT id, tenant_id, retention.deadline(visit) AS due FROM visit;
CALL retention.enforce('visit', '2024-06-01 00:00:00+00');
SELECT tenant_id, array_agg(id % 100 ORDER BY id) AS days FROM visit GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE (due <= '2024-06-01 00:00:00+00') = EXISTS (SELECT FROM visit v WHERE v.id = t.id)) AS wrong
	FROM told t;
SELECT DISTINCT tenant_id, due - (SELECT max(due) FROM told) AS later FROM told WHERE id % 100 = 7 ORDER BY 1;
SELECT sum(rows), max(lateness) FROM retention.ledger WHERE event = 'batch' AND relation = 'period.visit';

-- A tenant who shortens its period
UPDATE tenant SET keep = '1 day' WHERE id = 6;
CALL retention.enforce('visit', '2024-06-01 00:00:00+00');
SELECT array_agg(id % 100 ORDER BY id) AS days FROM visit WHERE tenant_id = 6;

-- What is cut short is told
SELECT severity, object, finding, hint FROM retention.check() WHERE finding ~ 'periods of "for' ORDER BY 2;

-- A row's own
CREATE TABLE upload (id int, made date, days int, keep interval);
CREATE INDEX ON upload (keep, made);
CREATE INDEX ON upload (made);
INSERT INTO upload SELECT n, date '2024-05-31' - n, n, make_interval(days => n + n % 3) FROM generate_series(0, 40) n;
SELECT retention.label('upload', 'period visits, from made, for keep, then delete');
SELECT retention.protect('upload', at_most => 1000);
CALL retention.enforce('upload', '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) FROM upload;

-- An expression, in a column's stage
SELECT retention.unprotect('upload');
SELECT retention.label('upload', NULL);
SELECT retention.label('upload', 'no personal data', ARRAY['id', 'made', 'days']::name[]);
SELECT retention.label('upload', 'period visits, where (id > 5), from made, for (make_interval(days => days)), then set null', ARRAY['keep']::name[]);
SELECT retention.protect('upload', at_most => 1000);
CALL retention.enforce('upload', '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) FILTER (WHERE keep IS NULL) AS null, array_agg(id ORDER BY id) FILTER (WHERE keep IS NOT NULL) AS kept FROM upload;

-- Very long periods do not overflow, nor does a value that fails stop the others
CREATE TABLE odd (id int, seen timestamptz, keep interval, days int);
INSERT INTO odd VALUES (1, '2024-05-31 00:00:00+00', '170000000 years', 1), (2, '2024-05-31 00:00:00+00', '-170000000 years', 2147483647),
	(3, '2024-05-31 00:00:00+00', '1 day', 1), (4, '2024-04-01 00:00:00+00', NULL, NULL), (5, 'infinity', '1 day', 1);
SELECT retention.label('odd', 'period visits, from seen, for keep, then delete');
SELECT retention.protect('odd', at_most => 10);
CALL retention.enforce('odd', '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) FROM odd;
SELECT retention.label('odd', 'period visits, from seen, for (''1 day''::interval / (days - 1)), then delete');
SELECT retention.protect('odd', at_most => 10);
INSERT INTO odd VALUES (6, '2024-05-31 00:00:00+00', NULL, 3), (7, '2024-05-31 00:00:00+00', NULL, 1);
CALL retention.enforce('odd', '2024-06-01 00:00:00+00');
SELECT array_agg(id ORDER BY id) FROM odd;
SELECT count(*), max(sqlstate) FROM retention.blocked WHERE relation = 'period.odd';

-- More periods than are searched for one by one
CREATE TABLE many (id int, seen timestamptz, keep interval);
CREATE INDEX ON many (keep, seen);
CREATE INDEX ON many (seen);
INSERT INTO many SELECT n, '2024-05-31 00:00:00+00', n * interval '1 minute' FROM generate_series(1, 3000) n;
SELECT retention.label('many', 'period visits, from seen, for keep, then delete');
SELECT retention.protect('many', at_most => 3000);
CALL retention.enforce('many', '2024-06-01 00:00:00+00');
SELECT count(*), min(id) FROM many;

-- Together with a category whose period grew: older clocks keep the shorter one
CREATE TABLE grown (id int, seen timestamptz, keep interval);
SELECT retention.set_category('period grown', '10 days', 'the visit');
SELECT retention.set_category('period grown', '20 days');
INSERT INTO grown SELECT n, now() - interval '15 days', CASE n WHEN 1 THEN interval '12 days' WHEN 2 THEN interval '16 days' END FROM generate_series(1, 3) n;
INSERT INTO grown VALUES (4, now() + interval '1 day', '1 hour'), (5, now() + interval '1 day', NULL);
SELECT retention.label('grown', 'period grown, from seen, for keep, then delete');
SELECT retention.protect('grown', at_most => 5);
SELECT id, extract(epoch FROM retention.deadline(grown) - seen) / 3600 AS hours FROM grown ORDER BY 1;
CALL retention.enforce('grown', now() + interval '12 days');
SELECT array_agg(id ORDER BY id) FROM grown;

-- What labels do not allow
SELECT retention.label('visit', 'period visits, from seen, for seen, then delete');
SELECT retention.label('upload', 'period visits, from made, for days, then delete');
SELECT retention.label('visit', 'period visits, from seen, for tenant_id -> nothing, then delete');
SELECT retention.label('visit', 'period visits, for tenant_id -> keep, from seen, then delete');

-- Renames are followed
ALTER TABLE tenant RENAME keep TO kept_for;
ALTER TABLE visit RENAME tenant_id TO owner_id;
SELECT own_period, valid FROM retention.rule WHERE relation = 'visit'::regclass;

-- The index that finds just what is due
DROP INDEX visit_tenant_id_seen_idx;
SET client_min_messages = warning;
SELECT retention.protect('visit', at_most => 1000);

-- An idle pass reads no row: one period is searched for at a time, along an index.
-- What is negative in a part is no period; equal ones fall due by their own calendar.
CREATE TABLE plan (id int PRIMARY KEY, keep interval);
INSERT INTO plan VALUES (1, '7 days'), (2, '14 days'), (3, NULL), (4, '1 mon -23 days'), (5, '168:00');
CREATE TABLE session (id int, plan_id int REFERENCES plan, began timestamptz);
CREATE INDEX ON session (plan_id, began);
CREATE INDEX ON session (began);
SELECT retention.label('session', 'period visits, from began, for plan_id -> keep, then delete');
SELECT retention.protect('session');
INSERT INTO session SELECT n, 1 + n % 3, now() - n % 7 * interval '1 day' - n % 3 * interval '6 days' FROM generate_series(1, 20000) n;
INSERT INTO session SELECT 30000 + p, p, now() - interval '6 days' FROM generate_series(1, 5) p;
ANALYZE session;
ANALYZE plan;
CALL retention.enforce('session');
SELECT pg_stat_force_next_flush();
CREATE VIEW reads AS SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_user_tables WHERE relid = 'session'::regclass;
SELECT rows AS before FROM reads \gset
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CALL retention.enforce('session');
RESET enable_seqscan;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT pg_stat_force_next_flush();
SELECT rows - :before AS read FROM reads;
UPDATE session SET began = now() - interval '8 days' WHERE id > 30000;
CALL retention.enforce('session');
SELECT plan_id FROM session WHERE id > 30000 ORDER BY 1;

-- A tenant that goes is kept until the rows that have its period are gone.
SELECT retention.set_category('period plans', '1 day', 'the end');
ALTER TABLE plan ADD COLUMN ended timestamptz;
CREATE INDEX ON plan (ended);
SELECT retention.unprotect('session');
ALTER TABLE session DROP CONSTRAINT session_plan_id_fkey;
SELECT retention.label('session', 'period visits, from began, for plan_id references plan (id) -> keep, then delete');
SELECT retention.label('plan', 'period plans, from ended, then delete');
DELETE FROM session WHERE id > 1;
UPDATE session SET plan_id = 1, began = '2024-05-30 00:00:00+00';
UPDATE plan SET ended = '2024-05-01 00:00:00+00' WHERE id < 3;
SELECT retention.protect('session'), retention.protect('plan');
CALL retention.enforce('session', '2024-06-01 00:00:00+00');
CALL retention.enforce('plan', '2024-06-01 00:00:00+00');
SELECT id FROM plan WHERE id < 3;
CALL retention.enforce('session', '2024-06-06 00:00:00+00');
CALL retention.enforce('plan', '2024-06-06 00:00:00+00');
SELECT (SELECT count(*) FROM session) AS sessions, (SELECT count(*) FROM plan WHERE id < 3) AS plans;

SELECT retention.unprotect(r) FROM unnest(ARRAY['visit', 'upload', 'odd', 'many', 'grown', 'session', 'plan']::regclass[]) r;
SET client_min_messages = error;
DROP SCHEMA period CASCADE;
SELECT retention.drop_category('period visits'), retention.drop_category('period grown'), retention.drop_category('period plans');
