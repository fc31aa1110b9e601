-- Security labels: what can be written, and how errors tell where.
-- Names are looked up elsewhere: as in a restore, only the grammar counts here.
SET check_function_bodies = off;
CREATE SCHEMA label;
SET search_path = label, public;
CREATE TABLE t (id int, a text, "b c" text, tid timestamptz);
CREATE VIEW labels AS
SELECT objsubid, label FROM pg_seclabel
WHERE provider = 'privacy_retention' AND objoid = 't'::regclass ORDER BY objsubid;

-- As in the manual.
SECURITY LABEL FOR privacy_retention ON TABLE t IS 'technical information, from event_id -> ended_at, then delete; subject account_id';
SECURITY LABEL FOR privacy_retention ON TABLE t IS 'from contract_id -> ended_at';
SECURITY LABEL FOR privacy_retention ON COLUMN t.a IS 'account data, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN t."b c" IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN t.id IS 'technical information, from opened_at, then truncate to 24';
SELECT * FROM labels;

-- The function, with several columns; NULL removes.
SELECT retention.label('t', 'usage data', '{a, "b c"}');
SELECT retention.label('t', 'no personal data');
SELECT * FROM labels;
SELECT retention.label('t', NULL, '{id, a}');
SELECT retention.label('t', NULL);
SELECT * FROM labels;

\set table 'SECURITY LABEL FOR privacy_retention ON TABLE t IS'
\set column 'SECURITY LABEL FOR privacy_retention ON COLUMN t.a IS'

-- Clauses of a table.
:table 'NO Personal Data;';
:table 'From created_at;';
:table 'subject a; subject b -> c ; from x or y or z';
:table 'a, where (kind = ''x''), then delete; b, where (kind = ''y; , then''), then delete; "then, or; not", then delete;';
:table '"say ""it""", then delete';
:table 'e-mail address 2 of level-3, then delete';
:table 'téléphone, from créé, then delete';
-- Words of the grammar in names that are quoted, or inside parentheses.
:table '"data from partners", from "from" -> "or" or "then", then delete';
:table 'a, from (x -> ''from'' or (y ; z, then)), then delete';
-- Paths.
:table 'a, from fk -> b references s.t (id) -> c REFERENCES "T u" ("v w") -> x, then delete';
:table 'a, from coalesce(x, (y)) or s.f(x) or "S"."F"() or ( x + 1 ), then delete';
:table E'a, -- the category\n from /* the clock */ (x -- not y\n), then delete';
-- Actions of a column.
:column 'a, then set null; b, then set default; c, then set ''it''''s'';';
:column 'a, then set E''a\tb''; b, then truncate to 24/48; c, then truncate to 0';
:column 'a, then round to MONTH; b, then round to 1000; c, then round to 0.5; d, then round to 1e3';
:column 'a, then pseudonymise in customer numbers; b, then pseudonymise in "x, y"; c, then decorrelate';
:column 'a, then remove ip, Device.Id, "user-agent"->''a key''.b; b, then keep x';
:column 'a, then call f; b, then call s."F"';
:column 'a, where (x > 1), from b -> c, then set null';
SELECT * FROM labels;

-- Not a label at all.
:table '';
:table ' ';
:table ';';
:table ', then delete';
:table 'then delete';
:table '1 data, then delete';
:table '"", then delete';
:table '" a", then delete';
:table E'"a\tb", then delete';
-- The parts of a stage.
:table 'technical information';
:table 'technical information delete';
:table 'technical information then delete';
:table 'technical information from x, then delete';
:table 'technical information, delete';
:table 'technical information,';
:table 'technical information, from x then delete';
:table 'technical information, from x';
:table 'technical information, from x, where (y), then delete';
:table 'technical information, then';
:table 'technical information, then shred';
:table 'technical information, then delete now';
:table 'technical information, then delete;; subject a';
:table 'e- mail, then delete';
-- Conditions.
:table 'a, where x = 1, then delete';
:table 'a, where (), then delete';
:table 'a, where (x, then delete';
:table 'a, where (x)), then delete';
:table 'a, where (x) or (y), then delete';
-- Starts.
:table 'from';
:table 'from ''x''';
:table 'from x y';
:table 'from x + y';
:table 'from x::date';
:table 'from t.x';
:table 'from t.*';
:table 'from x ->';
:table 'from x -> -> y';
:table 'from x ->> y';
:table 'from x -> (y) -> z';
:table 'from f(x) -> y';
:table 'from (x';
:table 'from f(x';
:table 'from (x)) or y';
:table 'from ()';
:table 'from x or';
:table 'from or';
:table 'from then';
:table 'from x; from y';
:table 'from x, then delete';
:table 'from x references -> y';
:table 'from x references s. (id) -> y';
:table 'from x references s.t -> y';
:table 'from x references s.t () -> y';
:table 'from x references s.t (a, b) -> y';
:table 'from x references s.t (a)';
-- Subjects.
:table 'subject';
:table 'subject a or b';
:table 'subject matter, then delete';
-- Clauses that do not go together.
:table 'no personal data; subject a';
:table 'no personal data, then delete';
:table '"No personal data", then delete';
:table 'a, then delete; b, where (x), then delete';
:table 'a, then set null';
:column 'a, then delete';
:column 'from x';
:column 'subject x';
:column 'a; b, then set null';
:column 'no personal data; a';
-- A period of the row's own.
:table 'a, from x, for tenant_id -> period, then delete';
:table 'a, for (interval ''1 day''), then';
:table 'a, for x or y, then delete';
-- Actions.
:column 'a, then set';
:column 'a, then set 5';
:column 'a, then truncate 24';
:column 'a, then truncate to x';
:column 'a, then truncate to -1';
:column 'a, then truncate to 99999999999';
:column 'a, then truncate to 33/48';
:column 'a, then truncate to 24/129';
:column 'a, then truncate to 24/';
:column 'a, then round month';
:column 'a, then round to fortnight';
:column 'a, then round to 0.0';
:column 'a, then round to 1e9999';
:column 'a, then round to ''month''';
:column 'a, then pseudonymise in';
:column 'a, then pseudonymise in x, y';
:column 'a, then anonymise';
:column 'a, then remove';
:column 'a, then remove a.';
:column 'a, then remove a, ';
:column 'a, then keep 1';
:column 'a, then remove user-agent';
:column 'a, then call';
:column 'a, then call f()';
:column 'a, then call a.b.c';
-- The scanner's errors stand in the label too.
:table 'téchnical, from ''x, then delete';
:table 'téchnical, from "x, then delete';
:table 'téchnical, /* comment';
:table 'a, from $x$ y, then delete';
:column E'a, then set E''\\xff''';
-- How a label is read depends on no setting.
SET escape_string_warning = on;
SET standard_conforming_strings = off;
:column E'a, then set ''\\''';
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT * FROM labels;

-- What cannot have a label.
CREATE VIEW v AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
CREATE SEQUENCE s;
CREATE TYPE c AS (x int);
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE FOREIGN DATA WRAPPER label_wrapper;
CREATE SERVER label_server FOREIGN DATA WRAPPER label_wrapper;
CREATE FOREIGN TABLE f (id int) SERVER label_server;
SECURITY LABEL FOR privacy_retention ON VIEW v IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN v.x IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON MATERIALIZED VIEW m IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON SEQUENCE s IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TYPE c IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN c.x IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON FOREIGN TABLE f IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON SCHEMA label IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON DATABASE contrib_regression IS 'no personal data';
CREATE ROLE label_owner;
SECURITY LABEL FOR privacy_retention ON ROLE label_owner IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE p1 IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN p1.id IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE pg_class IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE information_schema.sql_features IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE retention.data_category IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON COLUMN t.ctid IS 'no personal data';
SELECT retention.label('v', 'no personal data');
SELECT retention.label('t', 'no personal data', '{nothing}');
SELECT retention.label('t', 'no personal data', '{}');
SELECT retention.label('t', 'no personal data', '{NULL}');
SELECT retention.label(NULL, 'no personal data');
SELECT retention.label(0, 'no personal data');
-- What became a partition can still lose its label.
CREATE TABLE p2 (id int);
SELECT retention.label('p2', 'no personal data');
ALTER EVENT TRIGGER privacy_retention_attach_before DISABLE;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2);
ALTER EVENT TRIGGER privacy_retention_attach_before ENABLE ALWAYS;
SELECT retention.label('p2', 'no personal data');
SELECT retention.label('p2', NULL);
-- Partitioned tables can, temporary ones cannot.
SELECT retention.label('p', 'no personal data');
CREATE TEMP TABLE temporary (id int);
SELECT retention.label('temporary', 'no personal data');

-- The owner's only; of a protected table the officer's too, where there is one.
CREATE ROLE label_other;
CREATE ROLE label_officer;
GRANT USAGE, CREATE ON SCHEMA label TO label_owner, label_other;
ALTER TABLE t OWNER TO label_owner;
SET ROLE label_other;
SELECT retention.label('t', 'no personal data');
SECURITY LABEL FOR privacy_retention ON TABLE t IS NULL;
SET ROLE label_owner;
SELECT retention.label('t', 'no personal data');
RESET ROLE;
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE TRIGGER zz_privacy_retention BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION guard();
SET ROLE label_owner;
SELECT retention.label('t', 'no personal data;');
RESET ROLE;
SET privacy_retention.officer_role = 'label_officer';
SET ROLE label_owner;
SELECT retention.label('t', NULL);
SELECT retention.label('t', 'no personal data', '{a}');
RESET ROLE;
GRANT label_officer TO label_owner;
SET ROLE label_owner;
SELECT retention.label('t', 'from tid');
RESET ROLE;
RESET privacy_retention.officer_role;
SELECT * FROM labels;

SET client_min_messages = warning;
DROP SCHEMA label CASCADE;
DROP TABLE temporary;
DROP SERVER label_server;
DROP FOREIGN DATA WRAPPER label_wrapper;
DROP ROLE label_owner, label_other, label_officer;
