# The bytes are gone whatever the server is set to: without page images in WAL, with
# compressed ones, without checksums, in a tablespace, in a second segment; a standby
# can be asked, and a former primary, whose pages hold what its follower's do not,
# is cleaned by the first scrub after it has changed sides.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionNode;
use Test::More;

my $bytes = RetentionBytes->new;
my $node = RetentionNode->make('first', streaming => 1, conf => <<'EOC');
privacy_retention.largest_share = 100
wal_log_hints = on
hot_standby_feedback = off
allow_in_place_tablespaces = on
EOC
$node->safe_psql('postgres', q{SELECT retention.set_category('visits', '1 mon', 'the visit')});
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('second');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# A table whose rows are due and gone, two of three.
sub create
{
	my ($name, %option) = @_;
	my $rows = 600;
	my $first = $bytes->population(map { $_ % 3 ? $name : "kept in $name" } 1 .. $rows);
	my $mark = $bytes->text("$first + n - 1");
	my $on = $option{on} // $node;

	$on->safe_psql('postgres', <<"EOS");
CREATE TABLE $name (id int, seen timestamptz, v text) @{[ $option{with} // '' ]};
ALTER TABLE $name ALTER v SET STORAGE PLAIN;
INSERT INTO $name SELECT n, CASE WHEN n % 3 > 0 THEN timestamptz '2024-01-01 00:00:00+00' ELSE 'infinity' END, $mark
	FROM generate_series(1, $rows) n;
CREATE INDEX ON $name (seen);
CREATE INDEX ${name}_i ON $name USING hash (v) @{[ $option{tablespace} // '' ]};
SELECT retention.label('$name', 'visits, from seen, then delete');
SELECT retention.protect('$name', at_most => $rows);
EOS
	return int($rows / 3);
}

sub enforce
{
	my ($name, $on) = @_;

	($on // $node)->safe_psql('postgres', "CALL retention.enforce('$name', as_of => '2024-03-01 00:00:00+00')");
}

sub vacuum
{
	my ($name, $on) = @_;

	($on // $node)->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) $name");
}

# Both servers have all, and their buffers are in their files.
sub sync
{
	my ($from, $to) = @_;

	$from->wait_for_catchup($to);
	$from->safe_psql('postgres', 'CHECKPOINT');
	$from->wait_for_catchup($to);
	$to->safe_psql('postgres', 'CHECKPOINT');
}

# How many marks that went are in the files of a server, but for its WAL.
sub remain
{
	my ($on, $name) = @_;
	my $found = RetentionBytes::outside_wal($bytes->search_flushed($on));
	my $count = 0;

	$count += $found->{$_}{$name} // 0 foreach keys %$found;
	return $count;
}

# How many bytes a scrub would wipe, as a server that may be a standby says.
sub checked
{
	my ($on, $name) = @_;

	return (split /\|/, $on->safe_psql('postgres', "CALL retention.scrub('$name', check_only => true)"))[2];
}

# what a standby is not asked, it refuses
like(($standby->psql('postgres', q{CALL retention.scrub('pg_statistic')}))[2], qr/ERROR:.*(?:recovery|standby)/, 'a standby does not scrub');

# settings of WAL
my %settings = (
	images => {},
	no_images => { full_page_writes => 'off' },
	pglz => { wal_compression => 'pglz' });
foreach my $method (grep { RetentionNode::offers($node, 'wal_compression', $_) } 'lz4', 'zstd')
{
	$settings{$method} = { wal_compression => $method };
}
foreach my $name (sort keys %settings)
{
	my %setting = %{ $settings{$name} };

	$node->safe_psql('postgres', "ALTER SYSTEM SET $_ = '$setting{$_}'") foreach keys %setting;
	$node->reload;
	foreach (keys %setting)
	{
		ok(RetentionNode::poll($node, "SELECT setting FROM pg_settings WHERE name = '$_'", $setting{$_}), "$name: set");
	}
	my $kept = create($name);
	enforce($name);
	# a page image that is logged after this has what the DELETE left
	$node->safe_psql('postgres', 'CHECKPOINT');
	vacuum($name);
	sync($node, $standby);
	cmp_ok(remain($node, $name), '>=', 100, "$name: there are marks before the scrub");
	cmp_ok(checked($_, $name), '>', 0, "$name: asked on " . $_->name . ', it tells of bytes') foreach $node, $standby;
	cmp_ok(remain($_, $name), '>=', 100, "$name: and leaves them there") foreach $node, $standby;
	# statistics were never made: there is no autovacuum here
	$node->safe_psql('postgres', "CALL retention.scrub('$name')");
	sync($node, $standby);
	is(checked($_, $name), 0, "$name: asked afterwards on " . $_->name . ', of none') foreach $node, $standby;
	is(remain($_, $name), 0, "$name: no mark on " . $_->name) foreach $node, $standby;
	is($_->safe_psql('postgres', "SELECT count(*) FROM $name"), $kept, "$name: the rows that stay are on " . $_->name) foreach $node, $standby;
	$node->safe_psql('postgres', "ALTER SYSTEM RESET $_") foreach keys %setting;
	$node->reload;
}

# a tablespace of the server itself
$node->safe_psql('postgres', <<'EOS');
CREATE TABLESPACE elsewhere LOCATION '';
EOS
{
	my $kept = create('placed', with => 'TABLESPACE elsewhere', tablespace => 'TABLESPACE elsewhere');

	enforce('placed');
	vacuum('placed');
	like(RetentionBytes::path($node, 'placed'), qr/pg_tblspc/, 'tablespace: the table is in it');
	sync($node, $standby);
	cmp_ok(remain($_, 'placed'), '>=', 100, 'tablespace: there are marks before the scrub on ' . $_->name) foreach $node, $standby;
	$node->safe_psql('postgres', "CALL retention.scrub('placed')");
	sync($node, $standby);
	is(remain($_, 'placed'), 0, 'tablespace: no mark on ' . $_->name) foreach $node, $standby;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM placed'), $kept, 'tablespace: the rows that stay are there');
	# pg_rewind cannot do with a tablespace that is no link
	$node->safe_psql('postgres', q{SELECT retention.unprotect('placed')});
	$node->safe_psql('postgres', 'DROP TABLE placed');
	$node->safe_psql('postgres', 'DROP TABLESPACE elsewhere');
}

# A page image in WAL has no hole: once a page of what VACUUM left has been changed,
# for the first time after a checkpoint, what is in its hole is on the primary only.
sub leave_on_one
{
	my ($name, $on, $other) = @_;

	enforce($name, $on);
	vacuum($name, $on);
	sync($on, $other);
	$on->safe_psql('postgres', "UPDATE $name SET id = id WHERE id % 15 = 0");
	sync($on, $other);
	cmp_ok(remain($on, $name), '>=', 100, "$name: there are marks on the primary");
	is(remain($other, $name), 0, "$name: there is none on its standby");
}

# A switchover, after which the new primary has nothing to wipe.
create('switched');
create('switched_first');
$node->safe_psql('postgres', q{CALL retention.scrub('switched')});
leave_on_one($_, $node, $standby) foreach 'switched', 'switched_first';
$node->stop;
$standby->promote;
$node->enable_streaming($standby);
$node->start;
foreach my $name ('switched', 'switched_first')
{
	cmp_ok(remain($node, $name), '>=', 100, "$name: they are there after the switchover");
	$standby->safe_psql('postgres', "CALL retention.scrub('$name')");
	sync($standby, $node);
	is(remain($_, $name), 0, "$name: the first scrub after it leaves no mark on " . $_->name) foreach $node, $standby;
	$standby->safe_psql('postgres', "CALL retention.scrub('$name')");
	is($standby->safe_psql('postgres', "SELECT pages_wiped FROM retention.scrubbed WHERE relation = 'public.$name'"), '0', "$name: the next one writes nothing");
}

# A failover: the former primary has gone on by itself, and is rewound.
create('rewound', on => $standby);
$standby->safe_psql('postgres', q{CREATE TABLE stray (n int)});
$standby->safe_psql('postgres', q{CALL retention.scrub('rewound')});
leave_on_one('rewound', $standby, $node);
$node->promote;
$standby->safe_psql('postgres', 'INSERT INTO stray SELECT generate_series(1, 1000)');
$standby->stop;
{
	my $conf = $standby->data_dir . '/postgresql.conf';
	my $lines = slurp_file($conf);

	command_ok([ 'pg_rewind', '--target-pgdata', $standby->data_dir, '--source-server', $node->connstr('postgres'), '--no-sync' ],
		'rewound: pg_rewind');
	unlink $conf;
	append_to_file($conf, $lines);
}
$standby->enable_streaming($node);
$standby->set_standby_mode;
$standby->start;
ok(RetentionNode::poll($node, 'SELECT count(*) FROM pg_stat_replication', '1'), 'rewound: it follows the other');
cmp_ok(remain($standby, 'rewound'), '>=', 100, 'rewound: what it alone had is there');
$node->safe_psql('postgres', q{CALL retention.scrub('rewound')});
sync($node, $standby);
is(remain($_, 'rewound'), 0, 'rewound: no mark on ' . $_->name) foreach $node, $standby;
$standby->stop;
$node->stop;

# A table of two segments: a row a page is enough for that.
my $large = RetentionNode->make('large', conf => <<'EOC');
privacy_retention.largest_share = 100
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 64MB
autovacuum = off
privacy_retention.scrub_pages = 0
privacy_retention.scrub_wal = 0
EOC
{
	# some in each segment
	my $due = 'n % 2 = 0 AND (n % 200 = 0 OR n > 131100)';
	my $rows = 131600;
	my $first = $bytes->population(map { $_ % 2 == 0 && ($_ % 200 == 0 || $_ > 131100) ? 'large' : 'kept in large' } 1 .. $rows);
	my $mark = $bytes->text("$first + n - 1");

	$large->safe_psql('postgres', <<"EOS");
SELECT retention.set_category('visits', '1 mon', 'the visit');
BEGIN;
CREATE TABLE large (id int, seen timestamptz, v text) WITH (fillfactor = 10);
ALTER TABLE large ALTER v SET STORAGE PLAIN;
INSERT INTO large SELECT n, CASE WHEN $due THEN timestamptz '2024-01-01 00:00:00+00' ELSE 'infinity' END, $mark || repeat('-', 500)
	FROM generate_series(1, $rows) n;
COMMIT;
CREATE INDEX ON large (seen);
SELECT retention.label('large', 'visits, from seen, then delete');
SELECT retention.protect('large', at_most => $rows);
EOS
	my $path = RetentionBytes::path($large, 'large');
	ok(-s "$path.1", 'large: it has a second segment');
	enforce('large', $large);
	vacuum('large', $large);
	$large->safe_psql('postgres', 'CHECKPOINT');
	my %gone = map { $first + $_ - 1 => 1 } grep { $_ % 2 == 0 && ($_ % 200 == 0 || $_ > 131100) } 1 .. $rows;
	foreach my $file ($path, "$path.1")
	{
		cmp_ok(scalar(grep { $gone{$_} } keys %{ $bytes->in_file($file) }), '>=', 100, "large: there are marks in $file");
	}
	# VACUUM leaves out a page that is being written just now; the scrub says so.
	my $missing;
	foreach my $try (1 .. 5)
	{
		(undef, undef, undef, $missing) = split /\|/, $large->safe_psql('postgres', q{CALL retention.scrub('large')}), -1;
		last if $missing !~ /public\.large/;
		vacuum('large', $large);
	}
	unlike($missing, qr/public\.large/, 'large: VACUUM has removed what was deleted');
	$large->safe_psql('postgres', 'CHECKPOINT');
	foreach my $file ($path, "$path.1")
	{
		next unless -e $file;
		is(scalar(grep { $gone{$_} } keys %{ $bytes->in_file($file) }), 0, "large: no mark in $file");
	}
	is($large->safe_psql('postgres', 'SELECT count(*) FROM large'), $rows - keys %gone, 'large: the rows that stay are there');
}
$large->stop;

done_testing();
