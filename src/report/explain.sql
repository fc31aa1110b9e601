-- What the rules make of one row.

CREATE FUNCTION retention.explain("row" anyelement,
                                  OUT column_name name,
                                  OUT stage integer,
                                  OUT category text,
                                  OUT action text,
                                  OUT start timestamptz,
                                  OUT due timestamptz,
                                  OUT state text,
                                  OUT reason text,
                                  OUT held_by bigint[],
                                  OUT blocked_why text)
    RETURNS SETOF record
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', 'retention_explain_row_sql';
COMMENT ON FUNCTION retention.explain(anyelement) IS
    'what each rule makes of a row of a labelled table: its clock, when it falls due, and what keeps it';
