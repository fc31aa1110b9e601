-- Pseudonyms: marked tokens by type.

CREATE FUNCTION retention.pseudonym(value anyelement, domain text)
	RETURNS anyelement
	LANGUAGE c STABLE PARALLEL RESTRICTED COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonym_sql';
COMMENT ON FUNCTION retention.pseudonym(anyelement, text) IS
	'The pseudonym of a value: the same for the same value, domain and key epoch. NULL stays NULL, a pseudonym stays as it is. For the officer: whoever may call it can look up the pseudonyms of values that can be guessed';
REVOKE ALL ON FUNCTION retention.pseudonym(anyelement, text) FROM PUBLIC;

CREATE FUNCTION retention.pseudonym(value text, domain text)
	RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonym_sql';
COMMENT ON FUNCTION retention.pseudonym(text, text) IS
	'As retention.pseudonym(anyelement, text), for literals, which have no type of their own';
REVOKE ALL ON FUNCTION retention.pseudonym(text, text) FROM PUBLIC;

CREATE FUNCTION retention.is_pseudonym(value anyelement)
	RETURNS boolean
	LANGUAGE c STRICT STABLE PARALLEL SAFE COST 50
	AS 'MODULE_PATHNAME', 'retention_token_is_pseudonym_sql';
COMMENT ON FUNCTION retention.is_pseudonym(anyelement) IS
	'Was the value made by pseudonymise or decorrelate, in any key epoch? NULL for NULL';

CREATE FUNCTION retention.is_pseudonym(value text)
	RETURNS boolean
	LANGUAGE c STRICT STABLE PARALLEL SAFE COST 50
	AS 'MODULE_PATHNAME', 'retention_token_is_pseudonym_sql';
COMMENT ON FUNCTION retention.is_pseudonym(text) IS
	'As retention.is_pseudonym(anyelement), for literals, which have no type of their own';

CREATE FUNCTION retention.pseudonymised(value anyelement, domain text)
	RETURNS anyelement
	LANGUAGE c STABLE PARALLEL UNSAFE COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonymised_sql';
COMMENT ON FUNCTION retention.pseudonymised(anyelement, text) IS
	'Internal: the action "pseudonymise" in the engine''s statements, which run as the owner of the table. Raises an error for everybody else';

CREATE FUNCTION retention.decorrelated(value anyelement)
	RETURNS anyelement
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE COST 100
	AS 'MODULE_PATHNAME', 'retention_token_decorrelated_sql';
COMMENT ON FUNCTION retention.decorrelated(anyelement) IS
	'Internal: the action "decorrelate" in the engine''s statements, which run as the owner of the table. Raises an error for everybody else';
