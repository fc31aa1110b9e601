-- When a row, or a value in it, falls due.

CREATE FUNCTION retention.deadline("row" anyelement, column_name name DEFAULT NULL)
    RETURNS timestamptz
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', 'retention_deadline_find_sql';
COMMENT ON FUNCTION retention.deadline(anyelement, name) IS
    'when a row of a labelled table, or one of its values, falls due; NULL: its clock has not started, or no rule is for it';
