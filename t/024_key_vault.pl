
# Keys in a vault outside: privacy_retention.key_command. A real program keeps them; it
# fails, hangs and babbles on demand.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Config;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;
use Time::HiRes qw(time);

my $vault = PostgreSQL::Test::Utils::tempdir_short();
my $command = "$Config{perlpath} $FindBin::RealBin/lib/vault $vault";
my $node = RetentionNode->make('vault', streaming => 1, preload => 1,
	conf => "privacy_retention.key_directory = ''\nprivacy_retention.key_command = '$command'\n"
	  . "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nprivacy_retention.enabled = off\n");
my $token = "SELECT retention.pseudonym('value', 'domain')";

sub ask
{
	my ($file, $text) = @_;
	open(my $out, '>', "$vault/$file") or die "$file: $!";
	print $out $text // '';
	close $out;
}

sub stop_asking
{
	unlink map { "$vault/$_" } @_ or die "@_: $!";
}

sub answer
{
	my ($sql, %option) = @_;
	my ($status, $out, $error) = $node->psql(delete $option{dbname} // 'postgres', $sql, %option);
	return $status == 0 ? $out : $error;
}

# The processes that hung: each must be gone, and its child, which is in its group.
sub gone
{
	my ($what) = @_;
	my @pids = split /\n/, slurp_file("$vault/pids");
	unlink "$vault/pids";
	ok(scalar @pids > 0 && RetentionNode::until_true(sub { !grep { kill(0, $_) || kill(0, -$_) } @pids }), "$what: killed, and what it started");
}

like(answer($token), qr/there is no key.*HINT:.*create_key/s, 'an empty vault');
is(answer('SELECT count(*) FROM retention.key'), '0', 'has no epochs');
is(answer('SELECT retention.create_key()'), '1', 'it makes a key');
is(answer(q{SELECT retention.create_key('2100-01-01 00:00+00')}), '2', 'and one with a date');
is(answer(q{SELECT epoch, state, destroy_on AT TIME ZONE 'UTC', created_at BETWEEN now() - interval '1 hour' AND now() FROM retention.key}),
	"1|retired||t\n2|current|2100-01-01 00:00:00|t", 'which the view shows');
my $first = answer($token);
like($first, qr/^[a-z2-7]{26}$/, 'a token');
is(answer($token), $first, 'the same in another session');
is(answer("SELECT retention.is_pseudonym('$first'::text)"), 't', 'known as one');

# What the program is given, and is not.
my @keys = slurp_file("$vault/vault") =~ /([0-9a-f]{64})/g;
my $heard = slurp_file("$vault/heard");
is(scalar @keys, 3, 'the vault holds a mark key and two keys');
is(scalar(grep { index($heard, $_) >= 0 } @keys), 0, 'no key is in an argument or the environment');
unlike($heard, qr/socket:|pipe:|base\/|pg_wal|anon_inode/, 'it inherits no descriptor of the server');
is(answer("SELECT setting FROM pg_settings WHERE name = 'privacy_retention.key_command'"), $command, 'the setting is shown to superusers');
is(answer("CREATE ROLE nobody; SET ROLE nobody; SELECT count(*) FROM pg_settings WHERE name = 'privacy_retention.key_command'"), '0', 'and to no one else');

# Asked once a transaction.
unlink "$vault/operations";
is(answer("BEGIN; $token; $token; $token; COMMIT;"), "$first\n$first\n$first", 'three statements');
is(slurp_file("$vault/operations"), "get\n", 'one question');

# Failures: the client learns that, the log why; the session goes on without a leak.
ask('fail.get', '7');
my $offset = RetentionNode::log_size($node);
my $error = answer($token);
like($error, qr/ERROR:  the key command failed at "get"\nHINT:/, 'a failure');
unlike($error, qr/sealed|exit code|\Q$vault\E/, 'no more for the client');
like(RetentionNode::log_since($node, $offset), qr/sealed, says the vault/, 'what it says is in the log');
like(RetentionNode::log_since($node, $offset), qr/exit code 7/, 'with its exit code');
my $count = "SELECT count(*) AS n FROM pg_ls_dir('/proc/self/fd')";
my ($before, $after) = split /\n/, answer("$count;\n" . "$token;\n" x 20 . "$count;", on_error_stop => 0);
is($after, $before, 'twenty failures leave no descriptor open');
stop_asking('fail.get');
is(answer($token), $first, 'and then it works again');

my $mark = "mark $keys[0]\n";
my %bad = (
	'nothing like it' => "hello\n", 'upper case' => uc("mark $keys[0]\n"), 'half a key' => 'mark ' . substr($keys[0], 0, 32) . "\n", 'no end of line' => "mark $keys[0]",
	'more behind' => "${mark}epoch 1 $keys[1]\nepoch 2 $keys[2]\n", 'epoch zero' => "${mark}epoch 0 $keys[1]\n", 'no number' => "${mark}epoch $keys[1]\n",
	'zero bytes' => "${mark}\0\0", 'too much' => $mark x 100, 'a longer key' => "mark $keys[0]00\n");
foreach my $what (sort keys %bad)
{
	ask('answer.get', $bad{$what});
	$error = answer($token);
	like($error, qr/^psql:<stdin>:\d+: ERROR:  the (answer of the )?key command/, "refused: $what");
	is(scalar(grep { index($error, substr($_, 0, 16)) >= 0 } @keys), 0, 'without a word of it');
}
stop_asking('answer.get');
foreach my $bad ("epoch 1\n", "epoch 1 5 5 5\n", "destroyed x 5\n", "epoch 1 5\nepoch 1 6\n", "epoch -1 5\n", "epoch 1 5", "epoch 1 5\n\n")
{
	ask('answer.list', $bad);
	like(answer('SELECT * FROM retention.key'), qr/answer of the key command to "list" could not be understood/, 'a bad list: ' . $bad =~ s/\n/|/gr);
}
ask('answer.list', "epoch 1 1600000000000000 1700000000000000\nepoch 2 1600000000000000 9700000000000000\n");
is(answer(q{SELECT severity, object, finding FROM retention.check() WHERE object LIKE 'key%'}), 'warning|key epoch 1|the date of its destruction has passed', 'a key that should be gone is found');
stop_asking('answer.list');

# It hangs: the statement can be cancelled, the session ended, the server stopped; or
# its time is over. Nothing stays behind.
ask('hang.get');
my $start = time();
like(answer("SET statement_timeout = '300ms'; $token"), qr/canceling statement due to statement timeout/, 'cancelled');
gone('a cancelled statement');
my $ended = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', $token ], '>', \my $out, '2>', \my $said);
ok(RetentionNode::until_true(sub { -s "$vault/pids" }), 'a session waits for it');
answer(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%domain%' AND pid <> pg_backend_pid()});
$ended->finish;
like($said, qr/terminating connection due to administrator command/, 'terminated');
gone('a terminated session');
$start = time();
like(answer($token), qr/the key command did not end "get" within 10 seconds/, 'its time is over');
cmp_ok(time() - $start, '<', 20, 'after that time');
gone('a program that took too long');
stop_asking('hang.get');
ask('stay.get');
like(answer("SET statement_timeout = '300ms'; $token"), qr/canceling statement/, 'one that answers and does not end');
gone('it');
stop_asking('stay.get');
is(answer($token), $first, 'and then it works again');

# Rules that pseudonymise; a date that comes while the vault is out of order is not lost,
# and nothing else waits for it.
is(answer(<<'EOS'), '', 'a rule');
SELECT FROM (SELECT retention.set_category('names', '1 day'), retention.set_category('visits', '1 month')) AS done;
CREATE TABLE visit (at timestamptz, name text);
CREATE INDEX ON visit (at);
SELECT FROM (SELECT retention.label('visit', 'visits, from at, then delete'), retention.label('visit', 'names, from at, then pseudonymise', '{name}')) AS done;
INSERT INTO visit VALUES (now() - interval '2 days', 'anna');
SELECT FROM retention.protect('visit');
SET privacy_retention.enabled = on;
CALL retention.enforce();
EOS
is(answer('SELECT retention.is_pseudonym(name) FROM visit'), 't', 'is enforced');
ask('fail.destroy', '1');
answer(q{SELECT retention.create_key(clock_timestamp() + interval '300 ms')});
$offset = RetentionNode::log_size($node);
$node->append_conf('postgresql.conf', "privacy_retention.enabled = on\n");
$node->reload;
ok(RetentionNode::until_true(sub { RetentionNode::log_since($node, $offset) =~ /keys were not looked after: the key command failed at "destroy"/ }), 'the worker says that it could not destroy a key');
is(answer(q{INSERT INTO visit VALUES (now() - interval '2 months', 'bert')}), '', 'meanwhile');
ok(RetentionNode::poll($node, 'SELECT count(*) FROM visit', '1', seconds => 20), 'rows go on their date');
stop_asking('fail.destroy');
ok(RetentionNode::poll($node, q{SELECT state FROM retention.key WHERE epoch = 3}, 'destroyed'), 'and the key as soon as it can');
ok(RetentionNode::poll($node, q{SELECT count(*) > 0 FROM retention.ledger WHERE event = 'destroy_key' AND detail LIKE 'epoch 3 at %' AND seq IS NOT NULL}), 'which the ledger tells');
is(answer(q{SELECT count(*) FROM retention.key WHERE state = 'current' AND epoch > 3}), '1', 'another is in its place');
like(RetentionNode::log_since($node, $offset), qr/destroyed the key of epoch 3, whose date has come/, 'and the log');

# By hand.
is(answer('SELECT retention.destroy_key(1)'), '', 'destroyed');
is(answer('SELECT state FROM retention.key WHERE epoch = 1'), 'destroyed', 'it is');
like(answer('SELECT retention.destroy_key(1)'), qr/no key of epoch 1.*destroyed already/s, 'once');
like(answer('SELECT retention.destroy_key(99)'), qr/no key of epoch 99/, 'an epoch that never was');
is(scalar(() = slurp_file("$vault/vault") =~ /$keys[1]|$keys[2]/g), 1, 'the vault has lost that key and kept the other');

# A date that has passed by a clock that jumped says so, and names what helps.
my $found = q{SELECT finding || '|' || hint FROM retention.check() WHERE object = 'key epoch 90'};
my $past = int((time() - 86400) * 1e6);
ask('answer.list', "epoch 90 1600000000000000 $past\n");
is(answer("BEGIN; UPDATE retention.pass_clock SET ahead = 2 * 86400 * 1000000::bigint; $found"),
	'the date of its destruction has passed by a clock that jumped ahead, and waits until somebody has accepted the clock|'
	  . "SELECT retention.accept_clock(), if the server's clock is right", 'a key that a jump keeps');
like(answer("BEGIN; UPDATE retention.pass_clock SET ahead = 3600 * 1000000::bigint; $found"), qr/^the date of its destruction has passed\|SELECT retention.destroy_key\(90\)/, 'one that it does not keep');
stop_asking('answer.list');

# While the vault takes its time nobody waits for who asked it: no snapshot, no transaction
# and no lock is held, and the extension, or the database, can be dropped.
sub make_patient
{
	$node->safe_psql('postgres', 'CREATE DATABASE patient') if answer(q{SELECT count(*) FROM pg_database WHERE datname = 'patient'}) eq '0';
	return $node->safe_psql('patient', 'CREATE EXTENSION privacy_retention; SELECT retention.create_key()');
}

# Asks for a session that waits for the vault, in one look: what it holds meanwhile.
sub seen_waiting
{
	my ($who, $what) = @_;
	my $holds = 'never seen';
	my $pid;
	RetentionNode::until_true(sub {
		my $seen = answer(qq{SELECT a.pid, coalesce(a.backend_xmin::text, 'no snapshot'), coalesce(a.backend_xid::text, 'no transaction'),
				coalesce((SELECT string_agg(concat_ws(' ', l.locktype, l.classid::regclass, l.relation::regclass, l.mode), ', ') FROM pg_locks l WHERE l.pid = a.pid AND l.locktype <> 'virtualxid'), 'no lock')
			FROM pg_stat_activity a WHERE a.datname = 'patient' AND a.wait_event = 'Extension' AND $who});
		($pid, $holds) = split /\|/, $seen, 2 if $seen ne '';
		return $seen ne '';
	});
	is($holds, 'no snapshot|no transaction|no lock', "$what holds nothing while it waits for the vault");
	return $pid;
}
my $worker = q{a.query = 'privacy_retention: looking after the keys'};
my $still = 'SELECT count(*) FROM pg_stat_activity WHERE pid =';
make_patient();
ask('wait.list');
my $pid = seen_waiting($worker, 'a visit');
is(answer(q{SET lock_timeout = '3s'; DROP EXTENSION privacy_retention}, dbname => 'patient'), '', 'the extension can be dropped');
is(answer("$still $pid"), '1', 'meanwhile');
stop_asking('wait.list');
ok(RetentionNode::until_true(sub { answer("$still $pid") eq '0' }), 'the visit ends');

make_patient();
ask('wait.list');
$pid = seen_waiting($worker, 'a visit');
is(answer('DROP DATABASE patient'), '', 'the database can be dropped');
stop_asking('wait.list');

$node->append_conf('postgresql.conf', "privacy_retention.enabled = off\n");
$node->reload;
make_patient();
ask('wait.list');
my $call = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('patient'), '-c', 'SET privacy_retention.enabled = on', '-c', 'CALL retention.enforce()' ], '>', \my $called, '2>', \my $complaint);
seen_waiting(q{a.query LIKE 'CALL%'}, 'CALL');
is(answer(q{SET lock_timeout = '3s'; DROP EXTENSION privacy_retention}, dbname => 'patient'), '', 'the extension can be dropped');
stop_asking('wait.list');
$call->finish;
like($complaint, qr/nothing is enforced: extension privacy_retention is being dropped/, 'which the CALL is told');

# What was made and destroyed meanwhile is recorded afterwards, once.
make_patient();
my $recorded = q{SELECT count(*) FROM retention.ledger WHERE event = 'destroy_key' AND detail LIKE 'epoch %1$s at %%'};
ask('wait.destroy');
my $dated = answer(q{SELECT retention.create_key(clock_timestamp() + interval '50 ms')}, dbname => 'patient');
ok(RetentionNode::poll($node, "SELECT destroy_on < clock_timestamp() FROM retention.key WHERE epoch = $dated", 't'), 'a date comes');
$call = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('patient'), '-c', 'SET privacy_retention.enabled = on', '-c', 'CALL retention.enforce()' ], '>', \$called, '2>', \$complaint);
seen_waiting(q{a.query LIKE 'CALL%'}, 'CALL that destroys a key');
is(answer(sprintf($recorded, $dated), dbname => 'patient'), '0', 'it is not destroyed yet');
stop_asking('wait.destroy');
$call->finish;
is($complaint, '', 'it ends well');
is(answer(sprintf($recorded, $dated), dbname => 'patient'), '1', 'destroyed, and in the ledger');
is(answer('SELECT ok, unsealed FROM retention.verify_ledger()', dbname => 'patient'), 't|0', 'which is whole');
$node->append_conf('postgresql.conf', "privacy_retention.enabled = on\n");
$node->reload;

# A standby asks the same vault.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('vault_standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $token), answer($token), 'a standby makes the same tokens');
$standby->stop;

# One or the other.
my $directory = RetentionNode::keys('vault');
$node->append_conf('postgresql.conf', "privacy_retention.key_directory = '$directory'\n");
$node->reload;
ok(RetentionNode::until_true(sub { answer($token) =~ /key_directory and privacy_retention.key_command are both set.*HINT:/s }), 'not both');

# The server is stopped at once while it hangs.
$node->append_conf('postgresql.conf', "privacy_retention.key_directory = ''\nprivacy_retention.enabled = off\n");
$node->reload;
ok(RetentionNode::until_true(sub { answer($token) =~ /^[a-z2-7]{26}$/ }), 'only the vault');
ask('hang.get');
$ended = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', $token ], '>', \$out, '2>', \$said);
ok(RetentionNode::until_true(sub { -s "$vault/pids" }), 'a session waits for it');
my ($hangs) = split /\n/, slurp_file("$vault/pids");
$node->stop('immediate');
$ended->finish;
# A process that nobody waits for may stay in the table as a zombie.
ok(RetentionNode::until_true(sub { `ps -o stat= -p $hangs` !~ /^[^Z]/ }, seconds => 10), 'nothing runs when the server does not');
kill('KILL', -$hangs);
@keys = slurp_file("$vault/vault") =~ /([0-9a-f]{64})/g;
my $log = slurp_file($node->logfile);
is(scalar(grep { index(lc $log, $_) >= 0 } @keys), 0, 'no key is in the log');

done_testing();
