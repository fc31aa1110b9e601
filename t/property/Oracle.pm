
# Oracle.pm
#	What a pass must have done, said a second time and from the design only.
#
# snapshot() reads all rows with, for every stage of every label, whether its
# condition holds, its clock is due, what its action would make of the value,
# through which rows the clock was found, and which suspensions hold the row.
# judge() compares the snapshots before and after a pass, row by row.  Nothing of
# the extension is called but the view of blocked rows.
package Oracle;

use strict;
use warnings;
use utf8;

use Hold;

my $TOKEN = '^[a-z2-7]{26}$';
my $EARLIEST = q{timestamptz '2000-01-01 00:00:00+00'};

# --- SQL of the design's words --------------------------------------------

# The rows that a path goes through, as "n:tag n:tag"; NULL = finds no row.
# And the value at its end.
sub path_sql
{
	my ($table, $path, $what) = @_;
	return $what eq 'rows' ? q{''} : Schema::fill($table, $path->{value}, 't')
	  unless @{ $path->{hops} };
	my ($at, $alias, @from, @on, @rows) = ($table, 't');
	my $n = 0;
	foreach my $hop (@{ $path->{hops} })
	{
		my $next = 'h' . ++$n;
		my $to = $hop->{target};
		push @from, "$to->{name} $next";
		foreach my $i (0 .. $#{ $hop->{from} })
		{
			push @on, Schema::fill($to, "{$hop->{to}[$i]}", $next) . ' = '
			  . Schema::fill($at, "{$hop->{from}[$i]}", $alias);
		}
		push @rows, "'$to->{n}:' || " . Schema::fill($to, '{tag}', $next);
		($at, $alias) = ($to, $next);
	}
	my $select = $what eq 'rows'
	  ? join(" || ' ' || ", @rows)
	  : Schema::fill($at, $path->{value}, $alias);
	return "(SELECT $select FROM " . join(', ', @from) . ' WHERE '
	  . join(' AND ', @on) . ')';
}

sub start_sql
{
	my ($table, $start, $what) = @_;
	my $sql = 'CASE';
	foreach my $path (@$start)
	{
		my $value = path_sql($table, $path, $what);
		$value = "($value)::timestamptz" unless $what eq 'rows';
		$sql .= ' WHEN ' . path_sql($table, $path, 'rows') . " IS NOT NULL THEN $value";
	}
	return "$sql END";
}

# Due: clock plausible, and clock + period not after as_of. Sums that cannot be
# (a sentinel near the end of time) are not due.
sub due_sql
{
	my ($clock, $period, $as_of) = @_;
	$as_of = $as_of eq 'now()' ? 'now()' : "timestamptz '$as_of'";
	return "coalesce((SELECT CASE WHEN c < $EARLIEST OR c > timestamptz '3000-01-01+00' THEN false"
	  . " ELSE c + $period <= $as_of END FROM (SELECT $clock AS c) s), false)";
}

sub action_sql
{
	my ($action, $operand) = @_;
	return 'NULL' if $action eq 'set null';
	return $1 if $action =~ /^set (.*)$/;
	if ($action =~ m{^truncate to (\d+)/(\d+)$})
	{
		return "network(set_masklen($operand, least(masklen($operand),"
		  . " CASE family($operand) WHEN 4 THEN $1 ELSE $2 END)))::inet";
	}
	# what the token is, the oracle cannot know: that it is one, and the same again
	return "CASE WHEN $operand ~ '$TOKEN' THEN $operand ELSE CASE WHEN $operand IS NOT NULL THEN '<token>' END END"
	  if $action eq 'pseudonymise';
	return "left($operand, $1)" if $action =~ /^truncate to (\d+)$/;
	return "round($operand\::numeric / $1) * $1" if $action =~ /^round to (\d+)$/;
	return "date_trunc('$1', $operand)" if $action =~ /^round to (\w+)$/;
	return "$operand - '$1'" if $action =~ /^remove (\w+)$/;
	return "CASE jsonb_typeof($operand) WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}')"
	  . " FROM jsonb_each($operand) WHERE key = '$1') ELSE $operand END"
	  if $action =~ /^keep (\w+)$/;
	die "no such action: $action";
}

# Rows through which any of the paths leads, also one that ends before its last
# hop, or that an earlier path makes superfluous: they may be kept for it.
sub near_sql
{
	my ($table, $start) = @_;
	my @parts = (q{''});
	foreach my $path (@$start)
	{
		my @hops = @{ $path->{hops} };
		push @parts, path_sql($table, { hops => [ @hops[ 0 .. $_ ] ] }, 'rows')
		  foreach 0 .. $#hops;
	}
	return "concat_ws(' ', " . join(', ', @parts) . ')';
}

# where, due, hops, near: four columns a stage; with clocks also the clock, whether
# it is in the row itself, and whether the row is due by the category's period.
sub stage_sql
{
	my ($schema, $table, $stage, $as_of, $clocks) = @_;
	my $start = $stage->{start} // $table->{from};
	my $period = "interval '$schema->{categories}{ $stage->{category} }'";
	my $clock = start_sql($table, $start, 'value');
	my $due = due_sql($clock, $period, $as_of);
	my @paths = @$start;
	my $rows = start_sql($table, $start, 'rows');
	# longer than the category's is capped; what is no period is the category's
	if ($stage->{for})
	{
		my $for = path_sql($table, $stage->{for}, 'value');
		my $own = "(SELECT CASE WHEN f >= '0' AND f < '1000 years' AND extract(year FROM f) >= 0"
		  . " AND extract(month FROM f) >= 0 AND extract(day FROM f) >= 0 THEN f END FROM (SELECT $for AS f) s)";
		$due = "($due OR " . due_sql($clock, $own, $as_of) . ')';
		$rows = "concat_ws(' ', $rows, " . path_sql($table, $stage->{for}, 'rows') . ')';
		push @paths, $stage->{for};
	}
	my $where = $stage->{where} ? Schema::fill($table, $stage->{where}, 't') : 'true';
	my @answer = ("coalesce(($where), false)", $due, $rows, near_sql($table, \@paths));
	push @answer, "extract(epoch FROM $clock)",
	  'coalesce(CASE ' . join(' ', map { 'WHEN ' . path_sql($table, $_, 'rows') . ' IS NOT NULL THEN '
				. (@{ $_->{hops} } ? 'false' : 'true') } @$start) . ' END, false)',
	  due_sql($clock, $period, $as_of)
	  if $clocks;
	return @answer;
}

# Clocks that lie in rows of the table, its own rules' and those of others, as
# [ template ]: all that rules of protected tables read there.
sub dials
{
	my ($schema, $table) = @_;
	my %dials;
	foreach my $other (grep { $_->{protected} } @{ $schema->{tables} })
	{
		foreach my $stage (@{ $other->{stages} }, map { @$_ } values %{ $other->{actions} })
		{
			foreach my $path (@{ $stage->{start} // $other->{from} })
			{
				my $at = @{ $path->{hops} } ? $path->{hops}[-1]{target} : $other;
				$dials{ $path->{value} } = 1 if $at == $table;
			}
		}
	}
	return sort keys %dials;
}

# clocks => 1: as they are needed to judge writes.  plain => 1: values only.
sub snapshot_sql
{
	my ($schema, $table, $as_of, %what) = @_;
	my @select = ('t.tableoid::regclass', 't.ctid', 't.xmin', Hold::held_sql($schema, $table));
	push @select, map { Schema::fill($table, "{$_}", 't') . '::text' } @{ $table->{order} };
	my $end = Schema::fill($table, " FROM $table->{name} t ORDER BY {tag}");
	return 'SELECT ' . join(",\n ", @select) . $end if $what{plain};
	push @select, map { 'extract(epoch FROM (' . Schema::fill($table, $_, 't') . ')::timestamptz)' }
	  dials($schema, $table) if $what{clocks};
	push @select, map { stage_sql($schema, $table, $_, $as_of, $what{clocks}) } @{ $table->{stages} };
	foreach my $name (sort keys %{ $table->{actions} })
	{
		my $type = $table->{columns}{$name}{type};
		my $operand = Schema::fill($table, "{$name}", 't');
		foreach my $stage (@{ $table->{actions}{$name} })
		{
			push @select, stage_sql($schema, $table, $stage, $as_of, $what{clocks});
			push @select, '((' . action_sql($stage->{action}, $operand) . ")::$type)::text";
		}
	}
	return 'SELECT ' . join(",\n ", @select) . $end;
}

# run => sub(sql) that returns rows (arrays of values, undef = NULL) for each
# statement.  The session's TimeZone is the schema's.
sub snapshot
{
	my ($schema, $as_of, $run) = @_;
	my @tables = @{ $schema->{tables} };
	return read_rows($schema, \@tables, [ $run->(map { snapshot_sql($schema, $_, $as_of) } @tables) ]);
}

# The answers to snapshot_sql() of these tables.
sub read_rows
{
	my ($schema, $tables, $answers, %what) = @_;
	my %rows;
	foreach my $i (0 .. $#$tables)
	{
		my $table = $tables->[$i];
		foreach my $values (@{ $answers->[$i] })
		{
			my @v = @$values;
			my $row = { table => $table };
			@$row{qw(leaf ctid xmin)} = splice(@v, 0, 3);
			$row->{held} = [ split ' ', shift @v ];
			$row->{value}{$_} = shift @v foreach @{ $table->{order} };
			unless ($what{plain})
			{
				$row->{dials}{$_} = shift @v foreach $what{clocks} ? dials($schema, $table) : ();
				$row->{stages} = [ map { take(\@v, $what{clocks}) } @{ $table->{stages} } ];
				foreach my $name (sort keys %{ $table->{actions} })
				{
					$row->{actions}{$name} =
					  [ map { take(\@v, $what{clocks}, $_) } @{ $table->{actions}{$name} } ];
				}
			}
			my $key = "$table->{n}:$row->{value}{tag}";
			die "two rows $key" if $rows{$key};
			$rows{$key} = $row;
		}
	}
	link_rows(\%rows);
	return \%rows;
}

sub take
{
	my ($v, $clocks, $action) = @_;
	my $stage = {};
	my ($where, $due, $hops, $near) = splice(@$v, 0, 4);
	$stage->{where} = $where eq 't';
	$stage->{due} = $due eq 't';
	$stage->{hops} = [ split ' ', $hops // '' ];
	$stage->{near} = [ split ' ', $near ];
	if ($clocks)
	{
		($stage->{clock}, my $here, my $by_category) = splice(@$v, 0, 3);
		$stage->{here} = $here eq 't';
		$stage->{by_category} = $by_category eq 't';
	}
	if ($action)
	{
		@$stage{qw(category action)} = @$action{qw(category action)};
		$stage->{result} = shift @$v;
	}
	return $stage;
}

# Each row's referencing rows: [ key, fk ].
sub link_rows
{
	my ($rows) = @_;
	my %by;
	foreach my $key (keys %$rows)
	{
		my $row = $rows->{$key};
		my $k = $row->{table}{key};
		$by{ join("\0", $row->{table}{n}, map { $row->{value}{$_} // '' } @$k) } = $key
		  if @$k;
	}
	foreach my $key (sort keys %$rows)
	{
		my $row = $rows->{$key};
		foreach my $fk (@{ $row->{table}{fks} })
		{
			my @v = map { $row->{value}{$_} } @{ $fk->{columns} };
			next if grep { !defined } @v;
			my $to = $by{ join("\0", $fk->{target}{n}, @v) };
			push @{ $rows->{$to}{referenced_by} }, [ $key, $fk ] if $to;
		}
	}
	return;
}

sub same
{
	my ($a, $b) = @_;
	return defined $a ? defined $b && $a eq $b : !defined $b;
}

# Is this what the stage makes of it? The same value has the same token within a
# category, and another value another.
my (%token, %value);

sub is_result
{
	my ($stage, $from, $to) = @_;
	return same($stage->{result}, $to)
	  unless defined $stage->{result} && $stage->{result} eq '<token>';
	return 0 unless defined $to && $to =~ /$TOKEN/;
	my $key = "$stage->{category}\0$from";
	$token{$key} //= $to;
	$value{$to} //= $key;
	return $token{$key} eq $to && $value{$to} eq $key;
}

# The stage that decides for the row, or undef.
sub deciding
{
	my ($row) = @_;
	foreach my $stage (@{ $row->{stages} })
	{
		return $stage if $stage->{where};
	}
	return undef;
}

# Nothing of a paused table is due to the engine.
sub enforced { return $_[0]{protected} && !$_[0]{paused}; }

sub row_due
{
	my ($row) = @_;
	return 0 unless enforced($row->{table});
	my $stage = deciding($row);
	return $stage && $stage->{due};
}

# A chain: the last one due decides.
sub last_due
{
	my ($row, $name) = @_;
	my ($last) = grep { $_->{where} && $_->{due} } reverse @{ $row->{actions}{$name} };
	return $last;
}

# Would stage number n change the value?  A token is no stage's before the one
# that makes tokens, unless one of those may have made it itself.
sub would_change
{
	my ($row, $name, $n) = @_;
	my @chain = @{ $row->{actions}{$name} };
	my $value = $row->{value}{$name};
	return 0 if same($chain[$n]{result}, $value);
	return 1 unless defined $value && $value =~ /$TOKEN/;
	return 1 if grep { $_->{action} eq 'pseudonymise' } @chain[ 0 .. $n ];
	return !grep { $_->{action} eq 'pseudonymise' && $_->{where} } @chain[ $n + 1 .. $#chain ];
}

# The stage that is due and would change the value, or undef.
sub changing
{
	my ($row, $name) = @_;
	my $last = last_due($row, $name);
	return undef unless $last;
	my @chain = @{ $row->{actions}{$name} };
	my ($n) = grep { $chain[$_] == $last } 0 .. $#chain;
	return would_change($row, $name, $n) ? $last : undef;
}

# The stage whose result a column must have, or undef: it stays as it is.
sub column_due
{
	my ($row, $name) = @_;
	return undef unless enforced($row->{table});
	return changing($row, $name);
}

# Does stage number n still need its clock?  While it or one before it could
# change the value: a chain does not fall back.
sub is_open
{
	my ($row, $name, $n) = @_;
	return 1 if would_change($row, $name, $n);
	foreach my $earlier (0 .. $n - 1)
	{
		return 1 if $row->{actions}{$name}[$earlier]{where} && would_change($row, $name, $earlier);
	}
	return 0;
}

# Rows that rows not yet done have as their clock: surely, and possibly (the
# stage or the path does not decide at this moment, or the table is only watched).
sub needed
{
	my ($rows) = @_;
	my (%surely, %possibly);
	foreach my $key (sort keys %$rows)
	{
		my $row = $rows->{$key};
		my $sure = $row->{table}{protected};
		my $decides = deciding($row);
		foreach my $stage (@{ $row->{stages} })
		{
			foreach my $hop (grep { $_ ne $key } @{ $stage->{hops} })
			{
				push @{ $surely{$hop} }, $key if $sure && $decides && $stage == $decides;
			}
			push @{ $possibly{$_} }, $key foreach grep { $_ ne $key } @{ $stage->{near} };
		}
		foreach my $name (sort keys %{ $row->{actions} })
		{
			my @chain = @{ $row->{actions}{$name} };
			foreach my $n (0 .. $#chain)
			{
				my $stage = $chain[$n];
				next unless is_open($row, $name, $n);
				foreach my $hop (grep { $_ ne $key } @{ $stage->{hops} })
				{
					push @{ $surely{$hop} }, "$key.$name" if $sure && $stage->{where};
				}
				push @{ $possibly{$_} }, "$key.$name"
				  foreach grep { $_ ne $key } @{ $stage->{near} };
			}
		}
	}
	return (\%surely, \%possibly);
}

# All that would go with the row by ON DELETE CASCADE, itself included.
sub cascade
{
	my ($rows, @todo) = @_;
	my %seen = map { $_ => 1 } @todo;
	while (defined(my $key = shift @todo))
	{
		foreach my $link (@{ $rows->{$key}{referenced_by} || [] })
		{
			next if $link->[1]{action} ne 'CASCADE' || $seen{ $link->[0] }++;
			push @todo, $link->[0];
		}
	}
	return \%seen;
}

# Why the row cannot be deleted, as far as data and triggers can say.
sub obstacle
{
	my ($rows, $key) = @_;
	my $closure = cascade($rows, $key);
	foreach my $member (sort keys %$closure)
	{
		my $row = $rows->{$member};
		return "trigger on $member"
		  if $row->{table}{poison} =~ /null|raise/ && $row->{value}{tag} % 7 == 3;
		foreach my $link (@{ $row->{referenced_by} || [] })
		{
			return "$link->[1]{action} from $link->[0]"
			  if $link->[1]{action} =~ /NO ACTION|RESTRICT/;
			# setting null fires the child's other checks
			return "SET NULL on $link->[0]"
			  if $link->[1]{action} eq 'SET NULL'
			  && grep { $rows->{ $link->[0] }{table}{columns}{$_}{notnull} }
			  @{ $link->[1]{columns} };
		}
	}
	return undef;
}

# --- the judgement --------------------------------------------------------

# before, after: snapshots as of the same instant.  blocked: "leaf ctid column"
# => reason (column '' = the row).  complete: passes were run until nothing
# changed, so whatever is due and still there needs an explanation.  suspended:
# there are suspensions in force.
# Returns the list of what is wrong.
sub judge
{
	my ($before, $after, $blocked, $complete, $suspended) = @_;
	my @wrong;
	my %gone = map { $_ => 1 } grep { !$after->{$_} } keys %$before;

	push @wrong, "row $_ appeared" foreach grep { !$before->{$_} } sort keys %$after;

	# 1. Only rows that were due are gone, and what the schema's cascades took along.
	my $legitimate =
	  cascade($before, grep { row_due($before->{$_}) } sort keys %gone);
	foreach my $key (sort keys %gone)
	{
		push @wrong, "LIVE ROW $key is gone" unless $legitimate->{$key};
		my $held = Hold::touches($before, $key);
		push @wrong, "HELD ROW $key is gone ($held is under suspension @{ $before->{$held}{held} })"
		  if defined $held;
	}

	# 2. Only columns that were due have changed, and to what the action says.
	foreach my $key (sort keys %$before)
	{
		my ($old, $new) = ($before->{$key}, $after->{$key});
		next unless $new;
		my %set_null;
		foreach my $fk (@{ $old->{table}{fks} })
		{
			next unless $fk->{action} eq 'SET NULL';
			$set_null{$_} = $fk foreach @{ $fk->{columns} };
		}
		my $changed = 0;
		foreach my $name (@{ $old->{table}{order} })
		{
			my ($from, $to) = ($old->{value}{$name}, $new->{value}{$name});
			next if same($from, $to);
			$changed = 1;
			push @wrong, "HELD VALUE $key.$name changed (suspension @{ $old->{held} })" if @{ $old->{held} };
			my $due = $old->{actions}{$name} ? column_due($old, $name) : undef;
			next if $due && is_result($due, $from, $to);
			next if $set_null{$name} && !defined $to
			  && parent_is_gone($before, \%gone, $key, $set_null{$name});
			push @wrong, "LIVE VALUE $key.$name: "
			  . ($from // 'NULL') . ' became ' . ($to // 'NULL')
			  . ($due ? ', not ' . ($due->{result} // 'NULL') : '');
		}
		push @wrong, "row $key was written without a change"
		  if !$changed && "$old->{leaf} $old->{ctid} $old->{xmin}" ne "$new->{leaf} $new->{ctid} $new->{xmin}";
	}

	# 3. No clock is gone from under a row that still needs it.
	my ($surely) = needed($before);
	foreach my $key (sort keys %gone)
	{
		foreach my $dependent (@{ $surely->{$key} || [] })
		{
			my ($row, $name) = split /\./, $dependent;
			next unless $after->{$row};
			if (defined $name)
			{
				my ($then, $now) = map { $_->{$row}{actions}{$name} } $before, $after;
				my $open = grep {
					my $n = $_;
					$now->[$n]{where} && is_open($after->{$row}, $name, $n)
					  && grep { $_ eq $key } @{ $then->[$n]{hops} }
				} 0 .. $#$then;
				next unless $open;
			}
			push @wrong, "CLOCK $key is gone, $dependent still needed it";
		}
	}

	# 4. What is due and still there is blocked or waits for its dependents.
	my (undef, $possibly) = needed($after);
	foreach my $key (sort keys %$after)
	{
		my $row = $after->{$key};
		my $at = "$row->{leaf} $row->{ctid} ";
		my $held = Hold::touches($after, $key);
		my $waits = row_due($row) && waits($after, $key, $possibly)
		  || $suspended && Hold::waits($after, $key);
		if ($complete && row_due($row) && !defined $blocked->{$at} && !$waits && !defined $held)
		{
			push @wrong, "SILENCE: row $key is due, still there and not blocked"
			  . ' (obstacle: ' . (obstacle($after, $key) // 'none') . ')';
		}
		if (defined $blocked->{$at} && $complete && !$row->{table}{paused})
		{
			push @wrong, "row $key is blocked ($blocked->{$at}) but held ($held)" if defined $held;
			push @wrong, "row $key is blocked ($blocked->{$at}) but not due"
			  unless row_due($row);
			push @wrong, "row $key is blocked ($blocked->{$at}) without an obstacle"
			  unless obstacle($after, $key) || $waits;
		}
		foreach my $name (sort keys %{ $row->{actions} })
		{
			my $due = column_due($row, $name);
			my $reason = $blocked->{ $at . $row->{table}{columns}{$name}{plain} };
			push @wrong, "SILENCE: $key.$name is due, unchanged and not blocked"
			  if $complete && $due && !@{ $row->{held} } && !defined $reason && !defined $blocked->{$at};
			push @wrong, "$key.$name is blocked ($reason) without need"
			  if $complete && defined $reason && !$row->{table}{paused}
			  && !($due && !@{ $row->{held} } && $row->{table}{poison} eq 'check' && $row->{value}{tag} % 7 == 3);
		}
	}
	return @wrong;
}

# Do all stages read their clocks and periods in the row itself?
sub is_own
{
	my ($table, @stages) = @_;
	return !grep { @{ $_->{hops} } }
	  map { @{ $_->{start} // $table->{from} }, $_->{for} // () } @stages;
}

# A pass that did not search all of a table has seen all the same what the guards
# have: rows with their clocks in themselves.  once: rows that were blocked before,
# which the next full search finds where they have moved.
sub unseen
{
	my ($before, $after, $blocked, $once) = @_;
	my @wrong;
	my @possibly = map { (needed($_))[1] } $before, $after;
	foreach my $key (grep { !$once->{$_} } sort keys %$after)
	{
		my ($was, $row) = ($before->{$key}, $after->{$key});
		my $table = $row->{table};
		my $at = "$row->{leaf} $row->{ctid} ";
		next if defined $blocked->{$at} || @{ $row->{held} };
		push @wrong, "UNSEEN: row $key is due, and was not looked at"
		  if row_due($row) && is_own($table, @{ $table->{stages} })
		  && !grep { waits($before, $key, $possibly[0]) || waits($after, $key, $possibly[1])
			  || defined Hold::touches($_, $key) || Hold::waits($_, $key) } $before, $after;
		foreach my $name (sort keys %{ $row->{actions} })
		{
			push @wrong, "UNSEEN: $key.$name is due, and was not looked at"
			  if column_due($row, $name) && is_own($table, @{ $table->{actions}{$name} })
			  && !defined $blocked->{ $at . $table->{columns}{$name}{plain} };
		}
	}
	return @wrong;
}

# Does the row wait for others: those whose clock it is, or takes along; in a ring
# of cascades, those of its own table below it.
sub waits
{
	my ($rows, $key, $possibly) = @_;
	my $along = cascade($rows, $key);
	my ($table) = split /:/, $key;
	return grep { $possibly->{$_} || $_ ne $key && /^\Q$table\E:/ } keys %$along;
}

# How many rows are due by "n" (the row) and "n.column", whether or not they can
# go: [ all, held ones, those that may wait for rows below them ].
sub due_counts
{
	my ($rows, $suspended) = @_;
	my %count;
	foreach my $key (keys %$rows)
	{
		my $row = $rows->{$key};
		my $n = $row->{table}{n};
		my $stage = deciding($row);
		my $held = $suspended && defined Hold::touches($rows, $key);
		my $waits = $suspended && !$held && Hold::waits($rows, $key);
		$count{$n} = add($count{$n}, $held, $waits) if $stage && $stage->{due};
		foreach my $name (keys %{ $row->{actions} })
		{
			$count{"$n.$name"} = add($count{"$n.$name"}, scalar(@{ $row->{held} }), 0)
			  if changing($row, $name);
		}
	}
	return \%count;
}

sub add
{
	my ($count, $held, $waits) = @_;
	my ($all, $h, $w) = $count ? @$count : (0, 0, 0);
	return [ $all + 1, $h + ($held ? 1 : 0), $w + ($waits ? 1 : 0) ];
}

sub parent_is_gone
{
	my ($before, $gone, $key, $fk) = @_;
	foreach my $parent (keys %$gone)
	{
		return 1 if grep { $_->[0] eq $key && $_->[1] == $fk }
		  @{ $before->{$parent}{referenced_by} || [] };
	}
	return 0;
}

# How many changes of each rule the ledger must tell of: [ least, most ] by
# "n" (the row) and "n.column".  Rows that a cascade may have taken count in
# neither or in one.
sub evidence
{
	my ($before, $after) = @_;
	my %count;
	my @gone = grep { !$after->{$_} } sort keys %$before;
	my %by_cascade;
	foreach my $key (@gone)
	{
		my $others = cascade($before, $key);
		$by_cascade{$_} = 1 foreach grep { $_ ne $key } keys %$others;
	}
	foreach my $key (sort keys %$before)
	{
		my ($old, $new) = ($before->{$key}, $after->{$key});
		my $n = $old->{table}{n};
		unless ($new)
		{
			$count{$n}[0] += $by_cascade{$key} || !row_due($old) ? 0 : 1;
			$count{$n}[1] += row_due($old) ? 1 : 0;
		}
		foreach my $name (sort keys %{ $old->{actions} })
		{
			my $due = column_due($old, $name) ? 1 : 0;
			my $done = $new && !same($old->{value}{$name}, $new->{value}{$name}) ? 1 : 0;
			$count{"$n.$name"}[0] += $done;
			$count{"$n.$name"}[1] += $new ? $done : $due;
		}
	}
	return \%count;
}

1;
