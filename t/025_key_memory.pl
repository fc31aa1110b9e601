
# Where keys are not: in the memory of a process whose transaction has ended, in the log
# at its chattiest, in dumps, base backups and the views that show what goes on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Digest::SHA qw(hmac_sha256);
use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('memory', streaming => 1, preload => 1,
	conf => "log_statement = all\nlog_min_messages = debug5\nlog_error_verbosity = verbose\ntrack_activities = on\n"
	  . "debug_print_plan = on\nshared_buffers = 16MB\nprivacy_retention.naptime = 1\n");
my $directory = RetentionNode::keys('memory');
$node->safe_psql('postgres', 'SELECT retention.create_key()');

# All forms in which a key may lie about, by name.
my %form;
my %file = (epoch => "$directory/epoch-1.key", mark => "$directory/mark.key");
my %info = (epoch => 'privacy_retention pseudonym v1names', mark => 'privacy_retention mark v1');
foreach my $which (keys %file)
{
	my ($hex) = slurp_file($file{$which}) =~ /^key ([0-9a-f]{64})$/m;
	my $key = pack('H*', $hex);
	my $extracted = hmac_sha256($key, "\0" x 32);
	my $derived = hmac_sha256($info{$which} . "\1", $extracted);
	%form = (%form, "$which key" => $key, "$which key in hexadecimal digits" => $hex, "key extracted from the $which key" => $extracted, "key derived from the $which key" => $derived);
	# As HMAC pads it.
	$form{"$_->[0] pad of the derived $which key"} = $derived ^ ($_->[1] x 32) foreach [ inner => "\x36" ], [ outer => "\x5c" ];
}

# What of it the memory of a process holds. Only what it can write: the rest is files.
# "dumped": only what a core dump would have in it.
sub found
{
	my ($pid, $dumped) = @_;
	my %found;
	my %flags;
	my $range;

	open(my $maps, '<', "/proc/$pid/smaps") or die "smaps: $!";
	while (<$maps>)
	{
		$range = $1 if /^([0-9a-f]+-[0-9a-f]+) /;
		$flags{$range} = $1 if /^VmFlags:(.*)/;
	}
	open($maps, '<', "/proc/$pid/maps") or die "maps: $!";
	open(my $memory, '<:raw', "/proc/$pid/mem") or die "mem: $!";
	while (<$maps>)
	{
		my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		next if $dumped && ($flags{"$1-$2"} // '') =~ / dd /;
		no warnings 'portable';
		($from, $to) = (hex $from, hex $to);
		my $tail = '';
		for (my $at = $from; $at < $to; $at += 1 << 20)
		{
			my $length = $to - $at < 1 << 20 ? $to - $at : 1 << 20;
			sysseek($memory, $at, 0) or next;
			my $got = sysread($memory, my $bytes, $length) or next;
			$bytes = $tail . $bytes;
			$found{$_} = 1 foreach grep { index($bytes, $form{$_}) >= 0 } keys %form;
			$tail = substr($bytes, -128);
		}
	}
	return join(', ', sort keys %found);
}

$node->safe_psql('postgres', <<'EOS');
SELECT FROM retention.set_category('names', '1 day');
CREATE TABLE visit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, name text);
CREATE INDEX ON visit (at);
SELECT retention.label('visit', 'names, from at, then pseudonymise', '{name}');
SELECT retention.label('visit', 'no personal data', '{id,at}');
INSERT INTO visit (at, name) SELECT now() - interval '2 days', 'person ' || n FROM generate_series(1, 2000) n;
EOS

my ($in, $out, $error) = ('', '', '');
my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$error);

# The last line of what a session answers.
sub say_to_it
{
	my ($sql) = @_;
	$out = '';
	$in .= "$sql\n\\echo done\n";
	IPC::Run::pump($psql) until $out =~ /^done$/m;
	return (split /\n/, $out)[-2] // '';
}

my $pid = say_to_it('SELECT pg_backend_pid();');
SKIP:
{
	skip 'the memory of another process cannot be read here', 9
	  if !open(my $memory, '<:raw', "/proc/$pid/mem");

	my $token = "SELECT count(DISTINCT retention.pseudonym('person ' || n, 'names')) FROM generate_series(1, 1000) n;";
	say_to_it("BEGIN; $token");
	like(found($pid), qr/^epoch key/, 'while a transaction uses a key it is there: the search finds it');
	is(found($pid, 1), '', 'but in no core dump');
	say_to_it('COMMIT;');
	is(found($pid), '', 'after the transaction nothing of it is');
	say_to_it("BEGIN; $token ROLLBACK;");
	is(found($pid), '', 'nor after a rollback');
	say_to_it("BEGIN; $token SAVEPOINT s; $token SELECT 1/0;");
	say_to_it('ROLLBACK;');
	is(found($pid), '', 'nor after an error');
	say_to_it("SELECT retention.protect('visit', at_most => 2000);");
	say_to_it('CALL retention.enforce();');
	is(say_to_it('SELECT count(*) FROM visit WHERE retention.is_pseudonym(name);'), '2000', 'a pass of many batches');
	is(found($pid), '', 'leaves nothing');
	say_to_it("INSERT INTO visit (at, name) VALUES (now() - interval '2 days', 'late');");
	is(found($pid), '', 'nor does a guard');
	say_to_it('SELECT retention.create_key();');
	say_to_it('SELECT retention.destroy_key(1);');
	is(found($pid), '', 'nor the destruction');
}
my %shown = map { $_ => $node->safe_psql('postgres', "SELECT * FROM $_") } qw(pg_stat_activity pg_settings pg_file_settings retention.key retention.ledger);
$in .= "\\q\n";
$psql->finish;

$node->backup('copy');
$shown{'a base backup'} = join('', map { slurp_file($_) } grep { -f } split /\n/, `find '@{[$node->backup_dir]}/copy' -type f`);
$shown{'a dump'} = `pg_dumpall -h '@{[$node->host]}' -p @{[$node->port]}`;
$shown{'the log'} = slurp_file($node->logfile);
foreach my $where (sort keys %shown)
{
	cmp_ok(length $shown{$where}, '>', 0, "$where has something in it");
	is(join(', ', grep { index(lc $shown{$where}, $form{$_}) >= 0 || index($shown{$where}, $form{$_}) >= 0 } sort keys %form), '', 'and no key');
}

done_testing();
