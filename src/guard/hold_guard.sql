-- Whether the guards of suspensions must ask about a row.

CREATE FUNCTION retention.holding() RETURNS boolean
    LANGUAGE C PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retention_hold_guard_holding_sql';
COMMENT ON FUNCTION retention.holding() IS
    'the WHEN of the triggers zz_privacy_retention_hold: false only for rows that the engine has asked about in its own statement';
