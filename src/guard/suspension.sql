-- Suspensions of deletion: which rows must stay, why, and who says so.

CREATE TABLE retention.hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    condition text NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    review_on date NOT NULL,
    approved_by text NOT NULL CHECK (approved_by <> ''),
    restricts boolean NOT NULL DEFAULT false,
    continues bigint,
    suspended_at timestamptz NOT NULL DEFAULT now(),
    suspended_by text NOT NULL DEFAULT current_user,
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text,
    CONSTRAINT hold_lifted CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL))
);
REVOKE ALL ON retention.hold FROM PUBLIC;
COMMENT ON TABLE retention.hold IS
    'suspensions of deletion, shown by retention.suspension; conditions can name a person: not for everybody';
COMMENT ON COLUMN retention.hold.restricts IS
    'the rows cannot be changed at all (restriction, Art. 18); for the extension''s own use';
COMMENT ON COLUMN retention.hold.continues IS
    'the suspension that the table was under as a part of another one';

-- A restored copy goes on holding.
SELECT pg_catalog.pg_extension_config_dump('retention.hold', '');
SELECT pg_catalog.pg_extension_config_dump('retention.hold_id_seq', '');

CREATE FUNCTION retention.hold_changed() RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_suspension_changed_sql';
REVOKE ALL ON FUNCTION retention.hold_changed() FROM PUBLIC;
COMMENT ON FUNCTION retention.hold_changed() IS 'makes every session read the suspensions anew';

CREATE TRIGGER hold_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retention.hold
FOR EACH STATEMENT EXECUTE FUNCTION retention.hold_changed();
ALTER TABLE retention.hold ENABLE ALWAYS TRIGGER hold_changed;
COMMENT ON TRIGGER hold_changed ON retention.hold IS 'makes every session read the suspensions anew';

CREATE FUNCTION retention.suspend(relation regclass,
                                  condition text,
                                  reason text,
                                  review_on date,
                                  approved_by text)
    RETURNS bigint
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_suspension_suspend_sql';
COMMENT ON FUNCTION retention.suspend(regclass, text, text, date, text) IS
    'suspends the deletion of all rows for which the condition is true, now or later: nobody can delete them or change their personal data; returns the suspension''s id; owner or officer';

CREATE FUNCTION retention.lift_suspension(id bigint, reason text)
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_lift_suspension_sql';
COMMENT ON FUNCTION retention.lift_suspension(bigint, text) IS
    'ends a suspension; what has fallen due meanwhile goes with the next pass; officer';

CREATE FUNCTION retention.suspension_rows(OUT id bigint,
                                          OUT relation text,
                                          OUT condition text,
                                          OUT reason text,
                                          OUT review_on date,
                                          OUT approved_by text,
                                          OUT suspended_at timestamptz,
                                          OUT suspended_by text,
                                          OUT lifted_at timestamptz,
                                          OUT lifted_by text,
                                          OUT lift_reason text,
                                          OUT in_force boolean,
                                          OUT review_due boolean,
                                          OUT restricts boolean,
                                          OUT continues bigint,
                                          OUT problem text)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_suspension_rows_sql';
COMMENT ON FUNCTION retention.suspension_rows() IS
    'the rows of retention.suspension that the caller may see: of tables that the caller owns, or all for officers and pg_monitor';

CREATE VIEW retention.suspension AS SELECT * FROM retention.suspension_rows();
GRANT SELECT ON retention.suspension TO PUBLIC;
COMMENT ON VIEW retention.suspension IS
    'suspensions of deletion, in force and lifted, of tables that the reader owns, or all for officers and pg_monitor';
COMMENT ON COLUMN retention.suspension.id IS 'number of the suspension';
COMMENT ON COLUMN retention.suspension.relation IS 'the table, schema-qualified; the suspension counts for its partitions and children, too';
COMMENT ON COLUMN retention.suspension.condition IS 'which rows; NULL for who is neither the table''s owner nor an officer, as it can name a person';
COMMENT ON COLUMN retention.suspension.reason IS 'why they must stay';
COMMENT ON COLUMN retention.suspension.review_on IS 'when to ask whether they still must; nothing ends by itself on that day';
COMMENT ON COLUMN retention.suspension.approved_by IS 'who decided it';
COMMENT ON COLUMN retention.suspension.suspended_at IS 'since when';
COMMENT ON COLUMN retention.suspension.suspended_by IS 'the role that called retention.suspend()';
COMMENT ON COLUMN retention.suspension.lifted_at IS 'when it ended; NULL while it is in force';
COMMENT ON COLUMN retention.suspension.lifted_by IS 'the role that ended it';
COMMENT ON COLUMN retention.suspension.lift_reason IS 'why it ended';
COMMENT ON COLUMN retention.suspension.in_force IS 'whether it holds rows';
COMMENT ON COLUMN retention.suspension.review_due IS 'whether it is in force on or after the day of its review';
COMMENT ON COLUMN retention.suspension.restricts IS 'whether the rows cannot be changed at all; of the extension''s own';
COMMENT ON COLUMN retention.suspension.continues IS 'the suspension that the table was under before it left another one as a partition or child';
COMMENT ON COLUMN retention.suspension.problem IS 'why the condition cannot be asked (then every row of the table is held), or why the suspension holds nothing; NULL if all is well';
