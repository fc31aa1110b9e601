# contrib/postgres_exporter/queries.yaml: each query runs for pg_monitor, on the
# primary and on a standby, and has the columns that its metrics name.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

# The file as far as it is used: names, queries, metrics with their usage.
my $file = "$FindBin::RealBin/../contrib/postgres_exporter/queries.yaml";
my (%query, %metric, $name, $in_query);
for my $line (split /\n/, slurp_file($file))
{
	next if $line =~ /^#/;
	if ($line =~ /^(\w+):$/) { $name = $1; $in_query = 0; }
	elsif ($line =~ /^  query: \|$/) { $in_query = 1; }
	elsif ($in_query && $line =~ /^    (.*)/) { $query{$name} .= "$1\n"; }
	elsif ($line =~ /^  (?:master|cache_seconds|metrics):/) { $in_query = 0; }
	elsif ($line =~ /^    - (\w+): \{usage: "(LABEL|GAUGE|COUNTER)", description: "[^"]+"\}$/) { $metric{$name}{$1} = $2; }
	elsif ($line ne '') { fail("cannot read \"$line\""); }
}
is(scalar(keys %query), 5, 'queries');

my $node = RetentionNode->make('exporter', preload => 1, streaming => 1);

$node->safe_psql('postgres', q{SELECT retention.set_category('visits', '1 hour', 'the visit');
	CREATE TABLE visit (id int PRIMARY KEY, ip inet, at timestamptz);
	CREATE INDEX ON visit (at);
	INSERT INTO visit VALUES (1, '192.0.2.1', now() - interval '30 min'), (2, '192.0.2.1', now() - interval '2 h');
	SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'from at; visits, where (id > 1), then delete; visits, then delete';
	SECURITY LABEL FOR privacy_retention ON COLUMN visit.ip IS 'visits';
	SELECT retention.protect('visit');
	CREATE ROLE exporter LOGIN IN ROLE pg_monitor});
$node->safe_psql('postgres', 'CALL retention.enforce()');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);

for my $server ($node, $standby)
{
	for my $name (sort keys %query)
	{
		my ($status, $out, $error) = $server->psql('postgres', $query{$name} =~ s/\s+\z//r . " \\gdesc",
			extra_params => [ '-U', 'exporter' ]);
		my %column = map { my ($column, $type) = split /\|/; ($column => $type) } split /\n/, $out;

		is(join(' ', sort keys %column), join(' ', sort keys %{ $metric{$name} }), "$name has the columns of its metrics");
		is(join(' ', grep { $metric{$name}{$_} ne 'LABEL' && $column{$_} !~ /^(bigint|integer|numeric|double precision)$/ } keys %column),
			'', 'and values are numbers');
		my $labels = join(', ', grep { $metric{$name}{$_} eq 'LABEL' } sort keys %{ $metric{$name} });
		$out = $server->safe_psql('postgres', "WITH q AS ($query{$name}) SELECT count(*) > 0, count(*) = count(DISTINCT ($labels)) FROM q",
			extra_params => [ '-U', 'exporter' ]);
		is($out, 't|t', 'one sample a set of labels');
	}
	is($server->safe_psql('postgres', "WITH q AS ($query{privacy_retention_rule}) SELECT min(well), max(due) FROM q",
			extra_params => [ '-U', 'exporter' ]), '1|0', 'what it says');
	is($server->safe_psql('postgres', "WITH q AS ($query{privacy_retention_erasure}) SELECT relation, pending, late, oldest_pending_seconds > 0 FROM q",
			extra_params => [ '-U', 'exporter' ]), 'public.visit|1|0|t', 'one deletion, of which the bytes are still there');
}
$standby->stop;
$node->stop;
done_testing();
