# The bytes are gone: marks are written through each access method, taken away by
# the engine, and looked for in every file of the primary and of its standby.
#
# First the oracle is proved: after DELETE and VACUUM it finds the marks.  Then
# what the scrub leaves is what residue() tells of, and after what residue() asks
# for no mark is in any file but the WAL, while the rows that stay are all there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionNode;
use Test::More;

my $rows = 1800;
my $primary = RetentionNode->make('primary', streaming => 1, initdb => ['--data-checksums'], conf => <<'EOC');
privacy_retention.largest_share = 100
hot_standby_feedback = off
max_standby_streaming_delay = 10s
wal_sender_timeout = 0
EOC
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $bytes = RetentionBytes->new;
my @cases;

my %text = (type => 'text', write => sub { $bytes->text($_[0]) }, probe => 'v = $1');
my %bigint = (type => 'bigint', write => sub { $bytes->bigint($_[0]) }, probe => 'v = $1::bigint');
my %uuid = (type => 'uuid', write => sub { $bytes->uuid($_[0]) }, probe => 'v = $1::uuid');
my %inet = (type => 'inet', write => sub { $bytes->inet($_[0]) }, probe => 'v = $1::inet');
# Long: after the mark what pglz can make a quarter shorter, but not short.
my %long = (type => 'text', write => sub {
	my $number = shift;
	return '(' . $bytes->text($number) . " || repeat('-', 3000) || (SELECT string_agg(md5(($number)::text || n), '' ORDER BY n) FROM generate_series(1, 250) n))";
});

# A case: a table of its name, with an index of its name and _i, if it has one.
#
#	value	column v: its type, and the expression that writes a mark
#	index	what follows ON table
#	probe	a condition that the index answers, of a value given as text
#	action	what happens to v (delete)
#	holds	where the oracle must find marks after DELETE and VACUUM, and how many of
#			them at least: a share (below 1), or a number
#	left	where the scrub alone may leave some
#	same	how many rows have the same value (1)
#	together	the values that go are beside each other, so that pages are emptied
#	standby	0 if a standby has none before the scrub: what is replayed starts from
#			an empty page
sub case
{
	my ($name, %option) = @_;
	my $case = { name => $name, action => 'delete', same => 1, storage => '', left => [], standby => 1, together => 0, %option };

	$case->{rows} = $case->{write} == $long{write} ? int($rows / 10) : $rows;
	$case->{values} = int($case->{rows} / $case->{same});
	$case->{due} = [ map { $case->{together} ? $_ < $case->{values} * 2 / 3 : $_ % 3 > 0 } 0 .. $case->{values} - 1 ];
	$case->{first} = $bytes->population(map { $_ ? $name : "kept in $name" } @{ $case->{due} });
	push @cases, $case;
}

case('heap_text', %text, holds => { heap_text => 0.5 });
case('heap_bigint', %bigint, holds => { heap_bigint => 0.5 });
case('heap_uuid', %uuid, holds => { heap_uuid => 0.5 });
case('heap_inet', %inet, holds => { heap_inet => 0.5 });
case('unlogged', %text, index => '(v)', unlogged => 1, holds => { unlogged => 0.5, unlogged_i => 0.5 }, left => ['unlogged_i']);
case('parts', %text, index => '(v)', parts => 1, holds => { parts_0 => 0.25, parts_1 => 0.25, parts_0_v_idx => 0.25, parts_1_v_idx => 0.25 },
	left => [ 'parts_0_v_idx', 'parts_1_v_idx' ]);
case('btree_text', %text, index => '(v)', holds => { btree_text => 0.5, btree_text_i => 0.5 }, left => ['btree_text_i']);
case('btree_bigint', %bigint, index => '(v)', holds => { btree_bigint_i => 0.5 }, left => ['btree_bigint_i']);
case('btree_uuid', %uuid, index => '(v)', holds => { btree_uuid_i => 0.5 }, left => ['btree_uuid_i']);
case('btree_inet', %inet, index => '(v)', holds => { btree_inet_i => 0.5 }, left => ['btree_inet_i']);
case('btree_together', %bigint, index => '(v)', together => 1, standby => 0, holds => { btree_together => 0.5, btree_together_i => 0.5 },
	left => ['btree_together_i']);
case('btree_include', %text, index => '(id) INCLUDE (v)', probe => 'id = (SELECT i.id FROM btree_include i WHERE i.v = $1)',
	holds => { btree_include_i => 0.5 }, left => ['btree_include_i']);
case('btree_same', %text, index => '(v)', same => 10, statistics => 1, holds => { btree_same => 0.5, btree_same_i => 0.5 },
	left => ['btree_same_i']);
case('hash', %text, index => 'USING hash (v)', holds => { hash => 0.5 });
case('gin_array', type => 'text[]', write => sub { 'ARRAY[' . $bytes->text($_[0]) . ']' }, probe => 'v @> $1::text[]',
	index => 'USING gin (v)', holds => { gin_array => 0.5, gin_array_i => 0.55 }, left => ['gin_array_i']);
case('gin_pending', type => 'text[]', write => sub { 'ARRAY[' . $bytes->text($_[0]) . ']' }, probe => 'v @> $1::text[]',
	index => 'USING gin (v) WITH (fastupdate = on)', early => 1, holds => { gin_pending => 0.5, gin_pending_i => 0.55 }, left => ['gin_pending_i']);
case('gin_jsonb', type => 'jsonb', write => sub { "jsonb_build_object('name', " . $bytes->text($_[0]) . ')' }, probe => 'v @> $1::jsonb',
	index => 'USING gin (v)', holds => { gin_jsonb => 0.5, gin_jsonb_i => 0.55 }, left => ['gin_jsonb_i']);
case('gin_tsvector', type => 'tsvector', write => sub { 'array_to_tsvector(ARRAY[' . $bytes->text($_[0]) . '])' },
	probe => 'v @@ $1::tsquery', index => 'USING gin (v)', holds => { gin_tsvector => 0.5, gin_tsvector_i => 0.55 }, left => ['gin_tsvector_i']);
case('gist_text', %text, index => 'USING gist (v)', holds => { gist_text_i => 0.5 }, left => ['gist_text_i']);
case('gist_inet', %inet, index => 'USING gist (v inet_ops)', holds => { gist_inet_i => 0.5 }, left => ['gist_inet_i']);
case('gist_range', type => 'int8range', write => sub { my $mark = $bytes->bigint($_[0]); "int8range($mark, $mark, '[]')" },
	probe => 'v && $1::int8range', index => 'USING gist (v)', holds => { gist_range_i => 0.5 }, left => ['gist_range_i']);
case('spgist_text', %text, index => 'USING spgist (v)', holds => { spgist_text_i => 0.2 }, left => ['spgist_text_i']);
case('spgist_inet', %inet, index => 'USING spgist (v)', holds => { spgist_inet_i => 0.2 }, left => ['spgist_inet_i']);
case('brin_text', %text, index => 'USING brin (v) WITH (pages_per_range = 2)', holds => { brin_text_i => 2 }, left => ['brin_text_i']);
case('brin_bigint', %bigint, index => 'USING brin (v) WITH (pages_per_range = 2)', holds => { brin_bigint_i => 2 }, left => ['brin_bigint_i']);
case('brin_multi', %uuid, index => 'USING brin (v uuid_minmax_multi_ops) WITH (pages_per_range = 2)', holds => { brin_multi_i => 2 },
	left => ['brin_multi_i']);
case('brin_bloom', %text, index => 'USING brin (v text_bloom_ops) WITH (pages_per_range = 2)', holds => { brin_bloom => 0.5 });
case('bloom', %text, index => 'USING bloom (v)', holds => { bloom => 0.5 });
case('toast_external', %long, storage => 'STORAGE EXTERNAL', holds => { 'toast of toast_external' => 0.5 });
case('toast_pglz', %long, storage => 'COMPRESSION pglz', holds => { 'toast of toast_pglz' => 0.5 });
case('toast_lz4', %long, storage => 'COMPRESSION lz4', holds => { 'toast of toast_lz4' => 0.5 })
  if RetentionNode::offers($primary, 'default_toast_compression', 'lz4');
case('nulled', %text, index => '(v)', action => 'set null', holds => { nulled => 0.5, nulled_i => 0.5 }, left => ['nulled_i']);
case('nulled_toast', %long, storage => 'STORAGE EXTERNAL', action => 'set null', holds => { 'toast of nulled_toast' => 0.5 });
case('pseudonymised', %text, index => '(v)', action => 'pseudonymise', holds => { pseudonymised => 0.5, pseudonymised_i => 0.3 },
	left => ['pseudonymised_i']);
case('pseudonymised_hash', %uuid, index => 'USING hash (v)', action => 'pseudonymise', holds => { pseudonymised_hash => 0.5 });
case('dropped', %text, index => '(v)', action => 'drop column', holds => { dropped => 0.5 }, left => ['dropped']);
case('dropped_toast', %long, storage => 'STORAGE EXTERNAL', action => 'drop column', holds => { 'toast of dropped_toast' => 0.5 },
	left => [ 'dropped_toast', 'toast of dropped_toast' ]);

sub create
{
	my ($case) = @_;
	my $name = $case->{name};
	my $due = $case->{together} ? "x.place < $case->{values} * 2 / 3" : 'x.place % 3 > 0';
	my $value = $case->{write}->("$case->{first} + x.place");
	my $count = $case->{rows};
	my $unlogged = $case->{unlogged} ? 'UNLOGGED' : '';
	my $parts = $case->{parts} ? 'PARTITION BY HASH (id)' : '';
	my $index = $case->{index} ? "CREATE INDEX ${name}_i ON $name $case->{index};" : '';
	my $sql = "CREATE $unlogged TABLE $name (id int, seen timestamptz, v $case->{type}) $parts;\n";

	$sql .= "ALTER TABLE $name ALTER v SET $case->{storage};\n" if $case->{storage};
	$sql .= "CREATE TABLE ${name}_$_ PARTITION OF $name FOR VALUES WITH (MODULUS 2, REMAINDER $_);\n"
	  foreach $case->{parts} ? (0, 1) : ();
	$sql .= $index if $case->{early};
	$sql .= <<"EOS";
INSERT INTO $name SELECT x.n, CASE WHEN $due THEN timestamptz '2024-01-01 00:00:00+00' ELSE 'infinity' END, $value
	FROM (SELECT n, (n - 1) / $case->{same} AS place FROM generate_series(1, $count) n OFFSET 0) x;
EOS
	$sql .= $index unless $case->{early};
	$sql .= "CREATE INDEX ON $name (seen);\n";
	# few enough that they are not compressed
	$sql .= "ALTER TABLE $name ALTER v SET STATISTICS 20; CREATE STATISTICS ${name}_s (mcv) ON v, seen FROM $name; ALTER STATISTICS ${name}_s SET STATISTICS 10;\n" if $case->{statistics};
	$sql .= "ANALYZE $name;\n";
	if ($case->{action} eq 'delete')
	{
		$sql .= "SELECT retention.label('$name', 'visits, from seen, then delete');\n";
	}
	elsif ($case->{action} ne 'drop column')
	{
		$sql .= "SELECT retention.label('$name', 'no personal data', ARRAY['id', 'seen']::name[]);\n"
		  . "SELECT retention.label('$name', 'visits, from seen, then $case->{action}', ARRAY['v']::name[]);\n";
	}
	$sql .= "SELECT retention.protect('$name', at_most => $count);\n" unless $case->{action} eq 'drop column';
	return $sql;
}

sub sql
{
	my ($sql, $node) = @_;
	return ($node // $primary)->safe_psql('postgres', $sql);
}

sub quote
{
	return "'" . $_[0] =~ s/'/''/gr . "'";
}

# How many distinct marks of a population went.
sub due
{
	my ($case) = @_;

	return scalar grep { $_ } @{ $case->{due} };
}

# What of the marks that went is still found, by place; the WAL is another matter.
sub remains
{
	my ($node) = @_;
	my $found = RetentionBytes::outside_wal($bytes->search_flushed($node));

	foreach my $place (keys %$found)
	{
		delete $found->{$place}{$_} foreach grep { /^kept in / } keys %{ $found->{$place} };
		delete $found->{$place} unless %{ $found->{$place} };
	}
	return $found;
}

# The standby has all, and its buffers are in its files.
sub sync
{
	$primary->wait_for_catchup($standby);
	sql('CHECKPOINT');
	$primary->wait_for_catchup($standby);
	sql('CHECKPOINT', $standby);
}

sql(<<'EOS');
CREATE EXTENSION btree_gist;
CREATE EXTENSION bloom;
CREATE EXTENSION pageinspect;
CREATE EXTENSION amcheck;
SELECT retention.create_key();
SELECT retention.set_category('visits', '1 mon', 'the visit');
-- How many answers of an index differ from those of a scan of the table; -1 if it is not asked.
CREATE FUNCTION disagree(relation text, probe text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	value text;
	statement text := format('SELECT coalesce(string_agg(id::text, '','' ORDER BY id), '''') FROM %I WHERE %s', relation, probe);
	plan text;
	by_index text;
	by_table text;
	wrong int := 0;
BEGIN
	FOR value IN EXECUTE format('SELECT DISTINCT v::text FROM %I WHERE v IS NOT NULL AND id %% 7 = 0', relation) LOOP
		PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true);
		IF plan IS NULL THEN
			plan := '';
			FOR by_index IN EXECUTE 'EXPLAIN ' || replace(statement, '$1', quote_literal(value)) LOOP
				plan := plan || by_index;
			END LOOP;
			IF plan !~ (relation || '.*_i') THEN RETURN -1; END IF;
		END IF;
		EXECUTE replace(statement, '$1', quote_literal(value)) INTO by_index;
		PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true);
		EXECUTE replace(statement, '$1', quote_literal(value)) INTO by_table;
		wrong := wrong + (by_index IS DISTINCT FROM by_table)::int;
	END LOOP;
	RETURN wrong;
END$$;
EOS
sql(join '', map { create($_) } @cases);

# What stays, before and after.
sub stays
{
	my ($node, $case) = @_;
	my $column = $case->{action} eq 'drop column' ? 'id' : 'v';

	return sql("SELECT count(*), md5(string_agg(id || $column\::text, ',' ORDER BY id)) FROM $case->{name} WHERE seen = 'infinity'", $node);
}
my %stays = map { $_->{name} => stays($primary, $_) } @cases;
# a hash index keeps codes of the values
my @codes = split /\n/, sql(q{SELECT hashtext(v) FROM hash WHERE seen <> 'infinity'});

# the engine takes them away; meanwhile somebody keeps the versions from being pruned
sql(q{BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'holder'});
sql(q{CALL retention.enforce(as_of => '2024-03-01 00:00:00+00')});
sql("ALTER TABLE $_->{name} DROP COLUMN v") foreach grep { $_->{action} eq 'drop column' } @cases;
foreach my $case (grep { $_->{action} ne 'drop column' } @cases)
{
	my $gone = $case->{action} eq 'delete' ? "seen <> 'infinity'" : $case->{action} eq 'set null' ? "seen <> 'infinity' AND v IS NOT NULL"
	  : "seen <> 'infinity' AND NOT retention.is_pseudonym(v)";
	is(sql("SELECT count(*) FROM $case->{name} WHERE $gone"), '0', "$case->{name}: the engine has done it");
}
# a second oracle, where it is installed: it reads the row versions that no snapshot sees
my $dirtyread = sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_dirtyread'});
sql('CREATE EXTENSION pg_dirtyread') if $dirtyread;
note('pg_dirtyread is not installed: the test goes without') unless $dirtyread;

# How many row versions of a table are there that nobody sees.
sub dead
{
	my ($case) = @_;
	my @tables = $case->{parts} ? ("$case->{name}_0", "$case->{name}_1") : $case->{name};
	my $count = 0;

	$count += sql("SELECT (SELECT count(*) FROM pg_dirtyread('$_') AS t(id int)) - (SELECT count(*) FROM $_)") foreach @tables;
	return $count;
}

if ($dirtyread)
{
	cmp_ok(dead($_), '>=', due($_), "$_->{name}: pg_dirtyread finds what was") foreach grep { $_->{action} ne 'drop column' } @cases;
}
sql(q{ROLLBACK PREPARED 'holder'});

sub vacuum
{
	sql("VACUUM (INDEX_CLEANUP ON) $_") foreach map { $_->{name} } @cases;
}
vacuum();
sync();

# the oracle finds what DELETE and VACUUM leave
foreach my $node ($primary, $standby)
{
	my $found = remains($node);
	my $where = $node->name;

	foreach my $case (@cases)
	{
		next if $node == $standby && ($case->{unlogged} || !$case->{standby});
		foreach my $place (sort keys %{ $case->{holds} })
		{
			my $least = $case->{holds}{$place};
			my $here = $found->{$place}{ $case->{name} } // 0;

			$least *= due($case) if $least < 1;
			cmp_ok($here, '>=', $least, "$where, before: marks are found in $place") or diag(RetentionBytes::tell({ $place => $found->{$place} // {} }));
		}
	}
	cmp_ok($found->{'pg_statistic'}{btree_same} // 0, '>=', 10, "$where, before: marks are found in statistics");
	cmp_ok(($found->{'pg_statistic_ext_data'}{btree_same} // 0) + ($found->{'toast of pg_statistic_ext_data'}{btree_same} // 0),
		'>=', 1, "$where, before: marks are found in extended statistics");
	cmp_ok(RetentionBytes::hash_codes(RetentionBytes::path($node, 'hash_i'), @codes), '>=', 0.3 * @codes, "$where, before: hash codes are found");
	note(RetentionBytes::tell($found)) if $node == $primary;
}

my @catalogs = ('pg_statistic', 'pg_statistic_ext_data');

sub scrub
{
	sql("CALL retention.scrub('$_')") foreach @_;
}

# The scrub alone: marks remain where it cannot know them, and nowhere else.
scrub(map { $_->{name} } @cases);
sync();
foreach my $node ($primary, $standby)
{
	my $found = remains($node);
	my $where = $node->name;

	delete $found->{$_} foreach map { ($_, "toast of $_") } @catalogs;
	foreach my $case (@cases)
	{
		# what the oracle finds, residue() knows of, and says what helps
		foreach my $place (sort grep { ($found->{$_} // {})->{ $case->{name} } && !/^toast/ } @{ $case->{left} })
		{
			cmp_ok(sql("SELECT count(*) FROM retention.residue('$case->{name}', exact => true) WHERE relation = '$place'::regclass AND remedy IS NOT NULL", $node),
				'>', 0, "$where, after the scrub: residue() tells of $place");
		}
		foreach my $place (sort keys %{ $case->{holds} })
		{
			next if grep { $_ eq $place } @{ $case->{left} };
			is_deeply($found->{$place} // {}, {}, "$where, after the scrub: no mark in $place");
		}
		delete $found->{$_} foreach @{ $case->{left} };
	}
	is(RetentionBytes::hash_codes(RetentionBytes::path($node, 'hash_i'), @codes), 0, "$where, after the scrub: no hash code");
	is(RetentionBytes::tell($found), '', "$where, after the scrub: no mark where none is expected");
}

# After what only a new index, new statistics, new row versions do.
foreach my $case (@cases)
{
	sql("UPDATE $case->{name} SET id = id") if $case->{action} eq 'drop column';
	sql("REINDEX TABLE CONCURRENTLY $case->{name}");
	sql("ANALYZE $case->{name}");
}
vacuum();
sql("VACUUM (INDEX_CLEANUP ON) $_") foreach @catalogs;
scrub((map { $_->{name} } @cases), @catalogs);
sync();
foreach my $node ($primary, $standby)
{
	my $where = $node->name;

	is(RetentionBytes::tell(remains($node)), '', "$where, in the end: no mark in any file but the WAL");
	foreach my $case (@cases)
	{
		next if $case->{unlogged} && $node == $standby;
		is(stays($node, $case), $stays{ $case->{name} }, "$where, in the end: what stays of $case->{name} is all there");
		next if !$case->{index} || $case->{action} eq 'drop column';
		is(sql("SELECT disagree('$case->{name}', " . quote($case->{probe}) . ')', $node), '0', "$where, in the end: the index of $case->{name} agrees with it");
	}
}
if ($dirtyread)
{
	is(dead($_), '0', "$_->{name}: pg_dirtyread finds nothing") foreach @cases;
}

is(sql("SELECT string_agg(relation || ' ' || place, ', ') FROM retention.residue('$_->{name}', exact => true)"), '', "$_->{name}: residue() tells of nothing in the end")
  foreach @cases;

# A second pass writes no page.
my $from = sql('SELECT pg_current_wal_insert_lsn()');
scrub((map { $_->{name} } @cases), @catalogs);
my $to = sql('SELECT pg_switch_wal()');
my ($out, $err) = run_command([ 'pg_waldump', '--rmgr=Generic', '-p', $primary->data_dir . '/pg_wal', '-s', $from, '-e', $to ]);
is($out, '', 'a second scrub writes no page');
is(sql('SELECT sum(pages_wiped) FROM retention.scrubbed'), '0', 'and says so');

$primary->command_ok([ 'pg_amcheck', '-d', 'postgres', '--heapallindexed', '--parent-check', '--rootdescend' ], 'pg_amcheck finds nothing');
$standby->stop;
$primary->stop;
command_ok([ 'pg_checksums', '--check', '-D', $_->data_dir ], 'the checksums of the ' . $_->name . ' are right') foreach $primary, $standby;

done_testing();
