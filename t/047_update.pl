# From the release before: the library serves its SQL objects until ALTER EXTENSION
# UPDATE, which then makes the catalogs equal to those of a fresh installation,
# and keeps what the tables hold.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $before = '1.0';
my $node = RetentionNode->make('update', preload => 1, extension => 0, conf => "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\n");

sub run
{
	my ($db, $sql) = @_;
	return $node->safe_psql($db, $sql);
}

run('postgres', "CREATE DATABASE $_") foreach qw(updated fresh);
run('fresh', 'CREATE EXTENSION privacy_retention');
run('updated', "CREATE EXTENSION privacy_retention VERSION '$before'");
is(run('updated', q{SELECT extversion FROM pg_extension WHERE extname = 'privacy_retention'}), $before, 'the release before can be installed');

# Its objects, this library: all that a user of it does
run('updated', <<'EOS');
SELECT retention.create_key();
SELECT retention.set_category('visits', '1 mon', 'the visit', 'Art. 6', 'operation', 'users', 'the browser'),
	retention.set_category('names', '7 days', 'the visit');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, name text, ip inet);
CREATE INDEX ON visit (seen);
CREATE TABLE months (id int, seen timestamptz) PARTITION BY RANGE (seen);
CREATE TABLE months_old PARTITION OF months FOR VALUES FROM (MINVALUE) TO ('2100-01-01');
CREATE TABLE months_new PARTITION OF months DEFAULT;
CREATE INDEX ON months (seen);
CREATE TABLE watched (seen timestamptz);
CREATE TABLE meeting (id int PRIMARY KEY, ended_at timestamptz);
CREATE INDEX ON meeting (ended_at);
CREATE TABLE guest (id int PRIMARY KEY, meeting_id int NOT NULL REFERENCES meeting);
CREATE INDEX ON guest (meeting_id);
INSERT INTO meeting VALUES (1, now() - interval '20 days');
INSERT INTO guest VALUES (1, 1);
INSERT INTO visit SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day', 'name', '192.0.2.77' FROM generate_series(1, 30) n;
INSERT INTO visit VALUES (31, 'infinity', 'kept', '192.0.2.78');
INSERT INTO watched VALUES ('2024-01-01 00:00:00+00');
SELECT retention.label('visit', 'from seen; visits, then delete'), retention.label('visit', 'names, then pseudonymise', '{name}'),
	retention.label('visit', 'names, then truncate to 24/48', '{ip}'), retention.label('months', 'visits, from seen, then delete'),
	retention.label('guest', 'visits, from meeting_id -> ended_at, then delete');
SECURITY LABEL FOR privacy_retention ON TABLE watched IS 'visits, from seen, then delete';
SELECT retention.protect('visit', at_most => 100), retention.protect('months'), retention.protect('guest');
CALL retention.enforce('visit', '2024-02-05 00:00:00+00');
EOS
ok(RetentionNode::poll($node, 'SELECT count(*) FROM visit', '1', db => 'updated'), 'the worker enforces it');
run('updated', q{INSERT INTO visit VALUES (40, '2024-01-01 00:00:00+00', 'late', NULL); CALL retention.enforce()});
ok(RetentionNode::poll($node, 'SELECT count(*) FROM visit', '1', db => 'updated'), 'so does a call');
is(run('updated', 'SELECT relation, column_name, state, due, held, blocked FROM retention.status ORDER BY relation::text, column_name NULLS FIRST'),
	"guest||ok|0|0|0\nmonths||ok|0|0|0\nvisit||ok|0|0|0\nvisit|name|ok|0|0|0\nvisit|ip|ok|0|0|0\nwatched||watched|1|0|0" =~ s/visit\|name(.*)\nvisit\|ip(.*)\n/visit|ip$2\nvisit|name$1\n/r,
	'status');
run('updated', $_) foreach (
	'SELECT * FROM retention.preview()', 'SELECT * FROM retention.rule', 'SELECT * FROM retention.progress', 'SELECT * FROM retention.blocked',
	'SELECT * FROM retention.worker', 'SELECT retention.wake()', q{SELECT retention.deadline(visit), retention.deadline(visit, 'name') FROM visit},
	q{SELECT retention.pseudonym('name'::text, 'names'), retention.is_pseudonym('name'::text)}, 'SELECT * FROM retention.key',
	'ALTER TABLE visit RENAME COLUMN seen TO visited; ALTER TABLE visit RENAME COLUMN visited TO seen',
	'ALTER TABLE visit ADD COLUMN note text; ALTER TABLE visit DROP COLUMN note', 'ALTER TABLE months DETACH PARTITION months_new',
	q{SELECT retention.unprotect('months_new'); SELECT retention.label('months_new', NULL)},
	q{ALTER TABLE months ATTACH PARTITION months_new DEFAULT}, q{UPDATE visit SET name = 'other'}, 'TRUNCATE watched',
	q{CREATE TABLE passing (seen timestamptz); CREATE INDEX ON passing (seen); SELECT retention.label('passing', 'visits, from seen, then delete');
		SELECT retention.protect('passing'); ALTER TABLE passing RENAME TO passed; CREATE SCHEMA away; ALTER TABLE passed SET SCHEMA away},
	q{INSERT INTO away.passed VALUES (now()); UPDATE away.passed SET seen = now(); DELETE FROM away.passed; TRUNCATE away.passed;
		COPY away.passed FROM stdin;
		\.
		CALL retention.enforce('away.passed'); DROP SCHEMA away CASCADE} =~ s/^\t+//mgr,
	'SELECT retention.hmac_self_test()', q{SELECT retention.unprotect('months'); SELECT retention.protect('months')});
is(run('updated', q{SELECT DISTINCT state, remedy FROM retention.status WHERE reason LIKE '%UPDATE%' OR remedy LIKE '%UPDATE%'}),
	'ok|ALTER EXTENSION privacy_retention UPDATE', 'status says that an update is pending');
is(run('updated', 'SELECT ok, problem FROM retention.verify_ledger()'), 't|', 'the ledger');
my %same = (
	labels => q{SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'privacy_retention' ORDER BY 1, 2},
	rules => 'SELECT relation, column_name, category, period, start, condition, action, valid, problem FROM retention.rule ORDER BY relation::text, 2',
	categories => 'SELECT name, period, starting_point, legal_basis, purpose, data_subjects, source FROM retention.data_category ORDER BY 1',
	ledger => 'SELECT id, event, relation, rows, hash FROM retention.ledger WHERE seq IS NOT NULL ORDER BY seq LIMIT 5');
my %kept = map { $_ => run('updated', $same{$_}) } keys %same;

# A dump of it is restored with the objects of this release
my $dump = "${PostgreSQL::Test::Utils::tmp_check}/before.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('updated') ], 'a dump of it');
run('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'is restored');
is(run('restored', $same{$_}), $kept{$_}, "with its $_") foreach sort keys %same;
is(run('restored', 'SELECT ok, problem FROM retention.verify_ledger()'), 't|', 'and a whole ledger');
is(run('restored', q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM retention.status}), 'waiting watched', 'protected tables wait');

# What a fresh installation has, object by object; "\n" becomes a blank, so that a
# line is an object.
my %catalog = (
	members => q{SELECT pg_describe_object(classid, objid, objsubid) FROM own},
	dependencies => q{SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' ' || d.deptype::text || ' ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
		FROM pg_depend d JOIN own o ON o.classid = d.classid AND o.objid = d.objid},
	comments => q{SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid) || ': ' || d.description FROM pg_description d
		JOIN own o ON o.classid = d.classoid AND o.objid = d.objoid},
	functions => q{SELECT p.oid::regprocedure || ' ' || pg_get_functiondef(p.oid) FROM pg_proc p JOIN own o ON o.objid = p.oid WHERE p.prokind <> 'a'},
	privileges => q{SELECT pg_describe_object(classid, objid, a.objsubid) || ' ' || (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(acl) a)
		FROM (SELECT 'pg_proc'::regclass AS classid, oid AS objid, 0 AS objsubid, proacl AS acl FROM pg_proc
			UNION ALL SELECT 'pg_class'::regclass, oid, 0, relacl FROM pg_class
			UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute
			UNION ALL SELECT 'pg_type'::regclass, oid, 0, typacl FROM pg_type
			UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspacl FROM pg_namespace) a JOIN own o USING (classid, objid)},
	'initial privileges' => q{SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid) || ' ' || i.privtype::text || ' ' || (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(initprivs) a)
		FROM pg_init_privs i JOIN own o ON o.classid = i.classoid AND o.objid = i.objoid},
	columns => q{SELECT a.attrelid::regclass || '.' || a.attname || ' ' || a.attnum || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' ||
			coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attidentity::text || a.attgenerated::text || a.attstorage::text || ' ' || a.attcollation::regcollation
		FROM pg_attribute a JOIN own o ON o.objid = a.attrelid AND o.classid = 'pg_class'::regclass LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attnum > 0},
	relations => q{SELECT c.oid::regclass || ' ' || c.relkind::text || c.relpersistence::text || c.relreplident::text || c.relrowsecurity || c.relforcerowsecurity || ' ' || coalesce(c.reloptions::text, '')
		|| CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END FROM pg_class c JOIN own o ON o.objid = c.oid AND o.classid = 'pg_class'::regclass},
	sequences => q{SELECT seqrelid::regclass || ' ' || format_type(seqtypid, NULL) || ' ' || concat_ws(' ', seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle)
		FROM pg_sequence s JOIN own o ON o.objid = s.seqrelid},
	constraints => q{SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) || convalidated FROM pg_constraint c JOIN own o ON o.objid = c.conrelid},
	indexes => q{SELECT pg_get_indexdef(indexrelid) || indisclustered || indisreplident FROM pg_index i JOIN own o ON o.objid = i.indrelid},
	triggers => q{SELECT pg_get_triggerdef(t.oid) || ' ' || tgenabled::text FROM pg_trigger t JOIN own o ON o.objid = t.tgrelid WHERE NOT tgisinternal},
	rewriting => q{SELECT pg_get_ruledef(r.oid) || ' ' || ev_enabled::text FROM pg_rewrite r JOIN own o ON o.objid = r.ev_class},
	policies => q{SELECT schemaname || '.' || tablename || ' ' || policyname || ' ' || coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies WHERE schemaname = 'retention'},
	statistics => q{SELECT pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s JOIN own o ON o.objid = s.stxrelid},
	'event triggers' => q{SELECT evtname || ' ' || evtevent || ' ' || evtfoid::regproc || ' ' || evtenabled::text || ' ' || coalesce((SELECT string_agg(t, ' ' ORDER BY t) FROM unnest(evttags) t), '')
		FROM pg_event_trigger t JOIN own o ON o.objid = t.oid AND o.classid = 'pg_event_trigger'::regclass},
	owners => q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c JOIN own o ON o.objid = c.oid AND o.classid = 'pg_class'::regclass
		UNION SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc c JOIN own o ON o.objid = c.oid AND o.classid = 'pg_proc'::regclass},
	'dumped tables' => q{SELECT c::regclass || ' ' || i FROM pg_extension e, unnest(extconfig, extcondition) AS u(c, i) WHERE extname = 'privacy_retention'},
	extension => q{SELECT extversion || extrelocatable || extnamespace::regnamespace FROM pg_extension WHERE extname = 'privacy_retention'});

sub look
{
	my ($db, $what) = @_;
	return run($db, qq{WITH own AS (SELECT d.classid, d.objid, d.objsubid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'privacy_retention')
		SELECT translate(line, chr(10), ' ') FROM ($catalog{$what}) AS x (line) ORDER BY line COLLATE "C"});
}

SKIP:
{
	skip 'there is no update script yet', 1
	  if run('updated', q{SELECT count(*) FROM pg_extension_update_paths('privacy_retention') WHERE source = '} . $before . q{' AND target = (
			SELECT default_version FROM pg_available_extensions WHERE name = 'privacy_retention') AND path IS NOT NULL}) eq '0';
	run('updated', 'ALTER EXTENSION privacy_retention UPDATE');
	foreach my $what (sort keys %catalog)
	{
		my %updated = map { $_ => 1 } split /\n/, look('updated', $what);
		my %fresh = map { $_ => 1 } split /\n/, look('fresh', $what);
		is(join("\n", grep { !$fresh{$_} } sort keys %updated), '', "$what: no more than a fresh installation");
		is(join("\n", grep { !$updated{$_} } sort keys %fresh), '', "$what: and no less");
	}
	is(run('updated', $same{$_}), $kept{$_}, "$_ are kept") foreach sort keys %same;
	is(run('updated', 'SELECT ok, problem FROM retention.verify_ledger()'), 't|', 'the chain holds');
	is(run('updated', q{SELECT count(*) FROM retention.status WHERE state IN ('waiting', 'invalid', 'blocked')}), '0', 'no rule is in trouble');
	run('updated', q{INSERT INTO months VALUES (1, '2024-01-01 00:00:00+00'); SELECT retention.wake()});
	ok(RetentionNode::poll($node, 'SELECT count(*) FROM months', '0', db => 'updated'), 'and the worker goes on');
	ok(RetentionNode::poll($node, q{SELECT count(*) FROM retention.check() WHERE severity = 'error'}, '0', db => 'updated'), 'check() has no error');
	my ($status, undef, $error) = $node->psql('updated', q{UPDATE meeting SET ended_at = now()});
	is($status, 0, 'clocks that have not passed can move');
	run('updated', q{UPDATE meeting SET ended_at = now() - interval '2 months'});
	ok(RetentionNode::poll($node, 'SELECT count(*) FROM guest', '0', db => 'updated'), 'and clocks in other rows are minded');
}

$node->stop;
done_testing();
