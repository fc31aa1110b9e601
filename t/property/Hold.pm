
# Hold.pm
#	Random suspensions for the property test, and what they must keep.
#
# A suspension is { id, table, condition }, the condition a template.
# schema->{suspensions} are those in force.  A row of a snapshot has the numbers of
# those that hold it in {held}.
package Hold;

use strict;
use warnings;
use utf8;

sub one { return $_[ int(rand(@_)) ]; }

my @CONDITIONS = (
	q[{kind} = 'a'],
	q[{flag}],
	q[NOT {flag} OR {d_int} > 500],
	q[{tag} % 5 = 1],
	q[{tag} % 2 = 0 AND {kind} IS NOT NULL],
	q[{id} BETWEEN 5 AND 15],
	q[{sub} = 1],
	q[{d_text} LIKE 'long%'],
	q[{c_ts} < timestamp '2024-06-30 12:00:00'],
	q[{c_tstz} >= timestamptz '2024-10-27 00:30:00+00'],
	q[{c_tstz}::date < date '2024-04-07'],
	q[{d_json} ? 'a'],
	q[true]);

# A new one, not yet in force.
sub choose
{
	my ($schema) = @_;
	return { table => one(@{ $schema->{tables} }), condition => one(@CONDITIONS) };
}

sub suspend_sql
{
	my ($suspension) = @_;
	my $table = $suspension->{table};
	return 'SELECT retention.suspend(' . Schema::literal($table->{name}) . ', '
	  . Schema::literal(Schema::fill($table, $suspension->{condition}))
	  . q{, 'a case', current_date + 30, 'a court')};
}

sub lift_sql { return "SELECT retention.lift_suspension($_[0]{id}, 'settled')"; }

# The numbers of the suspensions that hold row t, with a blank between them.
sub held_sql
{
	my ($schema, $table) = @_;
	my @cases = map { 'CASE WHEN ' . Schema::fill($table, $_->{condition}, 't') . " THEN $_->{id} END" }
	  grep { $_->{table} == $table } @{ $schema->{suspensions} };
	return @cases ? 'concat_ws(' . join(', ', q{' '}, @cases) . ')' : q{''};
}

# --- what is kept ---------------------------------------------------------

# The held row that would go or change if this one were deleted, or undef.  NO
# ACTION and RESTRICT count: that row would have to go first.
sub touches
{
	my ($rows, $key) = @_;
	my @todo = ($key);
	my %seen = ($key => 1);
	while (defined(my $at = shift @todo))
	{
		return $at if @{ $rows->{$at}{held} };
		foreach my $link (@{ $rows->{$at}{referenced_by} || [] })
		{
			my ($child, $fk) = @$link;
			if ($fk->{action} =~ /SET/)
			{
				return $child if @{ $rows->{$child}{held} };
				next;
			}
			push @todo, $child unless $seen{$child}++;
		}
	}
	return undef;
}

# Where foreign keys come back to a table, a row waits for those below it.
sub waits
{
	my ($rows, $key, %visited) = @_;
	my ($table) = split /:/, $key;
	$visited{$table} = 1;
	foreach my $link (@{ $rows->{$key}{referenced_by} || [] })
	{
		my ($child, $fk) = @$link;
		my ($next) = split /:/, $child;
		if ($visited{$next})
		{
			return 1 if $child ne $key;
			next;
		}
		return 1 if $fk->{action} !~ /SET/ && waits($rows, $child, %visited);
	}
	return 0;
}

# What a statement that made "after" of "before" did to held rows: 'surely' if
# that must have been refused, 'perhaps', or ''.  Tables that the snapshot after
# has not are left out.
sub violated
{
	my ($before, $after, $tables) = @_;
	my %asked = map { $_->{n} => 1 } @$tables;
	my $answer = '';
	foreach my $key (sort keys %$before)
	{
		my ($old, $new) = ($before->{$key}, $after->{$key});
		next unless $asked{ $old->{table}{n} } && @{ $old->{held} };
		return 'surely' if !$new || $new->{leaf} ne $old->{leaf};
		my $changed = change_of($old, $new->{value});
		return 'surely' if $changed eq 'surely';
		$answer = 'perhaps' if $changed;
		# it may not leave a suspension by what may change
		foreach my $id (@{ $old->{held} })
		{
			return 'surely' unless grep { $_ eq $id } @{ $new->{held} };
		}
	}
	return $answer;
}

# May these values be those of a held row?
sub change_of
{
	my ($old, $values) = @_;
	my $table = $old->{table};
	my $answer = '';
	foreach my $name (keys %$values)
	{
		next if Oracle::same($old->{value}{$name}, $values->{$name});
		return 'surely' unless $table->{none}{$name} && !grep { $_ eq $name } @{ $table->{key} };
		# whether its label stands is not known
		$answer = 'perhaps' if $table->{refused};
	}
	return $answer;
}

1;
