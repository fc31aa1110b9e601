# retention.residue() against oracles that read pages by themselves.
#
# Random rows come and go in rounds.  As long as rows only come, no index keeps a
# value without a row, also while others write; after VACUUM the separators of a
# B-tree that no row has are those that pageinspect shows, and the empty entries
# of a GIN index are the elements that were there and are not any more.  A standby
# tells the same.  Of a large relation a sample is read.
#
#	RETENTION_ROUNDS	how many rounds (default 6)
#	RETENTION_SEED		the first round's seed (default 1)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $rounds = $ENV{RETENTION_ROUNDS} // 6;
my $first = $ENV{RETENTION_SEED} // 1;

my $node = RetentionNode->make('primary', streaming => 1, conf => "autovacuum = off\nhot_standby_feedback = off\n");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# What keeps values without a row, an index a line; "?": nobody can tell.
my $kept = q{
	SELECT relation || ' ' || place || ' ' || items FROM retention.residue('person', exact => true)
	 WHERE place IN ('separators', 'empty entries', 'summaries') AND items IS NOT NULL ORDER BY relation::text
};

# High keys of leaves that equal neither the last item before them nor the next
# one, in an index of one column.  Values are compared as pageinspect shows them.
$node->safe_psql('postgres', <<'EOS');
SET check_function_bodies = off;
CREATE EXTENSION pageinspect;
CREATE EXTENSION btree_gist;
CREATE FUNCTION separators(index text) RETURNS bigint LANGUAGE sql AS $$
	WITH leaf AS MATERIALIZED (
		SELECT s.blkno, s.btpo_next AS next
		  FROM generate_series(1, pg_relation_size(index::regclass) / 8192 - 1) block, bt_page_stats(index, block) s
		 WHERE s.type = 'l'
	), item AS MATERIALIZED (
		SELECT l.blkno, l.next, i.itemoffset, i.data || coalesce(i.nulls::text, '') AS data, i.itemoffset = 1 AND l.next <> 0 AS high
		  FROM leaf l, bt_page_items(index, l.blkno::bigint) i
	), edge AS (
		SELECT blkno, next,
			   (array_agg(data) FILTER (WHERE high))[1] AS high,
			   (array_agg(data ORDER BY itemoffset) FILTER (WHERE NOT high))[1] AS first,
			   (array_agg(data ORDER BY itemoffset DESC) FILTER (WHERE NOT high))[1] AS last
		  FROM item GROUP BY blkno, next
	)
	SELECT count(*) FROM edge l LEFT JOIN edge r ON r.blkno = l.next
	 WHERE l.next <> 0 AND l.high IS DISTINCT FROM l.last AND l.high IS DISTINCT FROM r.first AND l.high <> 'true'
$$;
CREATE FUNCTION empty_entries() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT DISTINCT element FROM past, unnest(tags) element
						  EXCEPT SELECT element FROM person, unnest(tags) element) gone
	 WHERE element IS NOT NULL
$$;
EOS

# Random statements: a round's rows depend on its seed only.
sub fill
{
	my ($from, $count) = @_;

	return <<"EOS";
WITH written AS (
	INSERT INTO person SELECT i, (random() * 50000)::int, CASE WHEN random() < 0.9 THEN 'name ' || md5((random() * 5000)::int::text) END,
		round((random() * 100)::numeric, (random() * 3)::int), ARRAY['tag ' || (random() * 3000)::int, 'group ' || i % 3, NULL],
		int4range((random() * 1000)::int, 1000 + (random() * 1000)::int), ('10.' || (random() * 200)::int || '.' || i % 256 || '.1')::inet,
		point(random(), random()), date '1950-01-01' + i
	  FROM generate_series($from, $from + $count - 1) i RETURNING tags)
INSERT INTO past SELECT tags FROM written;
EOS
}

my @deletes = (
	'random() < 0.5',
	'number BETWEEN 10000 AND 30000',
	'id % 7 <> 1',
	'name < \'name 8\'',
	'true',
	'\'group 1\' = ANY (tags)');

foreach my $seed ($first .. $first + $rounds - 1)
{
	srand($seed);
	my $fillfactor = (10, 50, 90)[ int(rand(3)) ];
	my $before = int(rand(4000));
	my $dedup = rand() < 0.5 ? 'on' : 'off';

	$node->safe_psql('postgres', <<"EOS" . fill(1, $before) . <<"EOI" . fill($before + 1, 4000));
SELECT setseed(@{[ $seed / 1000 ]});
CREATE TABLE person (id int, number int, name text, amount numeric, tags text[], during int4range, ip inet, at point, born date);
CREATE TABLE past (tags text[]);
EOS
CREATE INDEX person_number ON person (number) WITH (fillfactor = $fillfactor, deduplicate_items = $dedup);
CREATE INDEX person_name ON person (name DESC NULLS FIRST) WITH (deduplicate_items = $dedup);
CREATE INDEX person_both ON person (name, amount) INCLUDE (ip);
CREATE INDEX person_amount ON person (amount);
CREATE UNIQUE INDEX person_id ON person (id);
CREATE INDEX person_tags ON person USING gin (tags) WITH (fastupdate = off);
CREATE INDEX person_during ON person USING gist (during, ip inet_ops);
CREATE INDEX person_text ON person USING gist (name);
CREATE INDEX person_at ON person USING gist (at);
CREATE INDEX person_radix ON person USING spgist (name);
CREATE INDEX person_net ON person USING spgist (ip);
CREATE INDEX person_born ON person USING brin (born, number, name) WITH (pages_per_range = 3);
EOI

	is($node->safe_psql('postgres', $kept), '', "seed $seed: rows only came: nothing is kept");
	foreach my $turn (1 .. 3)
	{
		my $condition = $deletes[ int(rand(@deletes)) ];
		my $from = 10_000 * $turn;

		$node->safe_psql('postgres', "SELECT setseed(@{[ ($seed + $turn / 10) / 1000 ]}); DELETE FROM person WHERE $condition; UPDATE person SET number = number + 1 WHERE random() < 0.1;");
		$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) person');
		$node->safe_psql('postgres', fill($from, int(rand(2000)))) if $turn > 1;

		my %told = map { /^(\S+) (.*) (\d+)$/ ? ($1 => $3) : () } split /\n/, $node->safe_psql('postgres', $kept);
		foreach my $index (qw(person_number person_name person_id))
		{
			my $expected = $node->safe_psql('postgres', "SELECT separators('$index')");
			is($told{$index} // 0, $expected, "seed $seed, turn $turn: separators of $index without $condition");
		}
		is($told{person_tags} // 0, $node->safe_psql('postgres', 'SELECT empty_entries()'), "seed $seed, turn $turn: empty entries");
	}

	if ($seed == $first)
	{
		$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
		my $all = "SELECT * FROM retention.residue('person') WHERE place NOT IN ('hole', 'gap') AND relation::text LIKE 'person%'";
		my $here = $node->safe_psql('postgres', $all);
		isnt($here, '', 'there is residue');
		is($standby->safe_psql('postgres', $all), $here, 'a standby tells the same');
	}

	$node->safe_psql('postgres', 'REINDEX TABLE CONCURRENTLY person');
	is($node->safe_psql('postgres', $kept), '', "seed $seed: indexes made anew keep nothing");
	$node->safe_psql('postgres', 'DROP TABLE person, past');
}

# While others write: pages split between one look and the next.
$node->safe_psql('postgres', <<'EOS');
CREATE TABLE person (id bigserial, name text, tags text[], during int4range, born timestamptz DEFAULT clock_timestamp());
CREATE INDEX person_name ON person (name);
CREATE INDEX person_id ON person (id);
CREATE INDEX person_tags ON person USING gin (tags);
CREATE INDEX person_during ON person USING gist (during);
CREATE INDEX person_radix ON person USING spgist (name);
CREATE INDEX person_born ON person USING brin (born) WITH (pages_per_range = 1, autosummarize = off);
EOS
my $script = "${PostgreSQL::Test::Utils::tmp_check}/insert.sql";
append_to_file($script, <<'EOS');
INSERT INTO person (name, tags, during) SELECT 'name ' || md5(random()::text), ARRAY['tag ' || (random() * 10000)::int], int4range((random() * 1000)::int, 2000) FROM generate_series(1, 20);
EOS
my ($in, $out, $err) = ('', '', '');
my $writers = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '5', '-f', $script, $node->connstr('postgres') ], \$in, \$out, \$err);
my ($looks, $wrong) = (0, '');
while ($writers->pumpable && $looks < 1000)
{
	$wrong .= $node->safe_psql('postgres', $kept);
	$looks++;
	$writers->pump_nb;
}
$writers->finish;
is($wrong, '', 'nothing is found while rows only come');
cmp_ok($looks, '>', 3, "... in $looks looks");
$node->safe_psql('postgres', 'DROP TABLE person');

# A large relation: a page a row, so that what is in a sample can be told.
$node->safe_psql('postgres', <<'EOS');
CREATE UNLOGGED TABLE person (id int, name text);
ALTER TABLE person ALTER COLUMN name SET STORAGE PLAIN;
INSERT INTO person SELECT i, repeat('x', 5000) FROM generate_series(1, 40000) i;
DELETE FROM person WHERE id % 4 = 0;
EOS
my $dead = "WHERE place = 'dead tuples' AND relation = 'person'::regclass";
is($node->safe_psql('postgres', "SELECT share, pages BETWEEN 9300 AND 10700, items BETWEEN 9300 AND 10700 FROM retention.residue('person') $dead"),
	'0.75|t|t', 'a sample is scaled up');
is($node->safe_psql('postgres', "SELECT share, pages, items FROM retention.residue('person', exact => true) $dead"),
	'1|10000|10000', 'all pages are read where all are asked for');
# ... and of the table as much, whatever an index needs of it
$node->safe_psql('postgres', 'CREATE INDEX person_id ON person USING brin (id) WITH (pages_per_range = 1)');
$node->safe_psql('postgres', 'DELETE FROM person WHERE id % 4 = 1');
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) person');
my $bounds = "WHERE place = 'summaries' AND relation = 'person_id'::regclass";
is($node->safe_psql('postgres', "SELECT share, items BETWEEN 18500 AND 21500 FROM retention.residue('person') $bounds"),
	'0.75|t', 'a sample of ranges is scaled up');
is($node->safe_psql('postgres', "SELECT share, items FROM retention.residue('person', exact => true) $bounds"),
	'1|20000', 'all ranges are judged where all pages are asked for');
is($standby->safe_psql('postgres', "SELECT count(*) FROM retention.residue('person') WHERE relation = 'person'::regclass"),
	'0', 'an unlogged table has nothing on a standby');

done_testing();
