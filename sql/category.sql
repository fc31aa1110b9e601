-- Data categories: the lines of the privacy notice.
SET IntervalStyle = postgres;
CREATE VIEW categories AS
SELECT name, period, starting_point, legal_basis, purpose, data_subjects, source
FROM retention.data_category WHERE name LIKE 'c %' ORDER BY name;
CREATE VIEW former AS
SELECT category, period, until <= now() AS past FROM retention.former_period
WHERE category LIKE 'c %' ORDER BY category, until;

-- A new one, and changes of what is given.
SELECT retention.set_category('c technical', '7 days', 'the event', 'Art. 6 (1) f', 'security', 'visitors', 'the browser');
SELECT * FROM categories;
SELECT retention.set_category('c technical', purpose => 'security of the service');
SELECT retention.set_category('c technical', source => '');
SELECT * FROM categories;
SELECT retention.set_category('c account', period => interval '3 years', starting_point => 'end of the contract');
SELECT * FROM categories;

-- Shortening is for all.
SELECT retention.set_category('c technical', '3 days');
SELECT name, period FROM categories;
SELECT * FROM former;

-- Lengthening is for clocks that start afterwards: the shorter promise stays.
SELECT retention.set_category('c technical', '30 days');
SELECT retention.set_category('c technical', '60 days');
SELECT * FROM former;
-- Shortening again makes void what is not shorter.
SELECT retention.set_category('c technical', '20 days');
SELECT * FROM former;
SELECT retention.set_category('c technical', '30 days');
SELECT * FROM former;
SELECT retention.set_category('c technical', '3 days');
SELECT * FROM former;
-- Within one transaction, the first promise counts.
BEGIN;
SELECT retention.set_category('c technical', '4 days');
SELECT retention.set_category('c technical', '5 days');
SELECT * FROM former;
COMMIT;
-- Retroactively: nothing stays.
SELECT retention.set_category('c technical', '6 days', retroactive => true);
SELECT name, period FROM categories;
SELECT * FROM former;
-- Of the same length by the server's reckoning, and yet not the same.
SELECT retention.set_category('c technical', '30 days', retroactive => true);
SELECT retention.set_category('c technical', '1 month');
SELECT * FROM former;

-- What cannot be.
SELECT retention.set_category(NULL, '1 day');
SELECT retention.set_category('', '1 day');
SELECT retention.set_category(' c x', '1 day');
SELECT retention.set_category(E'c\nx', '1 day');
SELECT retention.set_category('No personal data', '1 day');
SELECT retention.set_category(repeat('c', 201), '1 day');
SELECT retention.set_category('c new');
SELECT retention.set_category('c Tecnical', purpose => 'typo');
SELECT retention.set_category('c x', '0');
SELECT retention.set_category('c x', '-1 day');
SELECT retention.set_category('c x', '1 month -1 day');
SELECT retention.set_category('c x', '10001 years');
SELECT retention.drop_category('c acount');
SELECT retention.drop_category('nothing like it');
\set VERBOSITY terse
INSERT INTO retention.data_category (name, period) VALUES ('c x', '-1 day');
\set VERBOSITY default
BEGIN READ ONLY;
SELECT retention.set_category('c x', '1 day');
ROLLBACK;
SELECT count(*) FROM categories;

-- Not while a label names it.
SET check_function_bodies = off;
CREATE TABLE category_use (id int, name text, "E-mail" text);
SELECT retention.label('category_use', 'c technical, from id, then delete');
SELECT retention.label('category_use', 'c technical, then set null', '{name, "E-mail"}');
SELECT retention.drop_category('c technical');
SELECT retention.label('category_use', NULL);
SELECT retention.label('category_use', '"c account"', '{name}');
SELECT retention.drop_category('c technical');
SELECT retention.drop_category('c account');
DROP TABLE category_use;
SELECT retention.drop_category('c technical');
SELECT * FROM former;
RESET check_function_bodies;

-- Who may.
CREATE ROLE category_clerk;
CREATE ROLE category_officer;
SET ROLE category_clerk;
SELECT retention.set_category('c account', '1 day');
SELECT retention.drop_category('c account');
UPDATE retention.data_category SET period = '1 day';
DELETE FROM retention.former_period;
SELECT name, period FROM retention.data_category WHERE name LIKE 'c %';
RESET ROLE;
GRANT EXECUTE ON FUNCTION retention.set_category TO category_clerk, category_officer;
SET ROLE category_clerk;
SELECT retention.set_category('c account', '2 years');
SELECT retention.set_category('c account', '3 years');
RESET ROLE;
SET privacy_retention.officer_role = 'category_officer';
SET ROLE category_clerk;
SELECT retention.set_category('c account', '3 years');
SET ROLE category_officer;
SELECT retention.set_category('c account', '3 years');
-- To make the longer period count for older data is lengthening too.
SET ROLE category_clerk;
SELECT retention.set_category('c account', '3 years', retroactive => true);
SELECT retention.set_category('c account', retroactive => true);
RESET ROLE;
RESET privacy_retention.officer_role;
SELECT name, period FROM categories;
SELECT * FROM former;
SELECT retention.set_category('c account', retroactive => true);
SELECT * FROM former;

SELECT retention.drop_category('c account');
SELECT count(*) FROM retention.data_category WHERE name LIKE 'c %';
-- The ledger has all of that, in words that no setting changes, and nothing that did not happen.
SET intervalstyle = 'postgres_verbose';
SELECT retention.set_category('c ledger', '1 mon 2 days 03:00');
SELECT retention.set_category('c ledger', '1 mon 2 days 03:00', legal_basis => 'none');
BEGIN;
SELECT retention.set_category('c ledger', '1 day');
ROLLBACK;
SELECT retention.set_category('c ledger', '30 days');
SELECT retention.set_category('c ledger', '1 mon', retroactive => true);
SELECT retention.drop_category('c ledger');
RESET intervalstyle;
SELECT category, relation, action, rows, detail FROM retention.ledger WHERE event = 'category' AND category LIKE 'c %' ORDER BY id;
REVOKE ALL ON FUNCTION retention.set_category FROM category_clerk, category_officer;
DROP ROLE category_clerk, category_officer;
DROP VIEW categories, former;
