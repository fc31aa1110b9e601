
# Label.pm
#	Random labels for the property test: as a tree, and as the label's text.
#
# table->{from}		start, or undef: the table's clause "from"
# table->{stages}	row stages: [ { category, where, start, for } ... ]
# table->{actions}	column => [ { category, where, start, for, action } ... ]
# table->{plain}	column => 1: 'no personal data'
# A start is a list of paths, "for" is one; a path is { hops => [...], value => template },
# the value of the last hop's table; a hop is { how, from, to, target, fk }.
package Label;

use strict;
use warnings;
use utf8;

sub one { return $_[ int(rand(@_)) ]; }
sub chance { return rand() < $_[0]; }

my @CLOCKS = (
	'{c_tstz}', '{c_tstz}', '{c_ts}', '{c_date}',
	'to_timestamp({c_s})',
	'to_timestamp({c_ms} / 1000.0)',
	'coalesce({c_tstz}, {c_ts}::timestamptz)',
	'coalesce({c_ts}, {c_date})',
	q{({c_ts} + interval '1 day')},
	q{(timestamptz 'epoch' + {c_s} * interval '1 second')},
	'greatest({c_ts}, {c_date}::timestamp)',
	q{(CASE WHEN {flag} THEN {c_ts} ELSE {c_date} END)},
	q{({c_ts} AT TIME ZONE 'Asia/Tokyo')});

my @WHERE = (
	q[{kind} = 'a'],
	q[{kind} IN ('a', 'b') AND {flag} IS NOT FALSE],
	q[{kind} IS NULL OR {flag}],
	q[NOT {flag}],
	q[{tag} % 2 = 0]);

my %ACTIONS = (
	d_text => [ 'set null', q{set 'set'}, 'truncate to 5', 'pseudonymise' ],
	d_vc => [ 'set null', q{set 'it''s'}, 'truncate to 1', 'pseudonymise' ],
	d_inet => [ 'set null', 'truncate to 24/48', 'truncate to 16/32' ],
	d_int => [ 'set null', q{set '0'}, 'round to 10', 'round to 100' ],
	d_ts => [ 'set null', 'round to month', 'round to hour' ],
	d_json => [ 'set null', 'remove a', 'keep b' ]);

# What the table's label and its columns' labels say.
sub choose
{
	my ($schema, $table) = @_;
	$table->{stages} = [];
	$table->{actions} = {};
	my $mode = rand();
	return if $mode < 0.15;
	$table->{protect} = $mode > 0.25;
	my $row = chance(0.7);
	$table->{from} = start($table) if chance(0.4);
	if ($row)
	{
		my $count = one(1, 1, 1, 2, 3);
		foreach my $i (1 .. $count)
		{
			push @{ $table->{stages} },
			  stage($schema, $table, $i < $count || chance(0.2));
		}
	}
	foreach my $name (grep { $ACTIONS{$_} } @{ $table->{order} })
	{
		next unless chance($row ? 0.3 : 0.5);
		my $count = one(1, 1, 2);
		foreach my $i (1 .. $count)
		{
			push @{ $table->{actions}{$name} },
			  {
				%{ stage($schema, $table, chance(0.3)) },
				action => one(@{ $ACTIONS{$name} }),
			  };
		}
	}
	# where no row rule covers the columns, each needs a label
	unless ($row)
	{
		$table->{none} = { map { $_ => 1 }
			  grep { !$table->{actions}{$_} } @{ $table->{order} } };
	}
	return;
}

sub stage
{
	my ($schema, $table, $conditional) = @_;
	my $where = $conditional ? one(@WHERE) : undef;
	# no clock of the table's: each stage needs its own
	my $start = !$table->{from} || chance(0.5) ? start($table) : undef;
	return {
		category => one(sort keys %{ $schema->{categories} }),
		where => $where,
		start => $start,
		for => chance(0.25) ? own_period($table) : undef,
	};
}

# The row's own period: a path of any length to an interval.
sub own_period
{
	my ($table) = @_;
	my $path = chance(0.5) ? path($table) : undef;
	return {
		hops => $path ? $path->{hops} : [],
		value => one('{per}', '{per}', '(coalesce({per}, make_interval(days => {sub} * 20)))'),
	};
}

sub start
{
	my ($table) = @_;
	my @paths;
	if (chance(0.5))
	{
		my $path = path($table);
		if ($path)
		{
			push @paths, $path;
			# the next only where a hop finds no row
			my $second = chance(0.3) ? path($table) : undef;
			push @paths, $second if $second;
			push @paths, { hops => [], value => one(@CLOCKS) }
			  if chance(0.5) || $path->{may_lose} && chance(0.8);
		}
	}
	push @paths, { hops => [], value => one(@CLOCKS) } unless @paths;
	return \@paths;
}

# A tree that cascades within itself: whether a row of it is kept that is the
# clock of others, and that its parent would take along, is asked only with
# RETENTION_RINGS.
sub in_ring
{
	my ($table) = @_;
	return !$ENV{RETENTION_RINGS}
	  && grep { $_->{action} eq 'CASCADE' && $_->{target} == $table } @{ $table->{fks} };
}

# One to three hops to a table before this one (or itself, once), or undef.
sub path
{
	my ($table) = @_;
	my @hops;
	my $may_lose = 0;
	my $at = $table;
	my $self = 0;
	foreach my $n (1 .. one(1, 1, 2, 3))
	{
		my @ways;
		foreach my $fk (@{ $at->{fks} })
		{
			next if $fk->{late} || $fk->{target} == $at && ($self || !chance(0.2));
			next if in_ring($fk->{target});
			my $lose = $fk->{nullable};
			my @how = ('constraint');
			push @how, 'column', 'column' if @{ $fk->{columns} } == 1;
			push @how, 'references'
			  if @{ $fk->{columns} } == 1 && $fk->{target}{unique_id};
			push @ways,
			  {
				how => one(@how),
				from => $fk->{columns},
				to => $fk->{target}{key},
				target => $fk->{target},
				fk => $fk,
				lose => $lose,
			  };
		}
		foreach my $loose (@{ $at->{loose} || [] })
		{
			next if in_ring($loose->{target});
			push @ways,
			  {
				how => 'references',
				from => [ $loose->{column} ],
				to => ['id'],
				target => $loose->{target},
				lose => 1,
			  };
		}
		last unless @ways;
		my $hop = one(@ways);
		push @hops, $hop;
		$may_lose ||= $hop->{lose};
		$self ||= $hop->{target} == $at;
		$at = $hop->{target};
	}
	return undef unless @hops;
	return {
		hops => \@hops,
		value => one(@CLOCKS),
		at => $at,
		may_lose => $may_lose,
	};
}

# --- text -----------------------------------------------------------------

sub start_text
{
	my ($table, $start) = @_;
	my @paths;
	foreach my $path (@$start)
	{
		my $at = $table;
		my $text = '';
		foreach my $hop (@{ $path->{hops} })
		{
			my $to = $hop->{target};
			my $column = $at->{columns}{ $hop->{from}[0] }{name};
			$text .= $hop->{how} eq 'constraint' ? $hop->{fk}{name} : $column;
			$text .= " references $to->{name}("
			  . $to->{columns}{ $hop->{to}[0] }{name} . ')'
			  if $hop->{how} eq 'references';
			$text .= ' -> ';
			$at = $to;
		}
		push @paths, $text . Schema::fill($at, $path->{value});
	}
	return join(' or ', @paths);
}

sub category_text
{
	my ($category) = @_;
	return $category unless $category =~ /[",;]/;
	$category =~ s/"/""/g;
	return qq{"$category"};
}

sub stage_text
{
	my ($table, $stage) = @_;
	my $text = category_text($stage->{category});
	$text .= ', where (' . Schema::fill($table, $stage->{where}) . ')'
	  if $stage->{where};
	$text .= ', from ' . start_text($table, $stage->{start}) if $stage->{start};
	$text .= ', for ' . start_text($table, [ $stage->{for} ]) if $stage->{for};
	return $text . ', then ' . ($stage->{action} // 'delete');
}

# SQL that sets all labels of the table; one statement a label.
sub sql
{
	my ($table) = @_;
	my $sql = '';
	my @clauses;
	push @clauses, 'from ' . start_text($table, $table->{from}) if $table->{from};
	push @clauses, map { stage_text($table, $_) } @{ $table->{stages} };
	$sql .= "SECURITY LABEL FOR privacy_retention ON TABLE $table->{name} IS "
	  . Schema::literal(join('; ', @clauses)) . ";\n"
	  if @clauses;
	foreach my $name (sort keys %{ $table->{actions} })
	{
		my $text = join('; ', map { stage_text($table, $_) } @{ $table->{actions}{$name} });
		$sql .= rand() < 0.5
		  ? "SECURITY LABEL FOR privacy_retention ON COLUMN $table->{name}.$table->{columns}{$name}{name} IS "
		  . Schema::literal($text) . ";\n"
		  : 'SELECT retention.label(' . Schema::literal($table->{name}) . ', '
		  . Schema::literal($text) . ', ARRAY['
		  . Schema::literal($table->{columns}{$name}{plain}) . "]::name[]);\n";
	}
	if ($table->{none})
	{
		$sql .= 'SELECT retention.label(' . Schema::literal($table->{name})
		  . q{, 'no personal data', ARRAY[}
		  . join(', ', map { Schema::literal($table->{columns}{$_}{plain}) }
			  sort keys %{ $table->{none} })
		  . "]::name[]);\n";
	}
	return $sql;
}

1;
