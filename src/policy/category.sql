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
