-- One table for each way to look at rows as they are written: none, the guard of
-- two rules, and what people write in PL/pgSQL for the same promise.
CREATE EXTENSION privacy_retention;

SELECT retention.set_category(name => 'session identifiers', period => interval '42 days', starting_point => 'the session'),
	retention.set_category(name => 'addresses', period => interval '7 days', starting_point => 'the session');

CREATE TABLE none (
	id			bigint PRIMARY KEY,
	event_id	integer NOT NULL,
	started_at	timestamptz NOT NULL,
	peer		text,
	url			text NOT NULL
);
CREATE INDEX ON none (event_id);
CREATE INDEX ON none (started_at);
CREATE TABLE guard (LIKE none INCLUDING ALL);
CREATE TABLE plpgsql (LIKE none INCLUDING ALL);

SECURITY LABEL FOR privacy_retention ON TABLE guard IS 'session identifiers, from started_at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN guard.peer IS 'addresses, from started_at, then set null';
SELECT retention.protect('guard');

CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.started_at <= now() - interval '7 days' THEN
		NEW.peer := NULL;
	END IF;
	IF TG_OP = 'UPDATE' AND OLD.started_at <= now() AND
		(NEW.started_at IS NULL OR NEW.started_at > now()) THEN
		RAISE EXCEPTION 'started_at has passed';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER look BEFORE INSERT OR UPDATE ON plpgsql FOR EACH ROW EXECUTE FUNCTION look();

CREATE TABLE source AS
SELECT n::bigint AS id, n % 1000 AS event_id, now() - n * interval '1 second' AS started_at, md5(n::text) AS peer,
	'rtsp://10.0.' || n % 250 || '.' || n / 250 % 250 || ':8554/live/' || n AS url
FROM generate_series(1, :rows) AS n;
VACUUM ANALYZE source;
