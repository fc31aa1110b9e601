-- How far tables are labelled and protected.

CREATE FUNCTION retention.coverage_rows(OUT relation regclass,
                                        OUT state text,
                                        OUT columns integer,
                                        OUT labelled integer,
                                        OUT uncovered name[],
                                        OUT looks_personal integer)
    RETURNS SETOF record
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', 'retention_coverage_rows_sql';
COMMENT ON FUNCTION retention.coverage_rows() IS 'the rows of retention.coverage';

CREATE VIEW retention.coverage AS SELECT * FROM retention.coverage_rows();
GRANT SELECT ON retention.coverage TO PUBLIC;
COMMENT ON VIEW retention.coverage IS
    'a line a table of the schemas in privacy_retention.governed_schemas: how far it is labelled and protected; readable by all, as labels are';
COMMENT ON COLUMN retention.coverage.relation IS 'the table; a partition counts with its root';
COMMENT ON COLUMN retention.coverage.state IS
    'the first that is true: unlabelled, partial (a column is covered by no label), no personal data (says its label), watched (not protected), protected';
COMMENT ON COLUMN retention.coverage.columns IS 'how many columns it has';
COMMENT ON COLUMN retention.coverage.labelled IS 'how many of them have a label of their own';
COMMENT ON COLUMN retention.coverage.uncovered IS 'those that no label covers: neither one of their own nor the table''s';
COMMENT ON COLUMN retention.coverage.looks_personal IS 'how many of the uncovered look personal, by name and type';
