-- A value and the foreign keys that point at it change together.

SET client_min_messages = error;
CREATE SCHEMA reference;
SET search_path = reference;
SELECT retention.create_key() > 0 AS created;
SELECT retention.set_category('reference account', '1 day', 'end of the contract');
SELECT retention.set_category('reference other', '1 day', 'end of the contract');

CREATE TABLE account (id int PRIMARY KEY, mail text NOT NULL UNIQUE, nick varchar(30) UNIQUE, closed timestamptz);
CREATE TABLE login (id int PRIMARY KEY, mail text NOT NULL REFERENCES account (mail));
CREATE TABLE visit (id int, login_mail text REFERENCES account (mail) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE badge (id int, nick varchar(30) REFERENCES account (nick) ON UPDATE CASCADE);
INSERT INTO account VALUES (1, 'a@example.org', 'ann', '2024-01-01'), (2, 'b@example.org', 'bob', NULL), (3, 'c@example.org', NULL, '2024-01-01');
INSERT INTO login SELECT id, mail FROM account;
INSERT INTO visit SELECT 10 * id + n, mail FROM account, generate_series(1, 2) n;
INSERT INTO badge SELECT id, nick FROM account;

SELECT retention.label('account', 'from closed');
SELECT retention.label('account', 'reference account, then pseudonymise', '{mail,nick}');
SELECT retention.label('account', 'no personal data', '{id,closed}');
SELECT retention.protect('account', at_most => 2);
CALL retention.enforce('account', '2024-02-01');

-- 1 and 3 have tokens, and all that pointed at them does still; 2 is as it was.
SELECT a.id, retention.is_pseudonym(a.mail) AS token, retention.is_pseudonym(a.nick) AS nick_token,
	(SELECT count(*) FROM login l WHERE l.mail = a.mail) AS logins,
	(SELECT count(*) FROM visit v WHERE v.login_mail = a.mail) AS visits,
	(SELECT count(*) FROM badge b WHERE b.nick = a.nick) AS badges
FROM account a ORDER BY id;
SELECT a.mail, a.nick FROM account a WHERE id = 2;
SELECT relation, column_name, rows FROM retention.ledger WHERE event = 'batch' AND relation LIKE 'reference.%' ORDER BY id;
CALL retention.enforce('account', '2024-02-01');
SELECT count(*) FROM retention.blocked WHERE relation LIKE 'reference.%';

-- What a label may not say of a column that references, or is referenced.
SELECT retention.label('login', 'reference other, from (timestamptz ''2024-01-01''), then pseudonymise', '{mail}');
SELECT column_name, valid, problem, hint FROM retention.rule WHERE relation = 'login'::regclass;
-- Its category, as that of the referenced column is another, makes that invalid.
SELECT retention.label('login', 'reference other', '{mail}');
SELECT column_name, valid, problem, hint FROM retention.rule WHERE relation = 'account'::regclass ORDER BY column_name;
SELECT state, reason FROM retention.status WHERE relation = 'account'::regclass AND column_name = 'mail';
SELECT retention.label('login', 'reference account', '{mail}');
SELECT relation, column_name, valid, problem FROM retention.rule WHERE relation IN ('login'::regclass, 'account'::regclass) ORDER BY 1, 2;
-- A fresh token for each row would tear references apart.
SELECT retention.label('account', 'reference account, then decorrelate', '{mail}');
SELECT column_name, valid, problem, hint FROM retention.rule WHERE relation = 'account'::regclass AND column_name = 'mail';
SELECT retention.label('account', 'reference account, then pseudonymise', '{mail}');

-- A reference within the table: the server can change it, one statement cannot.
CREATE TABLE tree (name text PRIMARY KEY, parent text REFERENCES tree, gone timestamptz);
SELECT retention.label('tree', 'from gone');
SELECT retention.label('tree', 'reference account, then pseudonymise', '{name}');
SELECT valid, problem, hint FROM retention.rule WHERE relation = 'tree'::regclass;
ALTER TABLE tree DROP CONSTRAINT tree_parent_fkey, ADD FOREIGN KEY (parent) REFERENCES tree ON UPDATE CASCADE;
SELECT retention.label('tree', 'no personal data', '{parent,gone}');
INSERT INTO tree VALUES ('root', NULL, '2024-01-01'), ('branch', 'root', NULL), ('leaf', 'branch', '2024-01-01');
SELECT retention.protect('tree');
CALL retention.enforce('tree', '2024-02-01');
SELECT retention.is_pseudonym(t.name) AS token, t.name = 'branch' AS branch, p.name IS NOT NULL AS has_parent
FROM tree t LEFT JOIN tree p ON p.name = t.parent ORDER BY 1, 3;

-- From 18 on there are keys that the server does not enforce, and so does not follow,
-- and such as lead to several rows.
CREATE TABLE badge_type (name text PRIMARY KEY, gone timestamptz);
CREATE TABLE holder (id int, name text REFERENCES badge_type ON UPDATE CASCADE);
INSERT INTO badge_type VALUES ('a guest', '2024-01-01'), ('a host', NULL);
INSERT INTO holder VALUES (1, 'a guest'), (2, 'a host');
DO $$BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		EXECUTE 'ALTER TABLE holder ALTER CONSTRAINT holder_name_fkey NOT ENFORCED';
	END IF;
END$$;
SELECT retention.label('badge_type', 'from gone'), retention.label('badge_type', 'no personal data', '{gone}');
SELECT retention.label('badge_type', 'reference account, then pseudonymise', '{name}'), retention.label('holder', 'no personal data');
SELECT retention.protect('badge_type', at_most => 1);
CALL retention.enforce('badge_type', '2024-02-01');
SELECT h.id, retention.is_pseudonym(h.name) AS token, b.name IS NOT NULL AS has_type FROM holder h LEFT JOIN badge_type b USING (name) ORDER BY 1;
DO $$BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		CREATE TABLE stay (room int4range, during tstzrange, ended timestamptz);
		CREATE TABLE guest (room int4range, during tstzrange);
		EXECUTE 'ALTER TABLE stay ADD PRIMARY KEY (room, during WITHOUT OVERLAPS)';
		EXECUTE 'ALTER TABLE guest ADD CONSTRAINT slept FOREIGN KEY (room, PERIOD during) REFERENCES stay';
		BEGIN
			PERFORM retention.label('guest', 'reference account, from slept -> ended, then delete');
			RAISE EXCEPTION 'a hop to several rows';
		EXCEPTION WHEN invalid_foreign_key THEN
			IF SQLERRM !~ 'PERIOD' THEN RAISE; END IF;
		END;
	END IF;
END$$;

SELECT retention.unprotect('account'), retention.unprotect('tree'), retention.unprotect('badge_type');
DROP SCHEMA reference CASCADE;
SELECT retention.drop_category('reference account'), retention.drop_category('reference other');
SELECT retention.destroy_key(epoch) FROM retention.key;
