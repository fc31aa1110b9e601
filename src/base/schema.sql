-- The schema of everything that users see.

CREATE SCHEMA retention;
COMMENT ON SCHEMA retention IS 'privacy_retention: data categories, rules, enforcement and evidence';
GRANT USAGE ON SCHEMA retention TO PUBLIC;
