# Killed at any moment, with users, the engine, VACUUM, REINDEX and the scrub at work:
# no row is wrong, no index lies, the standby is the same; and what was called
# durable is gone after the crash.
#
#	RETENTION_CRASHES	how many times (default 3)
#	RETENTION_SEED		of the moments (default: the process)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionNode;
use Test::More;

my $crashes = $ENV{RETENTION_CRASHES} // 3;
my $seed = $ENV{RETENTION_SEED} // $$;
srand($seed);
note("RETENTION_SEED=$seed");

my $most = 200_000;
my $bytes = RetentionBytes->new;
$bytes->population(('visit') x $most);

my $primary = RetentionNode->make('crashing', preload => 1, streaming => 1, initdb => ['--data-checksums'], conf => <<'EOC');
privacy_retention.naptime = 1
privacy_retention.largest_share = 100
privacy_retention.batch_rows = 20
privacy_retention.duty_cycle = 100
privacy_retention.erase_within = 2
privacy_retention.scrub_pages = 0
privacy_retention.scrub_wal = 0
restart_after_crash = on
wal_writer_delay = 10ms
wal_keep_size = 256MB
hot_standby_feedback = off
EOC
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('following');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $mark = $bytes->text('n');
$primary->safe_psql('postgres', <<"EOS");
CREATE EXTENSION amcheck;
CREATE SEQUENCE number MAXVALUE $most;
CREATE FUNCTION mark(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS \$\$SELECT $mark\$\$;
CREATE TABLE visit (number bigint, seen timestamptz NOT NULL, v text, long text);
ALTER TABLE visit ALTER long SET STORAGE EXTERNAL;
CREATE INDEX visit_number ON visit (number);
CREATE INDEX visit_seen ON visit (seen);
CREATE INDEX visit_v_hash ON visit USING hash (v);
CREATE INDEX visit_v ON visit (v);
CREATE TABLE written (number bigint);
SELECT retention.set_category('visits', '1 hour', 'the visit');
SELECT retention.label('visit', 'visits, from seen, then delete');
SELECT retention.protect('visit');
EOS

# Visits, most of which are due within two seconds; other visits are written anew.
my $users = "${PostgreSQL::Test::Utils::tmp_check}/users.sql";
append_to_file($users, <<'EOS');
\set some random(1, 10)
\set other random(1, 1000)
BEGIN;
WITH n AS (SELECT nextval('number') AS n, i FROM generate_series(1, 5) i),
v AS (INSERT INTO visit SELECT n, CASE WHEN :some < 8 THEN now() - interval '1 hour' + random() * interval '2 s' ELSE now() END,
	mark(n), CASE WHEN i = 1 THEN repeat(mark(n), 120) END FROM n RETURNING number)
INSERT INTO written SELECT number FROM v;
UPDATE visit SET long = long || '-' WHERE number = (SELECT last_value FROM number) - :other;
COMMIT;
EOS
my $erase = 'VACUUM (INDEX_CLEANUP ON) visit; CALL retention.scrub(\'visit\'); CHECKPOINT;';
my $janitor = "${PostgreSQL::Test::Utils::tmp_check}/janitor.sql";
append_to_file($janitor, "$erase $erase REINDEX INDEX CONCURRENTLY visit_v;\n" x 1000);

sub start_load
{
	my @runs = (
		IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '600', '-R', '100', '-f', $users, $primary->connstr('postgres') ],
			'<', \undef, '>', '/dev/null', '2>', '/dev/null'),
		IPC::Run::start([ 'psql', '-X', '-q', '-d', $primary->connstr('postgres'), '-f', $janitor ],
			'<', \undef, '>', '/dev/null', '2>', '/dev/null'));

	$_->pump_nb foreach @runs;
	return @runs;
}

# Everything at once: no process has the time to write anything.
sub kill_all
{
	my ($node) = @_;
	my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');

	$node->kill9;
	kill 'KILL', @children;
}

# What has gone, and the last entry that may tell of it, at one moment.
sub gone
{
	my ($last, @gone) = split /\n/, $primary->safe_psql('postgres', <<'EOS');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT coalesce(max(seq), 0) FROM retention.ledger WHERE event = 'batch';
SELECT number FROM written EXCEPT SELECT number FROM visit;
COMMIT;
EOS
	return { last => $last, gone => { map { $_ => 1 } @gone } };
}

# The places where nothing may be left once VACUUM and the scrub were there: the
# B-tree's separators need a new index.
sub places
{
	my ($numbers) = @_;
	return grep { $_ eq 'visit' || $_ eq 'toast of visit' || $_ eq 'visit_v_hash' } keys %$numbers;
}

my $audit = q{SELECT (SELECT count(*) FROM written) - (SELECT count(*) FROM visit)
	- (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.visit')};
my $durable = 'SELECT coalesce(max(last_entry), 0) FROM retention.erasure_round WHERE durable_at IS NOT NULL';
my $claims = 0;

foreach my $n (1 .. $crashes)
{
	my @runs = start_load();
	my $least = $primary->safe_psql('postgres', $durable) + 1;
	my @moments;

	# until something new is durable, and a moment longer
	ok(RetentionNode::until_true(sub {
		push @moments, gone();
		$primary->safe_psql('postgres', "SELECT ($durable) >= $least") eq 't';
	}, seconds => 120), "kill $n: deletions become durable");
	my $more = 1 + int(rand(10));
	push @moments, gone() foreach 1 .. $more;
	my $claimed = $primary->safe_psql('postgres', $durable);

	kill_all($standby) if $n % 2 == 0;
	kill_all($primary);
	foreach (@runs)
	{
		eval { $_->finish };
	}
	ok(RetentionNode::start_again($primary), "kill $n: the server starts");

	# what was called durable has gone, in the files as recovery leaves them
	my $numbers = $bytes->numbers($primary);
	foreach my $moment (grep { $_->{last} <= $claimed } @moments)
	{
		my @back = grep { my $place = $_; grep { $moment->{gone}{$_} } keys %{ $numbers->{$place} } } places($numbers);

		$claims += keys %{ $moment->{gone} };
		is("@back", '', "kill $n: what was durable at entry $moment->{last} has gone");
	}
	is($primary->safe_psql('postgres', $audit), '0', "kill $n: change and evidence agree");
	is($primary->safe_psql('postgres', 'SELECT ok FROM retention.verify_ledger()'), 't', "kill $n: the chain holds");

	# the rest goes, too
	ok(RetentionNode::start_again($standby), "kill $n: the standby starts") if $n % 2 == 0;
	ok(RetentionNode::poll($primary, q{SELECT NOT EXISTS (SELECT FROM visit WHERE seen < now() - interval '1 hour')}),
		"kill $n: the engine goes on");
	$primary->safe_psql('postgres', $_) foreach 'VACUUM (INDEX_CLEANUP ON) visit', q{CALL retention.scrub('visit')}, 'CHECKPOINT';
	$primary->wait_for_catchup($standby);
	$standby->safe_psql('postgres', 'CHECKPOINT');
	my %live = map { $_ => 1 } split /\n/, $primary->safe_psql('postgres', 'SELECT number FROM visit');
	foreach my $node ($primary, $standby)
	{
		my $found = $bytes->numbers($node);

		foreach my $place (sort(places($found)))
		{
			is(scalar(grep { !$live{$_} } keys %{ $found->{$place} }), 0, "kill $n: only live marks in $place of " . $node->name);
		}
		is($node->safe_psql('postgres', 'SELECT count(*), count(*) FILTER (WHERE v <> mark(number)) FROM visit'),
			scalar(keys %live) . '|0', "kill $n: the live rows are there on " . $node->name);
		is($node->safe_psql('postgres', <<'EOS'), '0', "kill $n: indexes agree with the table on " . $node->name);
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT number, v FROM visit OFFSET 0) a WHERE 1 <> (SELECT count(*) FROM visit b WHERE b.v = a.v AND b.v || '' = a.v)
	OR 1 <> (SELECT count(*) FROM visit b WHERE b.number = a.number);
EOS
	}
	$primary->command_ok([ 'pg_amcheck', '-d', 'postgres', '-t', 'visit', '--heapallindexed', '--parent-check', '--rootdescend' ],
		"kill $n: pg_amcheck finds nothing");
}
cmp_ok($claims, '>', 0, "$claims times something was durable when the server was killed");

# in the end nothing is left anywhere
ok(RetentionNode::poll($primary, 'SELECT ok AND unsealed = 0 FROM retention.verify_ledger()'), 'the chain holds and is sealed');
$primary->safe_psql('postgres', $_) foreach 'REINDEX TABLE CONCURRENTLY visit', 'ANALYZE visit', 'VACUUM (INDEX_CLEANUP ON) visit',
  'VACUUM pg_statistic', q{CALL retention.scrub('visit')}, q{CALL retention.scrub('pg_statistic')}, 'CHECKPOINT';
$primary->wait_for_catchup($standby);
$standby->safe_psql('postgres', 'CHECKPOINT');
my %live = map { $_ => 1 } split /\n/, $primary->safe_psql('postgres', 'SELECT number FROM visit');
foreach my $node ($primary, $standby)
{
	my $found = $bytes->numbers($node);

	foreach my $place (grep { $_ ne 'pg_wal' } sort keys %$found)
	{
		is(scalar(grep { !$live{$_} } keys %{ $found->{$place} }), 0, "in the end: only live marks in $place of " . $node->name) if keys %{ $found->{$place} };
	}
}
$standby->stop;
$primary->stop;
command_ok([ 'pg_checksums', '--check', '-D', $_->data_dir ], 'the checksums of ' . $_->name . ' are right') foreach $primary, $standby;

done_testing();
