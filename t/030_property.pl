
# Property test: random schemas, clocks, periods, actions, suspensions, data,
# changes and attempts.
#
# After every pass an oracle that knows the design, and nothing of the
# extension, compares all rows with what they were before.  What it asks is in
# property/Oracle.pm, judge(); what users' attempts must give, in
# property/Attempt.pm.
#
#	RETENTION_ROUNDS	how many schemas (default 5)
#	RETENTION_SEED		the first round's seed (default 1); a failing round's
#						seed alone repeats it
#	RETENTION_VERBOSE	tell what was refused, too
#	RETENTION_RINGS		also clocks in tables that cascade in a ring
#	RETENTION_MARKS		also what the first pass must see that does not search all

use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/property";

use PostgreSQL::Test::Utils;
use List::Util qw(shuffle);
use Test::More;

use RetentionNode;

use Schema;
use Oracle;
use Hold;
use Attempt;

my $rounds = $ENV{RETENTION_ROUNDS} // 5;
my $first = $ENV{RETENTION_SEED} // 1;
my $verbose = $ENV{RETENTION_VERBOSE} // 0;

# no worker: it would make passes of its own
my $node = RetentionNode->make('property', extension => 0,
	conf => "autovacuum = off\nlog_min_messages = fatal\n");
$node->safe_psql('postgres', 'CREATE ROLE "an Owner"; CREATE ROLE "a User"');

my $db;
my $zone;
my %total = map { $_ => 0 }
  qw(rounds passes tables protected refused gone changed blocked suspended lifted paused held);
my %attempted = map { $_ => 0 } qw(attempts refused transformed hold late clock);

# What settings of a session must not matter to a pass.
my @SETTINGS = (
	q{TimeZone = 'Asia/Kathmandu'}, q{TimeZone = 'America/Los_Angeles'},
	q{DateStyle = 'SQL, DMY'}, q{DateStyle = 'German'},
	q{IntervalStyle = 'sql_standard'}, q{search_path = ''},
	q{standard_conforming_strings = off}, q{quote_all_identifiers = on},
	q{enable_seqscan = off}, q{enable_hashjoin = off}, q{enable_indexscan = off},
	q{row_security = off}, q{default_transaction_isolation = 'repeatable read'},
	q{default_transaction_isolation = 'serializable'},
	q{session_replication_role = 'replica'}, q{plan_cache_mode = force_generic_plan},
	q{bytea_output = 'escape'}, q{extra_float_digits = -15},
	q{constraint_exclusion = off}, q{enable_partition_pruning = off},
	q{transform_null_equals = on}, q{jit = off},
	$node->pg_version < 16 ? q{force_parallel_mode = on} : q{debug_parallel_query = on});

sub complain { diag(encode('UTF-8', join('', @_))); return; }

# Runs statements, ignoring errors if told so; returns standard error.
sub run_sql
{
	my ($sql, $may_fail) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, encode('UTF-8', $sql), stdout => \$out, stderr => \$err,
		on_error_stop => !$may_fail);
	$err = decode('UTF-8', $err);
	die "in $db: $err\n" if $err =~ /ERROR|FATAL|server closed/ && !$may_fail;
	return $err;
}

# Answers of several statements, of which some may fail: for each a list of rows.
sub converse
{
	my @sql = @_;
	my ($out, $err) = ('', '');
	my $script = "SET TimeZone = '$zone';\nSET search_path = pg_catalog;\n"
	  . join('', map { (/^\\/ ? "$_\n" : "$_;\n") . "\\echo ~~~~\n" } @sql);
	$node->psql($db, encode('UTF-8', $script), stdout => \$out, stderr => \$err,
		on_error_stop => 0, extra_params => [ '-F', "\x1f", '-P', 'null=\\N' ]);
	$err = decode('UTF-8', $err);
	my @answers = ([]);
	foreach my $line (split /\n/, decode('UTF-8', $out))
	{
		if ($line eq '~~~~')
		{
			push @answers, [];
			next;
		}
		push @{ $answers[-1] },
		  [ map { $_ eq '\\N' ? undef : $_ } split(/\x1f/, $line, -1) ];
	}
	pop @answers;
	die "in $db: $err\n" if $err =~ /FATAL|server closed/ || @answers != @sql;
	return ($err, @answers);
}

# The same of statements that may not fail.
sub ask
{
	my ($err, @answers) = converse(@_);
	die "in $db: $err\n" if $err =~ /ERROR/;
	complain("in $db: $err") if $err && $verbose;
	return @answers;
}

sub blocked
{
	my ($answer) = ask('SELECT coalesce(partition, relation), ctid,'
		  . ' column_name, sqlstate, reason FROM retention.blocked');
	return {
		map { "$_->[0] $_->[1] " . ($_->[2] // '') => join(' ', map { $_ // '' } @$_[ 3, 4 ]) }
		@$answer };
}

# rows by "relation" and "relation.column" in entries after $last
sub ledger_since
{
	my ($last) = @_;
	my ($answer, $max) = ask(
		'SELECT relation, column_name, sum(rows), count(*) FROM retention.ledger'
		  . " WHERE event = 'batch' AND id > $last GROUP BY 1, 2",
		'SELECT coalesce(max(id), 0) FROM retention.ledger');
	my %rows = map { $_->[0] . (defined $_->[1] ? ".$_->[1]" : '') => $_->[2] } @$answer;
	return (\%rows, $max->[0][0]);
}

sub random_as_of
{
	my ($schema) = @_;
	return 'now()' if rand() < 0.05;
	return q{timestamptz '2027-06-01 00:00:00+00'} if rand() < 0.05;
	my $day = Schema::moment();
	$day = '2024-06-30 00:00:00' unless defined $day && $day =~ /^202/;
	# on a boundary, or near it
	my ($category) = shuffle(sort keys %{ $schema->{categories} });
	my $period = $schema->{categories}{$category};
	return "(timestamptz '$day' + interval '$period' + interval '"
	  . Schema::one('0', '0', '-1 us', '1 day', '40 days', '100 days') . "')";
}

sub round_of
{
	my ($seed) = @_;
	my @wrong;
	srand($seed);
	my $schema = Schema->new;
	$zone = $schema->{timezone};
	$db = "round_$seed";
	$node->safe_psql('postgres',
		"CREATE DATABASE $db TEMPLATE template0 ENCODING UTF8 LC_COLLATE 'C' LC_CTYPE 'C'");
	run_sql("CREATE EXTENSION privacy_retention;\n"
		  . "ALTER DATABASE $db SET privacy_retention.timezone = '$zone';\n"
		  . "ALTER DATABASE $db SET privacy_retention.batch_rows = "
		  . Schema::one(1, 3, 10, 1000) . ";\n"
		  . "ALTER DATABASE $db SET privacy_retention.drop_partitions = "
		  . Schema::one('off', 'off', 'on') . ";\n");
	run_sql("SELECT retention.create_key() WHERE NOT EXISTS (SELECT FROM retention.key);\n", 1);
	# so that passes, too, have something to do
	run_sql("LOAD 'privacy_retention';\n"
		  . "ALTER DATABASE $db SET privacy_retention.late_rows = '"
		  . Schema::one('accept', 'accept', 'accept', 'transform', 'reject') . "';\n", 1);
	run_sql($schema->ddl);
	run_sql($schema->category_sql($_)) foreach sort keys %{ $schema->{categories} };
	my $errors = run_sql($schema->data, 1);
	complain "data: $errors" if $errors && $verbose > 1;

	my @tables = @{ $schema->{tables} };
	$total{tables} += @tables;
	foreach my $table (@tables)
	{
		my $err = run_sql(Label::sql($table), 1);
		if ($err =~ /ERROR/)
		{
			# a label that was refused: nothing of this table is enforced
			$total{refused}++;
			complain "seed $seed, label: $err" if $verbose;
			$table->{protect} = 0;
			$table->{refused} = 1;
		}
	}
	foreach my $table (grep { $_->{protect} } @tables)
	{
		my $name = Schema::literal($table->{name});
		my $err = run_sql("SELECT retention.protect($name, at_most => 1000000);\n", 1);
		if ($err =~ /ERROR/)
		{
			$total{refused}++;
			complain "seed $seed, protect $table->{name}: $err" if $verbose;
		}
		else
		{
			$table->{protected} = 1;
			$total{protected}++;
		}
	}
	my ($invalid) = ask('SELECT relation, column_name, problem FROM retention.rule WHERE NOT valid');
	complain("seed $seed, invalid: ", join(' ', map { $_ // '' } @$_)) foreach $verbose ? @$invalid : ();
	my ($names) = ask('SELECT ' . join(', ',
			map { Schema::literal($_->{name}) . '::regclass' } @tables));
	$tables[$_]{canonical} = $names->[0][$_] foreach 0 .. $#tables;

	my $as_of;
	foreach my $step (1 .. 2 + int(rand(3)))
	{
		suspend_or_lift($schema) if rand() < 0.6;
		suspend_or_lift($schema) if rand() < 0.3;
		pause_or_not($schema) if rand() < 0.3;
		push @wrong, map { "step $step: $_" } attempts($schema);
		last if @wrong;
		my $change = join('', map { $schema->change } 1 .. int(rand(25)));
		$errors = run_sql($change, 1);
		complain "change: $errors" if $errors && $verbose > 1;
		# another period is another policy: many rows go only when confirmed anew
		run_sql(join('', map { 'SELECT retention.protect(' . Schema::literal($_->{name}) . ", at_most => 1000000);\n" }
				grep { $_->{protected} } @tables), 1)
		  if $change =~ /set_category/;
		my ($instant) = ask('SELECT ' . random_as_of($schema) . q{ AT TIME ZONE 'UTC'});
		$as_of = "$instant->[0][0]+00";
		push @wrong, map { "step $step, as of $as_of: $_" } passes($schema, $as_of);
		last if @wrong;
	}
	# what was held, and what was paused, is caught up
	if (!@wrong && (@{ $schema->{suspensions} } || grep { $_->{paused} } @tables))
	{
		lift($schema, $schema->{suspensions}[0]) while @{ $schema->{suspensions} };
		unpause($_) foreach grep { $_->{paused} } @tables;
		push @wrong, map { "all lifted, as of $as_of: $_" } passes($schema, $as_of);
	}
	my ($verified) = ask('SELECT ok, problem FROM retention.verify_ledger()');
	push @wrong, "ledger: $verified->[0][1]" unless $verified->[0][0] eq 't';
	$total{rounds}++;
	$node->safe_psql('postgres', "DROP DATABASE $db") unless @wrong;
	return @wrong;
}

# --- what is done to a schema between passes ----------------------------------

sub suspend_or_lift
{
	my ($schema) = @_;
	my $in_force = $schema->{suspensions};
	if (@$in_force && rand() < 0.4)
	{
		lift($schema, Schema::one(@$in_force));
		return;
	}
	my $suspension = Hold::choose($schema);
	my ($answer) = ask(Hold::suspend_sql($suspension));
	$suspension->{id} = $answer->[0][0];
	push @$in_force, $suspension;
	$total{suspended}++;
	return;
}

sub lift
{
	my ($schema, $suspension) = @_;
	ask(Hold::lift_sql($suspension));
	$schema->{suspensions} = [ grep { $_ != $suspension } @{ $schema->{suspensions} } ];
	$total{lifted}++;
	return;
}

sub pause_or_not
{
	my ($schema) = @_;
	my ($paused) = grep { $_->{paused} } @{ $schema->{tables} };
	my @protected = grep { $_->{protected} } @{ $schema->{tables} };
	if ($paused)
	{
		unpause($paused);
	}
	elsif (@protected)
	{
		my $table = Schema::one(@protected);
		ask('SELECT retention.pause(' . Schema::literal($table->{name}) . ", now() + interval '1 day', 'a move')");
		$table->{paused} = 1;
		$total{paused}++;
	}
	return;
}

sub unpause
{
	my ($table) = @_;
	ask('SELECT retention.unpause(' . Schema::literal($table->{name}) . ')');
	$table->{paused} = 0;
	return;
}

# What users try, all of it undone.
sub attempts
{
	my ($schema) = @_;
	my @tables = @{ $schema->{tables} };
	my @answers = ask(
		q{SELECT count(*) FROM retention.ledger WHERE event = 'clock'},
		map { Schema::fill($_, "SELECT {tag} FROM $_->{name} ORDER BY 1") } @tables);
	my $clocks = (shift @answers)->[0][0];
	my %tags = map { $tables[$_]{n} => [ map { $_->[0] } @{ $answers[$_] } ] } 0 .. $#tables;
	my @attempts = grep { $_ } map { Attempt::choose($schema, \%tags) } 1 .. 6;
	my @wrong = Attempt::judge($schema, sub { my (undef, @a) = converse(@_); return @a; }, \%attempted, @attempts);
	my ($now) = ask(q{SELECT count(*) FROM retention.ledger WHERE event = 'clock'});
	push @wrong, 'the ledger tells of a clock that was moved, and the transaction undone'
	  unless $now->[0][0] eq $clocks;
	return @wrong;
}

# Passes as of one instant until nothing changes, each judged.
sub passes
{
	my ($schema, $as_of) = @_;
	my @protected = grep { $_->{protected} && !$_->{paused} } @{ $schema->{tables} };
	my $take = sub { Oracle::snapshot($schema, $as_of, \&ask) };
	my (undef, $last) = ledger_since(0);
	my $before = $take->();
	my @wrong = compare_preview($schema, $before, $as_of);
	my $lifts = 0;
	foreach my $pass (1 .. 10)
	{
		my $settings = join '', map { "SET $_;\n" } grep { rand() < 0.1 } @SETTINGS;
		# a person's call for one table also retries what is blocked
		my $all = $pass == 1 && rand() < 0.5;
		# as in a table that is too large to be searched each time
		ask('UPDATE retention.rule_state SET swept_at = clock_timestamp(), sweep_cost = 1000000'
			  . ' WHERE swept_at IS NOT NULL')
		  if $all;
		my @calls = $all
		  ? ("CALL retention.enforce(as_of => '$as_of');\n")
		  : map { 'CALL retention.enforce(' . Schema::literal($_->{name}) . ", as_of => '$as_of');\n" }
		  shuffle(@protected);
		my $err = run_sql($settings . join('', @calls), 1);
		push @wrong, "call failed: $err (after $settings)" if $err =~ /ERROR|FATAL|closed/;
		$total{passes}++;
		my $after = $take->();
		my $blocked = blocked();
		my $still = !$all && join("\n", map { "$_ @{$before->{$_}}{qw(leaf ctid xmin)}" } sort keys %$before)
		  eq join("\n", map { "$_ @{$after->{$_}}{qw(leaf ctid xmin)}" } sort keys %$after);
		push @wrong, Oracle::judge($before, $after, $blocked, $still, scalar(@{ $schema->{suspensions} }));
		foreach my $key (grep { !$schema->{blocked}{$_} } keys %$after)
		{
			my $at = "$after->{$key}{leaf} $after->{$key}{ctid} ";
			$schema->{blocked}{$key} = 1 if grep { /^\Q$at\E/ } keys %$blocked;
		}
		# Time that goes back would leave a column's value to an earlier stage, whose
		# clock the mark is past.
		push @wrong, Oracle::unseen($before, $after, $blocked, $schema->{blocked})
		  if $all && $ENV{RETENTION_MARKS} && $as_of ge ($schema->{latest} // '');
		$schema->{latest} = $as_of if $as_of gt ($schema->{latest} // '');
		(my $rows, $last) = ledger_since($last);
		push @wrong, compare_evidence($schema, Oracle::evidence($before, $after), $rows);
		$total{blocked} += keys %$blocked if $still;
		return @wrong if @wrong;
		# while passes are under way
		if ($lifts < 2 && rand() < 0.15)
		{
			$lifts++;
			suspend_or_lift($schema);
			$after = $take->();
			push @wrong, compare_preview($schema, $after, $as_of);
		}
		elsif ($still)
		{
			complain "passes: $pass" if $verbose && $pass > 3;
			return @wrong;
		}
		$before = $after;
	}
	return ('no rest after 10 passes');
}

# What is told beforehand is what is due, and what is held.
sub compare_preview
{
	my ($schema, $rows, $as_of) = @_;
	my $expected = Oracle::due_counts($rows, scalar(@{ $schema->{suspensions} }));
	my @wrong;
	my ($preview, $status) = ask(
		'SELECT relation, column_name, sum(due), sum(held), bool_and(exact)'
		  . " FROM retention.preview(NULL, '$as_of', true) GROUP BY 1, 2",
		'SELECT relation, column_name, sum(due), sum(held), bool_and(exact), min(state), max(state)'
		  . " FROM retention.status_rows('$as_of') GROUP BY 1, 2");
	my ($previewed, $told) = map {
		+{ map { $_->[0] . (defined $_->[1] ? ".$_->[1]" : '') => $_ } @$_ }
	} $preview, $status;
	foreach my $table (grep { !$_->{refused} } @{ $schema->{tables} })
	{
		foreach my $name (@{ $table->{stages} } ? '' : (), sort keys %{ $table->{actions} })
		{
			my $plain = $name && '.' . $table->{columns}{$name}{plain};
			my ($all, $held, $waits) = @{ $expected->{ $table->{n} . ($name && ".$name") } // [ 0, 0, 0 ] };
			$total{held} += $held;
			foreach my $answer ([ 'PREVIEW', $previewed ], [ 'STATUS', $told ])
			{
				my ($what, $lines) = @$answer;
				my $line = $lines->{"$table->{canonical}$plain"};
				# status counts what is cheap
				next if $what eq 'STATUS' && $line && ($line->[4] // 'f') ne 't';
				my ($due, $kept) = map { $_ // 0 } @$line[ 2, 3 ];
				push @wrong, "$what of $table->{name} $name: "
				  . ($line ? "$due due and $kept held" : 'nothing') . ", not $all, $held of them held"
				  . ($waits ? ", or $waits more" : '')
				  unless $line && $due + $kept == $all && $kept >= $held && $kept <= $held + $waits;
				push @wrong, "STATUS of $table->{name} $name: $line->[5], not paused"
				  if $what eq 'STATUS' && $table->{paused} && $as_of !~ /^2027/ && "$line->[5] $line->[6]" ne 'paused paused';
			}
		}
	}
	return @wrong;
}

sub compare_evidence
{
	my ($schema, $expected, $rows) = @_;
	my @wrong;
	foreach my $table (@{ $schema->{tables} })
	{
		foreach my $name ('', sort keys %{ $table->{actions} })
		{
			my $range = $expected->{ $table->{n} . ($name && ".$name") } // [ 0, 0 ];
			my $plain = $name && '.' . $table->{columns}{$name}{plain};
			my $said = delete $rows->{"$table->{canonical}$plain"} // 0;
			$total{ $name ? 'changed' : 'gone' } += $said;
			push @wrong, "EVIDENCE of $table->{name} $name: $said rows, not"
			  . " $range->[0] to $range->[1]"
			  unless $said >= $range->[0] && $said <= $range->[1];
		}
	}
	push @wrong, "EVIDENCE of $_, which no rule of ours names" foreach sort keys %$rows;
	return @wrong;
}

foreach my $seed ($first .. $first + $rounds - 1)
{
	my @wrong = eval { round_of($seed) };
	push @wrong, "died: $@" if $@;
	splice @wrong, 12, @wrong - 12, '... and ' . (@wrong - 12) . ' more' if @wrong > 13;
	is(encode('UTF-8', join("\n", @wrong)), '', "every row as the design says (RETENTION_SEED=$seed)");
}
note join ', ', map { "$_ $total{$_}" } sort keys %total;
note 'attempts: ', join ', ', map { "$_ $attempted{$_}" } sort keys %attempted;
# A campaign in which nothing happened would prove nothing; a schema alone may have no
# rule for rows, or none for values.
if ($rounds > 1)
{
	cmp_ok($total{protected}, '>', 0, 'tables were protected');
	cmp_ok($total{gone}, '>', 0, 'rows went');
	cmp_ok($total{changed}, '>', 0, 'values were changed');
	cmp_ok($total{held}, '>', 0, 'rows were held');
	cmp_ok($attempted{$_}, '>', 0, "attempts were to be refused: $_") foreach qw(hold late clock);
}

$node->stop;
done_testing();
