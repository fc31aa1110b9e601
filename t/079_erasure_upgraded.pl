# pg_upgrade, by copies and by links, between the steps of erasure: what
# retention.erasure_horizon says of the new cluster is true of its files, and all that
# was not finished is finished there.

use strict;
use warnings;

use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionHorizon;
use RetentionNode;
use Test::More;

my $rows = 200;
my $bytes = RetentionBytes->new;
my $conf = "autovacuum = off\nwal_keep_size = 0\nmin_wal_size = 4MB\nmax_wal_size = 8MB\ncheckpoint_timeout = 1h\n";
my @initdb = (initdb => ['--wal-segsize=1']);
my $old = RetentionNode->make('old', @initdb, conf => $conf);

sub each_sql
{
	my ($node, @statements) = @_;

	$node->safe_psql('postgres', $_) foreach @statements;
}

# Each table is left one step further.
my @steps = ('CALL retention.enforce(\'$t\')', 'CALL retention.scrub(\'$t\')', 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $t', 'CALL retention.scrub(\'$t\')', 'CHECKPOINT',
	'CALL retention.enforce()');

sub go
{
	my ($node, $name, @which) = @_;
	each_sql($node, map { $steps[$_] =~ s/\$t/$name/gr } @which);
}

RetentionHorizon::create($old, $bytes, $_, $rows) foreach 'clear', 'durable', 'scrubbed', 'vacuumed', 'deleted';
go($old, 'clear', 0 .. 3);
isnt(RetentionHorizon::follow($old, 'public.clear'), -1, 'the WAL of one table is clear');
go($old, 'durable', 0 .. 5);
go($old, 'vacuumed', 0 .. 2);
go($old, 'deleted', 0);
go($old, 'scrubbed', 0 .. 3);
my $said = RetentionHorizon::levels($old);
is(join(' ', map { "$_=$said->{qq(public.$_)}" } 'clear', 'durable', 'scrubbed', 'vacuumed', 'deleted'),
	'clear=wal_clear durable=replicas scrubbed=scrubbed vacuumed=removable deleted=deleted', 'each table has its level');
$old->stop;
# to the byte: what VACUUM left is there
my $before = RetentionBytes::outside_wal($bytes->search($old, relations => {}));
cmp_ok($before->{'files of no relation'}{vacuumed} // 0, '>', 0, 'and its bytes');

my $work = "${PostgreSQL::Test::Utils::tmp_check}/pg_upgrade";
mkdir $work;
foreach my $mode ('copy', 'link')
{
	my $new = RetentionNode->make("new_$mode", start => 0, keys => 'old', @initdb, conf => $conf);
	my $back = getcwd();
	my $bindir = $new->config_data('--bindir');

	chdir $work or die;
	command_ok([ 'pg_upgrade', '--no-sync', $mode eq 'link' ? '--link' : (), '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
			'-s', $new->host, '-p', $old->port, '-P', $new->port ], "pg_upgrade $mode");
	chdir $back or die;
	$new->start;
	is_deeply(RetentionHorizon::levels($new), $said, "$mode: the levels came along");
	is(RetentionHorizon::lies($new, $bytes), '', "$mode: and all that is said of the new cluster is so");
	my $found = RetentionBytes::outside_wal($bytes->search($new));
	isnt(join(' ', grep { $found->{$_}{vacuumed} } sort keys %$found), '', "$mode: where nothing is said, the bytes are");
	RetentionHorizon::advance($new);
	is(RetentionHorizon::lies($new, $bytes), '', "$mode: so is it once somebody has looked");
	go($new, 'vacuumed', 3);
	go($new, 'deleted', 1 .. 3);
	foreach my $name ('vacuumed', 'deleted', 'scrubbed', 'durable', 'clear')
	{
		isnt(RetentionHorizon::follow($new, "public.$name"), -1, "$mode: $name can be brought to the end");
	}
	is(RetentionHorizon::lies($new, $bytes), '', "$mode: and that is so");
	is($new->safe_psql('postgres', 'SELECT count(DISTINCT level) FROM retention.erasure_horizon'), '1', "$mode: all are at the end");
	is($new->safe_psql('postgres', 'SELECT ok, unsealed FROM retention.verify_ledger()'), 't|0', "$mode: with evidence");
	$new->stop;
}
done_testing();
