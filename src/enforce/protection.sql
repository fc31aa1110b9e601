-- From watched to enforced, and back.

CREATE FUNCTION retention.protect(relation regclass, at_most bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_protection_protect_sql';
COMMENT ON FUNCTION retention.protect(regclass, bigint) IS
    'enforces the rules of a labelled table from now on; at_most confirms how many rows may go at once';

CREATE FUNCTION retention.unprotect(relation regclass)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_protection_unprotect_sql';
COMMENT ON FUNCTION retention.unprotect(regclass) IS
    'ends the enforcement of a table, which is watched only from then on; officer';

CREATE FUNCTION retention.adopt(relation regclass)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_protection_adopt_sql';
COMMENT ON FUNCTION retention.adopt(regclass) IS
    'enforces a protected table that was copied here by a restore or from a template';

CREATE FUNCTION retention.uninstall()
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_protection_uninstall_sql';
REVOKE ALL ON FUNCTION retention.uninstall() FROM PUBLIC;
COMMENT ON FUNCTION retention.uninstall() IS
    'removes all guards and labels of this database, so that DROP EXTENSION can follow; superuser';
