-- What CREATE EXTENSION leaves behind.
SELECT extname, extversion, extrelocatable, n.nspname
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE extname = 'privacy_retention';

-- This server does not preload the library: nothing has loaded it in this session.
SHOW privacy_retention.enabled;

-- The event trigger loads it when a label is set.
CREATE TABLE install_label (id integer);
SECURITY LABEL FOR privacy_retention ON TABLE install_label IS 'no personal data';
SHOW privacy_retention.enabled;
DROP TABLE install_label;

-- All objects of the extension.
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, d.objsubid, pg_describe_object(d.classid, d.objid, d.objsubid) AS object
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'privacy_retention';

SELECT count(*) > 20 AS many FROM member;

-- They lie in the schema retention (their row types with them).
SELECT object FROM member
WHERE classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
	AND object !~ '^(table|view|index|sequence|function|procedure) retention\.' ORDER BY object COLLATE "C";

-- Each is explained, columns of tables and views aside.
SELECT object FROM member
WHERE obj_description(objid, classid::regclass::name) IS NULL
	AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND (t.typrelid <> 0 OR t.typelem <> 0)))
	AND NOT (classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND c.relkind IN ('S', 'i')))
ORDER BY object COLLATE "C";

-- Functions in SQL do not look for names where their caller says.
SELECT p.oid::regprocedure AS function
FROM member m JOIN pg_proc p ON p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
WHERE m.classid = 'pg_proc'::regclass AND l.lanname <> 'c'
	AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Nothing is written in PL/pgSQL, which may not be there.
SELECT p.oid::regprocedure AS function
FROM member m JOIN pg_proc p ON p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
WHERE m.classid = 'pg_proc'::regclass AND l.lanname NOT IN ('c', 'sql')
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Procedures that commit take neither SET nor SECURITY DEFINER.
SELECT p.oid::regprocedure AS procedure
FROM member m JOIN pg_proc p ON p.oid = m.objid
WHERE m.classid = 'pg_proc'::regclass AND p.prokind = 'p' AND (p.proconfig IS NOT NULL OR p.prosecdef)
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- (Unaligned, so that a new object changes one line.)
\pset format unaligned
\pset footer off
-- What everybody may call, and what runs as somebody else.
SELECT p.oid::regprocedure AS function, p.prosecdef AS definer
FROM member m JOIN pg_proc p ON p.oid = m.objid
WHERE m.classid = 'pg_proc'::regclass AND (has_function_privilege('public', p.oid, 'EXECUTE') OR p.prosecdef)
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- What somebody else than everybody may call.
SELECT p.oid::regprocedure AS function,
	string_agg(a.privilege_type || ' ' || a.grantee::regrole, ', ' ORDER BY a.grantee::regrole::text) AS others
FROM member m JOIN pg_proc p ON p.oid = m.objid, aclexplode(p.proacl) AS a
WHERE m.classid = 'pg_proc'::regclass AND a.grantee NOT IN (0, p.proowner)
GROUP BY p.oid ORDER BY p.oid::regprocedure::text COLLATE "C";

-- What only superusers may call until they grant it.
SELECT p.oid::regprocedure AS function
FROM member m JOIN pg_proc p ON p.oid = m.objid
WHERE m.classid = 'pg_proc'::regclass
	AND NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee <> p.proowner)
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Everybody may look into the schema, nobody may make anything there.
SELECT a.privilege_type, a.grantee
FROM pg_namespace n, aclexplode(n.nspacl) AS a
WHERE n.nspname = 'retention' AND a.grantee <> n.nspowner;

-- What everybody may read, and that nobody may write.
SELECT c.oid::regclass AS relation,
	(SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type) FROM aclexplode(c.relacl) WHERE grantee = 0) AS everybody,
	(SELECT string_agg(privilege_type || ' ' || grantee::regrole, ', ' ORDER BY privilege_type, grantee::regrole::text)
		FROM aclexplode(c.relacl) WHERE grantee NOT IN (0, c.relowner)) AS others
FROM member m JOIN pg_class c ON c.oid = m.objid
WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v', 'S')
ORDER BY c.oid::regclass::text COLLATE "C";

-- Tables whose rows a dump takes along.
SELECT config::regclass AS relation, condition
FROM pg_extension, unnest(extconfig, extcondition) AS dumped(config, condition)
WHERE extname = 'privacy_retention' ORDER BY config::regclass::text COLLATE "C";

-- Event triggers: which commands they see.
SELECT evtname, evtevent, evtenabled, evttags FROM pg_event_trigger ORDER BY evtname;
\pset format aligned
\pset footer on
DROP VIEW member;
