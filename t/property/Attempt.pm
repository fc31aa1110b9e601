
# Attempt.pm
#	What users try between passes, and what must become of it.
#
# Each attempt is made twice in one transaction, and undone.  First in a world
# without refusals: suspensions are lifted, late rows are accepted, and an officer
# does it.  From the snapshots before and after, the design says what the second
# attempt must give: late values as their actions leave them, or a refusal, because
# of a suspension ("hold"), a late row ("late") or a clock that has passed
# ("clock").  Where the design leaves it open, both will do.
package Attempt;

use strict;
use warnings;
use utf8;

use List::Util qw(uniq);

sub one { return $_[ int(rand(@_)) ]; }
sub chance { return rand() < $_[0]; }

my $USER = '"a User"';
my $EARLIEST = 946684800;

# Near the present, so that not everything is past its date.
my @NEAR = (
	q{- interval '10 seconds'}, q{- interval '3 days'}, q{- interval '20 days'},
	q{- interval '45 days'}, q{- interval '200 days'}, q{- interval '400 days'},
	q{+ interval '20 seconds'}, q{+ interval '50 hours'}, q{+ interval '2 years'});

sub value
{
	my ($schema, $table, $name) = @_;
	my $type = $table->{columns}{$name}{type};
	return $schema->value($table, $name) unless $name =~ /^c_/ && chance(0.7);
	my $moment = '(now() ' . one(@NEAR) . ')';
	return "extract(epoch FROM $moment)::bigint" if $name eq 'c_s';
	return "extract(epoch FROM $moment)::bigint * 1000" if $name eq 'c_ms';
	return "$moment\::$type";
}

# tags: existing ones, by table number.
sub choose
{
	my ($schema, $tags) = @_;
	my @held = map { $_->{table} } @{ $schema->{suspensions} };
	my @tables = grep { @{ $tags->{ $_->{n} } } } @{ $schema->{tables} };
	my $table = one(@tables, grep { @{ $tags->{ $_->{n} } } } @held) or return undef;
	my $attempt = {
		table => $table,
		tag => one(@{ $tags->{ $table->{n} } }),
		mode => one('transform', 'transform', 'reject', 'accept'),
		# row security that is forced lets users see nothing
		officer => chance(0.1) || scalar(grep { $_->{forced} } @{ $schema->{tables} }),
	};
	my $where = Schema::fill($table, ' WHERE {tag} = ') . $attempt->{tag};
	my $what = rand();
	if ($what < 0.25)
	{
		$attempt->{kind} = 'INSERT';
		my %value = map { $_ => value($schema, $table, $_) } grep { /^c_/ && chance(0.5) } @{ $table->{order} };
		$attempt->{sql} = $schema->insert($table, %value);
		$attempt->{tag} = $table->{tags};
	}
	elsif ($what < 0.4)
	{
		$attempt->{kind} = 'DELETE';
		$attempt->{sql} = "DELETE FROM $table->{name}$where;\n";
	}
	elsif ($what < 0.48)
	{
		$attempt->{kind} = 'TRUNCATE';
		my $name = one($table->{name}, @{ $table->{leaves} });
		$attempt->{sql} = "TRUNCATE $name" . one('', ' CASCADE') . ";\n";
	}
	elsif ($what < 0.6 && @{ $table->{fks} })
	{
		$attempt->{kind} = 'UPDATE';
		my $fk = one(@{ $table->{fks} });
		my @null = grep { !$table->{columns}{$_}{notnull} } @{ $fk->{columns} };
		$attempt->{sql} = @null && chance(0.3)
		  ? Schema::fill($table, "UPDATE $table->{name} SET {$null[0]} = NULL$where;\n")
		  : $schema->reparent($table, $fk, $attempt->{tag});
	}
	else
	{
		$attempt->{kind} = 'UPDATE';
		my @columns = grep { /^(?:c_|d_|x|kind|flag|per)/ } @{ $table->{order} };
		# what rules read as clocks, as often as all others together
		my @clocks = map { /\{(c_\w+)\}/g } Oracle::dials($schema, $table);
		my @set = uniq(one(@clocks && chance(0.5) ? @clocks : @columns), chance(0.3) ? one(@columns) : ());
		$attempt->{sql} = "UPDATE $table->{name} SET "
		  . join(', ', map { Schema::fill($table, "{$_} = ") . value($schema, $table, $_) } @set)
		  . "$where;\n";
	}
	$attempt->{sql} =~ s/;\n\z//;
	return $attempt;
}

# The table's own and those whose clocks lie behind it; for statements that take
# rows away, those that have held rows.
sub concerned
{
	my ($schema, $attempt) = @_;
	return uniq(map { $_->{table} } @{ $schema->{suspensions} })
	  if $attempt->{kind} =~ /DELETE|TRUNCATE/;
	return ($attempt->{table}) if $attempt->{kind} eq 'INSERT';
	my @tables = ($attempt->{table});
	foreach my $other (@{ $schema->{tables} })
	{
		my @stages = (@{ $other->{stages} }, map { @$_ } values %{ $other->{actions} });
		push @tables, $other
		  if grep { $_->{target} == $attempt->{table} }
		  map { @{ $_->{hops} } } map { @{ $_->{start} // $other->{from} } } @stages;
	}
	return uniq(@tables);
}

sub what { return $_[0]{kind} =~ /DELETE|TRUNCATE/ ? (plain => 1) : (clocks => 1); }

sub snapshots
{
	my ($schema, $attempt) = @_;
	return map { Oracle::snapshot_sql($schema, $_, 'now()', what($attempt)) } concerned($schema, $attempt);
}

# Makes them; returns what is wrong.  converse => sub(sql) that gives the answer to
# each statement, rows of values, none where it fails.
sub judge
{
	my ($schema, $converse, $count, @attempts) = @_;
	my $state = '\\echo :SQLSTATE :LAST_ERROR_MESSAGE';
	my @script = ('\\set ON_ERROR_ROLLBACK on', 'BEGIN');
	my $sections = @script;
	push @script, map { Oracle::snapshot_sql($schema, $_, 'now()', clocks => 1) } @{ $schema->{tables} };

	push @script, 'SAVEPOINT world', q{SET LOCAL privacy_retention.late_rows = 'accept'},
	  map { Hold::lift_sql($_) } @{ $schema->{suspensions} };
	foreach my $attempt (@attempts)
	{
		push @script, 'SAVEPOINT attempt';
		$attempt->{first} = @script + 1;
		push @script, $attempt->{sql}, $state, snapshots($schema, $attempt), 'ROLLBACK TO attempt';
	}
	push @script, 'ROLLBACK TO world';
	foreach my $attempt (@attempts)
	{
		push @script, 'SAVEPOINT attempt', "SET LOCAL privacy_retention.late_rows = '$attempt->{mode}'",
		  $attempt->{officer} ? 'SELECT' : "SET LOCAL ROLE $USER";
		$attempt->{second} = @script + 1;
		push @script, $attempt->{sql}, $state, 'RESET ROLE', snapshots($schema, $attempt), 'ROLLBACK TO attempt';
	}
	push @script, 'COMMIT';

	my @answers = $converse->(@script);
	my $before = Oracle::read_rows($schema, $schema->{tables},
		[ splice(@{ [@answers] }, $sections, scalar(@{ $schema->{tables} })) ], clocks => 1);
	my @wrong;
	foreach my $attempt (@attempts)
	{
		my @tables = concerned($schema, $attempt);
		my $read = sub {
			my ($first) = @_;
			return Oracle::read_rows($schema, \@tables, [ @answers[ $first .. $first + $#tables ] ], what($attempt));
		};
		my ($first, $second) = @$attempt{qw(first second)};
		my $world = { state => $answers[$first][0][0], rows => $read->($first + 1) };
		my $result = { state => $answers[$second][0][0], rows => $read->($second + 2) };
		my $expected = expect($schema, $before, $world, $attempt, \@tables);
		my $say = compare($before, $world, $result, $attempt, $expected);
		push @wrong, "ATTEMPT ($attempt->{mode}" . ($attempt->{officer} ? ', officer' : '')
		  . ") $attempt->{sql}: $say\n" . ($ENV{RETENTION_VERBOSE} ? Label::sql($attempt->{table}) : '')
		  if defined $say;
		$count->{attempts}++;
		$count->{refused}++ if $result->{state} !~ /^00000/;
		$count->{transformed}++ if grep { @$_ == 1 } values %{ $expected->{values} };
		$count->{$_}++ foreach grep { $expected->{$_} eq 'surely' } qw(hold late clock);
	}
	return @wrong;
}

# --- what must become of it -----------------------------------------------

# { hold, late, clock => 'surely' | 'perhaps' | '', values => column => [ values ] }
sub expect
{
	my ($schema, $before, $world, $attempt, $tables) = @_;
	my $expected = { hold => '', late => '', clock => '', values => {} };
	$expected->{hold} = Hold::violated($before, $world->{rows}, $tables);
	return $expected unless $attempt->{kind} =~ /INSERT|UPDATE/;

	my $key = "$attempt->{table}{n}:$attempt->{tag}";
	my ($old, $new) = ($before->{$key}, $world->{rows}{$key});
	return $expected unless $new;
	# in a row that is held, no value is late
	judge_late($expected, $old, $new)
	  if $attempt->{table}{protected} && $attempt->{mode} ne 'accept' && !($old && @{ $old->{held} });
	$expected->{values} = {} if $attempt->{mode} eq 'reject';
	$expected->{late} = '' if $attempt->{mode} ne 'reject';
	judge_clocks($expected, $before, $world->{rows}, $old, $new)
	  if $old && !$attempt->{officer};
	return $expected;
}

# A value as it is, or the stage that makes it.
sub literal_of { return ref $_[0] ? $_[0]{result} : $_[0]; }

# The columns of the row itself of which the stage's being due is a matter.
sub reads
{
	my ($table, $stage) = @_;
	my @templates = ($stage->{where} // ());
	my @columns;
	foreach my $path (@{ $stage->{start} // $table->{from} }, $stage->{for} // ())
	{
		push @templates, $path->{value} unless @{ $path->{hops} };
		push @columns, @{ $path->{hops}[0]{from} } if @{ $path->{hops} };
	}
	return uniq(@columns, map { /\{(\w+)\}/g } @templates);
}

sub judge_late
{
	my ($expected, $old, $new) = @_;
	my $table = $new->{table};
	# undef: all of them, as in a row that is written to another partition
	my $changed = $old && $old->{leaf} eq $new->{leaf}
	  && { map { $_ => 1 } grep { !Oracle::same($old->{value}{$_}, $new->{value}{$_}) } @{ $table->{order} } };
	my $matters = sub { return !$changed || grep { $changed->{$_} } @_; };
	# A start that begins by a hop is left to passes, what comes after its "or", too:
	# the other row may come later.
	my $sure = sub {
		my ($label, $stage) = @_;
		return $stage->{by_category} && !grep { @{ $_->{hops} } } @{ $label->{start} // $table->{from} };
	};

	my $stage = Oracle::deciding($new);
	if ($stage && $stage->{due})
	{
		my ($n) = grep { $new->{stages}[$_] == $stage } 0 .. $#{ $new->{stages} };
		if ($matters->(reads($table, $table->{stages}[$n])))
		{
			$expected->{late} = $sure->($table->{stages}[$n], $stage) ? 'surely' : 'perhaps';
		}
		elsif ($matters->(map { reads($table, $_) } @{ $table->{stages} }))
		{
			$expected->{late} = 'perhaps';
		}
	}
	foreach my $name (keys %{ $new->{actions} })
	{
		my @chain = @{ $new->{actions}{$name} };
		my @labels = @{ $table->{actions}{$name} };
		my $raw = $new->{value}{$name};
		my $last = Oracle::last_due($new, $name);
		next unless $last && $matters->($name, map { reads($table, $_) } @labels);
		my ($n) = grep { $chain[$_] == $last } 0 .. $#chain;
		my $changing = Oracle::changing($new, $name);
		if ($sure->($labels[$n], $last) && $matters->($name, reads($table, $labels[$n])))
		{
			next unless $changing;
			$expected->{values}{$name} = [$changing];
			$expected->{late} = 'surely';
			next;
		}
		my @may = grep { $_->{where} && $_->{due} } @chain;
		$expected->{values}{$name} = [ $raw, @may ];
		$expected->{late} ||= 'perhaps' if grep { Oracle::would_change($new, $name, $_) } 0 .. $#chain;
	}
	return;
}

sub passed
{
	my ($clock) = @_;
	return defined $clock && $clock ne 'Infinity' && $clock ne '-Infinity'
	  && $clock >= $EARLIEST && $clock <= time();
}

# An infinite clock as a number.
sub number
{
	my ($clock) = @_;
	return $clock eq 'Infinity' ? 9e15 : $clock eq '-Infinity' ? -9e15 : $clock;
}

sub judge_clocks
{
	my ($expected, $before, $after, $old, $new) = @_;
	# 1. What has ended stays ended.
	foreach my $dial (keys %{ $old->{dials} })
	{
		my ($from, $to) = map { $_->{dials}{$dial} } $old, $new;
		next if !passed($from) || Oracle::same($from, $to);
		my $ahead = $dial eq '{c_date}' ? 86400 : 60;
		$expected->{clock} = 'surely'
		  if !defined $to || number($to) < $EARLIEST || number($to) > time() + $ahead;
	}
	# 2. What is due stays due.
	foreach my $key (sort keys %$after)
	{
		my ($was, $is) = ($before->{$key}, $after->{$key});
		next unless $was && $was->{table}{protected};
		my @pairs;
		my $decides = Oracle::deciding($was);
		foreach my $n (0 .. $#{ $was->{stages} })
		{
			push @pairs, [ $was->{stages}[$n], $is->{stages}[$n] ]
			  if $decides && $decides == $was->{stages}[$n] && $decides->{due};
		}
		foreach my $name (keys %{ $was->{actions} })
		{
			my $changing = Oracle::changing($was, $name) or next;
			my ($n) = grep { $was->{actions}{$name}[$_] == $changing } 0 .. $#{ $was->{actions}{$name} };
			push @pairs, [ $changing, $is->{actions}{$name}[$n] ];
		}
		foreach my $pair (@pairs)
		{
			my ($then, $now) = @$pair;
			my $same_way = $then->{here} == $now->{here} && "@{ $then->{hops} }" eq "@{ $now->{hops} }";
			if ($same_way)
			{
				$expected->{clock} = 'surely'
				  if !Oracle::same($then->{clock}, $now->{clock})
				  && (!defined $now->{clock} || number($now->{clock}) > number($then->{clock}));
			}
			elsif (!$now->{due})
			{
				$expected->{clock} = 'surely';
			}
			else
			{
				# on the way, the new row is not looked at
				$expected->{clock} ||= 'perhaps' if $was != $old;
			}
		}
	}
	return;
}

# --- what has become of it ------------------------------------------------

my %REFUSAL = (
	hold => qr/^23001 .*suspension of deletion/,
	late => qr/^23514 .*is past its date/,
	clock => qr/^42501 .*cannot be moved later/);

sub compare
{
	my ($before, $world, $result, $attempt, $expected) = @_;
	my $fails = $world->{state} !~ /^00000/;
	# what a late value becomes may violate, or satisfy, a constraint
	my $check = $attempt->{table}{poison} eq 'check' && $attempt->{tag} % 7 == 3;
	my @must = grep { $expected->{$_} eq 'surely' } sort keys %REFUSAL;
	my @may = grep { $expected->{$_} } sort keys %REFUSAL;
	if ($result->{state} !~ /^00000/)
	{
		return undef if $fails || grep { $result->{state} =~ $REFUSAL{$_} } @may;
		return undef if $check && $result->{state} =~ /^23514 /;
		return "refused ($result->{state}), expected " . (@may ? "@may" : 'that it passes');
	}
	return "passed, expected @must" if @must;
	return "passed, expected $world->{state}" if $fails && !$check;

	my $key = "$attempt->{table}{n}:$attempt->{tag}";
	my $rows = $attempt->{kind} =~ /INSERT|UPDATE/ ? $result->{rows} : {};
	foreach my $at (sort keys %$rows)
	{
		my ($row, $raw) = ($rows->{$at}, $world->{rows}{$at} // $before->{$at});
		foreach my $name (sort keys %{ $row->{value} })
		{
			my $value = $row->{value}{$name};
			my @allowed = $at eq $key && $expected->{values}{$name}
			  ? @{ $expected->{values}{$name} } : ($raw->{value}{$name});
			next if grep {
				ref $_ ? Oracle::is_result($_, $raw->{value}{$name}, $value)
				  : Oracle::same($_, $value)
			} @allowed;
			return "$at.$name is " . ($value // 'NULL') . ', not '
			  . join(' or ', map { literal_of($_) // 'NULL' } @allowed);
		}
	}
	return undef;
}

1;
