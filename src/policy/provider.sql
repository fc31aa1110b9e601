-- Labels: the provider is in the library; this makes every session load it.

CREATE FUNCTION retention.label(relation regclass, label text, columns name[] DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'retention_provider_label'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.label(regclass, text, name[]) IS
'sets the privacy_retention label of a table or of some of its columns; NULL removes it. Like SECURITY LABEL it is the owner''s to call';

CREATE FUNCTION retention.load_provider()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_provider_load'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.load_provider() IS
'loads the library before SECURITY LABEL, so that its provider is known in any session';
REVOKE ALL ON FUNCTION retention.load_provider() FROM PUBLIC;

CREATE EVENT TRIGGER privacy_retention_load ON ddl_command_start
WHEN TAG IN ('SECURITY LABEL')
EXECUTE FUNCTION retention.load_provider();
-- Also where session_replication_role is replica.
ALTER EVENT TRIGGER privacy_retention_load ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_load IS
'loads the library of privacy_retention, so that labels can be set in any session';
