-- A pass that a person, or a job, asks for.

CREATE PROCEDURE retention.enforce(relation regclass DEFAULT NULL,
                                   as_of timestamptz DEFAULT NULL)
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_pass_enforce_sql';
REVOKE ALL ON PROCEDURE retention.enforce(regclass, timestamptz) FROM PUBLIC;
COMMENT ON PROCEDURE retention.enforce(regclass, timestamptz) IS
    'removes what is due in one protected table (NULL: all) as of a time (NULL: now), a transaction a batch';
