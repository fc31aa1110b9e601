-- Rules: labels and categories, compiled.

CREATE FUNCTION retention.rule_rows(OUT relation regclass,
                                    OUT column_name name,
                                    OUT category text,
                                    OUT period interval,
                                    OUT start text,
                                    OUT condition text,
                                    OUT action text,
                                    OUT valid boolean,
                                    OUT problem text,
                                    OUT hint text,
                                    OUT stage integer,
                                    OUT own_period text)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_rule_rows_sql';
COMMENT ON FUNCTION retention.rule_rows() IS 'the rows of retention.rule';

CREATE VIEW retention.rule AS SELECT * FROM retention.rule_rows();
GRANT SELECT ON retention.rule TO PUBLIC;
COMMENT ON VIEW retention.rule IS
    'rules: one line for each stage of each label, with the category that it names; labels are readable by all, as in pg_seclabels';
COMMENT ON COLUMN retention.rule.relation IS 'the labelled table';
COMMENT ON COLUMN retention.rule.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.rule.category IS 'the data category';
COMMENT ON COLUMN retention.rule.period IS 'the category''s period: the longest time after the starting point';
COMMENT ON COLUMN retention.rule.start IS 'the starting point, as the label says it';
COMMENT ON COLUMN retention.rule.condition IS 'rows that the stage is for; NULL for all';
COMMENT ON COLUMN retention.rule.action IS 'what becomes of the row or value; NULL: goes with the row';
COMMENT ON COLUMN retention.rule.valid IS 'whether the rule can hold';
COMMENT ON COLUMN retention.rule.problem IS 'why it cannot';
COMMENT ON COLUMN retention.rule.hint IS 'what to do about it';
COMMENT ON COLUMN retention.rule.stage IS 'which stage of the label it is, from 1';
COMMENT ON COLUMN retention.rule.own_period IS 'where a row has its own, shorter period, as the label says it; NULL: all have the category''s';
