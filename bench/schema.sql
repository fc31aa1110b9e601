-- The benchmark's table: sessions of events, 100 each, clustered by time, over
-- seven weeks; those of the first week are due. :rows is how many sessions;
-- :first, a fraction, is where in time the table begins: 0 as first filled, 3/5
-- where the space of rows that went was used again.

CREATE TABLE event (
	id			integer PRIMARY KEY,
	ended_at	timestamptz NOT NULL
);

CREATE TABLE session (
	id			bigint PRIMARY KEY,
	event_id	integer NOT NULL,
	started_at	timestamptz NOT NULL,
	peer		text NOT NULL,
	url			text NOT NULL
);

-- Events are planned long before they are held, so their numbers say nothing
-- about when they end.
INSERT INTO event
SELECT n * 7919::bigint % (:rows / 100) + 1, now() - interval '49 days' + (n - 0.5) * interval '49 days' / (:rows / 100)
FROM generate_series(1, :rows / 100) AS n;

INSERT INTO session
SELECT n, (1 + (n - 1) / 100) * 7919::bigint % (:rows / 100) + 1,
	now() - interval '49 days' + (n - 0.5) * interval '49 days' / :rows,
	md5(n::text),
	'rtsp://10.0.' || n % 250 || '.' || n / 250 % 250 || ':8554/live/' || n
FROM (SELECT 1 + (place + :rows * :first) % :rows AS n
	FROM generate_series(1, :rows) AS place) AS placed;

CREATE INDEX ON event (ended_at);
CREATE INDEX ON session (event_id);
CREATE INDEX ON session (started_at);
ALTER TABLE session ADD FOREIGN KEY (event_id) REFERENCES event;

VACUUM (FREEZE, ANALYZE) event, session;
