# A scrub among others: whatever is done to its table meanwhile is done soon, and the
# scrub ends, with an answer, and wrongs no row; another one leaves nothing.  Damaged
# pages are told of and left as they are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionNode;
use Test::More;
use Time::HiRes qw(time);

my $bytes = RetentionBytes->new;
my $node = RetentionNode->make('hostile', conf => <<'EOC');
privacy_retention.largest_share = 100
allow_in_place_tablespaces = on
EOC
my $rows = 1500;
my $first = $bytes->population(map { $_ % 3 ? 'gone' : 'kept' } 1 .. $rows);
my $mark = $bytes->text("$first + n - 1");

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

# Some hundred pages, with what DELETE and VACUUM leave in each.
sub create
{
	my ($name) = @_;

	sql(<<"EOS");
CREATE TABLE $name (id int PRIMARY KEY, v text) WITH (fillfactor = 20);
ALTER TABLE $name ALTER v SET STORAGE PLAIN;
INSERT INTO $name SELECT n, $mark || repeat('-', 400) FROM generate_series(1, $rows) n;
CREATE INDEX ${name}_hash ON $name USING hash (v);
DELETE FROM $name WHERE id % 3 > 0;
VACUUM (INDEX_CLEANUP ON) $name;
EOS
}

# How many marks that went are in any file of relations.
sub remain
{
	my $found = RetentionBytes::outside_wal($bytes->search_flushed($node));
	my $count = 0;

	delete $found->{pg_statistic};
	$count += $found->{$_}{gone} // 0 foreach keys %$found;
	return $count;
}

# Begins a scrub that takes some seconds.
sub begin
{
	my ($name) = @_;
	my %scrub = (out => '', err => '');

	$scrub{run} = IPC::Run::start([ 'psql', '-X', '-q', '-d',
			$node->connstr('postgres') . " application_name=scrub options='-c privacy_retention.scrub_pages=200'", '-c', "CALL retention.scrub('$name')" ],
		'<', \undef, '>', \$scrub{out}, '2>', \$scrub{err}, IPC::Run::timeout(120));
	$scrub{run}->pump_nb;
	ok(RetentionNode::poll($node, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scrub' AND state <> 'idle'}, '1'), "$name: the scrub is at work");
	ok(RetentionNode::poll($node, q{SELECT bool_or(running) FROM retention.scrubbed}), "$name: it says so");
	return \%scrub;
}

sub finish
{
	my ($scrub) = @_;

	$scrub->{run}->finish;
	return $scrub->{err};
}

sql(q{CREATE TABLESPACE elsewhere LOCATION ''});

my %hostile = (
	truncate => 'TRUNCATE $t',
	rewrite => 'ALTER TABLE $t ALTER id TYPE bigint',
	add_column => 'ALTER TABLE $t ADD COLUMN more int DEFAULT 1',
	drop_column => 'ALTER TABLE $t DROP COLUMN v',
	rename => 'ALTER TABLE $t RENAME TO $t_elsewhere',
	drop_index => 'DROP INDEX CONCURRENTLY $t_hash',
	reindex => 'REINDEX TABLE CONCURRENTLY $t',
	create_index => 'CREATE INDEX CONCURRENTLY ON $t (v)',
	vacuum => 'VACUUM (INDEX_CLEANUP ON) $t',
	vacuum_full => 'VACUUM FULL $t',
	cluster => 'CLUSTER $t USING $t_pkey',
	unlogged => 'ALTER TABLE $t SET UNLOGGED',
	placed => 'ALTER TABLE $t SET TABLESPACE elsewhere',
	drop_table => 'DROP TABLE $t',
	delete => 'DELETE FROM $t WHERE id % 2 = 0',
	update => 'UPDATE $t SET id = -id');
my %kept = (truncate => 0, delete => $rows / 6);
foreach my $name (sort keys %hostile)
{
	my $table = "t_$name";
	my $statement = $hostile{$name} =~ s/\$t/$table/gr;

	create($table);
	my $scrub = begin($table);
	my $start = time();
	my ($status, undef, $err) = $node->psql('postgres', "SET statement_timeout = '30s'; $statement",
		extra_params => [ '-v', 'ON_ERROR_STOP=1' ]) if $statement !~ /VACUUM|CONCURRENTLY/;
	($status, undef, $err) = $node->psql('postgres', $statement) if $statement =~ /VACUUM|CONCURRENTLY/;
	is($status, 0, "$name: is done beside it") or diag($err);
	cmp_ok(time() - $start, '<', 20, "$name: and soon");
	my $answer = finish($scrub);
	unlike($answer, qr/server closed|PANIC|XX000|cache lookup|could not open relation with OID|could not open file/, "$name: the scrub answers");
	note("$name: $answer");
	ok(RetentionNode::poll($node, 'SELECT NOT bool_or(running) FROM retention.scrubbed'), "$name: nothing says that it still runs");

	next if $name eq 'drop_table';
	my $now = $name eq 'rename' ? "${table}_elsewhere" : $table;
	is(sql("SELECT count(*) FROM $now"), $kept{$name} // $rows / 3, "$name: no row is missing");
	sql("UPDATE $now SET id = id") if $name eq 'drop_column';
	sql("VACUUM (INDEX_CLEANUP ON) $now");
	sql("REINDEX TABLE CONCURRENTLY $now");
	sql("CALL retention.scrub('$now')");
	is(remain(), 0, "$name: another scrub leaves nothing");
	sql("DROP TABLE $now");
}

# cancelled, and terminated
foreach my $end ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $table = "t_$end";

	create($table);
	my $scrub = begin($table);
	sql("SELECT $end(pid) FROM pg_stat_activity WHERE application_name = 'scrub'");
	like(finish($scrub), qr/cancel|terminat/, "$end: it ends");
	ok(RetentionNode::poll($node, q{SELECT count(*) FROM pg_locks WHERE relation = 't_} . $end . q{'::regclass}, '0'), "$end: and keeps no lock");
	is(sql("SELECT count(*) FROM $table"), $rows / 3, "$end: no row is missing");
	sql("CALL retention.scrub('$table')");
	is(remain(), 0, "$end: another scrub goes to the end");
	is(sql('SELECT bool_or(running) FROM retention.scrubbed'), 'f', "$end: and none says that it runs");
	sql("DROP TABLE $table");
}

# damaged pages: garbage, zeroes, a hole that ends before it begins, an item in another
create('t_damaged');
my $path = RetentionBytes::path($node, 't_damaged');
$node->stop;
{
	my %damage = (
		3 => sub { join '', map { chr(int(rand(256))) } 1 .. 8192 },
		5 => sub { "\0" x 8192 },
		7 => sub { my $page = shift; substr($page, 12, 4) = pack('S2', 8000, 40); $page },
		9 => sub { my $page = shift; substr($page, 24, 4) = pack('L', 8000 | 1 << 15 | 4000 << 17); $page });
	my %damaged;

	open(my $file, '+<:raw', $path) or die "could not open $path: $!";
	foreach my $block (sort keys %damage)
	{
		my $page;

		seek($file, $block * 8192, 0);
		read($file, $page, 8192) == 8192 or die "no block $block";
		$damaged{$block} = $damage{$block}->($page);
		seek($file, $block * 8192, 0);
		print $file $damaged{$block};
	}
	close($file);
	$node->start;
	my ($status, undef, $err) = $node->psql('postgres', q{SET zero_damaged_pages = off; CALL retention.scrub('t_damaged')});
	note($err);
	unlike($err, qr/server closed|PANIC/, 'damaged: the server is there');
	like(sql(q{SELECT skipped FROM retention.scrubbed WHERE relation = 'public.t_damaged'}), qr/[1-9]/, 'damaged: pages are told of');
	sql('CHECKPOINT');
	open($file, '<:raw', $path) or die "could not open $path: $!";
	my $others = 0;
	for (my $block = 0; read($file, my $page, 8192) == 8192; $block++)
	{
		if (defined $damaged{$block})
		{
			ok($page eq $damaged{$block}, "damaged: block $block is as it was");
		}
		else
		{
			my %found;

			$bytes->look(\$page, \%found);
			$others += grep { $bytes->{name}{$_} eq 'gone' } keys %found;
		}
	}
	close($file);
	is($others, 0, 'damaged: the other pages are wiped');
}
$node->stop;

done_testing();
