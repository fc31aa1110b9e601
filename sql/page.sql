-- What of a page's bytes is free. Pages are crafted; the oracle below reads the
-- line pointers by itself.
CREATE EXTENSION IF NOT EXISTS pageinspect;
CREATE EXTENSION IF NOT EXISTS bloom;
SET bytea_output = hex;

CREATE FUNCTION put(page bytea, at int, value int, width int) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 0 .. width - 1 LOOP
		page := set_byte(page, at + i, (value >> (8 * i)) & 255);
	END LOOP;
	RETURN page;
END $$;
CREATE FUNCTION word(page bytea, at int) RETURNS int LANGUAGE sql AS
	'SELECT get_byte(page, at) | (get_byte(page, at + 1) << 8)';
-- A page full of the byte 0x5a between header and special space.
CREATE FUNCTION craft(lower int, upper int, special int, tail text DEFAULT '') RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	page bytea := decode(repeat('00', 24) || repeat('5a', 8192 - 24 - length(tail) / 2) || tail, 'hex');
BEGIN
	page := put(page, 12, lower, 2);
	page := put(page, 14, upper, 2);
	page := put(page, 16, special, 2);
	RETURN put(page, 18, 8192 | 4, 2);
END $$;
-- Line pointer "number": flags 0 unused, 1 normal, 2 redirect, 3 dead.
CREATE FUNCTION pointer(page bytea, number int, offs int, flags int, len int) RETURNS bytea LANGUAGE sql AS
	'SELECT put(put(page, 20 + 4 * number, offs | ((flags & 1) << 15), 2), 22 + 4 * number, (flags >> 1) | (len << 1), 2)';
-- A heap page of "items" items of 40 bytes each, with 3 bytes of gap.
CREATE FUNCTION heap(items int) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	page bytea := craft(24 + 4 * items, 8192 - 40 * items, 8192);
BEGIN
	FOR i IN 1 .. items LOOP
		page := pointer(page, i, 8192 - 40 * i, 1, 37);
	END LOOP;
	RETURN page;
END $$;
CREATE FUNCTION judge(page bytea, format text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s room=%s bytes=%s hole=%s items=%s dead=%s %s', verdict, room, bytes, hole_bytes, items, dead_items,
		CASE WHEN cardinality(extents) <= 8 THEN extents::text ELSE cardinality(extents) / 2 || ' extents' END)
	FROM retention.page_judge(page, format) $$;

-- Heap
SELECT judge(decode(repeat('00', 8192), 'hex'), 'heap') AS new;
SELECT judge(set_byte(decode(repeat('00', 8192), 'hex'), 5000, 1), 'heap') AS new_with_bytes;
SELECT judge(craft(24, 8192, 8192), 'heap') AS empty;
SELECT judge(heap(3), 'heap') AS three;
SELECT judge(wiped, 'heap') AS wiped FROM retention.page_judge(heap(3), 'heap');
SELECT judge(pointer(heap(3), 2, 0, 0, 0), 'heap') AS unused;
SELECT judge(pointer(heap(3), 2, 0, 3, 0), 'heap') AS dead;
SELECT judge(pointer(heap(3), 2, 8192 - 80, 3, 37), 'heap') AS dead_with_bytes;
SELECT judge(pointer(heap(3), 2, 3, 2, 0), 'heap') AS redirect;
SELECT judge(pointer(heap(3), 2, 4, 2, 0), 'heap') AS redirect_to_nothing;
SELECT judge(pointer(heap(3), 2, 8192 - 80, 0, 37), 'heap') AS unused_with_bytes;
SELECT judge(pointer(heap(3), 2, 8192 - 76, 1, 30), 'heap') AS unaligned;
SELECT judge(pointer(heap(3), 2, 8192 - 80, 1, 48), 'heap') AS overlapping;
SELECT judge(pointer(heap(3), 2, 8192 - 80, 1, 96), 'heap') AS beyond_the_page;
SELECT judge(pointer(heap(3), 2, 4000, 1, 37), 'heap') AS in_the_hole;
SELECT judge(pointer(heap(3), 2, 8192 - 80, 1, 0), 'heap') AS of_no_length;
SELECT judge(craft(24 + 2, 8000, 8192), 'heap') AS half_a_pointer;
SELECT judge(craft(8000, 7000, 8192), 'heap') AS crossed;
SELECT judge(craft(20, 8000, 8192), 'heap') AS in_the_header;
SELECT judge(craft(24, 8192, 8184), 'heap') AS behind_the_special;
SELECT judge(craft(24, 8184, 8184), 'heap') AS special_of_heap;
SELECT judge(put(craft(24, 8192, 8192), 18, 4096 | 4, 2), 'heap') AS other_size;
SELECT judge(put(craft(24, 8192, 8192), 10, 64, 2), 'heap') AS other_flags;
SELECT judge(heap(3), 'unknown') AS unknown;
SELECT judge(heap(3), 'standard') AS vouched_for, judge(craft(24, 8192, 8192), 'standard') AS array_or_empty;
SELECT judge('\x00', 'heap');
SELECT judge(heap(3), 'rum');

-- B-tree: prev, next, level, flags, cycle
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '01000000'), 'btree') AS leaf;
SELECT judge(craft(24, 8184, 8184, repeat('00', 8)), 'btree') AS other_special;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '000081ff'), 'btree') AS other_method;
SELECT judge(craft(32, 8176, 8176, repeat('00', 12) || '05010000'), 'btree') AS deleted;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '05010000'), 'btree') AS deleted_without_its_xid;
SELECT judge(put(craft(72, 8176, 8176, repeat('00', 12) || '08000000'), 24, x'053162'::int, 4), 'btree') AS meta;
SELECT judge(put(craft(24, 8176, 8176, repeat('00', 12) || '08000000'), 24, x'053162'::int, 4), 'btree') AS meta_of_long_ago;
SELECT judge(craft(72, 8176, 8176, repeat('00', 12) || '08000000'), 'btree') AS meta_without_magic;

-- Hash: prev, next, bucket, flags, id
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '020080ff'), 'hash') AS bucket;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '000080ff'), 'hash') AS unused;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '030080ff'), 'hash') AS two_kinds;
SELECT judge(craft(24 + 4096, 8176, 8176, repeat('00', 12) || '040080ff'), 'hash') AS bitmap;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '040080ff'), 'hash') AS bitmap_of_long_ago;
SELECT judge(put(craft(24, 8176, 8176, repeat('00', 12) || '080080ff'), 24, x'06440640'::int, 4), 'hash') AS meta_of_long_ago;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '020081ff'), 'hash') AS other_method;

-- GIN: rightlink, maxoff, flags
SELECT judge(craft(24, 8184, 8184, repeat('00', 6) || '0200'), 'gin') AS entries;
SELECT judge(craft(1000, 8184, 8184, repeat('00', 6) || '8300'), 'gin') AS posting_leaf;
SELECT judge(craft(1000, 8184, 8184, repeat('00', 6) || '0300'), 'gin') AS posting_leaf_of_long_ago;
SELECT judge(craft(32 + 50, 8184, 8184, repeat('00', 4) || '05000100'), 'gin') AS posting_tree;
SELECT judge(craft(32 + 49, 8184, 8184, repeat('00', 4) || '05000100'), 'gin') AS posting_tree_of_long_ago;
SELECT judge(craft(28, 8000, 8184, repeat('00', 4) || '01000400'), 'gin') AS former_pending;
SELECT judge(wiped, 'gin') AS wiped, word(wiped, 12) AS lower, word(wiped, 14) AS upper
	FROM retention.page_judge(craft(28, 8000, 8184, repeat('00', 4) || '01000400'), 'gin');
SELECT judge(craft(24, 8184, 8184, repeat('00', 6) || '1000'), 'gin') AS pending;
SELECT judge(craft(24, 8184, 8184, repeat('00', 6) || '0800'), 'gin') AS meta_of_long_ago;
SELECT judge(craft(24, 8184, 8184, repeat('00', 6) || '93f0'), 'gin') AS other_method;

-- GiST: nsn, rightlink, flags, id; SP-GiST: flags, redirections, placeholders, id
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '010081ff'), 'gist') AS leaf;
SELECT judge(craft(32, 8176, 8176, repeat('00', 12) || '030081ff'), 'gist') AS deleted;
SELECT judge(craft(24, 8176, 8176, repeat('00', 12) || '010080ff'), 'gist') AS other_method;
SELECT judge(craft(24, 8184, 8184, '04000000000082ff'), 'spgist') AS leaf;
SELECT judge(put(craft(24, 8184, 8184, '01000000000082ff'), 24, -1173640210, 4), 'spgist') AS meta_of_long_ago;
SELECT judge(craft(24, 8184, 8184, '04000000000081ff'), 'spgist') AS other_method;

-- BRIN: the revmap's array lies where other pages have their hole
SELECT judge(craft(24, 8184, 8184, '00000000000092f0'), 'brin') AS revmap;
SELECT judge(craft(24, 8184, 8184, '00000000000093f0'), 'brin') AS regular;
SELECT judge(craft(40, 8184, 8184, '00000000000091f0'), 'brin') AS meta_without_magic;
SELECT judge(put(craft(40, 8184, 8184, '00000000000091f0'), 24, -1475306246, 4), 'brin') AS meta;
SELECT judge(craft(24, 8184, 8184, '00000000000094f0'), 'brin') AS other_kind;

-- Bloom: maxoff, flags, unused, id
SELECT judge(craft(100, 8184, 8184, '02000000000083ff'), 'bloom') AS signatures;
SELECT judge(craft(24, 8184, 8184, '02000000000083ff'), 'bloom') AS signatures_without_lower;
SELECT judge(craft(24, 8184, 8184, '00000200000083ff'), 'bloom') AS deleted;
SELECT judge(craft(24, 8184, 8184, '00000100000083ff'), 'bloom') AS meta_of_long_ago;

-- Real pages, of each access method, with damage: nothing of an item, a line
-- pointer, the header or the special space ever changes.
CREATE TABLE paged (id int, t text, a int[], p point);
INSERT INTO paged SELECT i, 'paged ' || i || repeat('x', i % 50), ARRAY[i, i % 7], point(i, i % 13) FROM generate_series(1, 600) AS i;
CREATE INDEX paged_btree ON paged (t);
CREATE INDEX paged_hash ON paged USING hash (t);
CREATE INDEX paged_gin ON paged USING gin (a);
CREATE INDEX paged_gist ON paged USING gist (p);
CREATE INDEX paged_spgist ON paged USING spgist (t);
CREATE INDEX paged_brin ON paged USING brin (id) WITH (pages_per_range = 1);
CREATE INDEX paged_bloom ON paged USING bloom (id);
DELETE FROM paged WHERE id % 3 = 0;
VACUUM (INDEX_CLEANUP ON) paged;

CREATE FUNCTION harm(page bytea, format text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	special int := word(page, 16);
	lower int := word(page, 12);
	off int;
	len int;
BEGIN
	SELECT * INTO r FROM retention.page_judge(page, format);
	IF r.wiped = page THEN RETURN NULL; END IF;
	IF r.verdict <> 'judged' THEN RETURN r.verdict || ' but wiped'; END IF;
	IF format = 'brin' AND substr(page, 8191, 2) = '\x92f0' THEN RETURN 'revmap'; END IF;
	IF substr(r.wiped, special + 1) <> substr(page, special + 1) THEN RETURN 'special space'; END IF;
	IF format = 'gin' AND (word(page, 8190) & 5) = 4 THEN RETURN NULL; END IF;
	IF substr(r.wiped, 1, lower) <> substr(page, 1, lower) THEN RETURN 'before pd_lower'; END IF;
	-- No line pointers there: meta pages, posting trees, deleted pages, bitmaps, signatures.
	IF (CASE format WHEN 'btree' THEN (word(page, 8188) & 12) <> 0 WHEN 'hash' THEN (word(page, 8188) & 12) <> 0
		WHEN 'gin' THEN (word(page, 8190) & 9) <> 0 WHEN 'gist' THEN (word(page, 8188) & 2) <> 0
		WHEN 'spgist' THEN (word(page, 8184) & 1) <> 0 WHEN 'brin' THEN substr(page, 8191, 2) = '\x91f0'
		ELSE format = 'bloom' END) THEN RETURN NULL; END IF;
	FOR i IN 1 .. (lower - 24) / 4 LOOP
		off := word(page, 20 + 4 * i) & 32767;
		len := word(page, 22 + 4 * i) >> 1;
		IF substr(r.wiped, off + 1, len) <> substr(page, off + 1, len) AND len > 0 THEN
			RETURN 'item ' || i;
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
SELECT setseed(0.4);
CREATE TABLE pages AS
	SELECT f AS format, page FROM unnest('{heap,btree,hash,gin,gist,spgist,brin,bloom}'::text[]) AS f,
		LATERAL (SELECT 'paged' || CASE f WHEN 'heap' THEN '' ELSE '_' || f END AS rel) AS r,
		LATERAL (SELECT get_raw_page(rel, b::int) AS page
			FROM generate_series(0, least(pg_relation_size(rel::regclass) / 8192 - 1, 7)) AS b) AS p;
-- No page that the server made is insane.
SELECT format, verdict, count(*) > 0 AS some, sum(bytes) > 0 AS residue, count(harm(page, format)) AS harmed
	FROM pages, LATERAL retention.page_judge(page, format) GROUP BY 1, 2 ORDER BY 1, 2;
-- Each damaged in the header, in the line pointers and at the end; with other formats, too.
CREATE FUNCTION damage(page bytea) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 0 .. (random() * 3)::int LOOP
		page := set_byte(page, CASE (random() * 3)::int WHEN 0 THEN 12 + (random() * 7)::int
			WHEN 1 THEN 8176 + (random() * 15)::int ELSE 24 + (random() * 60)::int END, (random() * 255)::int);
	END LOOP;
	RETURN page;
END $$;
SELECT format, harm(damaged, format) AS harm, count(*) AS pages
	FROM (SELECT format, damage(page) AS damaged FROM pages, generate_series(1, 60)) AS d
	WHERE harm(damaged, format) IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 1000 AS tried, count(DISTINCT verdict) AS verdicts
	FROM pages, unnest('{heap,btree,hash,gin,gist,spgist,brin,bloom,standard,unknown}'::text[]) AS f,
		LATERAL (SELECT damage(page) AS damaged FROM generate_series(1, 5)) AS d,
		LATERAL retention.page_judge(damaged, f);
DROP TABLE pages, paged;
DROP FUNCTION harm, damage, judge, heap, pointer, craft, put, word;
DROP EXTENSION bloom;
DROP EXTENSION pageinspect;
