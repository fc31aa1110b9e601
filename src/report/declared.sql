-- The columns that labels declare.

CREATE FUNCTION retention.declared_columns(OUT relation regclass,
                                           OUT column_name name,
                                           OUT column_number smallint,
                                           OUT personal boolean)
    RETURNS SETOF record
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', 'retention_declared_rows_sql';
REVOKE ALL ON FUNCTION retention.declared_columns() FROM PUBLIC;
COMMENT ON FUNCTION retention.declared_columns() IS
    'internal: the columns that labels cover, and whether they say personal data';

CREATE VIEW retention.declared_member AS
    WITH RECURSIVE declared AS MATERIALIZED (SELECT * FROM retention.declared_columns()),
    member (root, relation) AS (
        SELECT DISTINCT d.relation::oid, d.relation::oid FROM declared d
        UNION
        SELECT m.root, i.inhrelid FROM member m JOIN pg_catalog.pg_inherits i ON i.inhparent = m.relation
    )
    SELECT m.root, m.relation, d.column_name, a.attnum AS column_number, d.personal
      FROM member m
      JOIN declared d ON d.relation = m.root
      JOIN pg_catalog.pg_attribute a ON a.attrelid = m.relation AND a.attname = d.column_name AND NOT a.attisdropped;
REVOKE ALL ON retention.declared_member FROM PUBLIC;
COMMENT ON VIEW retention.declared_member IS 'internal: the same with partitions and inheritance children';
COMMENT ON COLUMN retention.declared_member.root IS 'the labelled table';
COMMENT ON COLUMN retention.declared_member.relation IS 'it, a partition or a child';
COMMENT ON COLUMN retention.declared_member.column_name IS 'the column';
COMMENT ON COLUMN retention.declared_member.column_number IS 'its number there';
COMMENT ON COLUMN retention.declared_member.personal IS 'whether labels say personal data';
