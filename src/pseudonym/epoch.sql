-- Keys of pseudonyms: epochs, which live outside the database.

CREATE FUNCTION retention.create_key() RETURNS integer
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_create_key_sql';
COMMENT ON FUNCTION retention.create_key() IS
	'Makes the key of a new epoch in privacy_retention.key_directory, or with key_command, and returns its number; new pseudonyms are made with it from the next statement on, in all sessions. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.create_key() FROM PUBLIC;

CREATE FUNCTION retention.create_key(destroy_on timestamptz) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_create_key_sql';
COMMENT ON FUNCTION retention.create_key(timestamptz) IS
	'As retention.create_key(), and the key is destroyed on that date, by the worker or CALL retention.enforce(). NULL: no date. For the officer';
REVOKE ALL ON FUNCTION retention.create_key(timestamptz) FROM PUBLIC;

CREATE FUNCTION retention.destroy_key(epoch integer) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_destroy_key_sql';
COMMENT ON FUNCTION retention.destroy_key(integer) IS
	'Overwrites and removes the key of an epoch, for good: nobody can compute its pseudonyms any more, which stay recognisable as such. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.destroy_key(integer) FROM PUBLIC;

CREATE FUNCTION retention.key_list(OUT epoch integer, OUT state text,
		OUT created_at timestamptz, OUT destroyed_at timestamptz, OUT destroy_on timestamptz)
	RETURNS SETOF record
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_list_sql';
COMMENT ON FUNCTION retention.key_list() IS
	'internal: the rows of the view retention.key';
REVOKE ALL ON FUNCTION retention.key_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.key_list() TO pg_monitor;

CREATE VIEW retention.key AS
	SELECT epoch, state, created_at, destroyed_at, destroy_on FROM retention.key_list();
COMMENT ON VIEW retention.key IS
	'Key epochs, without their keys: current, retired, destroyed, destroying (call destroy_key again), unusable (damaged, or open to other users)';
COMMENT ON COLUMN retention.key.epoch IS 'Number of the epoch; never given twice';
COMMENT ON COLUMN retention.key.state IS 'current, retired, destroyed, destroying or unusable';
COMMENT ON COLUMN retention.key.created_at IS 'When the key was made; NULL once it is destroyed';
COMMENT ON COLUMN retention.key.destroyed_at IS 'When the key was destroyed';
COMMENT ON COLUMN retention.key.destroy_on IS 'When the key will be destroyed; NULL: no date';
GRANT SELECT ON retention.key TO pg_monitor;

-- Not dumped: another server has other keys.
CREATE TABLE retention.key_recorded (
	event text COLLATE "C" NOT NULL,
	epoch integer NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (epoch, event, at)
);
COMMENT ON TABLE retention.key_recorded IS 'internal: which keys that were made and destroyed are in the ledger';
COMMENT ON COLUMN retention.key_recorded.event IS 'create_key or destroy_key';
COMMENT ON COLUMN retention.key_recorded.epoch IS 'the epoch of the key';
COMMENT ON COLUMN retention.key_recorded.at IS 'when it happened';
REVOKE ALL ON TABLE retention.key_recorded FROM PUBLIC;
