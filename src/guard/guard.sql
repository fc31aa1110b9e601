-- The trigger function that marks a table as protected.

CREATE FUNCTION retention.guard() RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_guard_fire_sql';
COMMENT ON FUNCTION retention.guard() IS
    'guard of protected tables; made a trigger by retention.protect(), harmless elsewhere';
