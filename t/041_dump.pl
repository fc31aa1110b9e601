
# Dump and restore: categories, labels, rules and the ledger come back by every
# way that pg_dump offers, and protected tables wait for retention.adopt(), on a
# server with the worker and on one without.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $plain = RetentionNode->make('plain');
my $worker = RetentionNode->make('worker', preload => 1, extension => 0,
	conf => "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\n");
my $directory = "${PostgreSQL::Test::Utils::tmp_check}/dumps";
mkdir $directory;

# Everything is long due for a worker; the source has made a pass as of an instant
# at which only few were.
$plain->safe_psql('postgres', <<'EOS');
CREATE SCHEMA "Odd ""schema";
CREATE TABLE "Odd ""schema"."then, delete" ("from" int PRIMARY KEY, "a -> b" timestamptz);
CREATE TABLE event (id int PRIMARY KEY, ended_at timestamptz);
CREATE TABLE session (id int PRIMARY KEY, event_id int NOT NULL REFERENCES event, address inet, name text, tenant int);
CREATE TABLE months (at timestamp, id int) PARTITION BY RANGE (at);
CREATE TABLE months_1 PARTITION OF months FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE months_d PARTITION OF months DEFAULT;
CREATE TABLE base (id int, at date);
CREATE TABLE heir (more text) INHERITS (base);
CREATE TABLE watched (id int, at date);
CREATE TABLE held (id int, at date);
CREATE TABLE aaa_refers (mail text);
CREATE TABLE zzz_person (mail text UNIQUE, gone date);
INSERT INTO "Odd ""schema"."then, delete" SELECT n, '2024-02-01 00:00:00+00' FROM generate_series(1, 3) n;
INSERT INTO event SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '10 days' FROM generate_series(1, 5) n;
INSERT INTO session SELECT n, n, '192.0.2.77', 'name', 1 FROM generate_series(1, 5) n;
INSERT INTO months SELECT timestamp '2024-01-01' + n * interval '10 days', n FROM generate_series(1, 6) n;
INSERT INTO base VALUES (1, '2024-02-01'); INSERT INTO heir VALUES (2, '2024-02-01', 'more');
INSERT INTO watched VALUES (1, '2024-02-01');
INSERT INTO held VALUES (1, '2024-02-01'), (2, '2024-02-01');
INSERT INTO aaa_refers VALUES ('a'), ('b'); INSERT INTO zzz_person VALUES ('a', '2024-02-01');
SELECT retention.set_category('technical information', '7 days', 'the event', 'Art. 6', 'operation', 'users', 'the browser'),
	retention.set_category('Kategorie, "neu"', '1 year', 'the end');
SECURITY LABEL FOR privacy_retention ON TABLE "Odd ""schema"."then, delete" IS 'technical information, from "a -> b", then delete';
SECURITY LABEL FOR privacy_retention ON TABLE event IS 'technical information, from ended_at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE session IS 'from event_id -> ended_at; "Kategorie, ""neu""", then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN session.address IS 'technical information, where (tenant = 1), then truncate to 24/48';
SECURITY LABEL FOR privacy_retention ON COLUMN session.name IS 'technical information, then set null';
SECURITY LABEL FOR privacy_retention ON TABLE months IS 'technical information, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE base IS 'technical information, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE watched IS 'technical information, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE held IS 'technical information, from at, then delete';
SECURITY LABEL FOR privacy_retention ON TABLE aaa_refers IS 'technical information, from mail references zzz_person(mail) -> gone, then delete';
SELECT retention.protect(r, at_most => 100) FROM unnest(ARRAY['"Odd ""schema"."then, delete"', 'event', 'session', 'months', 'base', 'aaa_refers', 'held']::regclass[]) r;
SELECT retention.suspend('held', 'id = 1', 'a trial', current_date + 90, 'counsel'),
	retention.suspend('watched', 'true', 'an audit', current_date + 90, 'the board');
SELECT retention.lift_suspension(retention.suspend('event', 'true', 'a mistake', current_date + 1, 'nobody'), 'it was one');
EOS
$plain->safe_psql('postgres', q{CALL retention.enforce(as_of => '2024-01-20 00:00:00+00')});

# What must be the same afterwards.
my %same = (
	labels => q{SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'privacy_retention' ORDER BY 1, 2},
	rules => q{SELECT relation, column_name, category, period, start, condition, action, valid, problem FROM retention.rule ORDER BY relation::text, column_name, category},
	suspensions => q{SELECT id, relation, condition, reason, review_on, approved_by, suspended_at, lifted_at, lift_reason, in_force, problem FROM retention.suspension ORDER BY id},
	categories => q{SELECT name, period, starting_point, legal_basis, purpose, data_subjects, source FROM retention.data_category ORDER BY 1},
	ledger => q{SELECT * FROM retention.ledger ORDER BY id});
my $counts = q{SELECT (SELECT count(*) FROM "Odd ""schema"."then, delete"), (SELECT count(*) FROM event),
	(SELECT count(*) FROM session), (SELECT count(*) FROM session WHERE name IS NULL), (SELECT count(*) FROM months),
	(SELECT count(*) FROM base), (SELECT count(*) FROM watched), (SELECT count(*) FROM aaa_refers), (SELECT count(*) FROM held)};
my $states = q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM retention.status};
my %source = map { $_ => $plain->safe_psql('postgres', $same{$_}) } sort keys %same;
my $rows = $plain->safe_psql('postgres', $counts);
is($rows, '3|5|5|1|5|2|1|2|2', 'the source has done what was due: a name and a row');
like($source{ledger}, qr/batch/, 'and has evidence of it');
is($plain->safe_psql('postgres', q{SELECT count(*) FROM retention.rule WHERE NOT valid}), '0', 'its rules are valid');
unlike($plain->safe_psql('postgres', $states), qr/waiting/, 'and none of its tables waits');

sub restored
{
	my ($node, $db, $how, $schema_only) = @_;
	foreach my $what (sort keys %same)
	{
		next if $schema_only && $what =~ /ledger|categories|rules|suspensions/;
		is($node->safe_psql($db, $same{$what}), $source{$what}, "$how: $what are the same");
	}
	is($node->safe_psql($db, $states), 'waiting watched', "$how: protected tables wait")
	  unless $schema_only;
	# as the worker does it, and for one table
	$node->safe_psql($db, 'CALL retention.enforce()');
	$node->psql($db, q{CALL retention.enforce('session')});
	is($node->safe_psql($db, $counts), $schema_only ? '0|0|0|0|0|0|0|0|0' : $rows,
		"$how: nothing is done to tables that wait");
	return if $schema_only;
	foreach my $held ('DELETE FROM held', 'DELETE FROM watched', 'TRUNCATE held', 'TRUNCATE watched', 'UPDATE watched SET id = 3')
	{
		my ($status, undef, $error) = $node->psql($db, $held);
		like($error, qr/ERROR:.*suspension/, "$how: $held is refused");
	}
	is($node->safe_psql($db, 'SELECT ok FROM retention.verify_ledger()'), 't', "$how: the chain holds");
	return;
}

sub adopted
{
	my ($node, $db, $how) = @_;
	$node->safe_psql($db, q{SELECT retention.adopt('event'), retention.adopt('session'), retention.adopt('months'), retention.adopt('held')});
	# now, hence everything: of the tables adopted, and of no other
	$node->safe_psql($db, 'CALL retention.enforce()') foreach 1 .. 2;
	ok(RetentionNode::poll($node, $counts, '3|0|0|0|0|2|1|2|1', db => $db), "$how: adopted tables are enforced, others wait");
	my (undef, undef, $error) = $node->psql($db, 'DELETE FROM held');
	like($error, qr/ERROR:.*suspension/, "$how: holds still hold");
	$node->safe_psql($db, q{SELECT retention.lift_suspension(id, 'the trial is over') FROM retention.suspension WHERE relation = 'public.held'; CALL retention.enforce()});
	ok(RetentionNode::poll($node, 'SELECT count(*) FROM held', '0', db => $db), "$how: until they are lifted");
	is($node->safe_psql($db, q{SELECT ok, problem FROM retention.verify_ledger()}), 't|', "$how: the chain goes on");
	is($node->safe_psql($db, q{SELECT count(*) - count(DISTINCT id) FROM retention.ledger}), '0', "$how: the entries' numbers, too");
	return;
}

my $n = 0;
sub fresh
{
	my ($node, $extension) = @_;
	my $db = 'restored_' . ++$n;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION privacy_retention') if $extension;
	return $db;
}

my $connection = $plain->connstr('postgres');
$plain->command_ok([ 'pg_dump', '-f', "$directory/plain.sql", '-d', $connection ], 'pg_dump, plain');
$plain->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", '-d', $connection ], 'pg_dump -Fc');
$plain->command_ok([ 'pg_dump', '-s', '-f', "$directory/schema.sql", '-d', $connection ], 'pg_dump --schema-only');
foreach my $section (qw(pre-data data post-data))
{
	$plain->command_ok([ 'pg_dump', "--section=$section", '-f', "$directory/$section.sql", '-d', $connection ],
		"pg_dump --section=$section");
}

foreach my $node ($plain, $worker)
{
	my $where = $node->name eq 'worker' ? 'a server with the worker' : 'a server without preload';
	my $run = sub {
		my ($db, $file) = @_;
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', "$directory/$file" ],
			"$file restored into $where");
	};
	my $db = fresh($node);
	$run->($db, 'plain.sql');
	restored($node, $db, "plain, $where");
	adopted($node, $db, "plain, $where");

	$db = fresh($node, 1);
	$run->($db, 'plain.sql');
	restored($node, $db, "plain over the extension, $where");

	$db = fresh($node);
	$node->command_ok([ 'pg_restore', '-j2', '-d', $node->connstr($db), "$directory/custom" ], "pg_restore -j2 into $where");
	restored($node, $db, "pg_restore -j2, $where");
	adopted($node, $db, "pg_restore -j2, $where");

	$db = fresh($node);
	$run->($db, "$_.sql") foreach qw(pre-data data post-data);
	restored($node, $db, "sections, $where");
	adopted($node, $db, "sections, $where");

	$db = fresh($node);
	$run->($db, 'schema.sql');
	restored($node, $db, "schema only, $where", 1);
}

# A database made from another as its template waits, too; the template goes on.
$plain->safe_psql('template1', 'CREATE DATABASE copied TEMPLATE postgres');
restored($plain, 'copied', 'template');
adopted($plain, 'copied', 'template');
unlike($plain->safe_psql('postgres', $states), qr/waiting/, 'the template does not wait');
$plain->safe_psql('postgres', q{CALL retention.enforce(as_of => '2024-02-05 00:00:00+00')});
isnt($plain->safe_psql('postgres', $counts), $rows, 'and is enforced');

# A dump of the restored is the dump of the source.
my $db = fresh($plain);
$plain->safe_psql('postgres', "CREATE DATABASE again TEMPLATE template0");
$plain->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $plain->connstr($db), '-f', "$directory/plain.sql" ], 'restored');
$plain->command_ok([ 'pg_dump', '-f', "$directory/again.sql", '-d', $plain->connstr($db) ], 'and dumped again');
# pg_dump's random key is another each time
my @dumps = map { slurp_file("$directory/$_.sql") =~ s/^\\(?:un)?restrict .*$//mgr } qw(again plain);
ok($dumps[0] eq $dumps[1], 'nothing is added or lost on the way');

$plain->stop;
$worker->stop;
done_testing();
