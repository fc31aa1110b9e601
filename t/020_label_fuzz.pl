
# Labels made at random, whole and broken: whole ones are taken, broken ones are
# refused with a clean error that tells the position, and nothing crashes.
#
#	RETENTION_FUZZ=n	n times as many labels (default 1: a few seconds)
#	RETENTION_SEED=n	the same labels again

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $scale = $ENV{RETENTION_FUZZ} || 1;
my $seed = $ENV{RETENTION_SEED} || int(time());
srand($seed);
note("RETENTION_SEED=$seed");

sub any { return $_[ int(rand(@_)) ]; }
sub maybe { return rand() < 0.5 ? $_[0] : ''; }
# White space and comments, wherever tokens may stand apart.
sub gap { return any('', '', ' ', '  ', "\t", "\n", ' /* then; */ ', " -- or '\n"); }
sub blank { return any(' ', ' ', '  ', "\n ", ' /**/ ', " -- x\n"); }
sub cased { my ($word) = @_; return any($word, $word, uc($word), ucfirst($word)); }
# Words with blanks between them.
sub words { return join(blank(), map { cased($_) } @_); }
# At least one, with a separator.
sub several
{
	my ($separator, $make) = @_;
	return join(gap() . $separator . gap(), map { $make->() } 1 .. any(1, 1, 2, 3));
}

my @names = qw(a b_1 ended_at subject no delete set to null personal äöü Über x2);
push @names, '"then"', '"or"', '"say ""x"""', '"a, b; c"', '"Größe"', '"references"';

sub name { return any(@names); }

sub phrase
{
	return any('"data from partners"', '"x, then"', '"a ""b"""') if rand() < 0.2;
	# Not "no", "from", "subject": they begin other clauses.
	return join('', any(qw(technical Account daten übrige e)),
		map { any(blank(), ' ', '-') . any(qw(information mail of x 12 level personal data)) }
		  1 .. any(0, 1, 2));
}

sub expression
{
	my $depth = shift // 0;
	return any(name(), "'it''s; ('", '"("', '1', '$$ ) $$', "E'\\')'", "x -> 'then'", 'a or b', 'x::date')
	  if $depth > 3 || rand() < 0.4;
	return any(
		'(' . expression($depth + 1) . ')',
		expression($depth + 1) . blank() . any('+', 'or', ',', ';', '->', '||') . blank() . expression($depth + 1),
		'f(' . expression($depth + 1) . ')');
}

sub value
{
	return any(
		name(), name(), name(),
		name() . gap() . '(' . gap() . maybe(expression()) . gap() . ')',
		name() . '.' . name() . '(' . expression() . ')',
		'(' . gap() . expression() . gap() . ')');
}

sub hop
{
	return name() if rand() < 0.7;
	return name() . blank() . cased('references') . blank() . maybe(name() . '.') . name()
	  . gap() . '(' . gap() . name() . gap() . ')';
}

sub path { return join(gap() . '->' . gap(), (map { hop() } 1 .. any(0, 0, 1, 2)), value()); }
sub start { return join(blank() . cased('or') . blank(), map { path() } 1 .. any(1, 1, 2)); }
sub key { return any(name(), "'a key'", "''", "'it''s'", '"K"', 'camelCase'); }
sub keys_of { return several(',', sub { several(any('.', '->'), \&key) }); }

sub action
{
	return any(
		words('set', 'null'), words('set', 'default'),
		words('set') . blank() . any("'x'", "''", "'it''s'", "E'\\n\\\\'", '$$x$$'),
		words('truncate', 'to') . blank() . any(0, 24, 32, '24 / 48', '0/128', 2147483647),
		words('round', 'to') . blank() . any(qw(month YEAR millennium 10 0.25 1e3 100000000000)),
		words('pseudonymise'), words('pseudonymise', 'in') . blank() . phrase(),
		words('decorrelate'),
		words('remove') . blank() . keys_of(), words('keep') . blank() . keys_of(),
		words('call') . blank() . name(), words('call') . blank() . name() . '.' . name());
}

sub stage
{
	my ($action, $conditional) = @_;
	my $where = ',' . gap() . cased('where') . gap() . '(' . gap() . expression() . gap() . ')';
	return phrase() . gap()
	  . ($conditional ? $where : maybe($where)) . gap()
	  . maybe(',' . gap() . cased('from') . blank() . start()) . gap()
	  . maybe(',' . gap() . cased('for') . blank() . path()) . gap()
	  . ',' . gap() . cased('then') . blank() . $action->();
}

# Clauses of a table in any order; only the last stage may be without a condition.
sub table_label
{
	return gap() . words('no', 'personal', 'data') . gap() . maybe(';') if rand() < 0.02;
	my @stages = map { stage(sub { cased('delete') }, 1) } 1 .. any(0, 0, 1);
	push @stages, stage(sub { cased('delete') }, 0) if rand() < 0.8;
	my @others = map { cased('subject') . blank() . path() } 1 .. any(0, 0, 1, 2);
	push @others, cased('from') . blank() . start() if rand() < 0.3 || !(@stages || @others);
	my @clauses;
	push @clauses, shift @{ rand() < 0.5 && @stages || !@others ? \@stages : \@others }
	  while @stages || @others;
	return gap() . join(gap() . ';' . gap(), @clauses) . gap() . maybe(';' . gap());
}

sub column_label
{
	return gap() . any(words('no', 'personal', 'data'), phrase()) . gap() . maybe(';') if rand() < 0.1;
	return gap() . several(';', sub { stage(\&action, 0) }) . gap() . maybe(';' . gap());
}

my @bits = (
	qw(then where from for or references delete set null to in no personal data subject),
	',', ';', '(', ')', '->', '.', '/', '-', '--', '/*', '*/', "'", '"', '$$', '$1', '@', ':', '::',
	'U&"x"', "U&'x'", "b'1'", "x'g'", '1e', '0x', '\\', "\x{e9}", "\x{20ac}", "\x{1f600}", ' ', "\n");

sub broken
{
	my ($label) = @_;
	for (1 .. any(1, 1, 2, 5))
	{
		my $at = int(rand(length($label) + 1));
		my $how = int(rand(5));
		if ($how == 0) { substr($label, $at, 1) = '' if $at < length($label); }
		elsif ($how == 1) { substr($label, $at, 0) = any(@bits); }
		elsif ($how == 2) { substr($label, $at, int(rand(12))) = '' if $at < length($label); }
		elsif ($how == 3) { $label = substr($label, 0, $at); }
		else { substr($label, $at, 0) = substr($label, int(rand(length($label) + 1)), int(rand(20))); }
	}
	return $label;
}

# An escaped literal on one line: errors are told apart by the line.
sub literal
{
	my ($text) = @_;
	$text =~ s/([\\'])/$1$1/g;
	$text =~ s/\n/\\n/g;
	$text =~ s/\t/\\t/g;
	$text =~ s/\r/\\r/g;
	utf8::encode($text);
	return "E'$text'";
}

my $node = RetentionNode->make('fuzz');
# Names are looked up only outside of a restore: here the grammar is tested.
$node->safe_psql('postgres', "ALTER DATABASE postgres SET check_function_bodies = off;
	CREATE TABLE t (c text)");

use utf8;
my @labels;
for (1 .. 600 * $scale)
{
	my $is_column = rand() < 0.5;
	my $label = $is_column ? column_label() : table_label();
	utf8::decode($label);
	push @labels, [ $is_column, $label, 1 ];
	push @labels, [ $is_column, broken($label), 0 ] for 1 .. 4;
}

# Runs all statements in one session; returns what each one's error was.
sub run_all
{
	my ($make) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/fuzz.sql";
	my @errors;
	open(my $out, '>', $file) or die "could not write $file: $!";
	print $out $make->($_), "\n" for @labels;
	close($out);
	my $answer = '';
	$node->psql('postgres', "\\set VERBOSITY verbose\n\\i $file\nSELECT 'alive'",
		stdout => \my $stdout, stderr => \$answer, on_error_stop => 0);
	is(($stdout =~ /(alive)\z/)[0], 'alive', 'the session lives');
	my $at;
	for my $line (split(/\n/, $answer))
	{
		if ($line =~ /^psql:\Q$file\E:(\d+): (ERROR|FATAL|PANIC):  (\w{5}): (.*)/)
		{
			$at = $1 - 1;
			$errors[$at] = { state => $3, message => $4, rest => '' };
		}
		elsif (defined $at) { $errors[$at]->{rest} .= "$line\n"; }
	}
	return @errors;
}

my @errors = run_all(
	sub {
		my ($is_column, $label) = @{ $_[0] };
		return 'SECURITY LABEL FOR privacy_retention ON '
		  . ($is_column ? 'COLUMN t.c' : 'TABLE t') . ' IS ' . literal($label) . ';';
	});

my ($taken, $refused) = (0, 0);
my (@wrongly_refused, @unclean);
for my $i (0 .. $#labels)
{
	my $error = $errors[$i];
	if (!defined $error)
	{
		$taken++ if $labels[$i]->[2];
		next;
	}
	$refused++;
	push @wrongly_refused, "$labels[$i]->[1]\n$error->{message}" if $labels[$i]->[2];
	# Bytes that are no character have no position; all others have, in the label.
	push @unclean, "$labels[$i]->[1]\n$error->{state} $error->{message}\n$error->{rest}"
	  unless $error->{state} =~ /^(42|0A|22)/
	  && ( $error->{rest} =~ /^LINE \d+: .*^QUERY:  /ms
		|| $error->{message} =~ /^invalid (byte sequence|Unicode)/);
}
is(scalar(@wrongly_refused), 0, 'every whole label is taken')
  or diag(join("\n=====\n", grep { defined } (sort { length($a) <=> length($b) } @wrongly_refused)[ 0 .. 4 ]));
is(scalar(@unclean), 0, 'every refusal is clean and tells the position')
  or diag(join("\n=====\n", grep { defined } (sort { length($a) <=> length($b) } @unclean)[ 0 .. 4 ]));
is($taken, 600 * $scale, 'as many as were made');
cmp_ok($refused, '>', 600 * $scale, 'and many were refused');

# What the extension says of a label is read back as the same: actions, and
# starts that can be resolved.
$node->safe_psql('postgres', q{
	CREATE TABLE parent (id int PRIMARY KEY, a timestamptz, "then" timestamptz);
	CREATE TABLE child (c text, a timestamptz, "B b" timestamptz, "or" int,
		parent_id int CONSTRAINT "The parent" REFERENCES parent, n int);
	SELECT retention.set_category('x', '1 day');
	CREATE FUNCTION rules(label text, OUT rules text[]) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM retention.label('child', label, '{c}');
		rules := array_agg(format('"%s"', replace(category, '"', '""'))
				|| coalesce(', from ' || start, '') || ', then ' || action ORDER BY stage)
			FROM retention.rule WHERE relation = 'child'::regclass AND column_name = 'c';
	END $$;
	CREATE FUNCTION is_stable(label text, starts int) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
		once text[] := rules(label);
		twice text[];
	BEGIN
		twice := rules(array_to_string(once, '; '));
		RETURN coalesce(once = twice AND cardinality(once) > 0, false)
			AND (starts = 0 OR array_to_string(once, '') ~ ', from ');
	EXCEPTION WHEN OTHERS THEN
		RETURN false;
	END $$;
});
my @parts = (
	['a', '"B b"', 'greatest(a, "B b")', '(a + interval \'1 day\')', '( a at time zone \'UTC\' )', 'to_timestamp(n)'],
	['a', '"then"', 'coalesce("then", a)', '("then" - interval \'1 day\')']);
my @ways = ('parent_id', '"The parent"', 'n references parent (id)', '"or" REFERENCES public."parent"(id)');
sub real_start
{
	return join(blank() . cased('or') . blank(),
		map { rand() < 0.5 ? any(@{ $parts[0] }) : any(@ways) . gap() . '->' . gap() . any(@{ $parts[1] }) }
		  1 .. any(1, 2, 3));
}
my @questions;
for (1 .. 100 * $scale)
{
	my $label = join(gap() . ';' . gap(), map { phrase() . ', then ' . action() } 1 .. any(1, 2));
	utf8::decode($label);
	push @questions, [ $label, 0 ],
	  [ 'x, from ' . real_start() . gap() . ', then set null', 1 ];
}
my @answers = split(/\n/, $node->safe_psql('postgres',
	join('', map { 'SELECT is_stable(' . literal($_->[0]) . ", $_->[1]);\n" } @questions)));
is(scalar(@answers), scalar(@questions), 'all were asked');
my @unstable = map { $questions[$_]->[0] } grep { $answers[$_] ne 't' } 0 .. $#answers;
is(scalar(@unstable), 0, 'what is said of a label is read back as the same')
  or diag(join("\n=====\n", grep { defined } (sort { length($a) <=> length($b) } @unstable)[ 0 .. 4 ]));

done_testing();
