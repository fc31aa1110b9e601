-- Keys of pseudonyms: epochs, which live in files outside the database.

CREATE FUNCTION retention.create_key() RETURNS integer
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_create_key_sql';
COMMENT ON FUNCTION retention.create_key() IS
	'Makes the key of a new epoch in privacy_retention.key_directory and returns its number; new pseudonyms are made with it from the next statement on, in all sessions. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.create_key() FROM PUBLIC;

CREATE FUNCTION retention.destroy_key(epoch integer) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_destroy_key_sql';
COMMENT ON FUNCTION retention.destroy_key(integer) IS
	'Overwrites and removes the key of an epoch, for good: nobody can compute its pseudonyms any more, which stay recognisable as such. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.destroy_key(integer) FROM PUBLIC;

CREATE FUNCTION retention.key_epochs(OUT epoch integer, OUT state text,
		OUT created_at timestamptz, OUT destroyed_at timestamptz)
	RETURNS SETOF record
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_list_sql';
COMMENT ON FUNCTION retention.key_epochs() IS
	'The rows of the view retention.key';
REVOKE ALL ON FUNCTION retention.key_epochs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.key_epochs() TO pg_monitor;

CREATE VIEW retention.key AS
	SELECT epoch, state, created_at, destroyed_at FROM retention.key_epochs();
COMMENT ON VIEW retention.key IS
	'Key epochs, without their keys: current, retired, destroyed, destroying (call destroy_key again), unusable (damaged, or open to other users)';
COMMENT ON COLUMN retention.key.epoch IS 'Number of the epoch; never given twice';
COMMENT ON COLUMN retention.key.state IS 'current, retired, destroyed, destroying or unusable';
COMMENT ON COLUMN retention.key.created_at IS 'When the key was made; NULL once it is destroyed';
COMMENT ON COLUMN retention.key.destroyed_at IS 'When the key was destroyed';
GRANT SELECT ON retention.key TO pg_monitor;
