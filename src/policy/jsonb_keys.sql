-- The actions "remove" and "keep".

CREATE FUNCTION retention.jsonb_remove(value jsonb, keys jsonb) RETURNS jsonb
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_jsonb_keys_remove_sql';
COMMENT ON FUNCTION retention.jsonb_remove(jsonb, jsonb) IS
	'Internal: the action "remove a.b, c" is jsonb_remove(value, ''{"a": {"b": true}, "c": true}''). Arrays are not entered';

CREATE FUNCTION retention.jsonb_keep(value jsonb, keys jsonb) RETURNS jsonb
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_jsonb_keys_keep_sql';
COMMENT ON FUNCTION retention.jsonb_keep(jsonb, jsonb) IS
	'Internal: the action "keep a.b, c" is jsonb_keep(value, ''{"a": {"b": true}, "c": true}''). An array or a scalar where an object is expected has none of the keys, so nothing of it is kept';
