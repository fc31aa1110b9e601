
# Labels, categories and their history come back from every kind of restore, into
# a server that does not preload the library, and in any session.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('restore');
my $directory = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', q{
	SELECT retention.set_category('technical information', '3 days', 'the event');
	SELECT retention.set_category('technical information', '7 days');
	SELECT retention.set_category('account data', '3 years', 'end of the contract');
	CREATE TABLE account (id int PRIMARY KEY, closed_at timestamptz, email text);
	CREATE TABLE a_visit (id int, account_id int REFERENCES account, at timestamptz);
	SECURITY LABEL FOR privacy_retention ON TABLE a_visit IS
		'technical information, from account_id -> closed_at or at, then delete; subject account_id';
	SECURITY LABEL FOR privacy_retention ON COLUMN account.email IS
		'account data, from closed_at, then set null';
	INSERT INTO account VALUES (1, NULL, 'x');
	INSERT INTO a_visit VALUES (1, 1, NULL);
});

my %question = (
	labels => q{SELECT objoid::regclass, objsubid, label FROM pg_seclabel ORDER BY objoid::regclass::text},
	categories => q{SELECT name, period, starting_point, since FROM retention.data_category ORDER BY name},
	history => q{SELECT category, period, until FROM retention.former_period},
	rows => q{SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM a_visit)});
my %answer = map { $_ => $node->safe_psql('postgres', $question{$_}) } keys %question;
is(scalar(split(/\n/, $answer{labels})), 2, 'there are labels');
is(scalar(split(/\n/, $answer{categories})), 2, 'there are categories');
is(scalar(split(/\n/, $answer{history})), 1, 'there is history');

sub same
{
	my ($database, $how) = @_;
	is($node->safe_psql($database, $question{$_}), $answer{$_}, "$how: $_") for sort keys %question;
}

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", $node->connstr('postgres') ], 'dump');
$node->command_ok([ 'pg_dump', '-f', "$directory/plain.sql", $node->connstr('postgres') ], 'plain dump');

$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(plain parallel sections replica);
$node->safe_psql('plain', "\\set ON_ERROR_STOP on\n\\i $directory/plain.sql");
same('plain', 'plain');

$node->command_ok([ 'pg_restore', '-j', '3', '-d', $node->connstr('parallel'), "$directory/custom" ],
	'in parallel');
same('parallel', 'parallel');

$node->command_ok(
	[ 'pg_restore', "--section=$_", '-d', $node->connstr('sections'), "$directory/custom" ], $_)
  for qw(pre-data data post-data);
same('sections', 'sections');

# As some tools restore: with triggers off.
$node->safe_psql('replica',
	"SET session_replication_role = replica;\n\\set ON_ERROR_STOP on\n\\i $directory/plain.sql");
same('replica', 'replica');

# Any later session, though none has loaded the library yet.
$node->restart;
$node->safe_psql('plain', q{SECURITY LABEL FOR privacy_retention ON COLUMN account.email IS
	'account data, from closed_at, then set default'});
is($node->safe_psql('plain', q{SELECT label FROM pg_seclabel WHERE objsubid > 0}),
	'account data, from closed_at, then set default', 'a label in a new session');
my ($code, $stdout, $stderr) = $node->psql('plain',
	q{SECURITY LABEL FOR privacy_retention ON TABLE account IS 'nonsense'});
like($stderr, qr/expected "then" after the category/, 'and it is checked there');

# pg_upgrade's way to the schema.
$node->command_ok([ 'pg_dump', '--schema-only', '--binary-upgrade', '-f', "$directory/upgrade.sql",
	$node->connstr('postgres') ], 'dump for an upgrade');
like(slurp_file("$directory/upgrade.sql"), qr/SECURITY LABEL FOR privacy_retention ON TABLE public\.a_visit/,
	'has the labels');

done_testing();
