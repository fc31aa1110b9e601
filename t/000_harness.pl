
# The helper of these tests: settings, key directory, polling, log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('harness', preload => 1,
	conf => "privacy_retention.batch_rows = 7\n");

is($node->safe_psql('postgres', 'SHOW privacy_retention.batch_rows'), '7', 'lines given win');
is($node->safe_psql('postgres', 'SHOW TimeZone'), 'UTC', 'settings of all tests are there');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'privacy_retention'"),
	'1', 'the extension is there');
is((stat(RetentionNode::keys('harness')))[2] & 07777, 0700, 'the key directory is private');

ok(RetentionNode::poll($node, 'SELECT true'), 'a poll ends with the answer');
{
	local $SIG{__WARN__} = sub { };
	my $builder = Test::More->builder;
	my $heard = '';
	my $before = $builder->failure_output;
	$builder->failure_output(\$heard);
	my $answer = RetentionNode::poll($node, 'SELECT false', 't', seconds => 0.2);
	$builder->failure_output($before);
	ok(!$answer, 'a poll is bounded');
	like($heard, qr/last answer: f/, 'and tells the last answer');
}

my $tries = 0;
ok(RetentionNode::until_true(sub { ++$tries == 3 }), 'tried until true');
ok(!RetentionNode::until_true(sub { 0 }, seconds => 0.2), 'and no longer than told');

my $offset = RetentionNode::log_size($node);
$node->psql('postgres', "DO \$\$ BEGIN RAISE WARNING 'a mark'; END \$\$");
like(RetentionNode::log_since($node, $offset), qr/a mark/, 'the log from there');

done_testing();
