-- Does a column look as if it held personal data?

CREATE FUNCTION retention.looks_personal(relation name, column_name name, type regtype) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_personal_judge_sql';
COMMENT ON FUNCTION retention.looks_personal(name, name, regtype) IS
	'what a column of such a name and type looks like, in six languages: "a telephone number"; NULL if like nothing of a person. A guess; no value is read';
