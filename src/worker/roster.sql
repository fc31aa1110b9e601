-- What the worker knows of the databases of this server.

CREATE FUNCTION retention.worker_databases(
	OUT launcher_pid integer,
	OUT database_id oid,
	OUT state text,
	OUT pid integer,
	OUT last_start timestamptz,
	OUT last_end timestamptz,
	OUT last_success timestamptz,
	OUT last_error text,
	OUT last_error_at timestamptz,
	OUT failures integer,
	OUT next_wake timestamptz,
	OUT passes bigint,
	OUT rows bigint)
	RETURNS SETOF record
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'retention_roster_databases_sql';
COMMENT ON FUNCTION retention.worker_databases() IS 'The shared table behind the view retention.worker';
REVOKE ALL ON FUNCTION retention.worker_databases() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.worker_databases() TO pg_monitor;

CREATE VIEW retention.worker AS
	SELECT d.datname, w.state, w.launcher_pid, w.pid, w.last_start, w.last_end, w.last_success,
		w.last_error, w.last_error_at, w.failures, w.next_wake, w.passes, w.rows
	FROM retention.worker_databases() AS w
	JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) w.database_id;
COMMENT ON VIEW retention.worker IS 'A row a database that the worker looks after; one row where there is no worker, with the reason as its state';
COMMENT ON COLUMN retention.worker.datname IS 'The database';
COMMENT ON COLUMN retention.worker.state IS 'new, absent (no extension there), off (privacy_retention.enabled), closed (privacy_retention.time_window), idle, starting, running, failed; no slot, no launcher, standby, not preloaded';
COMMENT ON COLUMN retention.worker.launcher_pid IS 'Process of the launcher; NULL = there is none';
COMMENT ON COLUMN retention.worker.pid IS 'Process of the worker that is there now';
COMMENT ON COLUMN retention.worker.last_start IS 'Begin of the last visit';
COMMENT ON COLUMN retention.worker.last_end IS 'End of the last visit';
COMMENT ON COLUMN retention.worker.last_success IS 'End of the last visit without an error';
COMMENT ON COLUMN retention.worker.last_error IS 'Last error, without values of rows';
COMMENT ON COLUMN retention.worker.last_error_at IS 'When it was';
COMMENT ON COLUMN retention.worker.failures IS 'Failed visits since the last success';
COMMENT ON COLUMN retention.worker.next_wake IS 'Next visit';
COMMENT ON COLUMN retention.worker.passes IS 'Visits without an error, since the server started';
COMMENT ON COLUMN retention.worker.rows IS 'Rows changed or deleted by them';
REVOKE ALL ON TABLE retention.worker FROM PUBLIC;
GRANT SELECT ON TABLE retention.worker TO pg_monitor;

CREATE FUNCTION retention.wake() RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'retention_roster_wake_sql';
COMMENT ON FUNCTION retention.wake() IS 'Has the worker look at this database when the transaction commits; does nothing where there is no worker';
REVOKE ALL ON FUNCTION retention.wake() FROM PUBLIC;

CREATE FUNCTION retention.next_opening(at timestamptz DEFAULT now()) RETURNS timestamptz
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_roster_next_opening_sql';
COMMENT ON FUNCTION retention.next_opening(timestamptz) IS 'The first instant from then on at which privacy_retention.time_window lets the worker enforce: then, if it is open';

-- The worker may have been here before the extension was.
SELECT retention.wake();
