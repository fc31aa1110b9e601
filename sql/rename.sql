-- Renames are followed: labels keep naming what they named.
SELECT retention.set_category('rename technical', '7 days', 'the event');
CREATE SCHEMA rename;
SET search_path = rename, public;
CREATE TABLE contract (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE account (
	id int PRIMARY KEY,
	contract_id int CONSTRAINT account_contract REFERENCES contract,
	email text,
	created date);
CREATE TABLE event (id int PRIMARY KEY, account_id int, "Ended At" timestamptz, contract_id int);
CREATE TABLE visit (
	id int PRIMARY KEY,
	event_id int REFERENCES event,
	"where" int,
	kind text,
	at timestamptz);
CREATE VIEW labels AS
SELECT objoid::regclass AS relation, attname AS "column", label
FROM pg_seclabel
LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0
WHERE provider = 'privacy_retention'
AND objoid IN (SELECT oid FROM pg_class WHERE relnamespace IN
	(SELECT oid FROM pg_namespace WHERE nspname LIKE 'rename%'))
ORDER BY objoid::regclass::text COLLATE "C", objsubid;
\pset format unaligned

SECURITY LABEL FOR privacy_retention ON TABLE account IS
'rename technical, from account_contract -> ended_at or (account.created), then delete; subject id';
SECURITY LABEL FOR privacy_retention ON TABLE event IS
'from account_id references account (id) -> (created); subject account_id references rename.account ( id ) -> id';
SECURITY LABEL FOR privacy_retention ON TABLE visit IS
'rename  technical, /* kind, at */ WHERE (kind <> ''kind'' AND visit.kind IS NOT NULL AND "kind" > '' ''),
 from event_id -> account_id references account (id) -> contract_id -> ended_at
 or event_id -> "Ended At"
 or "where" references rename.contract (id) -> (ended_at + interval ''1 day'')
 or (greatest(visit.at, "at")), then delete; subject event_id -> account_id references account (id) -> id';
SECURITY LABEL FOR privacy_retention ON COLUMN visit.kind IS
'rename technical, where (kind <> ''''), from at, then set null';
SELECT * FROM labels;

-- Columns: at the end of a path, in it, referenced, in expressions; quotes as needed.
ALTER TABLE contract RENAME ended_at TO "Finished";
ALTER TABLE contract RENAME COLUMN "Finished" TO finished;
ALTER TABLE event RENAME "Ended At" TO ended_at;
ALTER TABLE account RENAME contract_id TO "from";
ALTER TABLE account RENAME id TO nr;
ALTER TABLE visit RENAME event_id TO event_nr;
ALTER TABLE visit RENAME "where" TO place;
ALTER TABLE visit RENAME kind TO "Kind";
ALTER TABLE visit RENAME at TO "at time";
-- A column of the same name in another table is another one.
ALTER TABLE event RENAME contract_id TO agreement;
-- So is one of the renamed table that no label names.
ALTER TABLE account RENAME email TO mail;
SELECT * FROM labels;

-- Constraints.
ALTER TABLE account RENAME CONSTRAINT account_contract TO "Contract of the account";
ALTER TABLE account RENAME CONSTRAINT account_pkey TO account_key;
-- Tables.
ALTER TABLE contract RENAME TO agreement;
ALTER TABLE account RENAME TO "Account";
ALTER INDEX visit RENAME TO visits;
SELECT * FROM labels;

-- Schemas: names without one are looked for beside the table before.
CREATE SCHEMA rename2;
ALTER TABLE "Account" SET SCHEMA rename2;
SELECT * FROM labels;
ALTER TABLE event SET SCHEMA rename2;
ALTER SCHEMA rename2 RENAME TO "rename 3";
SELECT * FROM labels;
-- Every label still holds.
SELECT retention.label(relation, label, CASE WHEN "column" IS NOT NULL THEN ARRAY["column"] END) FROM labels;

-- Nothing stays of a rename that is rolled back, or that failed.
BEGIN;
ALTER TABLE visits RENAME "at time" TO at;
SAVEPOINT s;
ALTER TABLE visits RENAME "Kind" TO kind;
ROLLBACK TO s;
ALTER TABLE visits RENAME "Kind" TO sort;
SELECT label FROM labels WHERE relation = 'visits'::regclass AND "column" IS NOT NULL;
ROLLBACK;
SELECT label FROM labels WHERE relation = 'visits'::regclass AND "column" IS NOT NULL;
ALTER TABLE visits RENAME nothing TO something;
ALTER TABLE IF EXISTS nothing RENAME TO something;
-- Inside a function.
DO $$ BEGIN
	ALTER TABLE visits RENAME "at time" TO at;
	BEGIN
		ALTER TABLE visits RENAME at TO "Kind";
	EXCEPTION WHEN duplicate_column THEN NULL;
	END;
	ALTER TABLE visits RENAME "Kind" TO kind;
END $$;
SELECT label FROM labels WHERE relation = 'visits'::regclass AND "column" IS NOT NULL;

-- A new name that is taken for something else, or a use that may be another.
CREATE TYPE pair AS (kind text, value int);
CREATE TABLE uncertain (id int, kind text, pair pair, contract_id int, at timestamptz,
	CONSTRAINT contract_key FOREIGN KEY (contract_id) REFERENCES agreement);
SELECT retention.label('uncertain', 'rename technical, where ((pair).kind = kind), from contract_key -> finished, then delete');
ALTER TABLE uncertain RENAME kind TO sort;
ALTER TABLE uncertain RENAME id TO contract_key;
ALTER TABLE uncertain RENAME CONSTRAINT contract_key TO id;
SELECT label FROM labels WHERE relation = 'uncertain'::regclass;
DROP TABLE uncertain;

-- The whole row, and names with schema and table.
CREATE TABLE whole (id int, at timestamptz, note text);
SELECT retention.label('whole', 'rename technical, where (num_nulls(whole) = 0 AND whole IS NOT NULL AND rename.whole.note <> ''whole''), from at, then delete');
ALTER TABLE whole RENAME note TO remark;
ALTER TABLE whole RENAME TO part;
ALTER TABLE part SET SCHEMA "rename 3";
SELECT label FROM labels WHERE relation = '"rename 3".part'::regclass;
DROP TABLE "rename 3".part;

-- Partitions and children of inheritance follow their root.
CREATE TABLE root (id int, at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE leaf PARTITION OF root DEFAULT;
CREATE TABLE parent (id int, at timestamptz);
CREATE TABLE child () INHERITS (parent);
SELECT retention.label('root', 'rename technical, from at, then delete');
SELECT retention.label('child', 'rename technical, from at, then delete');
ALTER TABLE root RENAME at TO since;
ALTER TABLE parent RENAME at TO since;
SELECT * FROM labels WHERE relation IN ('root'::regclass, 'child'::regclass);

-- Whoever may rename need not own the tables whose labels follow.
CREATE ROLE rename_owner;
GRANT USAGE, CREATE ON SCHEMA rename TO rename_owner;
ALTER TABLE agreement OWNER TO rename_owner;
SET ROLE rename_owner;
ALTER TABLE agreement RENAME finished TO ended_at;
RESET ROLE;
SELECT label FROM labels WHERE label LIKE '%ended_at%' AND relation <> 'visits'::regclass;

-- A change of type that a label does not allow is refused; others are not.
CREATE TABLE retyped (id int PRIMARY KEY, at timestamptz, address inet, kind text);
CREATE TABLE follower (id int, retyped_id int REFERENCES retyped);
SELECT retention.label('retyped', 'rename technical, from at, then truncate to 24', '{address}');
SELECT retention.label('retyped', 'rename technical, where (length(kind) > 1), from (at), then delete');
SELECT retention.label('follower', 'rename technical, from retyped_id -> at, then delete');
ALTER TABLE retyped ALTER at TYPE timestamp, ALTER address TYPE cidr;
ALTER TABLE retyped ALTER kind TYPE varchar(10);
ALTER TABLE retyped ALTER address TYPE bigint USING 1;
ALTER TABLE retyped ALTER at TYPE text;
ALTER TABLE retyped ALTER kind TYPE int USING 1;
SELECT retention.label('retyped', NULL), retention.label('retyped', NULL, '{address}');
ALTER TABLE retyped ALTER kind TYPE int USING 1;
ALTER TABLE retyped ALTER at TYPE text;
SELECT retention.label('follower', NULL);
ALTER TABLE retyped ALTER at TYPE text;

-- Views are not our concern.
CREATE VIEW v AS SELECT 1 AS x;
ALTER VIEW v RENAME x TO y;
ALTER TABLE v RENAME TO w;

SET client_min_messages = warning;
DROP SCHEMA rename, "rename 3" CASCADE;
DROP ROLE rename_owner;
SELECT retention.drop_category('rename technical');
