-- Where bytes of deleted values are left, and what removes them.

CREATE FUNCTION retention.residue(relation regclass,
                                  exact boolean DEFAULT false,
                                  OUT relation regclass,
                                  OUT place text,
                                  OUT pages bigint,
                                  OUT bytes bigint,
                                  OUT items bigint,
                                  OUT share double precision,
                                  OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_residue_rows_sql';
COMMENT ON FUNCTION retention.residue(regclass, boolean) IS
    'where bytes of deleted values are left in the files of a table, and the statement that removes them, in the order in which they help; a sample of large relations unless exact is asked for; its owner''s, officers'' and pg_monitor''s';
