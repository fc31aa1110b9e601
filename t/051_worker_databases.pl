# The worker is in nobody's way: databases are dropped and copied, extensions
# dropped, servers promoted, while it works.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;
use Time::HiRes qw(time);

my $node = RetentionNode->make('databases', preload => 1, streaming => 1,
	conf => "privacy_retention.naptime = 2\nprivacy_retention.lock_timeout = 0\n");

sub poll { return RetentionNode::poll($node, @_); }

# A database with rows that are due, enough that the worker is at them for a while.
sub make_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, q{
		CREATE EXTENSION privacy_retention;
		CREATE TABLE visit (at timestamptz);
		INSERT INTO visit SELECT now() - interval '1 year' FROM generate_series(1, 30000);
		SELECT retention.set_category('visits', '1 hour', 'the visit', 'consent', 'none', 'visitors', 'the visitor');
		SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'visits, from at, then delete';
		SELECT retention.protect('visit', at_most => 30000)});
	return;
}

# DROP DATABASE while the worker works in it
my $slowest = 0;
my $working = 0;
my $dropped = 0;
foreach my $i (1 .. 15)
{
	make_database("short_$i");
	poll('SELECT count(*) > 0 FROM retention.worker'
		  . " WHERE datname = 'short_$i' AND (state = 'running' OR rows > 0)");
	$working += $node->safe_psql('postgres',
		"SELECT count(*) FROM retention.worker WHERE datname = 'short_$i' AND state = 'running'");
	my $began = time();
	my ($status, undef, $error) = $node->psql('postgres', "DROP DATABASE short_$i");
	$slowest = time() - $began if time() - $began > $slowest;
	if ($status == 0) { $dropped++; }
	else { diag($error); }
}
is($dropped, 15, 'all databases could be dropped');
cmp_ok($slowest, '<', 5, 'none had to wait for long');
note("slowest: $slowest s; a worker was seen in $working");
poll(q{SELECT count(*) = 0 FROM retention.worker WHERE datname LIKE 'short%'});

# CREATE DATABASE ... TEMPLATE of one it works in
make_database('original');
my $copied = 0;
foreach my $i (1 .. 5)
{
	my ($status, undef, $error) = $node->psql('postgres', "CREATE DATABASE copy_$i TEMPLATE original");
	if ($status == 0) { $copied++; }
	else { diag($error); }
}
is($copied, 5, 'a database the worker works in can be copied');
poll('SELECT count(*) = 0 FROM visit', 't', db => 'original');
poll(q{SELECT count(*) = 5 FROM retention.worker WHERE datname LIKE 'copy%' AND state IN ('idle', 'running')});

# A database without the extension is visited once, and again when it has it
$node->safe_psql('postgres', 'CREATE DATABASE late');
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'absent');
$node->safe_psql('late', 'CREATE EXTENSION privacy_retention');
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'idle');

# DROP EXTENSION waits for the worker that is there, without a deadlock
my $offset = RetentionNode::log_size($node);
$node->safe_psql('late', q{BEGIN; LOCK TABLE retention.ledger; PREPARE TRANSACTION 'hold'});
$node->safe_psql('late', 'SELECT retention.wake()');
poll(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'late'
	AND backend_type = 'privacy_retention worker' AND wait_event_type = 'Lock'});
my ($out, $err) = ('', '');
my $drop = IPC::Run::start(
	[ 'psql', '-X', '-d', $node->connstr('late'), '-c', 'DROP EXTENSION privacy_retention' ],
	'<', \undef, '>', \$out, '2>', \$err);
poll(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'late'
	AND query LIKE 'DROP EXTENSION%' AND wait_event_type = 'Lock'});
$node->safe_psql('late', q{ROLLBACK PREPARED 'hold'});
ok($drop->finish, "the extension is dropped: $err");
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'absent');
unlike(RetentionNode::log_since($node, $offset), qr/deadlock/, 'no deadlock');

# A drop that is under way: the worker does not wait for it
$node->safe_psql('late', 'CREATE EXTENSION privacy_retention');
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'idle');
$node->safe_psql('late', q{BEGIN; DROP EXTENSION privacy_retention; PREPARE TRANSACTION 'drop'});
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'absent');
$node->safe_psql('late', q{ROLLBACK PREPARED 'drop'});
poll(q{SELECT state FROM retention.worker WHERE datname = 'late'}, 'idle');

# A standby is idle, and goes on once promoted
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
make_database('moved');
poll('SELECT count(*) = 0 FROM visit', 't', db => 'moved');
$node->safe_psql('moved', q{INSERT INTO visit VALUES (now() - interval '1 hour' + interval '10 s')});
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('moved', 'SELECT datname, state FROM retention.worker'),
	'moved|standby', 'on a standby the view says so');
is($standby->safe_psql('moved', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'privacy_retention%'}),
	'0', 'no process runs there');
is($standby->safe_psql('moved', 'SELECT ok FROM retention.verify_ledger()'),
	't', 'the ledger can be verified there');
$node->stop('immediate');
is($standby->safe_psql('moved', 'SELECT count(*) FROM visit'), '1', 'a row will fall due');
$standby->promote;
RetentionNode::poll($standby, 'SELECT count(*) = 0 FROM visit', 't', db => 'moved');
RetentionNode::poll($standby, q{SELECT state FROM retention.worker WHERE datname = 'moved'}, 'idle', db => 'moved');
is($standby->safe_psql('moved', 'SELECT ok, problem IS NULL FROM retention.verify_ledger()'),
	't|t', 'the chain goes on');
$standby->stop;

done_testing();
