# A subscriber leaves to the publisher what the publisher deletes, says so, and
# goes on by itself where the subscription ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $publisher = RetentionNode->make('publisher', streaming => 1, conf => "wal_level = logical\n");
my $subscriber = RetentionNode->make('subscriber', preload => 1,
	conf => "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nwal_level = logical\nwal_retrieve_retry_interval = 200ms\n");

my $tables = <<'EOS';
SELECT retention.set_category('visits', '1 day', 'the visit');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON visit (seen);
CREATE TABLE months (id int, seen timestamptz, PRIMARY KEY (id, seen)) PARTITION BY RANGE (seen);
CREATE INDEX ON months (seen);
CREATE TABLE months_old PARTITION OF months FOR VALUES FROM (MINVALUE) TO ('2100-01-01');
CREATE TABLE months_new PARTITION OF months FOR VALUES FROM ('2100-01-01') TO (MAXVALUE);
CREATE TABLE mine (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON mine (seen);
SELECT retention.label(t, 'visits, from seen, then delete') FROM unnest('{visit, months, mine}'::regclass[]) AS t;
EOS
my $protect = q{SELECT retention.protect(t) FROM unnest('{visit, months, mine}'::regclass[]) AS t};
my $due = q{now() - interval '2 days'};

$_->safe_psql('postgres', $tables) foreach $publisher, $subscriber;
$publisher->safe_psql('postgres', $protect);
$publisher->safe_psql('postgres', <<"EOS");
INSERT INTO visit SELECT n, $due FROM generate_series(1, 3) n;
INSERT INTO months SELECT n, $due FROM generate_series(1, 3) n;
CREATE PUBLICATION "All ""of it" FOR TABLE visit, months;
EOS

sub ask { return $subscriber->safe_psql('postgres', @_); }
sub poll { return RetentionNode::poll($subscriber, @_); }
my $rows = 'SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM months)';
my $state = q{SELECT state, reason, remedy FROM retention.status WHERE relation = '%s'::regclass};
my $done = q{SELECT count(*) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.%s'};
# Whole visits of the worker that have begun since
sub visited
{
	my $end = ask('SELECT clock_timestamp()');
	ask('SELECT retention.wake()');
	return poll("SELECT last_start > '$end' AND last_success > last_start FROM retention.worker WHERE datname = 'postgres'");
}

my $connection = $publisher->connstr('postgres') =~ s/'/''/gr;
ask(qq{CREATE SUBSCRIPTION "From the ""other" CONNECTION '$connection' PUBLICATION "All ""of it" WITH (slot_name = 'from_other')});
ok(poll($rows, '3|3'), 'the rows arrive');
my ($status, $stdout, $stderr) = $subscriber->psql('postgres', $protect);
is($status, 0, 'tables that a subscription fills can be protected');
is(() = $stderr =~ /WARNING:  nothing is enforced in table public\.(?:visit|months) while a subscription fills it/g, 2,
	'with a warning');
like($stderr, qr/rows come by subscription "From the ""other", and go where its publisher deletes them/, 'that names the subscription');
unlike($stderr, qr/table public\.mine/, 'but not of others');
ask("INSERT INTO mine VALUES (1, $due)");
ok(poll('SELECT count(*) FROM mine', '0'), 'others are enforced by the worker');

my $waiting = 'waiting|rows come by subscription "From the ""other", and go where its publisher deletes them'
  . '|ALTER DATABASE postgres SET privacy_retention.enforce_subscribed = on';
foreach my $table (qw(visit months))
{
	is(ask(sprintf($state, $table)), $waiting, "$table: status says it waits, for what, and what helps");
	(undef, undef, $stderr) = $subscriber->psql('postgres', "CALL retention.enforce('$table')");
	like($stderr, qr/ERROR:  table public\.$table is left to its publisher\n.*DETAIL:  Its rows come by.*\n.*HINT:  .*enforce_subscribed = on;/,
		"$table: enforce() by name says it, too");
}
is(ask(q{SELECT string_agg(object, ' ' ORDER BY object) FROM retention.check() WHERE finding LIKE 'waiting: rows come by subscription%'}),
	'public.months public.visit', 'so does check()');
ask('CALL retention.enforce()');
ok(visited(), 'the worker looks');
is(ask($rows), '3|3', 'nothing goes');

# The publisher's deletions arrive, once
$publisher->safe_psql('postgres', 'CALL retention.enforce()');
ok(poll($rows, '0|0'), 'what the publisher deletes goes');
ok(visited(), 'the worker looks again');
is(ask(sprintf($done, $_)), '0', "$_: done by the publisher alone") foreach qw(visit months);
cmp_ok($publisher->safe_psql('postgres', sprintf($done, 'visit')), '>', 0, 'which has the evidence');
is(ask('SELECT subenabled FROM pg_subscription'), 't', 'and the subscription goes on');

# The switch
$publisher->safe_psql('postgres', "INSERT INTO visit VALUES (4, $due)");
ok(poll('SELECT count(*) FROM visit', '1'), 'a row arrives');
ask('ALTER DATABASE postgres SET privacy_retention.enforce_subscribed = on; SELECT retention.wake()');
ok(poll('SELECT count(*) FROM visit', '0'), 'enforce_subscribed: it goes here');
is(ask(q{SELECT DISTINCT state FROM retention.status}), 'ok', 'and status is well');
ask('ALTER DATABASE postgres RESET privacy_retention.enforce_subscribed');
is(ask(sprintf($state, 'visit')), $waiting, 'and back');
$publisher->safe_psql('postgres', 'CALL retention.enforce()');
$publisher->safe_psql('postgres', "INSERT INTO visit VALUES (5, $due); INSERT INTO months VALUES (5, $due)");
ok(poll($rows, '1|1'), 'a row that is gone already does not stop the subscription');

# Disabled: as if there were none
ask('ALTER SUBSCRIPTION "From the ""other" DISABLE; SELECT retention.wake()');
ok(poll($rows, '0|0'), 'a subscription that is disabled leaves the rows to us');
$publisher->safe_psql('postgres', "INSERT INTO visit VALUES (6, $due); INSERT INTO months VALUES (6, $due)");
ask('ALTER SUBSCRIPTION "From the ""other" ENABLE');
ok(poll($rows, '1|1'), 'enabled again, it fills the tables');
ok(visited(), 'the worker looks');
is(ask($rows), '1|1', 'and leaves them');

# What is held here stays here: replication stops with that error until it is lifted
my $suspension = ask(q{SELECT retention.suspend('visit', 'id = 6', 'a trial', current_date + 90, 'counsel')});
my $offset = RetentionNode::log_size($subscriber);
$publisher->safe_psql('postgres', 'CALL retention.enforce()');
ok(RetentionNode::until_true(sub { RetentionNode::log_since($subscriber, $offset) =~ /under suspension of deletion.*lift_suspension\($suspension,/s }),
	'a held row refuses the publisher\'s deletion, and the log says which suspension');
is(ask($rows), '1|1', 'it stays');
ask("SELECT retention.lift_suspension($suspension, 'the trial is over')");
ok(poll($rows, '0|0'), 'lifted, replication goes on');
$publisher->safe_psql('postgres', "INSERT INTO visit VALUES (8, $due); INSERT INTO months VALUES (8, $due)");
ok(poll($rows, '1|1'), 'with all that comes');
ask('DROP SUBSCRIPTION "From the ""other"; SELECT retention.wake()');
ok(poll($rows, '0|0'), 'dropped, it goes on by itself');

# By the root of the partitions
$publisher->safe_psql('postgres', 'CALL retention.enforce(); CREATE PUBLICATION by_root FOR TABLE months WITH (publish_via_partition_root)');
$publisher->safe_psql('postgres', "INSERT INTO months VALUES (7, $due)");
ask("CREATE SUBSCRIPTION by_root CONNECTION '$connection' PUBLICATION by_root");
ok(poll('SELECT count(*) FROM months', '1'), 'a row arrives by the root');
like(ask(sprintf($state, 'months')), qr/^waiting\|rows come by subscription by_root,/, 'the root waits');
like(ask(sprintf($state, 'visit')), qr/^ok/, 'no other table does');
ok(visited(), 'the worker looks');
is(ask('SELECT count(*) FROM months'), '1', 'and leaves it');
ask('DROP SUBSCRIPTION by_root');

$subscriber->stop;
$publisher->stop;
done_testing();
