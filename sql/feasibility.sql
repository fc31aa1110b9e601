-- protect() warns where the promise can hardly be kept.
CREATE SCHEMA feasibility;
SET search_path = feasibility, public;
DO $$BEGIN
	PERFORM retention.set_category('feasibility week', '7 days', 'the event');
	PERFORM retention.set_category('feasibility minute', '1 minute', 'the event');
END$$;
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz);
CREATE INDEX ON visit (at);
INSERT INTO visit SELECT n, now() FROM generate_series(1, 5000) n;
ANALYZE visit;
SELECT retention.label('visit', 'feasibility week, from at, then delete');
-- Nothing to say.
SELECT retention.protect('visit');
-- The worker's hours.
SET privacy_retention.time_window = '22:00-02:00';
SELECT retention.protect('visit');
SET privacy_retention.promised_lateness = '20 h';
SELECT retention.protect('visit');
RESET privacy_retention.time_window;
RESET privacy_retention.promised_lateness;
-- A period that is shorter than rows may be late; once a category.
SELECT retention.label('visit', 'feasibility minute, where (id < 10), from at, then delete; feasibility minute, from at, then delete');
SELECT retention.protect('visit');
SELECT retention.label('visit', 'feasibility week, from at, then delete');
-- As many rows as were measured cannot go: in the long run, and of those due now.
INSERT INTO retention.rule_state (relation, column_name, stage, digest, rows_done, rate)
	VALUES ('feasibility.visit', '', 1, '', 1000, 0.005);
SELECT retention.protect('visit');
UPDATE retention.rule_state SET rate = 0.01 WHERE relation = 'feasibility.visit';
INSERT INTO visit SELECT -n, now() - interval '8 days' FROM generate_series(1, 100) n;
SELECT retention.protect('visit', at_most => 100);
UPDATE retention.rule_state SET rate = 1000 WHERE relation = 'feasibility.visit';
SELECT retention.protect('visit', at_most => 100);
-- What was measured on a few rows counts for nothing.
UPDATE retention.rule_state SET rate = 0.01, rows_done = 10 WHERE relation = 'feasibility.visit';
SELECT retention.protect('visit', at_most => 100);
SELECT retention.unprotect('visit');
DROP SCHEMA feasibility CASCADE;
SELECT retention.drop_category('feasibility week'), retention.drop_category('feasibility minute');
