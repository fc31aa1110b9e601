-- How far tables are labelled and protected.
SET client_min_messages = warning;
SELECT retention.set_category('coverage week', '7 days', 'the event');
CREATE SCHEMA cover;
CREATE SCHEMA "Odd schema, too";
CREATE SCHEMA elsewhere;
SET search_path = cover, public;
CREATE TABLE nothing (id int, email text, ip inet);
CREATE TABLE by_row (id int, email text, seen timestamptz);
CREATE TABLE by_column (id int, email text, seen timestamptz);
CREATE TABLE started (id int, email text, phone text, seen timestamptz);
CREATE TABLE none_of_it (id int, email text);
CREATE TABLE none_by_column (id int);
CREATE TABLE parts (id int, email text, seen timestamptz) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE TABLE parent (id int, email text, seen timestamptz);
CREATE TABLE child (phone text) INHERITS (parent);
CREATE TABLE parent_by_column (email text, seen timestamptz);
CREATE TABLE child_by_column (phone text) INHERITS (parent_by_column);
CREATE TABLE elsewhere.far (email text);
CREATE TABLE "Odd schema, too"."Bénutzer" ("Straße" text, "größe" int);
CREATE VIEW a_view AS SELECT * FROM nothing;
CREATE TEMP TABLE passing (email text);
SELECT retention.label('by_row', 'coverage week, from seen, then delete'),
	retention.label('parts', 'coverage week, from seen, then delete'),
	retention.label('parent', 'coverage week, from seen, then delete'),
	retention.label('started', 'from seen'), retention.label('started', 'coverage week, then set null', '{phone}'),
	retention.label('by_column', 'from seen'), retention.label('by_column', 'coverage week, then set null', '{email}'),
	retention.label('by_column', 'No  personal data', '{id, seen}'),
	retention.label('parent_by_column', 'from seen'), retention.label('parent_by_column', 'coverage week, then set null', '{email}'),
	retention.label('parent_by_column', 'no personal data', '{seen}'),
	retention.label('none_of_it', 'no personal data'), retention.label('none_by_column', 'no personal data', '{id}');
CREATE INDEX ON by_row (seen);
CREATE INDEX ON parts (seen);
SELECT retention.protect('by_row'), retention.protect('parts');
SHOW privacy_retention.governed_schemas;
-- Temporary tables, views, partitions, and what is the extension's are not in it.
SELECT * FROM retention.coverage WHERE relation::text ~ '^(retention|pg_catalog|information_schema|pg_temp\w*|passing)\.?' OR relation IN ('a_view'::regclass, 'parts_1'::regclass);
SELECT * FROM retention.coverage WHERE relation::text ~ '^(\w+|"Odd.*|elsewhere.*)$' AND relation IN (SELECT oid FROM pg_class WHERE relnamespace IN ('cover'::regnamespace, 'elsewhere'::regnamespace, '"Odd schema, too"'::regnamespace));
SET privacy_retention.governed_schemas = 'cover';
SELECT count(*), count(*) FILTER (WHERE relation = 'elsewhere.far'::regclass) AS far FROM retention.coverage;
SET privacy_retention.governed_schemas = 'elsewhere, "Odd schema, too", not_there';
SELECT * FROM retention.coverage;
-- A column that is added to a protected table: covered by "delete".
RESET privacy_retention.governed_schemas;
ALTER TABLE by_row ADD COLUMN phone text;
ALTER TABLE none_by_column ADD COLUMN phone text;
SELECT * FROM retention.coverage WHERE relation IN ('by_row'::regclass, 'none_by_column'::regclass);
-- Disabled guards do not protect.
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'by_row'::regclass AND tgname = 'zz_privacy_retention';
SELECT state FROM retention.coverage WHERE relation = 'by_row'::regclass;
ALTER TABLE by_row ENABLE ALWAYS TRIGGER zz_privacy_retention;
-- Readable by all, of all tables.
CREATE ROLE coverage_nobody;
SET ROLE coverage_nobody;
SELECT state FROM retention.coverage WHERE relation::text = 'cover.by_row' OR relation::text = 'by_row';
SET privacy_retention.governed_schemas = 'cover';
RESET ROLE;
SET privacy_retention.governed_schemas = 'a,,b';
SET privacy_retention.governed_schemas = '"a';
SELECT retention.unprotect('by_row'), retention.unprotect('parts');
DROP SCHEMA cover, elsewhere, "Odd schema, too" CASCADE;
DROP ROLE coverage_nobody;
SELECT retention.drop_category('coverage week');
