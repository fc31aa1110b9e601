-- What a pass would do, without doing it.

CREATE FUNCTION retention.preview(relation regclass DEFAULT NULL,
                                  as_of timestamptz DEFAULT now(),
                                  exact boolean DEFAULT false,
                                  OUT relation regclass,
                                  OUT column_name name,
                                  OUT category text,
                                  OUT action text,
                                  OUT due bigint,
                                  OUT cascades bigint,
                                  OUT held bigint,
                                  OUT blocked bigint,
                                  OUT exact boolean)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_preview_rows_sql';
COMMENT ON FUNCTION retention.preview(regclass, timestamptz, boolean) IS
    'what is due as of a time, a line a rule; counts end at 10,000 unless exact is asked for; of the tables that the caller owns, or all for officers and pg_monitor';
