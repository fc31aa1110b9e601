-- A clock row is kept until its dependents are done, also where it would go by
-- ON DELETE CASCADE with another row.

SET client_min_messages = error;
CREATE SCHEMA dependent;
SET search_path = dependent;
SELECT retention.set_category('dependent month', '1 month', 'the event');
SELECT retention.set_category('dependent year', '1 year', 'the event');

CREATE TABLE customer (id int PRIMARY KEY, gone_at date);
CREATE TABLE contract (id int PRIMARY KEY, customer_id int REFERENCES customer ON DELETE CASCADE, ended_at date);
CREATE TABLE letter (id int PRIMARY KEY, contract_id int REFERENCES contract ON DELETE SET NULL, text text);
INSERT INTO customer VALUES (1, '2024-01-01'), (2, '2024-01-01');
INSERT INTO contract VALUES (1, 1, '2024-06-01');
INSERT INTO letter VALUES (1, 1, 'Dear Mrs Miller');
SELECT retention.label('customer', 'dependent month, from gone_at, then delete');
SELECT retention.label('letter', 'dependent month, from contract_id -> ended_at, then delete');
SELECT retention.protect('customer'), retention.protect('letter');

-- Customer 1 stays: with it would go the contract that says when the letter goes.
CALL retention.enforce(as_of => '2024-03-01');
SELECT id FROM customer;
SELECT id, contract_id FROM letter;
SELECT due, reason FROM retention.status_rows('2024-03-01') WHERE relation = 'customer'::regclass;
-- The letter is done, then the customer can go, in one pass.
CALL retention.enforce(as_of => '2024-07-01');
SELECT count(*) FROM customer;
SELECT count(*) FROM contract;
SELECT count(*) FROM letter;

-- A column that is done does not need its clock any more; one that is not, does.
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE visit (id int PRIMARY KEY, event_id int REFERENCES event ON DELETE SET NULL, ip inet);
INSERT INTO event VALUES (1, '2024-01-01'), (2, '2024-01-01');
INSERT INTO visit VALUES (1, 1, '192.0.2.1'), (2, 2, NULL);
SELECT retention.label('event', 'dependent month, from ended_at, then delete');
SELECT retention.label('visit', 'from event_id -> ended_at');
SELECT retention.label('visit', 'dependent year, then set null', '{ip}');
SELECT retention.label('visit', 'no personal data', '{id,event_id}');
SELECT retention.protect('event'), retention.protect('visit');
CALL retention.enforce(as_of => '2024-06-01');
SELECT id FROM event;
SELECT * FROM visit ORDER BY id;
CALL retention.enforce(as_of => '2025-06-01');
SELECT id FROM event;
SELECT * FROM visit ORDER BY id;

-- A tree that cascades along itself: 1 is due, 2 and 3 would go with it, and with
-- them the clocks of two notes.
CREATE TABLE folder (id int PRIMARY KEY, parent int REFERENCES folder ON DELETE CASCADE, closed_at date);
CREATE TABLE note (id int PRIMARY KEY, folder_id int, written_at date);
INSERT INTO folder VALUES (1, NULL, '2024-01-01'), (2, 1, '2024-06-01'), (3, 2, '2024-06-01'), (4, 4, '2024-01-01');
INSERT INTO note VALUES (1, 2, '2023-01-01'), (2, 3, '2023-01-01');
SELECT retention.label('folder', 'dependent month, from closed_at, then delete');
SELECT retention.label('note', 'dependent month, from folder_id references folder (id) -> closed_at or written_at, then delete');
SELECT retention.protect('folder'), retention.protect('note');
CALL retention.enforce(as_of => '2024-03-01');
SELECT (SELECT array_agg(id ORDER BY id) FROM folder) AS folders, (SELECT array_agg(id ORDER BY id) FROM note) AS notes;
CALL retention.enforce(as_of => '2024-08-01');
SELECT (SELECT count(*) FROM folder) AS folders, (SELECT count(*) FROM note) AS notes;

SELECT relation, rows FROM retention.ledger WHERE event = 'batch' AND relation LIKE 'dependent.%' ORDER BY id;
SELECT count(*) FROM retention.blocked WHERE relation LIKE 'dependent.%';
SELECT retention.unprotect('customer'), retention.unprotect('letter'), retention.unprotect('event'), retention.unprotect('visit'), retention.unprotect('folder'), retention.unprotect('note');

-- A column with several foreign keys leads nowhere by its name, in whatever order they were made
CREATE TABLE claim (id int PRIMARY KEY, about int);
ALTER TABLE claim ADD FOREIGN KEY (about) REFERENCES customer, ADD CONSTRAINT claim_contract FOREIGN KEY (about) REFERENCES contract;
SECURITY LABEL FOR privacy_retention ON TABLE claim IS 'dependent year, from about -> ended_at, then delete';
ALTER TABLE claim ADD CONSTRAINT claim_again FOREIGN KEY (about) REFERENCES customer;
SECURITY LABEL FOR privacy_retention ON TABLE claim IS 'dependent year, from about -> ended_at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE claim IS 'dependent year, from claim_contract -> ended_at, then delete';
SELECT relation, start, valid, problem FROM retention.rule WHERE relation = 'claim'::regclass;

DROP SCHEMA dependent CASCADE;
SELECT retention.drop_category('dependent month'), retention.drop_category('dependent year');
