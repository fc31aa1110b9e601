
# Keys are files: many callers at once, a new epoch in sessions that are open,
# the directory's own rules, base backups, standbys, and silence in the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('key', streaming => 1,
	conf => "log_statement = all\nlog_min_messages = debug1\nlog_error_verbosity = verbose\n");
my $keys = RetentionNode::keys('key');

# Many callers at once: each gets a number of its own, and one mark key is made.
my $script = "${PostgreSQL::Test::Utils::tmp_check}/create.sql";
append_to_file($script, "SELECT retention.create_key();\n");
$node->command_ok([ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '5', '-f', $script, 'postgres' ],
	'eight clients make keys');
is($node->safe_psql('postgres', 'SELECT count(*), min(epoch), max(epoch) FROM retention.key'),
	'40|1|40', 'forty epochs, none twice');
my @files = glob "$keys/*";
is(scalar @files, 41, 'forty files, the mark key, and nothing left over');
is(scalar(grep { ((stat $_)[2] & 07777) != 0600 } @files), 0, 'nobody else can read them');

# A session that is open takes the new epoch with its next statement, also within
# a transaction; one statement never mixes two.
my $token = "SELECT retention.pseudonym('value', 'domain')";
my $elsewhere = "\\! psql -X -q -o /dev/null -h '@{[$node->host]}' -p @{[$node->port]} postgres -c";
my ($before, $during, $after) = split /\n/, $node->safe_psql('postgres', <<"EOS");
BEGIN;
$token;
$elsewhere 'SELECT retention.create_key()'
$token;
$elsewhere 'SELECT retention.destroy_key(41)'
$token;
COMMIT;
EOS
like($before, qr/^[a-z2-7]{26}$/, 'a token');
isnt($during, $before, 'the new epoch counts at once');
is($after, $before, 'and so does its destruction');
is($node->safe_psql('postgres', "SELECT count(DISTINCT retention.pseudonym('value', 'domain')) FROM generate_series(1, 1000)"),
	'1', 'one statement, one epoch');

# A copy of the server does not hold keys.
$node->backup('copy');
my @inside;
foreach my $file (@files)
{
	my ($key) = slurp_file($file) =~ /^key ([0-9a-f]{64})$/m;
	push @inside, $key;
}
is(scalar(grep { defined } @inside), 41, 'the files hold keys of 256 bits');
my $copied = '';
foreach my $directory ($node->backup_dir . '/copy')
{
	my @found = split /\n/, `find '$directory' -name '*.key' -o -name 'epoch-*'`;
	$copied .= "@found";
}
is($copied, '', 'a base backup takes no key along');

# A standby knows the tokens, makes the same ones, and makes no keys.
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $token), $node->safe_psql('postgres', $token),
	'a standby with the keys makes the same pseudonyms');
my ($status, $out, $error) = $standby->psql('postgres', 'SELECT retention.create_key()');
like($error, qr/cannot create a key during recovery/, 'but no keys');
($status, $out, $error) = $standby->psql('postgres', 'SELECT retention.destroy_key(1)');
like($error, qr/cannot destroy a key during recovery/, 'and destroys none');
$standby->stop;

# No key, in hexadecimal digits or as bytes, was logged, nor is in a dump.
my $log = slurp_file($node->logfile);
my $dump = `pg_dump -h '@{[$node->host]}' -p @{[$node->port]} postgres`;
my @said = grep { my $key = $_; index(lc $log, $key) >= 0 || index($log, pack('H*', $key)) >= 0 } @inside;
is(scalar @said, 0, 'no key is in the log');
isnt(length $dump, 0, 'there is a dump');
is(scalar(grep { index(lc $dump, $_) >= 0 } @inside), 0, 'no key is in a dump');

# Keys know no transactions, and the ledger does: what a crash kept out of it comes later,
# once. The crash lies behind the destruction and before the end of its transaction.
sub recorded
{
	my ($epoch) = @_;
	return $node->safe_psql('postgres', "SELECT event FROM retention.ledger WHERE detail LIKE 'epoch $epoch at %' ORDER BY 1");
}
my ($in, $answer) = ('', '');
my $session = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$answer, '2>', \my $said);
$in .= "BEGIN;\nSELECT 'made ' || retention.create_key();\nSELECT retention.destroy_key(2);\n\\echo done\n";
IPC::Run::pump($session) until $answer =~ /^done$/m;
my ($made) = $answer =~ /^made (\d+)$/m;
my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
$node->kill9;
kill('KILL', @children);
eval { $session->finish };
ok(RetentionNode::start_again($node), 'a server that was killed comes back');
is($node->safe_psql('postgres', 'SELECT state FROM retention.key WHERE epoch = 2'), 'destroyed', 'the key is destroyed');
is(recorded(2), 'create_key', 'which the ledger does not know');
is(recorded($made), '', 'nor the key that was made');
$node->safe_psql('postgres', 'CALL retention.enforce()') foreach 1 .. 2;
is(recorded(2), "create_key\ndestroy_key", 'but learns');
is(recorded($made), 'create_key', 'of both');
is($node->safe_psql('postgres', 'SELECT ok, unsealed FROM retention.verify_ledger()'), 't|0', 'and is whole');

# A copy of a database records nothing before it acts, so that a restore finds its place free.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION privacy_retention');
$node->safe_psql('other', 'CALL retention.enforce()');
is($node->safe_psql('other', 'SELECT count(*) FROM retention.ledger'), '0', 'a database that has done nothing yet records no keys');
$node->safe_psql('other', "CREATE TABLE visit (at timestamptz); CREATE INDEX ON visit (at); SELECT retention.set_category('visits', '1 day');
	SELECT retention.label('visit', 'visits, from at, then delete'); SELECT retention.protect('visit')");
$node->safe_psql('other', 'CALL retention.enforce()');
is($node->safe_psql('other', "SELECT count(*) FROM retention.ledger WHERE event = 'destroy_key' AND detail LIKE 'epoch 2 at %'"), '1', 'one that protects a table does, whoever destroyed them');

# A key's file under another name, and overwritten all the same.
link("$keys/epoch-4.key", "$keys/elsewhere") or die "link: $!";
my ($fourth) = slurp_file("$keys/elsewhere") =~ /^key ([0-9a-f]{64})$/m;
$node->safe_psql('postgres', 'SELECT retention.destroy_key(4)');
ok(index(slurp_file("$keys/elsewhere"), $fourth) < 0 && -s "$keys/elsewhere" > 100, 'another name of the file does not keep the key');
unlink "$keys/elsewhere" or die "unlink: $!";

# A clock that jumped destroys no key before somebody has accepted it.
$node->safe_psql('postgres', 'CALL retention.enforce()');
my $dated = $node->safe_psql('postgres', q{SELECT retention.create_key(clock_timestamp() + interval '50 ms')});
$node->safe_psql('postgres', 'SELECT retention.create_key()');
ok(RetentionNode::poll($node, "SELECT destroy_on < clock_timestamp() FROM retention.key WHERE epoch = $dated", 't'), 'the date comes');
my $state = "SELECT state FROM retention.key WHERE epoch = $dated";
$node->safe_psql('postgres', q{UPDATE retention.pass_clock SET at = at - interval '1 year'});
$node->safe_psql('postgres', 'CALL retention.enforce()');
is($node->safe_psql('postgres', $state), 'retired', 'a clock that jumped destroys no key');
$node->safe_psql('postgres', 'CALL retention.enforce()');
is($node->safe_psql('postgres', $state), 'retired', 'nor later');
$node->safe_psql('postgres', 'SELECT retention.accept_clock()');
$node->safe_psql('postgres', 'CALL retention.enforce()');
is($node->safe_psql('postgres', $state), 'destroyed', 'accepted, it does');

# The directory: changed while the server runs.
sub use_directory
{
	my ($path) = @_;

	$node->append_conf('postgresql.conf', "privacy_retention.key_directory = '$path'\n");
	$node->reload;
	RetentionNode::poll($node,
		"LOAD 'privacy_retention'; SELECT current_setting('privacy_retention.key_directory')", $path);
}
my $base = PostgreSQL::Test::Utils::tempdir_short();
use_directory("$base/new");
($status, $out, $error) = $node->psql('postgres', $token);
like($error, qr/the key directory does not exist.*HINT:.*create_key/s, 'no directory yet');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.key'), '0', 'and no epochs');
is($node->safe_psql('postgres', 'SELECT retention.create_key()'), '1', 'it is made with the first key');
is((stat "$base/new")[2] & 07777, 0700, 'for the server alone');

use_directory("$base/none/new");
($status, $out, $error) = $node->psql('postgres', 'SELECT retention.create_key()');
like($error, qr/HINT:.*Only the last directory/s, 'but not the directories above it');

my $data = $node->data_dir;
symlink("$data/base", "$base/link") or die "symlink: $!";
use_directory("$base/link");
($status, $out, $error) = $node->psql('postgres', 'SELECT retention.create_key()');
like($error, qr/the key directory lies in the data directory.*HINT:.*base backups/s,
	'not in the data directory, by whatever way');
use_directory("$base/link/keys");
($status, $out, $error) = $node->psql('postgres', 'SELECT retention.create_key()');
like($error, qr/the key directory lies in the data directory/, 'nor made there');
ok(!-e "$data/base/keys", 'so it is not there');

use_directory('');
($status, $out, $error) = $node->psql('postgres', $token);
like($error, qr/key_directory is not set.*HINT:/s, 'no directory, no key');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.key'), '0', 'and no epochs');
unlike($error, qr/\Q$base\E/, 'paths are not told');

done_testing();
