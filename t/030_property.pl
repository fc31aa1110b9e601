
# Property test: random schemas, clocks, periods, actions, data and changes.
#
# After every pass an oracle that knows the design, and nothing of the
# extension, compares all rows with what they were before.  What it asks is in
# property/Oracle.pm, judge().
#
#	RETENTION_ROUNDS	how many schemas (default 6)
#	RETENTION_SEED		the first round's seed (default 1); a failing round's
#						seed alone repeats it
#	RETENTION_VERBOSE	tell what was refused, too
#	RETENTION_RINGS		also clocks in tables that cascade in a ring

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

my $rounds = $ENV{RETENTION_ROUNDS} // 6;
my $first = $ENV{RETENTION_SEED} // 1;
my $verbose = $ENV{RETENTION_VERBOSE} // 0;

# no worker: it would make passes of its own
my $node = RetentionNode->make('property', extension => 0,
	conf => "autovacuum = off\nlog_min_messages = fatal\n");
$node->safe_psql('postgres', 'CREATE ROLE "an Owner"');

my $db;
my $zone;
my %total = map { $_ => 0 }
  qw(rounds passes tables protected refused gone changed blocked);

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
	q{transform_null_equals = on}, q{jit = off}, q{force_parallel_mode = on});

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

# Answers of several statements: for each a list of rows.
sub ask
{
	my @sql = @_;
	my ($out, $err) = ('', '');
	my $script = "SET TimeZone = '$zone';\nSET search_path = pg_catalog;\n"
	  . join('', map { "$_;\n\\echo ~~~~\n" } @sql);
	$node->psql($db, encode('UTF-8', $script), stdout => \$out, stderr => \$err,
		extra_params => [ '-F', "\x1f", '-P', 'null=\\N' ]);
	$err = decode('UTF-8', $err);
	die "in $db: $err\n" if $err =~ /ERROR|FATAL|server closed/;
	complain("in $db: $err") if $err && $verbose;
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
	# rows that are late as they are written are other tests' matter
	run_sql("LOAD 'privacy_retention';\n"
		  . "ALTER DATABASE $db SET privacy_retention.late_rows = 'accept';\n", 1);
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

	foreach my $step (1 .. 2 + int(rand(3)))
	{
		my $change = join('', map { $schema->change } 1 .. int(rand(25)));
		$errors = run_sql($change, 1);
		complain "change: $errors" if $errors && $verbose > 1;
		# another period is another policy: many rows go only when confirmed anew
		run_sql(join('', map { 'SELECT retention.protect(' . Schema::literal($_->{name}) . ", at_most => 1000000);\n" }
				grep { $_->{protected} } @tables), 1)
		  if $change =~ /set_category/;
		my ($instant) = ask('SELECT ' . random_as_of($schema) . q{ AT TIME ZONE 'UTC'});
		my $as_of = "$instant->[0][0]+00";
		push @wrong, map { "step $step, as of $as_of: $_" } passes($schema, $as_of);
		last if @wrong;
	}
	my ($verified) = ask('SELECT ok, problem FROM retention.verify_ledger()');
	push @wrong, "ledger: $verified->[0][1]" unless $verified->[0][0] eq 't';
	$total{rounds}++;
	$node->safe_psql('postgres', "DROP DATABASE $db") unless @wrong;
	return @wrong;
}

# Passes as of one instant until nothing changes, each judged.
sub passes
{
	my ($schema, $as_of) = @_;
	my @protected = grep { $_->{protected} } @{ $schema->{tables} };
	my $take = sub { Oracle::snapshot($schema, $as_of, \&ask) };
	my (undef, $last) = ledger_since(0);
	my $before = $take->();
	my @wrong = compare_preview($schema, Oracle::due_counts($before), $as_of);
	foreach my $pass (1 .. 8)
	{
		my $settings = join '', map { "SET $_;\n" } grep { rand() < 0.1 } @SETTINGS;
		# a person's call for one table also retries what is blocked
		my @calls = $pass == 1 && rand() < 0.5
		  ? ("CALL retention.enforce(as_of => '$as_of');\n")
		  : map { 'CALL retention.enforce(' . Schema::literal($_->{name}) . ", as_of => '$as_of');\n" }
		  shuffle(@protected);
		my $err = run_sql($settings . join('', @calls), 1);
		push @wrong, "call failed: $err (after $settings)" if $err =~ /ERROR|FATAL|closed/;
		$total{passes}++;
		my $after = $take->();
		my $blocked = blocked();
		my $still = join("\n", map { "$_ @{$before->{$_}}{qw(leaf ctid xmin)}" } sort keys %$before)
		  eq join("\n", map { "$_ @{$after->{$_}}{qw(leaf ctid xmin)}" } sort keys %$after);
		push @wrong, Oracle::judge($before, $after, $blocked, $still);
		(my $rows, $last) = ledger_since($last);
		push @wrong, compare_evidence($schema, Oracle::evidence($before, $after), $rows);
		$total{blocked} += keys %$blocked if $still;
		if (@wrong || $still)
		{
			complain "passes: $pass" if $verbose && $pass > 3;
			return @wrong;
		}
		$before = $after;
	}
	return ('no rest after 8 passes');
}

# What is told beforehand is what is due.
sub compare_preview
{
	my ($schema, $expected, $as_of) = @_;
	my @wrong;
	my ($preview) = ask('SELECT relation, column_name, sum(due), bool_and(exact)'
		  . " FROM retention.preview(NULL, '$as_of', true) GROUP BY 1, 2");
	my %due = map { $_->[0] . (defined $_->[1] ? ".$_->[1]" : '') => $_->[2] } @$preview;
	foreach my $table (grep { !$_->{refused} } @{ $schema->{tables} })
	{
		foreach my $name (@{ $table->{stages} } ? '' : (), sort keys %{ $table->{actions} })
		{
			my $plain = $name && '.' . $table->{columns}{$name}{plain};
			my $say = $due{"$table->{canonical}$plain"} // 'nothing';
			my $true = $expected->{ $table->{n} . ($name && ".$name") } // 0;
			push @wrong, "PREVIEW of $table->{name} $name: $say, not $true" unless $say eq $true;
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
# a campaign in which nothing happened would prove nothing
cmp_ok($total{protected}, '>', 0, 'tables were protected');
cmp_ok($total{gone}, '>', 0, 'rows went');
cmp_ok($total{changed}, '>', 0, 'values were changed');

$node->stop;
done_testing();
