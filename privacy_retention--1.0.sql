\echo Use "CREATE EXTENSION privacy_retention" to load this file. \quit

-- The schema of everything that users see.

CREATE SCHEMA retention;
COMMENT ON SCHEMA retention IS 'privacy_retention: data categories, rules, enforcement and evidence';
GRANT USAGE ON SCHEMA retention TO PUBLIC;

-- Data categories: the lines of the privacy notice.

CREATE TABLE retention.data_category (
	name text COLLATE "C" PRIMARY KEY CHECK (name <> ''),
	period interval NOT NULL CHECK (period > interval '0'),
	starting_point text,
	legal_basis text,
	purpose text,
	data_subjects text,
	source text,
	since timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention.data_category IS 'the privacy notice: a row a data category, with its deletion rule';
COMMENT ON COLUMN retention.data_category.period IS 'the maximum time after the starting point, the deletion itself included';
COMMENT ON COLUMN retention.data_category.starting_point IS 'what starts the clock, in the notice''s own words';
GRANT SELECT ON retention.data_category TO PUBLIC;

-- No foreign key: a parallel restore may load these rows before the categories.
CREATE TABLE retention.former_period (
	category text COLLATE "C",
	until timestamptz,
	period interval NOT NULL CHECK (period > interval '0'),
	PRIMARY KEY (category, until)
);
COMMENT ON TABLE retention.former_period IS
'shorter periods that still count for clocks that started before "until": data is kept no longer than was promised when it was collected';
GRANT SELECT ON retention.former_period TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('retention.data_category', '');
SELECT pg_catalog.pg_extension_config_dump('retention.former_period', '');

CREATE FUNCTION retention.category_changed()
RETURNS trigger
AS 'MODULE_PATHNAME', 'retention_category_changed'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.category_changed() IS 'makes every session read the categories anew';
REVOKE ALL ON FUNCTION retention.category_changed() FROM PUBLIC;

CREATE TRIGGER category_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retention.data_category
FOR EACH STATEMENT EXECUTE FUNCTION retention.category_changed();
ALTER TABLE retention.data_category ENABLE ALWAYS TRIGGER category_changed;
COMMENT ON TRIGGER category_changed ON retention.data_category IS 'makes every session read the categories anew';

CREATE FUNCTION retention.set_category(
	name text,
	period interval DEFAULT NULL,
	starting_point text DEFAULT NULL,
	legal_basis text DEFAULT NULL,
	purpose text DEFAULT NULL,
	data_subjects text DEFAULT NULL,
	source text DEFAULT NULL,
	retroactive boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'retention_category_set'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.set_category(text, interval, text, text, text, text, text, boolean) IS
'inserts a data category, or changes what is given and keeps what is null (an empty text removes); lengthening a period is the officer''s, and counts for clocks that start afterwards unless retroactive';
REVOKE ALL ON FUNCTION retention.set_category(text, interval, text, text, text, text, text, boolean) FROM PUBLIC;

CREATE FUNCTION retention.drop_category(name text)
RETURNS void
AS 'MODULE_PATHNAME', 'retention_category_drop'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.drop_category(text) IS 'removes a data category that no label names';
REVOKE ALL ON FUNCTION retention.drop_category(text) FROM PUBLIC;

-- Labels: the provider is in the library; this makes every session load it.

CREATE FUNCTION retention.label(relation regclass, label text, columns name[] DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'retention_provider_label'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.label(regclass, text, name[]) IS
'sets the privacy_retention label of a table or of some of its columns; NULL removes it. Like SECURITY LABEL it is the owner''s to call';

CREATE FUNCTION retention.load_provider()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_provider_load'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.load_provider() IS
'loads the library before SECURITY LABEL, so that its provider is known in any session';
REVOKE ALL ON FUNCTION retention.load_provider() FROM PUBLIC;

CREATE EVENT TRIGGER privacy_retention_load ON ddl_command_start
WHEN TAG IN ('SECURITY LABEL')
EXECUTE FUNCTION retention.load_provider();
-- Also where session_replication_role is replica.
ALTER EVENT TRIGGER privacy_retention_load ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_load IS
'loads the library of privacy_retention, so that labels can be set in any session';

-- The actions "remove" and "keep".

CREATE FUNCTION retention.jsonb_remove(value jsonb, keys jsonb) RETURNS jsonb
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_jsonb_keys_remove_sql';
COMMENT ON FUNCTION retention.jsonb_remove(jsonb, jsonb) IS
	'Internal: the action "remove a.b, c" is jsonb_remove(value, ''{"a": {"b": true}, "c": true}''). Arrays are not entered';

CREATE FUNCTION retention.jsonb_keep(value jsonb, keys jsonb) RETURNS jsonb
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'retention_jsonb_keys_keep_sql';
COMMENT ON FUNCTION retention.jsonb_keep(jsonb, jsonb) IS
	'Internal: the action "keep a.b, c" is jsonb_keep(value, ''{"a": {"b": true}, "c": true}''). An array or a scalar where an object is expected has none of the keys, so nothing of it is kept';

-- Rules: labels and categories, compiled.

CREATE FUNCTION retention.rules(OUT relation regclass,
                                OUT column_name name,
                                OUT category text,
                                OUT period interval,
                                OUT start text,
                                OUT condition text,
                                OUT action text,
                                OUT valid boolean,
                                OUT problem text,
                                OUT hint text,
                                OUT stage integer)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_rule_rows_sql';
COMMENT ON FUNCTION retention.rules() IS 'the rows of retention.rule';

CREATE VIEW retention.rule AS SELECT * FROM retention.rules();
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

-- Renames are followed: labels keep naming what they named.

CREATE FUNCTION retention.ddl_before()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_ddl_before'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.ddl_before() IS 'remembers what a command is about to rename';
REVOKE ALL ON FUNCTION retention.ddl_before() FROM PUBLIC;

CREATE FUNCTION retention.ddl_after()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'retention_ddl_after'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION retention.ddl_after() IS
'rewrites the labels that name what a command has renamed, and refuses changes of type that labels do not allow';
REVOKE ALL ON FUNCTION retention.ddl_after() FROM PUBLIC;

CREATE EVENT TRIGGER privacy_retention_ddl_before ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX')
EXECUTE FUNCTION retention.ddl_before();
ALTER EVENT TRIGGER privacy_retention_ddl_before ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_before IS 'remembers what a command is about to rename';

CREATE EVENT TRIGGER privacy_retention_ddl_after ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER SCHEMA')
EXECUTE FUNCTION retention.ddl_after();
ALTER EVENT TRIGGER privacy_retention_ddl_after ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_ddl_after IS 'rewrites the labels that name what a command has renamed';

-- HMAC-SHA-256 and HKDF: a self test, nothing else.

CREATE FUNCTION retention.hmac_self_test() RETURNS integer
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_hkdf_self_test_sql';
COMMENT ON FUNCTION retention.hmac_self_test() IS
	'Self test of the keyed hash of pseudonyms: runs the test vectors of RFC 4231 and RFC 5869, returns how many, and raises an error when one differs';
REVOKE ALL ON FUNCTION retention.hmac_self_test() FROM PUBLIC;

-- Keys of pseudonyms: epochs, which live in files outside the database.

CREATE FUNCTION retention.create_key() RETURNS integer
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_create_key_sql';
COMMENT ON FUNCTION retention.create_key() IS
	'Makes the key of a new epoch in privacy_retention.key_directory and returns its number; new pseudonyms are made with it from the next statement on, in all sessions. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.create_key() FROM PUBLIC;

CREATE FUNCTION retention.destroy_key(epoch integer) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_destroy_key_sql';
COMMENT ON FUNCTION retention.destroy_key(integer) IS
	'Overwrites and removes the key of an epoch, for good: nobody can compute its pseudonyms any more, which stay recognisable as such. Not undone by ROLLBACK. For the officer';
REVOKE ALL ON FUNCTION retention.destroy_key(integer) FROM PUBLIC;

CREATE FUNCTION retention.key_epochs(OUT epoch integer, OUT state text,
		OUT created_at timestamptz, OUT destroyed_at timestamptz)
	RETURNS SETOF record
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_keyring_list_sql';
COMMENT ON FUNCTION retention.key_epochs() IS
	'The rows of the view retention.key';
REVOKE ALL ON FUNCTION retention.key_epochs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.key_epochs() TO pg_monitor;

CREATE VIEW retention.key AS
	SELECT epoch, state, created_at, destroyed_at FROM retention.key_epochs();
COMMENT ON VIEW retention.key IS
	'Key epochs, without their keys: current, retired, destroyed, destroying (call destroy_key again), unusable (damaged, or open to other users)';
COMMENT ON COLUMN retention.key.epoch IS 'Number of the epoch; never given twice';
COMMENT ON COLUMN retention.key.state IS 'current, retired, destroyed, destroying or unusable';
COMMENT ON COLUMN retention.key.created_at IS 'When the key was made; NULL once it is destroyed';
COMMENT ON COLUMN retention.key.destroyed_at IS 'When the key was destroyed';
GRANT SELECT ON retention.key TO pg_monitor;

-- Pseudonyms: marked tokens by type.

CREATE FUNCTION retention.pseudonym(value anyelement, domain text)
	RETURNS anyelement
	LANGUAGE c STABLE PARALLEL RESTRICTED COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonym_sql';
COMMENT ON FUNCTION retention.pseudonym(anyelement, text) IS
	'The pseudonym of a value: the same for the same value, domain and key epoch. NULL stays NULL, a pseudonym stays as it is. For the officer: whoever may call it can look up the pseudonyms of values that can be guessed';
REVOKE ALL ON FUNCTION retention.pseudonym(anyelement, text) FROM PUBLIC;

CREATE FUNCTION retention.pseudonym(value text, domain text)
	RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonym_sql';
COMMENT ON FUNCTION retention.pseudonym(text, text) IS
	'As retention.pseudonym(anyelement, text), for literals, which have no type of their own';
REVOKE ALL ON FUNCTION retention.pseudonym(text, text) FROM PUBLIC;

CREATE FUNCTION retention.is_pseudonym(value anyelement)
	RETURNS boolean
	LANGUAGE c STRICT STABLE PARALLEL SAFE COST 50
	AS 'MODULE_PATHNAME', 'retention_token_is_pseudonym_sql';
COMMENT ON FUNCTION retention.is_pseudonym(anyelement) IS
	'Was the value made by pseudonymise or decorrelate, in any key epoch? NULL for NULL';

CREATE FUNCTION retention.is_pseudonym(value text)
	RETURNS boolean
	LANGUAGE c STRICT STABLE PARALLEL SAFE COST 50
	AS 'MODULE_PATHNAME', 'retention_token_is_pseudonym_sql';
COMMENT ON FUNCTION retention.is_pseudonym(text) IS
	'As retention.is_pseudonym(anyelement), for literals, which have no type of their own';

CREATE FUNCTION retention.pseudonymised(value anyelement, domain text)
	RETURNS anyelement
	LANGUAGE c STABLE PARALLEL UNSAFE COST 100
	AS 'MODULE_PATHNAME', 'retention_token_pseudonymised_sql';
COMMENT ON FUNCTION retention.pseudonymised(anyelement, text) IS
	'Internal: the action "pseudonymise" in the engine''s statements, which run as the owner of the table. Raises an error for everybody else';

CREATE FUNCTION retention.decorrelated(value anyelement)
	RETURNS anyelement
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE COST 100
	AS 'MODULE_PATHNAME', 'retention_token_decorrelated_sql';
COMMENT ON FUNCTION retention.decorrelated(anyelement) IS
	'Internal: the action "decorrelate" in the engine''s statements, which run as the owner of the table. Raises an error for everybody else';

-- The ledger: what was done to whose data, and by which rule. Append-only.

CREATE TABLE retention.ledger (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	seq bigint,
	recorded_at timestamptz NOT NULL,
	event text NOT NULL,
	relation text,
	column_name text,
	category text,
	action text,
	policy_digest bytea,
	cutoff timestamptz,
	rows bigint,
	lateness interval,
	erasure_level text,
	detail text,
	prev_hash bytea,
	hash bytea,
	CONSTRAINT ledger_sealed CHECK ((seq IS NULL) = (prev_hash IS NULL) AND (seq IS NULL) = (hash IS NULL))
);
COMMENT ON TABLE retention.ledger IS 'Evidence: an entry for each batch and each decision, chained by hashes; no personal data';
COMMENT ON COLUMN retention.ledger.id IS 'Order of insertion; numbers may be missing where a transaction was rolled back';
COMMENT ON COLUMN retention.ledger.seq IS 'Place in the chain, from 1 without a gap; NULL until the entry is sealed';
COMMENT ON COLUMN retention.ledger.recorded_at IS 'When the entry was written';
COMMENT ON COLUMN retention.ledger.event IS 'What happened: batch, protect, unprotect, adopt, uninstall';
COMMENT ON COLUMN retention.ledger.relation IS 'Schema-qualified table';
COMMENT ON COLUMN retention.ledger.column_name IS 'Column; NULL for whole rows';
COMMENT ON COLUMN retention.ledger.category IS 'Data category of the rule';
COMMENT ON COLUMN retention.ledger.action IS 'What became of the rows or values';
COMMENT ON COLUMN retention.ledger.policy_digest IS 'SHA-256 of all that decides what the rule does';
COMMENT ON COLUMN retention.ledger.cutoff IS 'The instant as of which rows were due';
COMMENT ON COLUMN retention.ledger.rows IS 'Number of rows';
COMMENT ON COLUMN retention.ledger.lateness IS 'How late the most overdue row was';
COMMENT ON COLUMN retention.ledger.erasure_level IS 'How far the bytes were erased when the entry was written';
COMMENT ON COLUMN retention.ledger.detail IS 'Anything else that belongs to the event; no personal data';
COMMENT ON COLUMN retention.ledger.prev_hash IS 'The hash of the entry before, 32 zero bytes for the first';
COMMENT ON COLUMN retention.ledger.hash IS 'SHA-256 of prev_hash and the canonical bytes of this entry';

CREATE UNIQUE INDEX ledger_seq ON retention.ledger (seq) WHERE seq IS NOT NULL;
COMMENT ON INDEX retention.ledger_seq IS 'The chain, in order';
CREATE INDEX ledger_unsealed ON retention.ledger (id) WHERE seq IS NULL;
COMMENT ON INDEX retention.ledger_unsealed IS 'Entries that the next seal takes';

CREATE TABLE retention.ledger_head (
	seq bigint NOT NULL,
	hash bytea NOT NULL
);
COMMENT ON TABLE retention.ledger_head IS 'The last sealed entry of the ledger, so that entries cut off at the end are missed; one row, none before the first seal';
COMMENT ON COLUMN retention.ledger_head.seq IS 'Its place in the chain';
COMMENT ON COLUMN retention.ledger_head.hash IS 'Its hash';

CREATE UNIQUE INDEX ledger_head_one ON retention.ledger_head ((true));
COMMENT ON INDEX retention.ledger_head_one IS 'At most one row';

CREATE FUNCTION retention.ledger_guard() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'retention_ledger_guard_sql';
COMMENT ON FUNCTION retention.ledger_guard() IS 'Refuses whatever would change the ledger; its triggers are on retention.ledger and retention.ledger_head';
REVOKE ALL ON FUNCTION retention.ledger_guard() FROM PUBLIC;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retention.ledger
	FOR EACH STATEMENT EXECUTE FUNCTION retention.ledger_guard();
ALTER TABLE retention.ledger ENABLE ALWAYS TRIGGER append_only;
COMMENT ON TRIGGER append_only ON retention.ledger IS 'Entries are only ever added';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retention.ledger_head
	FOR EACH STATEMENT EXECUTE FUNCTION retention.ledger_guard();
ALTER TABLE retention.ledger_head ENABLE ALWAYS TRIGGER append_only;
COMMENT ON TRIGGER append_only ON retention.ledger_head IS 'The head moves only when entries are sealed';

REVOKE ALL ON TABLE retention.ledger, retention.ledger_head FROM PUBLIC;
GRANT SELECT ON TABLE retention.ledger, retention.ledger_head TO pg_monitor;

-- No INSERT trigger: a restore copies the entries back as they were.
SELECT pg_catalog.pg_extension_config_dump('retention.ledger', '');
SELECT pg_catalog.pg_extension_config_dump('retention.ledger_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('retention.ledger_head', '');

CREATE FUNCTION retention.verify_ledger(
	OUT ok boolean,
	OUT entries bigint,
	OUT unsealed bigint,
	OUT problem text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'retention_verify_ledger_sql';
COMMENT ON FUNCTION retention.verify_ledger() IS 'Recomputes the chain of the ledger: is every sealed entry there, in its place and unchanged?';
REVOKE ALL ON FUNCTION retention.verify_ledger() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.verify_ledger() TO pg_monitor;

-- What a pass remembers of each rule.

CREATE TABLE retention.rule_state (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    digest bytea NOT NULL,
    cutoff timestamptz,
    pass_started timestamptz,
    updated_at timestamptz,
    rows_done bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    running boolean NOT NULL DEFAULT false,
    due bigint,
    oldest_due timestamptz,
    counted_at timestamptz,
    rate double precision,
    last_success timestamptz,
    last_error text,
    last_error_at timestamptz,
    swept_to timestamptz,
    swept_at timestamptz,
    sweep_cost integer,
    PRIMARY KEY (relation, column_name, stage)
) WITH (fillfactor = 50);
REVOKE ALL ON retention.rule_state FROM PUBLIC;
COMMENT ON TABLE retention.rule_state IS
    'what passes remember of each rule; shown by retention.progress and retention.status. Not dumped: a restored copy begins anew';

CREATE VIEW retention.progress AS
    SELECT s.relation,
           nullif(s.column_name, '') AS column_name,
           s.stage,
           s.running,
           s.cutoff,
           s.pass_started,
           s.updated_at,
           s.rows_done,
           s.batches,
           CASE WHEN s.updated_at > s.pass_started
                THEN s.rows_done / extract(epoch FROM s.updated_at - s.pass_started)::double precision
           END AS rows_per_second
      FROM retention.rule_state s;
REVOKE ALL ON retention.progress FROM PUBLIC;
GRANT SELECT ON retention.progress TO pg_monitor;
COMMENT ON VIEW retention.progress IS 'the present or last pass over each rule; written with each batch';
COMMENT ON COLUMN retention.progress.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.progress.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.progress.stage IS 'which stage of the label it is, from 1';
COMMENT ON COLUMN retention.progress.running IS 'whether the pass has not ended (or was cut off)';
COMMENT ON COLUMN retention.progress.cutoff IS 'what was due at this time is what the pass removes';
COMMENT ON COLUMN retention.progress.pass_started IS 'when the pass began with the rule';
COMMENT ON COLUMN retention.progress.updated_at IS 'when its last batch was done';
COMMENT ON COLUMN retention.progress.rows_done IS 'rows changed or deleted in this pass';
COMMENT ON COLUMN retention.progress.batches IS 'in that many transactions';
COMMENT ON COLUMN retention.progress.rows_per_second IS 'on average';

-- Rows that are due and cannot go, and why.

CREATE TABLE retention.blocked_row (
    relation text NOT NULL,
    column_name text NOT NULL,
    stage integer NOT NULL,
    leaf oid NOT NULL,
    row_id tid NOT NULL,
    key_hash bytea,
    sqlstate text NOT NULL,
    constraint_name text,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    tries integer NOT NULL,
    last_try timestamptz NOT NULL,
    next_try timestamptz NOT NULL,
    PRIMARY KEY (relation, column_name, stage, leaf, row_id)
);
REVOKE ALL ON retention.blocked_row FROM PUBLIC;
COMMENT ON TABLE retention.blocked_row IS
    'row versions that are due and could not go; shown by retention.blocked. Not dumped: row versions are of this database';

-- tableoid::regclass of a partition, as text; a dropped one shows its number.
CREATE VIEW retention.blocked AS
    SELECT b.relation,
           nullif(b.column_name, '') AS column_name,
           b.leaf::regclass::text AS partition,
           b.row_id AS "ctid",
           b.key_hash,
           b.sqlstate,
           b.constraint_name,
           b.reason,
           b.since,
           b.tries,
           b.next_try,
           b.stage
      FROM retention.blocked_row b;
REVOKE ALL ON retention.blocked FROM PUBLIC;
GRANT SELECT ON retention.blocked TO pg_monitor;
COMMENT ON VIEW retention.blocked IS
    'rows that are due and cannot go, with the reason and without any of their values';
COMMENT ON COLUMN retention.blocked.relation IS 'the protected table, schema-qualified';
COMMENT ON COLUMN retention.blocked.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.blocked.stage IS 'which stage of the label it is, from 1';
COMMENT ON COLUMN retention.blocked.partition IS 'the table or partition that stores the row';
COMMENT ON COLUMN retention.blocked.ctid IS 'where the row version is in it';
COMMENT ON COLUMN retention.blocked.key_hash IS
    'HMAC of the primary key under the mark key; NULL without primary key or keys';
COMMENT ON COLUMN retention.blocked.sqlstate IS 'the error code with which the server refused';
COMMENT ON COLUMN retention.blocked.constraint_name IS 'the constraint that keeps the row, where it is one';
COMMENT ON COLUMN retention.blocked.reason IS 'what keeps the row, in words';
COMMENT ON COLUMN retention.blocked.since IS 'when it was first refused';
COMMENT ON COLUMN retention.blocked.tries IS 'how often it was tried';
COMMENT ON COLUMN retention.blocked.next_try IS
    'when a pass over all tables tries it again; CALL retention.enforce(relation) does at once';

-- The pass.

CREATE PROCEDURE retention.enforce(relation regclass DEFAULT NULL,
                                   as_of timestamptz DEFAULT NULL)
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_pass_enforce_sql';
REVOKE ALL ON PROCEDURE retention.enforce(regclass, timestamptz) FROM PUBLIC;
COMMENT ON PROCEDURE retention.enforce(regclass, timestamptz) IS
    'removes what is due in one protected table (NULL: all) as of a time (NULL: now), a transaction a batch';

-- The trigger function that marks a table as protected.

CREATE FUNCTION retention.guard() RETURNS trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_guard_fire_sql';
COMMENT ON FUNCTION retention.guard() IS
    'guard of protected tables; made a trigger by retention.protect(), harmless elsewhere';

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

-- A partition that leaves its root takes labels and protection along.

CREATE FUNCTION retention.detach()
    RETURNS event_trigger
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_detach_follow_sql';
REVOKE ALL ON FUNCTION retention.detach() FROM PUBLIC;
COMMENT ON FUNCTION retention.detach() IS
    'gives a partition that is detached the labels and the guards of its root';

CREATE EVENT TRIGGER privacy_retention_detach ON ddl_command_end
WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION retention.detach();
ALTER EVENT TRIGGER privacy_retention_detach ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER privacy_retention_detach IS
    'gives a partition that is detached the labels and the guards of its root';

-- What a pass would do, without doing it.

CREATE FUNCTION retention.preview(relation regclass DEFAULT NULL,
                                  as_of timestamptz DEFAULT now(),
                                  exact boolean DEFAULT false,
                                  OUT relation regclass,
                                  OUT column_name name,
                                  OUT category text,
                                  OUT action text,
                                  OUT due bigint,
                                  OUT cascades bigint,
                                  OUT held bigint,
                                  OUT blocked bigint,
                                  OUT exact boolean)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_preview_rows_sql';
COMMENT ON FUNCTION retention.preview(regclass, timestamptz, boolean) IS
    'what is due as of a time, a line a rule; counts end at 10,000 unless exact is asked for; of the tables that the caller owns, or all for officers and pg_monitor';

-- How each rule is doing.

CREATE FUNCTION retention.status_rows(as_of timestamptz DEFAULT now(),
                                      OUT relation regclass,
                                      OUT column_name name,
                                      OUT category text,
                                      OUT action text,
                                      OUT state text,
                                      OUT reason text,
                                      OUT remedy text,
                                      OUT due bigint,
                                      OUT overdue_seconds bigint,
                                      OUT oldest_due timestamptz,
                                      OUT held bigint,
                                      OUT blocked bigint,
                                      OUT not_started bigint,
                                      OUT orphaned bigint,
                                      OUT implausible bigint,
                                      OUT counted_at timestamptz,
                                      OUT exact boolean,
                                      OUT promised_lateness interval,
                                      OUT last_success timestamptz,
                                      OUT last_error text,
                                      OUT rate double precision,
                                      OUT seconds_to_clear double precision)
    RETURNS SETOF record
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'retention_status_rows_sql';
REVOKE ALL ON FUNCTION retention.status_rows(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.status_rows(timestamptz) TO pg_monitor;
COMMENT ON FUNCTION retention.status_rows(timestamptz) IS
    'the rows of retention.status as of a time';

CREATE VIEW retention.status AS SELECT * FROM retention.status_rows();
REVOKE ALL ON retention.status FROM PUBLIC;
GRANT SELECT ON retention.status TO pg_monitor;
COMMENT ON VIEW retention.status IS
    'how each rule is doing: state, why, and the statement that helps; counts end at 10,000';
COMMENT ON COLUMN retention.status.relation IS 'the labelled table';
COMMENT ON COLUMN retention.status.column_name IS 'the column, or NULL for the row';
COMMENT ON COLUMN retention.status.category IS 'the data category';
COMMENT ON COLUMN retention.status.action IS 'what becomes of the row or value; NULL: goes with the row';
COMMENT ON COLUMN retention.status.state IS
    'ok, watched (not protected), late (later than promised), blocked (rows cannot go), invalid, waiting (for adopt)';
COMMENT ON COLUMN retention.status.reason IS 'why it is not ok, without any value of a row';
COMMENT ON COLUMN retention.status.remedy IS 'a statement that helps, or what to do';
COMMENT ON COLUMN retention.status.due IS 'rows past their date and still there';
COMMENT ON COLUMN retention.status.overdue_seconds IS 'for how long the oldest of them has been due; 0 if none';
COMMENT ON COLUMN retention.status.oldest_due IS 'when the oldest of them fell due';
COMMENT ON COLUMN retention.status.held IS 'rows under suspension of deletion; 0, as this release has no suspensions';
COMMENT ON COLUMN retention.status.blocked IS 'due rows that could not go; see retention.blocked';
COMMENT ON COLUMN retention.status.not_started IS 'rows whose clock is NULL';
COMMENT ON COLUMN retention.status.orphaned IS 'rows that lead to no clock any more';
COMMENT ON COLUMN retention.status.implausible IS 'rows whose clock lies before privacy_retention.earliest';
COMMENT ON COLUMN retention.status.counted_at IS 'when it was counted: now where that is cheap, else in the last pass; NULL if never';
COMMENT ON COLUMN retention.status.exact IS 'whether all counts are live and complete';
COMMENT ON COLUMN retention.status.promised_lateness IS 'how late rows may be: privacy_retention.promised_lateness';
COMMENT ON COLUMN retention.status.last_success IS 'when a pass last finished the rule';
COMMENT ON COLUMN retention.status.last_error IS 'why the last pass did not, if it did not';
COMMENT ON COLUMN retention.status.rate IS 'rows per second in the last pass';
COMMENT ON COLUMN retention.status.seconds_to_clear IS 'how long the due rows will take at that rate';

-- When a row, or a value in it, falls due.

CREATE FUNCTION retention.deadline("row" anyelement, column_name name DEFAULT NULL)
    RETURNS timestamptz
    LANGUAGE C STABLE
    AS 'MODULE_PATHNAME', 'retention_deadline_find_sql';
COMMENT ON FUNCTION retention.deadline(anyelement, name) IS
    'when a row of a labelled table, or one of its values, falls due; NULL: its clock has not started, or no rule is for it';

-- What the worker knows of the databases of this server.

CREATE FUNCTION retention.worker_databases(
	OUT launcher_pid integer,
	OUT database_id oid,
	OUT state text,
	OUT pid integer,
	OUT last_start timestamptz,
	OUT last_end timestamptz,
	OUT last_success timestamptz,
	OUT last_error text,
	OUT last_error_at timestamptz,
	OUT failures integer,
	OUT next_wake timestamptz,
	OUT passes bigint,
	OUT rows bigint)
	RETURNS SETOF record
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'retention_roster_databases_sql';
COMMENT ON FUNCTION retention.worker_databases() IS 'The shared table behind the view retention.worker';
REVOKE ALL ON FUNCTION retention.worker_databases() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention.worker_databases() TO pg_monitor;

CREATE VIEW retention.worker AS
	SELECT d.datname, w.state, w.launcher_pid, w.pid, w.last_start, w.last_end, w.last_success,
		w.last_error, w.last_error_at, w.failures, w.next_wake, w.passes, w.rows
	FROM retention.worker_databases() AS w
	JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) w.database_id;
COMMENT ON VIEW retention.worker IS 'A row a database that the worker looks after; one row where there is no worker, with the reason as its state';
COMMENT ON COLUMN retention.worker.datname IS 'The database';
COMMENT ON COLUMN retention.worker.state IS 'new, absent (no extension there), off (privacy_retention.enabled), idle, starting, running, failed; no slot, no launcher, standby, not preloaded';
COMMENT ON COLUMN retention.worker.launcher_pid IS 'Process of the launcher; NULL = there is none';
COMMENT ON COLUMN retention.worker.pid IS 'Process of the worker that is there now';
COMMENT ON COLUMN retention.worker.last_start IS 'Begin of the last visit';
COMMENT ON COLUMN retention.worker.last_end IS 'End of the last visit';
COMMENT ON COLUMN retention.worker.last_success IS 'End of the last visit without an error';
COMMENT ON COLUMN retention.worker.last_error IS 'Last error, without values of rows';
COMMENT ON COLUMN retention.worker.last_error_at IS 'When it was';
COMMENT ON COLUMN retention.worker.failures IS 'Failed visits since the last success';
COMMENT ON COLUMN retention.worker.next_wake IS 'Next visit';
COMMENT ON COLUMN retention.worker.passes IS 'Visits without an error, since the server started';
COMMENT ON COLUMN retention.worker.rows IS 'Rows changed or deleted by them';
REVOKE ALL ON TABLE retention.worker FROM PUBLIC;
GRANT SELECT ON TABLE retention.worker TO pg_monitor;

CREATE FUNCTION retention.wake() RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'retention_roster_wake_sql';
COMMENT ON FUNCTION retention.wake() IS 'Has the worker look at this database when the transaction commits; does nothing where there is no worker';
REVOKE ALL ON FUNCTION retention.wake() FROM PUBLIC;

-- The worker may have been here before the extension was.
SELECT retention.wake();
