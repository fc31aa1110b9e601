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
COMMENT ON COLUMN retention.ledger.event IS 'What happened: batch, protect, unprotect, adopt, pause, unpause, accept_clock, suspend, lift, clock, drop, uninstall, create_key, destroy_key, category, shorten, scrub, erasure; shortened: nothing but its hashes is left of the entry';
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
