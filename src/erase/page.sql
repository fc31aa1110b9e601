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
