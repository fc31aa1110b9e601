-- Rounds: which deletions are erased together, and what a scrub by hand proves.
CREATE SCHEMA erasure_round;
SET search_path = erasure_round, public;
SET client_min_messages = warning;
DO $$BEGIN
	PERFORM retention.set_category('round year', '1 year', 'the visit');
END$$;
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz, who text);
CREATE INDEX ON visit (at);
CREATE TABLE note (visit int REFERENCES visit ON DELETE CASCADE, what text);
CREATE INDEX ON note (visit);
SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'round year, from at, then delete';
SELECT retention.protect('visit');
CREATE PROCEDURE visits(first int) LANGUAGE sql AS $$
	INSERT INTO visit SELECT n, now() - interval '2 years', 'somebody ' || n FROM generate_series(first, first + 9) n;
	INSERT INTO note SELECT n, 'something ' || n FROM generate_series(first, first + 9) n
$$;
CREATE VIEW round AS
	SELECT row_number() OVER (ORDER BY id) AS round, first_entry <= last_entry AS entries, removable_at IS NOT NULL AS removable,
		vacuumed_at IS NOT NULL AS vacuumed, scrubbed_at IS NOT NULL AS scrubbed, held_by, remedy
	FROM retention.erasure_round WHERE relation = 'erasure_round.visit';

-- A scrub begins a round of what was deleted until then ...
CALL visits(1);
CALL retention.enforce('visit');
SELECT count(*) FROM round;
SET client_min_messages = error;
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT entries, vacuumed, scrubbed FROM round;
-- ... proves nothing while rows wait for VACUUM, ...
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) visit, note;
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
-- ... and not before the tables into which deletions cascade are scrubbed, too.
SELECT round, vacuumed, scrubbed, held_by, remedy FROM round;
VACUUM pg_statistic, pg_statistic_ext_data;
CALL retention.scrub('note', false, false, NULL, NULL, NULL, NULL) \g /dev/null
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT round, removable, vacuumed, scrubbed FROM round;
SELECT erasure_level FROM retention.ledger WHERE event = 'erasure' AND relation = 'erasure_round.visit'
	AND erasure_level IN ('removable', 'vacuumed', 'scrubbed') ORDER BY id;

-- Scrubbed again, nothing is stamped twice; without deletions there is no round.
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT count(*) FROM round;

-- Later deletions have a round of their own, behind the first.
CALL visits(101);
CALL retention.enforce('visit');
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT round, scrubbed FROM round ORDER BY round;
SELECT bool_and(b.first_entry > a.last_entry) AS apart FROM retention.erasure_round a JOIN retention.erasure_round b
	ON a.id < b.id AND a.relation = b.relation WHERE a.relation = 'erasure_round.visit';

-- What was skipped in one of the tables is not proved.
CREATE EXTENSION IF NOT EXISTS bloom;
CREATE ACCESS METHOD unknown_sums TYPE INDEX HANDLER blhandler;
CREATE OPERATOR CLASS unknown_ops DEFAULT FOR TYPE text USING unknown_sums AS OPERATOR 1 =, FUNCTION 1 hashtext(text);
CREATE INDEX note_what ON note USING unknown_sums (what);
CALL visits(151);
CALL retention.enforce('visit');
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) visit, note;
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
-- what holds it is said at once
SELECT round, held_by FROM round WHERE NOT scrubbed ORDER BY round;
CALL retention.scrub('note', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT skipped FROM retention.scrubbed WHERE relation = 'erasure_round.note';
CALL retention.scrub('visit', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT round, scrubbed, held_by FROM round WHERE NOT scrubbed ORDER BY round;
DROP ACCESS METHOD unknown_sums CASCADE;

-- What another server stores is not proved, and holds the round.
CREATE TABLE spread (id int, at timestamptz, who text) PARTITION BY RANGE (id);
CREATE TABLE spread_here PARTITION OF spread FOR VALUES FROM (0) TO (100);
SECURITY LABEL FOR privacy_retention ON TABLE spread IS 'round year, from at, then delete';
SELECT retention.protect('spread');
INSERT INTO spread SELECT n, now() - interval '2 years', 'somebody ' || n FROM generate_series(1, 10) n;
CALL retention.enforce('spread');
CREATE FOREIGN DATA WRAPPER round_nowhere;
CREATE SERVER round_nowhere FOREIGN DATA WRAPPER round_nowhere;
CREATE FOREIGN TABLE spread_far (id int, at timestamptz, who text) SERVER round_nowhere;
ALTER TABLE spread ATTACH PARTITION spread_far FOR VALUES FROM (100) TO (200);
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) spread_here;
CALL retention.scrub('spread', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT level, held_by FROM retention.erasure_horizon WHERE relation = 'erasure_round.spread';
SELECT regexp_replace(detail, '\d+', 'n', 'g') AS detail FROM retention.ledger WHERE event = 'scrub' AND relation = 'erasure_round.spread';
ALTER TABLE spread DETACH PARTITION spread_far;
CALL retention.scrub('spread', false, false, NULL, NULL, NULL, NULL) \g /dev/null
SELECT scrubbed IS NOT NULL AS scrubbed, held_by LIKE '%could not be%' AS held FROM retention.erasure_horizon WHERE relation = 'erasure_round.spread';
DROP FOREIGN DATA WRAPPER round_nowhere CASCADE;

-- A renamed table takes its deletions along: those that wait have a round at once.
CALL visits(201);
CALL retention.enforce('visit');
ALTER TABLE visit RENAME TO stay;
SELECT relation, table_id = 'stay'::regclass AS same FROM retention.erasure_round WHERE table_id = 'stay'::regclass ORDER BY id;
INSERT INTO stay SELECT n, now() - interval '2 years', 'somebody ' || n FROM generate_series(301, 310) n;
CALL retention.enforce('stay');
ALTER SCHEMA erasure_round RENAME TO other_round;
SET search_path = other_round, public;
SELECT relation, table_id = 'stay'::regclass AS same FROM retention.erasure_round WHERE table_id = 'stay'::regclass ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA other_round CASCADE;
