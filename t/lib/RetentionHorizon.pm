# How far erasure has got, as a server tells it, and whether that is so.
package RetentionHorizon;

use strict;
use warnings;

use RetentionBytes;
use Test::More;

# Somebody looks, and notes what is reached.
sub advance
{
	my ($server) = @_;

	$server->safe_psql('postgres', 'CALL retention.enforce()');
	return;
}

# The last level of a table's round that is noted, from scrubbed on.
sub reached
{
	my ($server, $name) = @_;

	return $server->safe_psql('postgres',
		"SELECT CASE WHEN wal_clear_at IS NOT NULL THEN 'wal_clear' WHEN replicas_at IS NOT NULL THEN 'replicas'"
		  . " WHEN durable_at IS NOT NULL THEN 'durable' ELSE 'scrubbed' END FROM retention.erasure_round WHERE relation = '$name'");
}

sub held
{
	my ($server, $name) = @_;

	return $server->safe_psql('postgres', "SELECT held_by FROM retention.erasure_round WHERE relation = '$name'");
}

# Does what the round says helps, as a person would; -1: it did not help.
sub follow
{
	my ($server, $name) = @_;

	foreach my $times (0 .. 9)
	{
		advance($server);
		return $times if reached($server, $name) eq 'wal_clear';
		my $remedy = $server->safe_psql('postgres', "SELECT remedy FROM retention.erasure_round WHERE relation = '$name'");
		note("$name: " . held($server, $name) . " -> $remedy");
		# the statements before what is said about them
		$remedy =~ s/; where .*//;
		$server->psql('postgres', "$_;") foreach split /; (?=[A-Z]+(?: |$))(?!END)/, $remedy;
	}
	return -1;
}

# What retention.erasure_horizon says: by table, its level.
sub levels
{
	my ($server) = @_;

	return { map { split /\|/ } split /\n/, $server->safe_psql('postgres', 'SELECT DISTINCT relation, level FROM retention.erasure_horizon') };
}

# What retention.erasure_horizon says of this server that is not so: a line each.
# Table public.NAME has the marks of population NAME, all of which were deleted.  In
# the end a checkpoint is made, without which nothing can be said of what is scrubbed.
#
#	checkpoint	=> 0	none can be made
sub lies
{
	my ($server, $bytes, %option) = @_;
	my @claims = map { [ split /\|/ ] } split /\n/, $server->safe_psql('postgres', <<'EOS');
SELECT DISTINCT substr(relation, 8), (scrubbed IS NOT NULL)::int, (durable IS NOT NULL)::int, (wal_clear IS NOT NULL)::int, level
FROM retention.erasure_horizon ORDER BY 1
EOS
	my $relations = RetentionBytes::relations($server);
	my $found = $bytes->search($server, relations => $relations);
	my @lies;

	foreach (@claims)
	{
		my ($name, $scrubbed, $durable, $clear) = @$_;

		push @lies, "$name: wal_clear, but $found->{pg_wal}{$name} in pg_wal" if $clear && $found->{pg_wal}{$name};
		push @lies, map { "$name: durable, but $found->{$_}{$name} in $_" } grep { $durable && $_ ne 'pg_wal' && $found->{$_}{$name} } sort keys %$found;
	}
	my $checkpoint = $option{checkpoint} // 1;
	$found = $bytes->search_flushed($server, relations => $relations) if $checkpoint;
	foreach ($checkpoint ? @claims : ())
	{
		my ($name, $scrubbed) = @$_;

		push @lies, map { "$name: scrubbed, but $found->{$_}{$name} in $_" } grep { $scrubbed && $_ ne 'pg_wal' && $found->{$_}{$name} } sort keys %$found;
	}
	note($server->name . ': ' . join ', ', map { "$_->[0] $_->[4]" } @claims);
	note(RetentionBytes::tell($found));
	return join "\n", @lies;
}

# A protected table of the marks of a population of its name, all of which are due:
# in its heap, TOAST table and a hash index, which VACUUM and the scrub clean.
sub create
{
	my ($server, $bytes, $name, $rows) = @_;
	my $mark = $bytes->text($bytes->population(($name) x $rows) . ' + n - 1');

	$server->safe_psql('postgres', <<"EOS");
CREATE TABLE $name (id int PRIMARY KEY, seen timestamptz, v text, long text);
ALTER TABLE $name ALTER long SET STORAGE EXTERNAL;
CREATE INDEX ${name}_hash ON $name USING hash (v);
CREATE INDEX ${name}_seen ON $name (seen);
INSERT INTO $name SELECT n, '2024-01-01 00:00:00+00', $mark, CASE WHEN n % 10 = 0 THEN repeat($mark || '-', 120) END FROM generate_series(1, $rows) n;
INSERT INTO $name SELECT n, 'infinity', 'stays' FROM generate_series($rows + 1, $rows + 20) n;
SELECT retention.set_category('visits', '1 mon', 'the visit');
SELECT retention.label('$name', 'visits, from seen, then delete');
SELECT retention.protect('$name', at_most => $rows);
EOS
	return;
}

1;
