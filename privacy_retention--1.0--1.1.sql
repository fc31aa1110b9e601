\echo Use "ALTER EXTENSION privacy_retention UPDATE" to load this file. \quit

-- From 1.0 to 1.1: afterwards the catalogs are those of a fresh installation, which
-- t/047_update.pl compares. What there was is replaced, not dropped, so that what users
-- made of it and granted on it stays.

-- policy/rule

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

CREATE OR REPLACE VIEW retention.rule AS SELECT * FROM retention.rule_rows();
COMMENT ON COLUMN retention.rule.own_period IS 'where a row has its own, shorter period, as the label says it; NULL: all have the category''s';

-- policy/ddl: other tags

DROP EVENT TRIGGER privacy_retention_ddl_before;
DROP EVENT TRIGGER privacy_retention_ddl_after;
CREATE EVENT TRIGGER privacy_retention_ddl_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
EXECUTE FUNCTION retention.ddl_before();
ALTER EVENT TRIGGER privacy_retention_ddl_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_before IS 'remembers what a command is about to rename';

CREATE EVENT TRIGGER privacy_retention_ddl_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA')
EXECUTE FUNCTION retention.ddl_after();
ALTER EVENT TRIGGER privacy_retention_ddl_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_after IS 'rewrites the labels that name what a command has renamed';

-- pseudonym/epoch: keys with a date

COMMENT ON FUNCTION retention.create_key() IS
	'Makes the key of a new epoch in privacy_retention.key_directory, or with key_command, and returns its number; new pseudonyms are made with it from the next statement on, in all sessions. Not undone by ROLLBACK. For the officer';

CREATE FUNCTION retention.create_key(destroy_on timestamptz) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_create_key_sql';
COMMENT ON FUNCTION retention.create_key(timestamptz) IS
	'As retention.create_key(), and the key is destroyed on that date, by the worker or CALL retention.enforce(). NULL: no date. For the officer';
REVOKE ALL ON FUNCTION retention.create_key(timestamptz) FROM PUBLIC;

CREATE FUNCTION retention.key_list(OUT epoch integer, OUT state text,
		OUT created_at timestamptz, OUT destroyed_at timestamptz, OUT destroy_on timestamptz)
	RETURNS SETOF record
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_list_sql';
COMMENT ON FUNCTION retention.key_list() IS
	'internal: the rows of the view retention.key';
REVOKE ALL ON FUNCTION retention.key_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.key_list() TO pg_monitor;

CREATE OR REPLACE VIEW retention.key AS
	SELECT epoch, state, created_at, destroyed_at, destroy_on FROM retention.key_list();
COMMENT ON COLUMN retention.key.destroy_on IS 'When the key will be destroyed; NULL: no date';
DROP FUNCTION retention.key_epochs();

-- Not dumped: another server has other keys.
CREATE TABLE retention.key_recorded (
	event text COLLATE "C" NOT NULL,
	epoch integer NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (epoch, event, at)
);
COMMENT ON TABLE retention.key_recorded IS 'internal: which keys that were made and destroyed are in the ledger';
COMMENT ON COLUMN retention.key_recorded.event IS 'create_key or destroy_key';
COMMENT ON COLUMN retention.key_recorded.epoch IS 'the epoch of the key';
COMMENT ON COLUMN retention.key_recorded.at IS 'when it happened';
REVOKE ALL ON TABLE retention.key_recorded FROM PUBLIC;

-- evidence/ledger
COMMENT ON COLUMN retention.ledger.event IS 'What happened: batch, protect, unprotect, adopt, pause, unpause, accept_clock, suspend, lift, clock, drop, uninstall, create_key, destroy_key, category, shorten, scrub, erasure; shortened: nothing but its hashes is left of the entry';

-- evidence/merkle

CREATE FUNCTION retention.merkle_root(leaves bytea[]) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_root_sql';
COMMENT ON FUNCTION retention.merkle_root(bytea[]) IS 'internal: the root of the Merkle tree of RFC 6962 over the leaves';
REVOKE ALL ON FUNCTION retention.merkle_root(bytea[]) FROM PUBLIC;

CREATE FUNCTION retention.merkle_inclusion(leaves bytea[], index bigint) RETURNS bytea[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_inclusion_sql';
COMMENT ON FUNCTION retention.merkle_inclusion(bytea[], bigint) IS 'internal: proves that the leaf at an index, from 0, is in the tree';
REVOKE ALL ON FUNCTION retention.merkle_inclusion(bytea[], bigint) FROM PUBLIC;

CREATE FUNCTION retention.merkle_consistency(leaves bytea[], old bigint) RETURNS bytea[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_consistency_sql';
COMMENT ON FUNCTION retention.merkle_consistency(bytea[], bigint) IS 'internal: proves that the tree begins with the tree of its first leaves';
REVOKE ALL ON FUNCTION retention.merkle_consistency(bytea[], bigint) FROM PUBLIC;

CREATE FUNCTION retention.merkle_included(leaf bytea, index bigint, size bigint, proof bytea[], root bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_included_sql';
COMMENT ON FUNCTION retention.merkle_included(bytea, bigint, bigint, bytea[], bytea) IS 'internal: does the proof show that the leaf is in the tree with this root?';
REVOKE ALL ON FUNCTION retention.merkle_included(bytea, bigint, bigint, bytea[], bytea) FROM PUBLIC;

CREATE FUNCTION retention.merkle_consistent(old bigint, size bigint, proof bytea[], old_root bytea, root bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_merkle_consistent_sql';
COMMENT ON FUNCTION retention.merkle_consistent(bigint, bigint, bytea[], bytea, bytea) IS 'internal: does the proof show that the tree with this root begins with the old one?';
REVOKE ALL ON FUNCTION retention.merkle_consistent(bigint, bigint, bytea[], bytea, bytea) FROM PUBLIC;

-- evidence/checkpoint

CREATE FUNCTION retention.checkpoint() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_checkpoint_sql';
COMMENT ON FUNCTION retention.checkpoint() IS 'The number of the ledger''s entries and the root of their Merkle tree, signed where there is a key: to be kept where nobody who administers this server can change it';
REVOKE ALL ON FUNCTION retention.checkpoint() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.checkpoint() TO pg_monitor;

CREATE FUNCTION retention.checkpoint_key() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_checkpoint_key_sql';
COMMENT ON FUNCTION retention.checkpoint_key() IS 'The public key by which checkpoints are signed, as verifiers want it; NULL: they are not signed';
REVOKE ALL ON FUNCTION retention.checkpoint_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.checkpoint_key() TO pg_monitor;

CREATE FUNCTION retention.verify_checkpoint(
	checkpoint text,
	OUT ok boolean,
	OUT entries bigint,
	OUT signature text,
	OUT problem text)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_verify_checkpoint_sql';
COMMENT ON FUNCTION retention.verify_checkpoint(text) IS 'Does the ledger begin with the entries of a checkpoint, and does its chain hold?';
REVOKE ALL ON FUNCTION retention.verify_checkpoint(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.verify_checkpoint(text) TO pg_monitor;

CREATE FUNCTION retention.ledger_inclusion(entry bigint) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_inclusion_sql';
COMMENT ON FUNCTION retention.ledger_inclusion(bigint) IS 'Proves that an entry is in the ledger, with a checkpoint, for who has nothing else of it';
REVOKE ALL ON FUNCTION retention.ledger_inclusion(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.ledger_inclusion(bigint) TO pg_monitor;

CREATE FUNCTION retention.ledger_consistency(older bigint, newer bigint) RETURNS bytea[]
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_consistency_sql';
COMMENT ON FUNCTION retention.ledger_consistency(bigint, bigint) IS 'Proves that the ledger of a newer checkpoint begins with that of an older one; both by their number of entries';
REVOKE ALL ON FUNCTION retention.ledger_consistency(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.ledger_consistency(bigint, bigint) TO pg_monitor;

-- evidence/shorten

CREATE INDEX ledger_shorten ON retention.ledger (seq) WHERE event = 'shorten' AND seq IS NOT NULL;
COMMENT ON INDEX retention.ledger_shorten IS 'The last shortening of the ledger';

-- enforce/late_write

CREATE TABLE retention.late_write (
    relid oid NOT NULL,
    clock timestamptz NOT NULL
);
REVOKE ALL ON retention.late_write FROM PUBLIC;
COMMENT ON TABLE retention.late_write IS
    'which tables have got rows that were due when they were written, and from which starting point on; the next pass looks there again and removes the entry. Not dumped: a restored copy begins anew';

-- enforce/suspension

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

-- enforce/hold_guard

CREATE FUNCTION retention.holding() RETURNS boolean
    LANGUAGE C PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retention_hold_guard_holding_sql';
COMMENT ON FUNCTION retention.holding() IS
    'the WHEN of the triggers zz_privacy_retention_hold: false only for rows that the engine has asked about in its own statement';

-- enforce/hold_ddl

CREATE FUNCTION retention.hold_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_hold_ddl_before_sql';
REVOKE ALL ON FUNCTION retention.hold_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.hold_before() IS
    'refuses a command that would drop or rewrite rows under suspension';

CREATE FUNCTION retention.hold_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_hold_ddl_after_sql';
REVOKE ALL ON FUNCTION retention.hold_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.hold_after() IS
    'lets suspensions follow renames; refuses a command that has dropped held tables or what a condition needs';

CREATE EVENT TRIGGER privacy_retention_hold_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
             'ALTER TYPE', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION', 'DROP TYPE',
             'DROP DOMAIN', 'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR',
             'DROP COLLATION', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.hold_before();
ALTER EVENT TRIGGER privacy_retention_hold_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_hold_before IS
    'refuses a command that would drop or rewrite rows under suspension';

CREATE EVENT TRIGGER privacy_retention_hold_after ON ddl_command_end
WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
             'ALTER TYPE', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION', 'DROP TYPE',
             'DROP DOMAIN', 'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR',
             'DROP COLLATION', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.hold_after();
ALTER EVENT TRIGGER privacy_retention_hold_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_hold_after IS
    'lets suspensions follow renames; refuses a command that has dropped held tables or what a condition needs';

-- enforce/pause

CREATE TABLE retention.paused_table (
    relation text PRIMARY KEY,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    paused_at timestamptz NOT NULL,
    paused_by name NOT NULL
);
REVOKE ALL ON retention.paused_table FROM PUBLIC;
COMMENT ON TABLE retention.paused_table IS
    'the last pause of each table that had one; shown by retention.pause. Not dumped: a restored copy waits anyway';

CREATE VIEW retention.pause AS
    SELECT relation, until, reason, paused_at, paused_by
      FROM retention.paused_table
     WHERE until OPERATOR(pg_catalog.>) pg_catalog.now();
REVOKE ALL ON retention.pause FROM PUBLIC;
GRANT SELECT ON retention.pause TO pg_monitor;
COMMENT ON VIEW retention.pause IS 'tables on which nothing is enforced now';
COMMENT ON COLUMN retention.pause.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.pause.until IS 'when it ends by itself';
COMMENT ON COLUMN retention.pause.reason IS 'as whoever paused it put it';
COMMENT ON COLUMN retention.pause.paused_at IS 'when it was paused';
COMMENT ON COLUMN retention.pause.paused_by IS 'by whom';

CREATE FUNCTION retention.pause(relation regclass, until timestamptz, reason text)
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_pause_pause_sql';
COMMENT ON FUNCTION retention.pause(regclass, timestamptz, text) IS
    'enforces nothing on a protected table until then; rows that fall due meanwhile count as overdue';

CREATE FUNCTION retention.unpause(relation regclass)
    RETURNS void
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_pause_unpause_sql';
COMMENT ON FUNCTION retention.unpause(regclass) IS 'ends the pause of a table now';

-- enforce/keep

CREATE FUNCTION retention.keep_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_keep_before_sql';
REVOKE ALL ON FUNCTION retention.keep_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.keep_before() IS
    'notes the rules, indexes and guards of the protected tables that a command may hurt';

CREATE FUNCTION retention.keep_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_keep_after_sql';
REVOKE ALL ON FUNCTION retention.keep_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.keep_after() IS
    'refuses a command that has broken a rule, an index or a guard of a protected table';

CREATE EVENT TRIGGER privacy_retention_keep_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'DROP TABLE', 'DROP INDEX', 'DROP TRIGGER', 'ALTER TRIGGER', 'CREATE TRIGGER',
             'DROP RULE', 'CREATE RULE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP DOMAIN', 'DROP EXTENSION',
             'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR', 'DROP COLLATION',
             'DROP SEQUENCE', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.keep_before();
ALTER EVENT TRIGGER privacy_retention_keep_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_keep_before IS
    'notes the rules, indexes and guards of the protected tables that a command may hurt';

CREATE EVENT TRIGGER privacy_retention_keep_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'DROP TABLE', 'DROP INDEX', 'DROP TRIGGER', 'ALTER TRIGGER', 'CREATE TRIGGER',
             'DROP RULE', 'CREATE RULE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP DOMAIN', 'DROP EXTENSION',
             'DROP FUNCTION', 'DROP ROUTINE', 'ALTER FUNCTION', 'ALTER ROUTINE', 'DROP OPERATOR', 'DROP COLLATION',
             'DROP SEQUENCE', 'DROP CAST', 'DROP LANGUAGE')
EXECUTE FUNCTION retention.keep_after();
ALTER EVENT TRIGGER privacy_retention_keep_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_keep_after IS
    'refuses a command that has broken a rule, an index or a guard of a protected table';

-- enforce/jump

CREATE TABLE retention.pass_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at timestamptz NOT NULL,
    running bigint NOT NULL,
    boot text NOT NULL,
    jumps integer NOT NULL DEFAULT 0,
    ahead bigint NOT NULL DEFAULT 0,
    back_since timestamptz
);
REVOKE ALL ON retention.pass_clock FROM PUBLIC;
COMMENT ON TABLE retention.pass_clock IS
    'the server''s clock as the last pass saw it, one row: where it jumped, rules wait. Not dumped';
COMMENT ON COLUMN retention.pass_clock.at IS 'the time by the clock';
COMMENT ON COLUMN retention.pass_clock.running IS 'microseconds since the machine started; -1 = not known';
COMMENT ON COLUMN retention.pass_clock.boot IS 'which start of the machine that was';
COMMENT ON COLUMN retention.pass_clock.jumps IS 'how often the clock was set forward; each rule is counted once after each';
COMMENT ON COLUMN retention.pass_clock.ahead IS 'by how many microseconds the last time: it may go back so far';
COMMENT ON COLUMN retention.pass_clock.back_since IS 'when a pass first saw the clock behind; NULL = it is not';

CREATE FUNCTION retention.accept_clock()
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_jump_accept_sql';
COMMENT ON FUNCTION retention.accept_clock() IS
    'goes on after the server''s clock jumped, for all tables of this database; officer';

-- enforce/confirmation

CREATE TABLE retention.confirmation (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    digest bytea,
    jumps integer NOT NULL,
    at_most bigint,
    admitted boolean NOT NULL DEFAULT false,
    confirmed_at timestamptz,
    waiting text CHECK (waiting IN ('widened', 'share', 'clock')),
    waiting_digest bytea,
    waiting_since timestamptz,
    rows bigint,
    counted_at timestamptz,
    counted_as_of timestamptz,
    PRIMARY KEY (relation, column_name, stage)
);
REVOKE ALL ON retention.confirmation FROM PUBLIC;
COMMENT ON TABLE retention.confirmation IS
    'under which policy each rule was confirmed, and what it waits for; shown by retention.status. Not dumped: a restored copy is counted anew';
COMMENT ON COLUMN retention.confirmation.digest IS 'of the policy that was confirmed; NULL = none was';
COMMENT ON COLUMN retention.confirmation.jumps IS 'how often the clock had jumped when it was';
COMMENT ON COLUMN retention.confirmation.at_most IS 'so many rows may go in the next pass; NULL = as many as in any';
COMMENT ON COLUMN retention.confirmation.admitted IS 'a pass with many rows has been let through and is not done yet';
COMMENT ON COLUMN retention.confirmation.waiting IS 'for a confirmation, because the rule was widened, the share is too large, or the clock jumped';
COMMENT ON COLUMN retention.confirmation.rows IS 'rows of the table that would go at once; NULL = they cannot be counted';

-- erase/round

CREATE TABLE retention.erasure_round (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    table_id oid NOT NULL,
    first_entry bigint NOT NULL,
    last_entry bigint NOT NULL,
    first_deleted_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    horizon xid8 NOT NULL,
    removable_at timestamptz,
    vacuumed_at timestamptz,
    reindexed_at timestamptz,
    analyzed_at timestamptz,
    scrubbed_at timestamptz,
    scrub_lsn pg_lsn,
    timeline integer,
    durable_at timestamptz,
    replicas_at timestamptz,
    wal_clear_at timestamptz,
    tried_at timestamptz,
    held_by text,
    remedy text,
    UNIQUE (relation, first_entry)
);
REVOKE ALL ON retention.erasure_round FROM PUBLIC;
GRANT SELECT ON retention.erasure_round TO pg_monitor;
COMMENT ON TABLE retention.erasure_round IS
    'internal: which deletions of a table are erased together, and how far they are. Not dumped: its places are those of this server''s files';
COMMENT ON COLUMN retention.erasure_round.id IS 'in the order in which they began';
COMMENT ON COLUMN retention.erasure_round.relation IS 'the protected table, as its entries in the ledger name it';
COMMENT ON COLUMN retention.erasure_round.table_id IS 'the table itself, which may have got another name since; 0 = it was gone already';
COMMENT ON COLUMN retention.erasure_round.first_entry IS 'first place in the ledger that it covers';
COMMENT ON COLUMN retention.erasure_round.last_entry IS 'last one; of the places between, those of batches on this table';
COMMENT ON COLUMN retention.erasure_round.first_deleted_at IS 'when the first of them was written';
COMMENT ON COLUMN retention.erasure_round.deleted_at IS 'when the last of them was';
COMMENT ON COLUMN retention.erasure_round.begun_at IS 'when the round was begun: all of them had committed';
COMMENT ON COLUMN retention.erasure_round.horizon IS 'transactions from this one on came after all of them: once nobody sees what was before it, VACUUM may remove it';
COMMENT ON COLUMN retention.erasure_round.removable_at IS 'when nobody could see the deleted versions any more';
COMMENT ON COLUMN retention.erasure_round.vacuumed_at IS 'when all tables had been vacuumed, their indexes too';
COMMENT ON COLUMN retention.erasure_round.reindexed_at IS 'when no index kept values that only REINDEX removes';
COMMENT ON COLUMN retention.erasure_round.analyzed_at IS 'when the statistics had been made anew';
COMMENT ON COLUMN retention.erasure_round.scrubbed_at IS 'when the freed space of all pages had been overwritten';
COMMENT ON COLUMN retention.erasure_round.scrub_lsn IS 'end of the WAL then';
COMMENT ON COLUMN retention.erasure_round.timeline IS 'timeline of the server on which the levels after that were judged';
COMMENT ON COLUMN retention.erasure_round.durable_at IS 'when a checkpoint had written the pages';
COMMENT ON COLUMN retention.erasure_round.replicas_at IS 'when the standbys had done the same';
COMMENT ON COLUMN retention.erasure_round.wal_clear_at IS 'when no WAL from before was left on this server';
COMMENT ON COLUMN retention.erasure_round.tried_at IS 'when the eraser last began to work on it';
COMMENT ON COLUMN retention.erasure_round.held_by IS 'what keeps it from the next level; NULL = nothing known';
COMMENT ON COLUMN retention.erasure_round.remedy IS 'what helps: a statement';

CREATE INDEX erasure_round_open ON retention.erasure_round (id) WHERE wal_clear_at IS NULL;
COMMENT ON INDEX retention.erasure_round_open IS 'Rounds that are not done';
CREATE INDEX erasure_round_timeline ON retention.erasure_round (timeline) WHERE timeline IS NOT NULL;
COMMENT ON INDEX retention.erasure_round_timeline IS 'Rounds that were judged on another server';

CREATE TABLE retention.erasure_server (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    started_at timestamptz NOT NULL
);
REVOKE ALL ON retention.erasure_server FROM PUBLIC;
COMMENT ON TABLE retention.erasure_server IS
    'internal: on which server what the rounds say of WAL was looked at, one row. Not dumped';
COMMENT ON COLUMN retention.erasure_server.started_at IS 'when that server was started: a copy of its files was started at another time';

CREATE INDEX ledger_batch ON retention.ledger (relation, seq) WHERE event = 'batch' AND seq IS NOT NULL;
COMMENT ON INDEX retention.ledger_batch IS 'The deletions of a table behind a place in the chain';

CREATE FUNCTION retention.erasure_holders(OUT round bigint, OUT held_by text, OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_holders_sql';
REVOKE ALL ON FUNCTION retention.erasure_holders() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_holders() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_holders() IS
    'internal: what keeps each open round from its next level now; on a standby, what the primary noted';

CREATE FUNCTION retention.erasure_promise(OUT erase_within interval, OUT backup_retention interval)
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_declared_sql';
REVOKE ALL ON FUNCTION retention.erasure_promise() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_promise() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_promise() IS
    'internal: privacy_retention.erase_within and backup_retention; NULL = not promised, not declared';

CREATE FUNCTION retention.erasure_doubts(OUT round bigint, OUT elsewhere boolean)
    RETURNS SETOF record
    LANGUAGE C STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_horizon_doubts_sql';
REVOKE ALL ON FUNCTION retention.erasure_doubts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.erasure_doubts() TO pg_monitor;
COMMENT ON FUNCTION retention.erasure_doubts() IS
    'internal: rounds that were noted on another server''s files, and are not so far here: not durable (elsewhere), or only not wal_clear';

CREATE VIEW retention.erasure_horizon AS
    WITH promise AS MATERIALIZED (
        SELECT * FROM retention.erasure_promise()
    ), holder AS MATERIALIZED (
        SELECT * FROM retention.erasure_holders()
    ), doubt AS MATERIALIZED (
        SELECT * FROM retention.erasure_doubts()
    ), reached AS (
        SELECT l.seq, l.relation, l.column_name, l.category, l.action, l.rows, l.recorded_at, l.detail,
               r.id, r.removable_at, r.vacuumed_at, r.reindexed_at, r.analyzed_at, r.scrubbed_at,
               CASE WHEN d.elsewhere IS NOT TRUE THEN r.durable_at END AS durable_at,
               CASE WHEN d.elsewhere IS NOT TRUE THEN r.replicas_at END AS replicas_at,
               CASE WHEN d.round IS NULL THEN r.wal_clear_at END AS wal_clear_at, d.round IS NOT NULL AS doubted,
               p.erase_within, p.backup_retention, CASE WHEN d.round IS NULL THEN r.wal_clear_at END + p.backup_retention AS backup_clear_at,
               pg_catalog.now() AS looked_at
          FROM retention.ledger l
         CROSS JOIN promise p
          LEFT JOIN LATERAL (SELECT * FROM retention.erasure_round c
                              WHERE c.relation = l.relation AND c.first_entry <= l.seq
                              ORDER BY c.first_entry DESC LIMIT 1) r ON r.last_entry >= l.seq
          LEFT JOIN doubt d ON d.round = r.id
         WHERE l.event = 'batch'
    )
    SELECT e.seq AS entry, e.relation, e.column_name, e.category, e.action, e.rows,
           e.recorded_at AS deleted, e.removable_at AS removable, e.vacuumed_at AS vacuumed, e.scrubbed_at AS scrubbed,
           e.durable_at AS durable, e.replicas_at AS replicas, e.wal_clear_at AS wal_clear,
           CASE WHEN e.backup_clear_at <= e.looked_at THEN e.backup_clear_at END AS backup_clear,
           e.backup_retention IS NOT NULL AS backup_declared,
           CASE WHEN e.backup_clear_at <= e.looked_at THEN 'backup_clear'
                WHEN e.wal_clear_at IS NOT NULL THEN 'wal_clear'
                WHEN e.replicas_at IS NOT NULL THEN 'replicas'
                WHEN e.durable_at IS NOT NULL THEN 'durable'
                WHEN e.scrubbed_at IS NOT NULL THEN 'scrubbed'
                WHEN e.vacuumed_at IS NOT NULL THEN 'vacuumed'
                WHEN e.removable_at IS NOT NULL THEN 'removable'
                ELSE 'deleted' END AS level,
           coalesce(e.detail IN ('a partition was dropped', 'a partition was truncated'), false) AS unlinked,
           CASE WHEN e.scrubbed_at IS NOT NULL
                THEN pg_catalog.array_remove(ARRAY[CASE WHEN e.reindexed_at IS NULL THEN 'indexes' END,
                                                   CASE WHEN e.analyzed_at IS NULL THEN 'statistics' END], NULL) END AS unproved,
           CASE WHEN e.seq IS NULL THEN 'the seal of the ledger, which has not come yet'
                WHEN e.id IS NULL THEN 'no round of erasure has begun' ||
                     CASE WHEN e.erase_within IS NULL THEN '' ELSE pg_catalog.format('; it is promised by %s', e.recorded_at + e.erase_within) END
                WHEN e.doubted THEN 'a look at this server''s files: what was noted is of those that they were copied from'
                WHEN e.wal_clear_at IS NULL THEN h.held_by
                WHEN e.backup_clear_at > e.looked_at THEN pg_catalog.format('backups, as declared: until %s', e.backup_clear_at)
                WHEN e.backup_clear_at IS NULL THEN 'nobody has declared how long backups are kept' END AS held_by,
           CASE WHEN e.seq IS NULL THEN 'SELECT * FROM retention.verify_ledger()'
                WHEN e.id IS NULL THEN pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L)', e.relation, e.relation)
                WHEN e.doubted THEN 'CALL retention.enforce()'
                WHEN e.wal_clear_at IS NULL THEN h.remedy
                WHEN e.backup_clear_at IS NULL THEN 'ALTER SYSTEM SET privacy_retention.backup_retention = ...; SELECT pg_reload_conf()' END AS remedy
      FROM reached e LEFT JOIN holder h ON h.round = e.id;
REVOKE ALL ON retention.erasure_horizon FROM PUBLIC;
GRANT SELECT ON retention.erasure_horizon TO pg_monitor;
COMMENT ON VIEW retention.erasure_horizon IS
    'a line a deletion in the ledger: when its bytes had gone from each place where they lie, and what holds the next; times are NULL until then';
COMMENT ON COLUMN retention.erasure_horizon.entry IS 'its place in the ledger (seq); NULL: not sealed yet';
COMMENT ON COLUMN retention.erasure_horizon.relation IS 'the table, as the ledger names it';
COMMENT ON COLUMN retention.erasure_horizon.column_name IS 'the column; NULL: whole rows';
COMMENT ON COLUMN retention.erasure_horizon.category IS 'the data category';
COMMENT ON COLUMN retention.erasure_horizon.action IS 'what became of the rows or values';
COMMENT ON COLUMN retention.erasure_horizon.rows IS 'of how many';
COMMENT ON COLUMN retention.erasure_horizon.deleted IS 'when no new statement saw them any more';
COMMENT ON COLUMN retention.erasure_horizon.removable IS 'when no old one did either, here or on a standby that sends feedback';
COMMENT ON COLUMN retention.erasure_horizon.vacuumed IS 'when the table''s and its indexes'' entries had been removed';
COMMENT ON COLUMN retention.erasure_horizon.scrubbed IS 'when the freed space of their pages, in memory, had been overwritten';
COMMENT ON COLUMN retention.erasure_horizon.durable IS 'when a checkpoint had written those pages to the files';
COMMENT ON COLUMN retention.erasure_horizon.replicas IS 'when all standbys that this server knows of had replayed that; their files follow at their next restartpoint';
COMMENT ON COLUMN retention.erasure_horizon.wal_clear IS 'when this server''s pg_wal, recycled files included, held nothing from before the scrub';
COMMENT ON COLUMN retention.erasure_horizon.backup_clear IS 'wal_clear and privacy_retention.backup_retention: as declared, not as looked at';
COMMENT ON COLUMN retention.erasure_horizon.backup_declared IS 'whether privacy_retention.backup_retention is declared';
COMMENT ON COLUMN retention.erasure_horizon.level IS 'the last of deleted, removable, vacuumed, scrubbed, durable, replicas, wal_clear, backup_clear that is reached';
COMMENT ON COLUMN retention.erasure_horizon.unlinked IS
    'whether a whole partition was dropped or truncated: its files are unlinked, their bytes in the file system''s free space, out of reach; the levels are those of what is left of the table, and of the WAL';
COMMENT ON COLUMN retention.erasure_horizon.unproved IS
    'where nobody had asked, when it was scrubbed, whether values are left that no scrub removes: indexes (separators, entries, summaries), statistics; retention.residue() says. The worker asks, a scrub by hand does not';
COMMENT ON COLUMN retention.erasure_horizon.held_by IS 'what holds the next level';
COMMENT ON COLUMN retention.erasure_horizon.remedy IS 'a statement that helps, or what to do';

CREATE FUNCTION retention.residue(relation regclass,
                                  exact boolean DEFAULT false,
                                  OUT relation regclass,
                                  OUT place text,
                                  OUT pages bigint,
                                  OUT bytes bigint,
                                  OUT items bigint,
                                  OUT share double precision,
                                  OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C STRICT
    AS 'MODULE_PATHNAME', 'retention_residue_rows_sql';
COMMENT ON FUNCTION retention.residue(regclass, boolean) IS
    'where bytes of deleted values are left in the files of a table, and the statement that removes them, in the order in which they help; a sample of large relations unless exact is asked for; its owner''s, officers'' and pg_monitor''s';

-- enforce/attach

CREATE FUNCTION retention.attach_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_attach_before_sql';
REVOKE ALL ON FUNCTION retention.attach_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.attach_before() IS
    'refuses a labelled table under a root that does not keep its promise; makes room for the root''s labels and guards';

CREATE FUNCTION retention.attach_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_attach_after_sql';
REVOKE ALL ON FUNCTION retention.attach_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.attach_after() IS
    'puts the guards of a protected root on a new partition or child';

CREATE EVENT TRIGGER privacy_retention_attach_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION retention.attach_before();
ALTER EVENT TRIGGER privacy_retention_attach_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_attach_before IS
    'refuses a labelled table under a root that does not keep its promise; makes room for the root''s labels and guards';

CREATE EVENT TRIGGER privacy_retention_attach_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')
EXECUTE FUNCTION retention.attach_after();
ALTER EVENT TRIGGER privacy_retention_attach_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_attach_after IS
    'puts the guards of a protected root on a new partition or child';

-- enforce/unlabelled

CREATE FUNCTION retention.unlabelled_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_unlabelled_before_sql';
REVOKE ALL ON FUNCTION retention.unlabelled_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.unlabelled_before() IS
    'notes which protected columns a command is about to copy, and which columns are there already';

CREATE FUNCTION retention.unlabelled_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_unlabelled_after_sql';
REVOKE ALL ON FUNCTION retention.unlabelled_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.unlabelled_after() IS
    'has new columns and copies judged when the transaction commits, by privacy_retention.unlabelled';

CREATE EVENT TRIGGER privacy_retention_unlabelled_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW')
EXECUTE FUNCTION retention.unlabelled_before();
ALTER EVENT TRIGGER privacy_retention_unlabelled_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_unlabelled_before IS
    'notes which protected columns a command is about to copy, and which columns are there already';

CREATE EVENT TRIGGER privacy_retention_unlabelled_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW')
EXECUTE FUNCTION retention.unlabelled_after();
ALTER EVENT TRIGGER privacy_retention_unlabelled_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_unlabelled_after IS
    'has new columns and copies judged when the transaction commits, by privacy_retention.unlabelled';

-- enforce/names

CREATE FUNCTION retention.names_before()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_names_before_sql';
REVOKE ALL ON FUNCTION retention.names_before() FROM PUBLIC;
COMMENT ON FUNCTION retention.names_before() IS 'notes the name of a table that a command moves';

CREATE FUNCTION retention.names_after()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_names_after_sql';
REVOKE ALL ON FUNCTION retention.names_after() FROM PUBLIC;
COMMENT ON FUNCTION retention.names_after() IS
    'lets progress, blocked rows, pauses and the like follow the names of tables and columns';

CREATE EVENT TRIGGER privacy_retention_names_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
EXECUTE FUNCTION retention.names_before();
ALTER EVENT TRIGGER privacy_retention_names_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_names_before IS 'notes the name of a table that a command moves';

CREATE EVENT TRIGGER privacy_retention_names_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA')
EXECUTE FUNCTION retention.names_after();
ALTER EVENT TRIGGER privacy_retention_names_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_names_after IS
    'lets progress, blocked rows, pauses and the like follow the names of tables and columns';

-- enforce/dropped

CREATE FUNCTION retention.dropped()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_dropped_note_sql';
REVOKE ALL ON FUNCTION retention.dropped() FROM PUBLIC;
COMMENT ON FUNCTION retention.dropped() IS
    'enters protected tables that were dropped into the ledger, and drops what is remembered of dropped tables';

CREATE EVENT TRIGGER privacy_retention_dropped ON sql_drop
WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP TYPE', 'DROP EXTENSION')
EXECUTE FUNCTION retention.dropped();
ALTER EVENT TRIGGER privacy_retention_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_dropped IS
    'enters protected tables that were dropped into the ledger, and drops what is remembered of dropped tables';

-- enforce/status
COMMENT ON COLUMN retention.status.state IS
    'ok, watched (not protected), late (later than promised), blocked (rows cannot go), paused, invalid, waiting (for adopt() or for a number of rows to be confirmed)';
COMMENT ON COLUMN retention.status.held IS 'rows that would be due, but for a suspension of deletion';

-- enforce/alarm

CREATE TABLE retention.told_state (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (relation, column_name, stage)
) WITH (fillfactor = 50);
REVOKE ALL ON retention.told_state FROM PUBLIC;
GRANT SELECT ON retention.told_state TO pg_monitor;
COMMENT ON TABLE retention.told_state IS
    'the state of each rule, and of each erasure that is late, that was last told on the channel privacy_retention. Not dumped: a restored copy begins anew';
COMMENT ON COLUMN retention.told_state.relation IS 'the labelled table, schema-qualified; of an erasure, as the ledger names it';
COMMENT ON COLUMN retention.told_state.column_name IS 'the column, or an empty text for the row';
COMMENT ON COLUMN retention.told_state.stage IS 'which stage of the label it is, from 1; 0: the table cannot be read; -1: the erasure of what was deleted';
COMMENT ON COLUMN retention.told_state.state IS 'as in retention.status; of an erasure: late';
COMMENT ON COLUMN retention.told_state.since IS 'when it was first seen in that state';

-- enforce/explain

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

-- report/personal

CREATE FUNCTION retention.looks_personal(relation name, column_name name, type regtype) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_personal_judge_sql';
COMMENT ON FUNCTION retention.looks_personal(name, name, regtype) IS
	'what a column of such a name and type looks like, in six languages: "a telephone number"; NULL if like nothing of a person. A guess; no value is read';

-- report/coverage

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

-- report/declared

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

-- report/finding_installation

CREATE VIEW retention.finding_installation AS
    WITH own AS MATERIALIZED (
        SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'privacy_retention'
         WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
    ), event_function AS (
        SELECT p.oid, p.proname FROM pg_catalog.pg_proc p
          JOIN own ON own.objid = p.oid AND own.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
         WHERE p.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
    )
    SELECT 'error' AS severity,
           pg_catalog.format('event trigger %I', t.evtname) AS object,
           CASE t.evtenabled WHEN 'D' THEN 'it is disabled: commands that break protection are not noticed'
                ELSE 'it does not fire in each session: session_replication_role passes it by' END AS finding,
           pg_catalog.format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', t.evtname) AS hint
      FROM pg_catalog.pg_event_trigger t JOIN event_function f ON f.oid = t.evtfoid
     WHERE t.evtenabled <> 'A'
    UNION ALL
    SELECT 'error', pg_catalog.format('function retention.%I', f.proname),
           'its event trigger is missing: commands that break protection are not noticed',
           'DROP EXTENSION privacy_retention after retention.uninstall(), and create it anew; or create the event trigger as in the install script.'
      FROM event_function f
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger t WHERE t.evtfoid = f.oid)
    UNION ALL
    -- From 17 on.
    SELECT 'error', 'setting event_triggers', 'it is off: commands that break protection are not noticed',
           'ALTER SYSTEM RESET event_triggers; SELECT pg_reload_conf(); or take it from the database or the role that has it'
     WHERE pg_catalog.current_setting('event_triggers', true)::boolean IS FALSE
    UNION ALL
    SELECT 'error', pg_catalog.format('trigger %I on %s', t.tgname, t.tgrelid::pg_catalog.regclass),
           'it is disabled: evidence can be changed, or categories change unnoticed',
           pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::pg_catalog.regclass, t.tgname)
      FROM pg_catalog.pg_trigger t
      JOIN own ON own.objid = t.tgrelid AND own.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
     WHERE NOT t.tgisinternal AND t.tgenabled <> 'A'
    UNION ALL
    SELECT 'error', w.relation, 'the trigger that keeps it append-only is missing',
           pg_catalog.format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION retention.ledger_guard(); ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', w.relation, w.relation)
      FROM (VALUES ('retention.ledger'), ('retention.ledger_head')) AS w (relation)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                        WHERE t.tgrelid = w.relation::pg_catalog.regclass
                          AND t.tgfoid = 'retention.ledger_guard()'::pg_catalog.regprocedure)
    UNION ALL
    SELECT 'warning', 'extension privacy_retention',
           pg_catalog.format('its objects are of version %s, its library of version %s', a.installed_version, a.default_version),
           'ALTER EXTENSION privacy_retention UPDATE'
      FROM pg_catalog.pg_available_extensions a
     WHERE a.name = 'privacy_retention' AND a.installed_version <> a.default_version
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.enabled', 'it is off: nothing is enforced in this database, and due rows age',
           pg_catalog.format('ALTER DATABASE %I SET privacy_retention.enabled = on', pg_catalog.current_database())
     WHERE NOT pg_catalog.current_setting('privacy_retention.enabled')::boolean
    UNION ALL
    SELECT 'info', 'setting privacy_retention.' || g.name, g.finding, 'ALTER SYSTEM RESET privacy_retention.' || g.name
      FROM (VALUES ('late_rows', 'accept', 'it is accept: values past their date are stored in clear until the next pass'),
                   ('unlabelled', 'ignore', 'it is ignore: columns and copies without a label are not spoken of'),
                   ('largest_share', '100', 'it is 100: no pass stops before it empties a table')) AS g (name, value, finding)
     WHERE pg_catalog.current_setting('privacy_retention.' || g.name, true) = g.value
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.officer_role',
           'it names no role that exists: only superusers are officers',
           'CREATE ROLE ..., or ALTER SYSTEM SET privacy_retention.officer_role = ...'
     WHERE pg_catalog.current_setting('privacy_retention.officer_role') <> ''
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
                        WHERE r.rolname = pg_catalog.current_setting('privacy_retention.officer_role'))
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.governed_schemas',
           pg_catalog.format('there is no schema %I', s.name),
           'ALTER SYSTEM SET privacy_retention.governed_schemas = ...'
      FROM pg_catalog.unnest(pg_catalog.parse_ident(pg_catalog.replace(
             nullif(pg_catalog.current_setting('privacy_retention.governed_schemas'), ''), ',', '.'), false)) AS s (name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = pg_catalog.btrim(s.name))
    UNION ALL
    SELECT 'error', 'schema retention',
           pg_catalog.format('%s may create objects in it', CASE a.grantee WHEN 0 THEN 'everybody' ELSE 'role ' || a.grantee::pg_catalog.regrole END),
           pg_catalog.format('REVOKE CREATE ON SCHEMA retention FROM %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END)
      FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) AS a
     WHERE n.nspname = 'retention' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
    UNION ALL
    SELECT 'warning', pg_catalog.format('%s %s', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::pg_catalog.regprocedure),
           'everybody may call what changes data, keys or categories',
           pg_catalog.format('REVOKE EXECUTE ON %s %s FROM PUBLIC', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
      JOIN own ON own.objid = p.oid AND own.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = p.oid AND i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objsubid = 0
     WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS a WHERE a.grantee = 0)
       AND i.initprivs IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(i.initprivs) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'warning', 'retention.ledger',
           pg_catalog.format('%s entries have not been sealed for more than an hour', u.entries),
           'SELECT * FROM retention.verify_ledger()'
      FROM (SELECT pg_catalog.count(*) AS entries FROM retention.ledger
             WHERE seq IS NULL AND recorded_at < pg_catalog.now() - interval '1 hour') AS u
     WHERE u.entries > 0 AND NOT pg_catalog.pg_is_in_recovery()
    UNION ALL
    SELECT CASE k.state WHEN 'unusable' THEN 'error' ELSE 'warning' END, pg_catalog.format('key epoch %s', k.epoch),
           CASE k.state WHEN 'unusable' THEN 'its file is damaged, or open to other users: it makes no tokens, and if it has a date of destruction, that is not known and not kept'
                ELSE 'its destruction has not been completed' END,
           CASE k.state WHEN 'unusable' THEN pg_catalog.format('chmod 0600 epoch-%s.key in privacy_retention.key_directory, or restore it from the backup of the keys; or, if it must go, SELECT retention.destroy_key(%s)', k.epoch, k.epoch)
                ELSE pg_catalog.format('SELECT retention.destroy_key(%s)', k.epoch) END
      FROM retention.key k WHERE k.state IN ('unusable', 'destroying')
    UNION ALL
    -- By so much the clock may be ahead, as the last pass saw it: for so long the key is kept.
    SELECT 'warning', pg_catalog.format('key epoch %s', k.epoch),
           CASE WHEN j.held THEN 'the date of its destruction has passed by a clock that jumped ahead, and waits until somebody has accepted the clock'
                ELSE 'the date of its destruction has passed' END,
           CASE WHEN j.held THEN 'SELECT retention.accept_clock(), if the server''s clock is right'
                ELSE pg_catalog.format('SELECT retention.destroy_key(%s); the server''s log says why it was not destroyed', k.epoch) END
      FROM retention.key k
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM retention.pass_clock c
                                         WHERE k.destroy_on > pg_catalog.now() - c.ahead / 1000000.0 * interval '1 second')) AS j (held)
     WHERE k.state IN ('current', 'retired') AND k.destroy_on < pg_catalog.now() - interval '1 hour'
    UNION ALL
    SELECT 'warning', pg_catalog.format('role settings of %s', coalesce(s.setrole::pg_catalog.regrole::text, 'all')),
           pg_catalog.format('%s is set for whole sessions: foreign keys are not checked in them, and rows lose their clocks', pg_catalog.split_part(c.item, '=', 1)),
           CASE WHEN s.setrole = 0 THEN pg_catalog.format('ALTER DATABASE %I RESET session_replication_role', pg_catalog.current_database())
                ELSE pg_catalog.format('ALTER ROLE %s RESET session_replication_role', s.setrole::pg_catalog.regrole) END
      FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c (item)
     WHERE c.item = 'session_replication_role=replica'
       AND (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()));
REVOKE ALL ON retention.finding_installation FROM PUBLIC;
COMMENT ON VIEW retention.finding_installation IS 'internal: findings of retention.check() about the installation';
COMMENT ON COLUMN retention.finding_installation.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_installation.object IS 'what is at fault';
COMMENT ON COLUMN retention.finding_installation.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_installation.hint IS 'what helps';

-- report/finding_guard

CREATE VIEW retention.finding_guard AS
    WITH guard AS MATERIALIZED (
        SELECT t.* FROM pg_catalog.pg_trigger t WHERE t.tgfoid = 'retention.guard()'::pg_catalog.regprocedure
    ), guarded AS MATERIALIZED (
        SELECT DISTINCT tgrelid FROM guard WHERE tgname = 'zz_privacy_retention'
    )
    SELECT 'error' AS severity, g.tgrelid::pg_catalog.regclass::text AS object,
           pg_catalog.format('its guard %I is disabled, or fires not in each session', g.tgname) AS finding,
           pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', g.tgrelid::pg_catalog.regclass, g.tgname) AS hint
      FROM guard g WHERE g.tgenabled <> 'A'
    UNION ALL
    SELECT 'error', g.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its guard was renamed to %I, so that it protects no more', g.tgname),
           -- tgtype: 4 = INSERT, 8 = DELETE, 32 = TRUNCATE
           pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO zz_privacy_retention%s', g.tgname, g.tgrelid::pg_catalog.regclass,
               CASE WHEN g.tgtype::integer & 32 <> 0 THEN '_truncate' WHEN g.tgtype::integer & 8 <> 0 THEN '_delete'
                    WHEN g.tgtype::integer & 4 <> 0 THEN '' ELSE '_clock' END)
      FROM guard g WHERE g.tgname !~ '^zz_privacy_retention(_[a-z]+)?$' AND g.tgparentid = 0
    UNION ALL
    SELECT 'warning', t.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its trigger %I has the name of a guard, but calls %s', t.tgname, t.tgfoid::pg_catalog.regprocedure),
           pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::pg_catalog.regclass)
      FROM pg_catalog.pg_trigger t
     WHERE t.tgname ~ '^zz_privacy_retention' AND t.tgfoid <> 'retention.guard()'::pg_catalog.regprocedure AND t.tgparentid = 0
    UNION ALL
    -- tgtype: 1 = row, 2 = BEFORE, 4 = INSERT, 16 = UPDATE; names sort as the server sorts triggers
    SELECT 'warning', t.tgrelid::pg_catalog.regclass::text,
           pg_catalog.format('its trigger %I fires after the guard and can change what the guard has seen', t.tgname),
           pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO ...; a name that sorts before zz_privacy_retention', t.tgname, t.tgrelid::pg_catalog.regclass)
      FROM pg_catalog.pg_trigger t JOIN guarded USING (tgrelid)
     WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D' AND t.tgtype::integer & 3 = 3 AND t.tgtype::integer & 20 <> 0
       AND t.tgname > 'zz_privacy_retention' AND t.tgfoid <> 'retention.guard()'::pg_catalog.regprocedure
    UNION ALL
    SELECT 'info', c.oid::pg_catalog.regclass::text, 'row security is forced on its owner; passes see and change all rows all the same',
           'Nothing, if that is meant; policies do not limit what retention removes.'
      FROM pg_catalog.pg_class c JOIN guarded ON tgrelid = c.oid
     WHERE c.relforcerowsecurity
    UNION ALL
    SELECT 'info', c.oid::pg_catalog.regclass::text, 'the table is unlogged: it is empty after a crash and on standbys, whatever was promised',
           pg_catalog.format('ALTER TABLE %s SET LOGGED', c.oid::pg_catalog.regclass)
      FROM pg_catalog.pg_class c JOIN guarded ON tgrelid = c.oid
     WHERE c.relpersistence = 'u';
REVOKE ALL ON retention.finding_guard FROM PUBLIC;
COMMENT ON VIEW retention.finding_guard IS 'internal: findings of retention.check() about guards';
COMMENT ON COLUMN retention.finding_guard.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_guard.object IS 'the table';
COMMENT ON COLUMN retention.finding_guard.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_guard.hint IS 'what helps';

-- report/finding_rule

CREATE VIEW retention.finding_rule AS
    WITH status AS MATERIALIZED (
        SELECT s.*, s.relation::text || coalesce('.' || pg_catalog.quote_ident(s.column_name), '') AS object FROM retention.status s
    )
    -- rules of a table that have the same to say are one finding, about the table
    SELECT CASE WHEN s.state IN ('invalid', 'blocked', 'late') THEN 'error'
                WHEN s.state = 'waiting' AND s.reason !~ 'subscription' THEN 'error'
                WHEN s.state IN ('waiting', 'paused') THEN 'warning'
                ELSE 'info' END AS severity,
           CASE WHEN pg_catalog.count(*) = 1 THEN pg_catalog.min(s.object) ELSE s.relation::text END AS object,
           s.state || coalesce(': ' || s.reason, '') AS finding,
           coalesce(s.remedy, 'retention.status has more.') AS hint
      FROM status s
     WHERE s.state <> 'ok'
     GROUP BY s.relation, s.state, s.reason, s.remedy
    UNION ALL
    SELECT 'warning', s.object,
           pg_catalog.format('%s rows lead to no clock any more and are never due', s.orphaned),
           'Give the label an alternative, as in "from event_id -> ended_at or created_at", and remove or mend the rows.'
      FROM status s WHERE s.orphaned > 0
    UNION ALL
    SELECT 'warning', s.object,
           pg_catalog.format('%s rows have a clock before privacy_retention.earliest (%s) and are never due', s.implausible,
                             pg_catalog.current_setting('privacy_retention.earliest')),
           'Set the clock of these rows right; a default such as epoch 0 should be NULL.'
      FROM status s WHERE s.implausible > 0;
REVOKE ALL ON retention.finding_rule FROM PUBLIC;
COMMENT ON VIEW retention.finding_rule IS 'internal: findings of retention.check() about rules';
COMMENT ON COLUMN retention.finding_rule.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_rule.object IS 'the table or column';
COMMENT ON COLUMN retention.finding_rule.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_rule.hint IS 'what helps';

CREATE VIEW retention.finding_category AS
    WITH used AS MATERIALIZED (SELECT DISTINCT r.category FROM retention.rule r)
    SELECT 'warning' AS severity, pg_catalog.format('data category "%s"', c.name) AS object,
           pg_catalog.format('the notice is incomplete, it has no %s', pg_catalog.array_to_string(pg_catalog.array_remove(ARRAY[
               CASE WHEN c.starting_point IS NULL THEN 'starting point' END,
               CASE WHEN c.legal_basis IS NULL THEN 'legal basis' END,
               CASE WHEN c.purpose IS NULL THEN 'purpose' END], NULL), ', ')) AS finding,
           pg_catalog.format('SELECT retention.set_category(%L%s%s%s)', c.name,
               CASE WHEN c.starting_point IS NULL THEN ', starting_point => ''...''' ELSE '' END,
               CASE WHEN c.legal_basis IS NULL THEN ', legal_basis => ''...''' ELSE '' END,
               CASE WHEN c.purpose IS NULL THEN ', purpose => ''...''' ELSE '' END) AS hint
      FROM retention.data_category c JOIN used ON used.category = c.name
     WHERE c.starting_point IS NULL OR c.legal_basis IS NULL OR c.purpose IS NULL
    UNION ALL
    SELECT 'info', pg_catalog.format('data category "%s"', c.name), 'no label names it',
           pg_catalog.format('Label what it is about, or SELECT retention.drop_category(%L)', c.name)
      FROM retention.data_category c
     WHERE NOT EXISTS (SELECT FROM used WHERE used.category = c.name);
REVOKE ALL ON retention.finding_category FROM PUBLIC;
COMMENT ON VIEW retention.finding_category IS 'internal: findings of retention.check() about data categories';
COMMENT ON COLUMN retention.finding_category.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_category.object IS 'the data category';
COMMENT ON COLUMN retention.finding_category.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_category.hint IS 'what helps';

CREATE VIEW retention.finding_suspension AS
    SELECT 'warning' AS severity, pg_catalog.format('suspension %s of %s', s.id, s.relation) AS object,
           pg_catalog.format('its review was due on %s', s.review_on) AS finding,
           pg_catalog.format('SELECT retention.lift_suspension(%s, ''...''), or suspend anew with a later date and lift this one', s.id) AS hint
      FROM retention.suspension s WHERE s.review_due
    UNION ALL
    SELECT 'error', pg_catalog.format('suspension %s of %s', s.id, s.relation), s.problem,
           'Suspend anew with a condition that can be asked, then lift this one.'
      FROM retention.suspension s WHERE s.in_force AND s.problem IS NOT NULL;
REVOKE ALL ON retention.finding_suspension FROM PUBLIC;
COMMENT ON VIEW retention.finding_suspension IS 'internal: findings of retention.check() about suspensions';
COMMENT ON COLUMN retention.finding_suspension.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_suspension.object IS 'the suspension';
COMMENT ON COLUMN retention.finding_suspension.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_suspension.hint IS 'what helps';

-- report/finding_copy

CREATE VIEW retention.finding_copy AS
    WITH RECURSIVE member AS MATERIALIZED (
        SELECT * FROM retention.declared_member WHERE personal
    ), reader (relation, root, certain) AS (
        -- views over personal columns, and what is made of those; a rule that names a
        -- table and none of its columns may use whole rows
        SELECT r.ev_class, m.root, d.refobjsubid <> 0
          FROM member m
          JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = m.relation
               AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
               AND (d.refobjsubid = m.column_number
                    OR d.refobjsubid = 0 AND NOT EXISTS (
                        SELECT FROM pg_catalog.pg_depend o
                         WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = d.refclassid
                           AND o.refobjid = d.refobjid AND o.refobjsubid <> 0))
          JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> m.relation
        UNION
        SELECT r.ev_class, v.root, v.certain
          FROM reader v
          JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = v.relation
               AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
          JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> v.relation
    ), publication AS MATERIALIZED (
        SELECT DISTINCT p.pubname, p.pubdelete, p.pubupdate, p.pubtruncate, m.root, m.relation
          FROM pg_catalog.pg_publication_tables t
          JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname
          JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
          JOIN member m ON m.relation = c.oid
    )
    SELECT CASE WHEN pg_catalog.bool_or(v.certain) THEN 'warning' ELSE 'info' END AS severity,
           v.relation::pg_catalog.regclass::text AS object,
           pg_catalog.format(CASE WHEN pg_catalog.bool_or(v.certain)
                                  THEN 'the materialized view keeps a copy of personal data of %s until it is refreshed'
                                  ELSE 'the materialized view may keep a copy of whole rows of %s until it is refreshed' END,
                             v.root::pg_catalog.regclass) AS finding,
           pg_catalog.format('REFRESH MATERIALIZED VIEW %s; from a job, at least as often as rows fall due', v.relation::pg_catalog.regclass) AS hint
      FROM reader v JOIN pg_catalog.pg_class c ON c.oid = v.relation AND c.relkind = 'm'
     GROUP BY v.relation, v.root
    UNION ALL
    SELECT 'warning', pg_catalog.format('publication %I', p.pubname),
           pg_catalog.format('it publishes %s, but not each way in which rows and values go (%s): subscribers keep them', p.root::pg_catalog.regclass,
               pg_catalog.array_to_string(pg_catalog.array_remove(ARRAY[
                   CASE WHEN NOT p.pubdelete THEN 'delete' END, CASE WHEN NOT p.pubupdate THEN 'update' END,
                   CASE WHEN NOT p.pubtruncate THEN 'truncate' END], NULL), ', ')),
           pg_catalog.format('ALTER PUBLICATION %I SET (publish = ''insert, update, delete, truncate'')', p.pubname)
      FROM publication p
     WHERE NOT p.pubdelete OR NOT p.pubupdate OR NOT p.pubtruncate AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = p.root)
    UNION ALL
    SELECT 'info', pg_catalog.format('publication %I', p.pubname),
           pg_catalog.format('it publishes %s: subscribers hold a copy', p.root::pg_catalog.regclass),
           'Their copies are theirs to erase physically, and to label where they keep more than this server.'
      FROM publication p
    UNION ALL
    SELECT 'error', p.relation::pg_catalog.regclass::text,
           pg_catalog.format('publication %I publishes its updates and deletes, but it has no replica identity: the server refuses them', p.pubname),
           pg_catalog.format('A primary key, or ALTER TABLE %s REPLICA IDENTITY USING INDEX ...', p.relation::pg_catalog.regclass)
      FROM publication p JOIN pg_catalog.pg_class c ON c.oid = p.relation
     WHERE (p.pubdelete OR p.pubupdate) AND c.relkind = 'r'
       AND (c.relreplident = 'n'
            OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid)
            OR c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid))
    UNION ALL
    SELECT DISTINCT 'warning', c.oid::pg_catalog.regclass::text,
           'REPLICA IDENTITY FULL writes the old values of each changed row to the WAL, and to whoever decodes it',
           CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
                THEN pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.oid::pg_catalog.regclass)
                ELSE pg_catalog.format('A primary key, then ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.oid::pg_catalog.regclass) END
      FROM pg_catalog.pg_class c JOIN member m ON m.relation = c.oid
     WHERE c.relreplident = 'f' AND c.relkind = 'r'
    UNION ALL
    SELECT DISTINCT 'warning', pg_catalog.format('%s.%I', g.attrelid::pg_catalog.regclass, g.attname),
           pg_catalog.format('the column is generated from %I, which is personal data; its own label says it is none', m.column_name),
           pg_catalog.format('SECURITY LABEL FOR privacy_retention ON COLUMN %s.%I IS ''CATEGORY''', g.attrelid::pg_catalog.regclass, g.attname)
      FROM member m
      JOIN pg_catalog.pg_attribute g ON g.attrelid = m.relation AND g.attgenerated <> '' AND NOT g.attisdropped
      LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = g.attrelid AND f.adnum = g.attnum
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.refobjid = m.relation AND d.refobjsubid = m.column_number
           AND (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
                OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = g.attrelid AND d.objsubid = g.attnum)
      JOIN retention.declared_columns() n ON n.relation = m.root AND n.column_name = g.attname AND NOT n.personal
     WHERE m.root = m.relation;
REVOKE ALL ON retention.finding_copy FROM PUBLIC;
COMMENT ON VIEW retention.finding_copy IS 'internal: findings of retention.check() about copies of personal data';
COMMENT ON COLUMN retention.finding_copy.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_copy.object IS 'what copies, or is copied';
COMMENT ON COLUMN retention.finding_copy.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_copy.hint IS 'what helps';

-- report/finding_residue

CREATE VIEW retention.finding_residue AS
    WITH member AS MATERIALIZED (
        SELECT * FROM retention.declared_member WHERE personal
    ), changed AS MATERIALIZED (
        SELECT m.root, m.relation, m.column_name, m.column_number, pg_catalog.min(r.action) AS action
          FROM member m JOIN retention.rule r ON r.relation = m.root AND r.column_name = m.column_name AND r.action IS NOT NULL
         GROUP BY m.root, m.relation, m.column_name, m.column_number
    ), indexed AS MATERIALIZED (
        SELECT DISTINCT i.indexrelid, i.indrelid, i.indisunique, c.root, c.relation, c.column_name, c.column_number, c.action,
               c.column_number <> ALL (i.indkey::smallint[]) AS computed, i.indnkeyatts
          FROM changed c
          JOIN pg_catalog.pg_index i ON i.indrelid = c.relation
          JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.relation AND d.refobjsubid = c.column_number
         WHERE c.root = c.relation
        UNION
        -- a constraint's index depends on the constraint, not on its columns
        SELECT i.indexrelid, i.indrelid, i.indisunique, c.root, c.relation, c.column_name, c.column_number, c.action, false, i.indnkeyatts
          FROM changed c
          JOIN pg_catalog.pg_index i ON i.indrelid = c.relation AND c.column_number = ANY (i.indkey::smallint[])
         WHERE c.root = c.relation
    )
    SELECT 'info' AS severity, pg_catalog.format('index %s', x.indexrelid::pg_catalog.regclass) AS object,
           pg_catalog.format(CASE WHEN x.computed THEN 'it computes something of column %s, which a rule changes; what it computed of old values stays until VACUUM'
                                  ELSE 'it holds column %s, which a rule changes; old values stay in it until VACUUM' END
                             || CASE WHEN m.amname IN ('hash', 'bloom') THEN '' ELSE ', some until REINDEX' END,
                             pg_catalog.format('%s.%I', x.relation::pg_catalog.regclass, x.column_name)) AS finding,
           pg_catalog.format(CASE WHEN m.amname IN ('hash', 'bloom') THEN 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) %s'
                                  ELSE 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) %s; SELECT * FROM retention.residue(%L)' END,
                             x.relation::pg_catalog.regclass, x.indexrelid::pg_catalog.regclass) AS hint
      FROM indexed x
      JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = i.relam
    UNION ALL
    SELECT 'warning', pg_catalog.format('index %s', x.indexrelid::pg_catalog.regclass),
           pg_catalog.format('it is unique, and the action "%s" makes values of %s alike: rows that come to collide are blocked', x.action,
                             pg_catalog.format('%s.%I', x.relation::pg_catalog.regclass, x.column_name)),
           'A unique index without the column; or pseudonymise it, which keeps values apart.'
      FROM indexed x
     WHERE x.indisunique AND NOT x.computed AND x.action !~ '^(pseudonymise|decorrelate)' AND (x.action <> 'set null'
           OR pg_catalog.pg_get_indexdef(x.indexrelid) ~ 'NULLS NOT DISTINCT')
       -- its other columns keep rows apart by themselves
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index u JOIN pg_catalog.pg_index i ON i.indexrelid = x.indexrelid
                        WHERE u.indrelid = x.relation AND u.indisunique AND u.indisvalid AND u.indpred IS NULL AND 0 <> ALL (u.indkey::smallint[])
                          AND x.column_number <> ALL ((u.indkey::smallint[])[:u.indnkeyatts - 1])
                          AND (u.indkey::smallint[])[:u.indnkeyatts - 1] <@ i.indkey::smallint[])
    UNION ALL
    SELECT 'info', pg_catalog.format('statistics object %I.%I', n.nspname, s.stxname),
           pg_catalog.format('it keeps common values of personal columns of %s until the next ANALYZE', s.stxrelid::pg_catalog.regclass),
           pg_catalog.format('ANALYZE %s after passes that changed much, or DROP STATISTICS %I.%I', s.stxrelid::pg_catalog.regclass, n.nspname, s.stxname)
      FROM pg_catalog.pg_statistic_ext s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
     WHERE 'm' = ANY (s.stxkind)
       AND EXISTS (SELECT FROM member m WHERE m.relation = s.stxrelid AND m.column_number = ANY (s.stxkeys::smallint[]))
    UNION ALL
    -- stakind: 1 = common values, 2 = histogram
    SELECT 'info', t.starelid::pg_catalog.regclass::text,
           pg_catalog.format('the planner''s statistics keep values of %s personal columns until the next ANALYZE', pg_catalog.count(*)),
           pg_catalog.format('ANALYZE %s after passes that changed much', t.starelid::pg_catalog.regclass)
      FROM pg_catalog.pg_statistic t
      JOIN (SELECT DISTINCT m.relation, m.column_number FROM member m) m ON m.relation = t.starelid AND m.column_number = t.staattnum
     WHERE ARRAY[t.stakind1, t.stakind2, t.stakind3, t.stakind4, t.stakind5] && ARRAY[1, 2]::smallint[]
     GROUP BY t.starelid;
REVOKE ALL ON retention.finding_residue FROM PUBLIC;
COMMENT ON VIEW retention.finding_residue IS 'internal: findings of retention.check() about indexes and statistics';
COMMENT ON COLUMN retention.finding_residue.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_residue.object IS 'what keeps values';
COMMENT ON COLUMN retention.finding_residue.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_residue.hint IS 'what helps';

CREATE VIEW retention.finding_erasure AS
    WITH RECURSIVE promise AS MATERIALIZED (
        SELECT * FROM retention.erasure_promise()
    ), holder AS MATERIALIZED (
        SELECT * FROM retention.erasure_holders()
    ), deleted (relation) AS (
        -- from table to table in the index, whatever the number of entries
        (SELECT l.relation FROM retention.ledger l
          WHERE l.event = 'batch' AND l.seq IS NOT NULL AND l.relation IS NOT NULL
          ORDER BY l.relation, l.seq LIMIT 1)
        UNION ALL
        SELECT (SELECT l.relation FROM retention.ledger l
                 WHERE l.event = 'batch' AND l.seq IS NOT NULL AND l.relation > d.relation
                 ORDER BY l.relation, l.seq LIMIT 1)
          FROM deleted d WHERE d.relation IS NOT NULL
    ), waiting AS MATERIALIZED (
        -- deletions that no round covers
        SELECT d.relation, w.entries, w.since, w.late, c.last_entry IS NOT NULL AS was_erased
          FROM deleted d CROSS JOIN promise p
          LEFT JOIN LATERAL (SELECT r.last_entry FROM retention.erasure_round r
                              WHERE r.relation = d.relation ORDER BY r.first_entry DESC LIMIT 1) c ON true
         CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS entries, pg_catalog.min(l.recorded_at) AS since,
                                    pg_catalog.count(*) FILTER (WHERE l.recorded_at + p.erase_within <= pg_catalog.now()) AS late
                               FROM retention.ledger l
                              WHERE l.event = 'batch' AND l.relation = d.relation AND l.seq > coalesce(c.last_entry, 0)) w
         WHERE d.relation IS NOT NULL AND w.entries > 0
    ), late AS (
        SELECT r.relation, r.first_deleted_at AS since, h.held_by, h.remedy,
               (SELECT pg_catalog.count(*) FROM retention.ledger l
                 WHERE l.event = 'batch' AND l.relation = r.relation AND l.seq BETWEEN r.first_entry AND r.last_entry) AS entries
          FROM retention.erasure_round r CROSS JOIN promise p LEFT JOIN holder h ON h.round = r.id
         WHERE r.wal_clear_at IS NULL AND r.durable_at IS NULL AND r.first_deleted_at + p.erase_within <= pg_catalog.now()
        UNION ALL
        SELECT w.relation, w.since, 'no round of erasure has begun',
               pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L)', w.relation, w.relation), w.late
          FROM waiting w WHERE w.late > 0
    )
    SELECT CASE WHEN pg_catalog.to_regclass(l.relation) IS NULL THEN 'warning' ELSE 'error' END AS severity,
           l.relation AS object,
           pg_catalog.format('erasure is late, of %s deletions, the oldest from %s; what holds it: %s',
                             pg_catalog.sum(l.entries), pg_catalog.min(l.since), (pg_catalog.array_agg(l.held_by ORDER BY l.since))[1]) AS finding,
           CASE WHEN pg_catalog.to_regclass(l.relation) IS NULL
                THEN 'The table is gone, or has another name now; where it is renamed, VACUUM it and CALL retention.scrub() on it.'
                ELSE coalesce((pg_catalog.array_agg(l.remedy ORDER BY l.since))[1], 'CALL retention.enforce() notes it now.') END AS hint
      FROM late l GROUP BY l.relation
    UNION ALL
    SELECT 'warning', w.relation,
           pg_catalog.format('nobody erases what is deleted: %s deletions, the oldest from %s; %s', w.entries, w.since,
               CASE WHEN p.erase_within IS NULL THEN 'privacy_retention.erase_within is 0' ELSE 'there is no worker' END),
           CASE WHEN pg_catalog.to_regclass(w.relation) IS NULL
                THEN 'The table is gone, or has another name now; where it is renamed, VACUUM it and CALL retention.scrub() on it.'
                ELSE pg_catalog.format('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) %s; CALL retention.scrub(%L); or let the worker do it', w.relation, w.relation) END
      FROM waiting w CROSS JOIN promise p
     WHERE w.since < pg_catalog.now() - interval '1 day'
       AND CASE WHEN p.erase_within IS NULL THEN true
                ELSE w.late = 0 AND NOT w.was_erased
                     AND pg_catalog.current_setting('shared_preload_libraries') !~ 'privacy_retention' END
    UNION ALL
    SELECT 'info', 'setting privacy_retention.backup_retention',
           'it is not declared: nobody can say when what was deleted has left the backups',
           'ALTER SYSTEM SET privacy_retention.backup_retention = ...: for how long backups and archived WAL are kept; 0 where there are none'
      FROM promise p
     WHERE p.backup_retention IS NULL AND EXISTS (SELECT FROM deleted d WHERE d.relation IS NOT NULL)
    UNION ALL
    SELECT 'warning', 'setting privacy_retention.backup_retention',
           'it says that there are no backups, but WAL is archived', 'Declare for how long the archive is kept.'
      FROM promise p
     WHERE p.backup_retention = interval '0' AND pg_catalog.current_setting('archive_mode') <> 'off';
REVOKE ALL ON retention.finding_erasure FROM PUBLIC;
COMMENT ON VIEW retention.finding_erasure IS 'internal: findings of retention.check() about the erasure of what was deleted';
COMMENT ON COLUMN retention.finding_erasure.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_erasure.object IS 'the table, or the setting';
COMMENT ON COLUMN retention.finding_erasure.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_erasure.hint IS 'what helps';

-- report/check

CREATE FUNCTION retention.check(OUT severity text, OUT object text, OUT finding text, OUT hint text)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_check_rows_sql';
REVOKE ALL ON FUNCTION retention.check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.check() TO pg_monitor;
COMMENT ON FUNCTION retention.check() IS
    'what is wrong, may go wrong or escapes the rules: severity (error, warning, info), object, finding, and a statement or an instruction that helps; reads only, shows no value';

CREATE FUNCTION retention.assert_healthy(min_severity text DEFAULT 'error')
    RETURNS void
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_check_assert_sql';
REVOKE ALL ON FUNCTION retention.assert_healthy(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.assert_healthy(text) TO pg_monitor;
COMMENT ON FUNCTION retention.assert_healthy(text) IS
    'raises an error when retention.check() finds something of that severity (error, warning, info) or worse; for migrations and CI';

-- worker/ledger_period

CREATE FUNCTION retention.shorten_ledger(before timestamptz) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_ledger_period_shorten_sql';
COMMENT ON FUNCTION retention.shorten_ledger(timestamptz) IS 'Removes what the ledger''s entries of before an instant say; their hashes stay, so that chain, checkpoints and proofs hold. An officer''s';

-- worker/roster
COMMENT ON COLUMN retention.worker.state IS 'new, absent (no extension there), off (privacy_retention.enabled), closed (privacy_retention.time_window), idle, starting, running, failed; no slot, no launcher, standby, not preloaded';

CREATE FUNCTION retention.next_opening(at timestamptz DEFAULT now()) RETURNS timestamptz
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_roster_next_opening_sql';
COMMENT ON FUNCTION retention.next_opening(timestamptz) IS 'The first instant from then on at which privacy_retention.time_window lets the worker enforce: then, if it is open';

-- worker/cron

CREATE FUNCTION retention.schedule(cron_expression text, relation regclass DEFAULT NULL,
                                   erase_expression text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_cron_schedule_sql';
REVOKE ALL ON FUNCTION retention.schedule(text, regclass, text) FROM PUBLIC;
COMMENT ON FUNCTION retention.schedule(text, regclass, text) IS
    'makes or changes the job of pg_cron that enforces one protected table (NULL: all), as the current role, and those that vacuum and scrub what its deletions reach; returns the first one''s number';

CREATE FUNCTION retention.unschedule(relation regclass DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_cron_unschedule_sql';
REVOKE ALL ON FUNCTION retention.unschedule(regclass) FROM PUBLIC;
COMMENT ON FUNCTION retention.unschedule(regclass) IS
    'removes the jobs of a table (NULL: the one over all tables); false: there was none';

-- worker/job

CREATE FUNCTION retention.scheduled_jobs(
    OUT job_id bigint,
    OUT job_name text,
    OUT schedule text,
    OUT relation text,
    OUT database text,
    OUT role text,
    OUT active boolean,
    OUT last_run timestamptz,
    OUT last_status text,
    OUT problem text,
    OUT remedy text)
    RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'retention_job_rows_sql';
COMMENT ON FUNCTION retention.scheduled_jobs() IS 'the rows of retention.scheduled';
REVOKE ALL ON FUNCTION retention.scheduled_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.scheduled_jobs() TO pg_monitor;

CREATE VIEW retention.scheduled AS
    SELECT job_id, job_name, schedule, relation, database, role, active, last_run, last_status, problem, remedy
      FROM retention.scheduled_jobs();
REVOKE ALL ON retention.scheduled FROM PUBLIC;
GRANT SELECT ON retention.scheduled TO pg_monitor;
COMMENT ON VIEW retention.scheduled IS 'the jobs of pg_cron that retention.schedule() made, of all roles; empty where pg_cron is not in this database';
COMMENT ON COLUMN retention.scheduled.job_id IS 'number of the job in cron.job';
COMMENT ON COLUMN retention.scheduled.job_name IS 'its name, privacy_retention: and the table';
COMMENT ON COLUMN retention.scheduled.schedule IS 'when it runs, as pg_cron writes it';
COMMENT ON COLUMN retention.scheduled.relation IS 'the table that it enforces, vacuums or scrubs, schema-qualified; NULL: all tables';
COMMENT ON COLUMN retention.scheduled.database IS 'the database in which it runs';
COMMENT ON COLUMN retention.scheduled.role IS 'the role as which it runs';
COMMENT ON COLUMN retention.scheduled.active IS 'whether pg_cron runs it';
COMMENT ON COLUMN retention.scheduled.last_run IS 'when it last began';
COMMENT ON COLUMN retention.scheduled.last_status IS 'how that ended, as pg_cron says';
COMMENT ON COLUMN retention.scheduled.problem IS 'why it does not do what it was made for; NULL: nothing is wrong';
COMMENT ON COLUMN retention.scheduled.remedy IS 'what helps: a statement';

-- What of a page's bytes is free: for the unit tests.

CREATE FUNCTION retention.page_judge(page bytea, format text,
	OUT verdict text,
	OUT room integer,
	OUT bytes integer,
	OUT hole_bytes integer,
	OUT items integer,
	OUT dead_items integer,
	OUT extents integer[],
	OUT wiped bytea)
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_page_judge_sql';
COMMENT ON FUNCTION retention.page_judge(bytea, text) IS
	'internal: what of a page is free, and what the page is once that is wiped; format: heap, btree, hash, gin, gist, spgist, brin, bloom, standard, unknown';
REVOKE ALL ON FUNCTION retention.page_judge(bytea, text) FROM PUBLIC;

-- Freed bytes are overwritten.

CREATE TABLE retention.scrubbed (
    relation text PRIMARY KEY,
    timeline integer,
    lsn pg_lsn,
    running boolean NOT NULL,
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    pages_total bigint,
    pages_done bigint NOT NULL DEFAULT 0,
    pages_wiped bigint NOT NULL DEFAULT 0,
    bytes_wiped bigint NOT NULL DEFAULT 0,
    skipped text,
    missing text
);
REVOKE ALL ON retention.scrubbed FROM PUBLIC;
GRANT SELECT ON retention.scrubbed TO pg_monitor;
COMMENT ON TABLE retention.scrubbed IS
    'internal: a row a table that was or is being scrubbed: its progress and its outcome. Not dumped: its places are those of this server''s files';
COMMENT ON COLUMN retention.scrubbed.relation IS 'the table, schema-qualified';
COMMENT ON COLUMN retention.scrubbed.timeline IS 'timeline of the last complete scrub; NULL = there was none';
COMMENT ON COLUMN retention.scrubbed.lsn IS 'end of the WAL after it: a checkpoint that began later has written its pages';
COMMENT ON COLUMN retention.scrubbed.running IS 'true from the begin of a scrub to its end; one that was interrupted leaves it so';
COMMENT ON COLUMN retention.scrubbed.started_at IS 'begin of the last scrub';
COMMENT ON COLUMN retention.scrubbed.updated_at IS 'last sign of life of it, or its end';
COMMENT ON COLUMN retention.scrubbed.pages_total IS 'pages that it is about; grows while partitions or indexes turn up';
COMMENT ON COLUMN retention.scrubbed.pages_done IS 'pages that it has looked at';
COMMENT ON COLUMN retention.scrubbed.pages_wiped IS 'pages in which something was overwritten';
COMMENT ON COLUMN retention.scrubbed.bytes_wiped IS 'bytes, not zero, that were overwritten';
COMMENT ON COLUMN retention.scrubbed.skipped IS 'what was not scrubbed, and why; NULL = nothing';
COMMENT ON COLUMN retention.scrubbed.missing IS 'what else is needed before deleted values are gone: a statement; NULL = nothing';

CREATE PROCEDURE retention.scrub(relation regclass,
                                 check_only boolean DEFAULT false,
                                 force boolean DEFAULT false,
                                 INOUT pages bigint DEFAULT NULL,
                                 INOUT pages_wiped bigint DEFAULT NULL,
                                 INOUT bytes_wiped bigint DEFAULT NULL,
                                 INOUT missing text DEFAULT NULL)
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_scrub_call_sql';
REVOKE ALL ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) FROM PUBLIC;
COMMENT ON PROCEDURE retention.scrub(regclass, boolean, boolean, bigint, bigint, bigint, text) IS
    'overwrites the freed bytes in the pages of a table, its partitions, TOAST and indexes, in chunks, a transaction each; shows how many pages it looked at, in how many pages and bytes something was left, and the statement that is missing before deleted values are gone';

-- Nothing uses these any more
DROP FUNCTION retention.rules();
