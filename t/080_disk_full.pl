# No space left on the device: in whichever step of erasure the disk gets full, no level
# is claimed that is not reached, nothing goes without evidence, what holds it is said,
# and once there is space again all gets to its end, and nothing is left behind.
#
#	RETENTION_SMALL		a file system of its own, of some 64 MB (.ci/test makes one)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionHorizon;
use RetentionNode;
use Test::More;

my $small = $ENV{RETENTION_SMALL} // '';
plan skip_all => 'RETENTION_SMALL names no small file system: .ci/test mounts one where it runs as root and may' if $small eq '' || !-d $small;

# Fills it to the last page, but for so many bytes.
sub fill
{
	my ($leave) = @_;
	my $size = 0;

	open(my $file, '>:raw', "$small/filler") or die "could not make a file: $!";
	foreach my $piece (1 << 16, 1 << 12)
	{
		while (my $written = syswrite($file, "\0" x $piece))
		{
			$size += $written;
			die "$small is not small" if $size > 1 << 28;
		}
	}
	truncate($file, $size - ($leave // 0)) or die "could not make room: $!";
	close($file) or die;
}

sub free { unlink("$small/filler") or die "there was space: $!"; }

my $bytes = RetentionBytes->new;
mkdir("$small/$_", 0700) or die "$small/$_: $!" foreach 'space', 'keys';
my $node = RetentionNode->make('full', extension => 0, conf => <<"EOC");
autovacuum = off
privacy_retention.key_directory = '$small/keys'
privacy_retention.largest_share = 100
privacy_retention.batch_rows = 20
privacy_retention.naptime = 1
privacy_retention.duty_cycle = 100
privacy_retention.erase_within = 2
EOC

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub set { $node->safe_psql('postgres', $_) foreach "ALTER SYSTEM SET $_[0]", 'SELECT pg_reload_conf()'; }

sub poll { return RetentionNode::poll($node, @_); }

# All of the database is there: tables, statistics, rounds and the ledger; not the WAL.
$node->safe_psql('template1', $_) foreach "CREATE TABLESPACE small LOCATION '$small/space'", 'ALTER DATABASE postgres SET TABLESPACE small';
sql('CREATE EXTENSION privacy_retention');

sub round_of { return "FROM retention.erasure_round WHERE relation = 'public.$_[0]'"; }

# A round is at the end of what is the eraser's; all is as it says.
sub gets_on
{
	my ($table) = @_;

	ok(poll("SELECT scrubbed_at IS NOT NULL " . round_of($table)), "$table: it gets on once there is space") or diag(sql('SELECT * ' . round_of($table)));
	is(RetentionHorizon::lies($node, $bytes), '', "$table: and all that is said is so");
	is(sql('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '0', "$table: no index is left unfinished");
	is(sql(q{SELECT ok FROM retention.verify_ledger()}), 't', "$table: the ledger holds");
}

# ---- keys ----
fill();
my (undef, undef, $error) = $node->psql('postgres', 'SELECT retention.create_key()');
like($error, qr/could not write mark/, 'a key is not made');
like(RetentionNode::log_since($node), qr/No space left on device/, 'the log says why');
is(sql('SELECT count(*) FROM retention.key'), '0', 'nobody says it was');
is(join(' ', glob("$small/keys/*")), '', 'nothing of it is left');
free();
is(sql('SELECT retention.create_key()'), '1', 'then one is');
fill();
(undef, undef, $error) = $node->psql('postgres', 'SELECT retention.destroy_key(1)');
note($error);
free();
is(sql(q{SELECT (count(*) FILTER (WHERE state <> 'destroyed') > 0)::int FROM retention.key}), scalar(grep { /1/ } glob("$small/keys/*")) ? '1' : '0', 'a key is there, or is said to be destroyed');

# ---- deletion: no change without evidence ----
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'privacy_retention'\nprivacy_retention.enabled = off\n");
$node->restart;
my $rows = 3000;
RetentionHorizon::create($node, $bytes, 'deleted', $rows);
fill();
my $log = RetentionNode::log_size($node);
set('privacy_retention.enabled = on');
ok(RetentionNode::until_true(sub { RetentionNode::log_since($node, $log) =~ /No space left on device/ }), 'deleted: the disk is full');
my $balance = "SELECT $rows + 20 - (SELECT count(*) FROM deleted) - (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.deleted')";
is(sql($balance), '0', 'deleted: what has gone is in the ledger');
cmp_ok(sql('SELECT count(*) FROM deleted'), '>', 20, 'deleted: not all has');
is(RetentionHorizon::lies($node, $bytes, checkpoint => 0), '', 'deleted: nothing is said that is not so');
free();
ok(poll('SELECT count(*) FROM deleted', '20'), 'deleted: it goes on');
is(sql($balance), '0', 'deleted: with evidence');
gets_on('deleted');

# ---- VACUUM: somebody holds the round until there is no space ----
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM deleted');
RetentionHorizon::create($node, $bytes, 'vacuumed', 500);
ok(poll('SELECT held_by IS NOT NULL ' . round_of('vacuumed')), 'vacuumed: somebody holds it');
# what was written already has room in its pages
fill();
$log = RetentionNode::log_size($node);
$reader->query_safe('COMMIT');
ok(poll(q{SELECT held_by LIKE '%No space left on device%' } . round_of('vacuumed')), 'vacuumed: what holds it is said')
  or diag(sql('SELECT * ' . round_of('vacuumed')) . RetentionNode::log_since($node, $log));
is(sql('SELECT vacuumed_at IS NULL AND scrubbed_at IS NULL ' . round_of('vacuumed')), 't', 'vacuumed: it is not said to be');
is(RetentionHorizon::lies($node, $bytes, checkpoint => 0), '', 'vacuumed: nothing is said that is not so');
free();
gets_on('vacuumed');

# ---- REINDEX ----
set('privacy_retention.reindex = off');
RetentionHorizon::create($node, $bytes, 'rebuilt', 1000);
set('privacy_retention.enabled = off');
sql(q{INSERT INTO rebuilt SELECT n, 'infinity', md5(n::text) FROM generate_series(10000, 14000) n; CREATE INDEX rebuilt_words ON rebuilt USING gin (string_to_array(v, ' '))});
set('privacy_retention.enabled = on');
ok(poll(q{SELECT held_by LIKE 'index public.rebuilt_words, %' } . round_of('rebuilt')), 'rebuilt: an index must be');
# a new session may want to write what it begins with, so there is none between
sql('ALTER SYSTEM SET privacy_retention.reindex = on');
fill(96 * 1024);
$node->reload;
ok(poll(q{SELECT held_by ~ '^index public.rebuilt_words, which keeps deleted values and could not be rebuilt: .*No space left on device' } . round_of('rebuilt')),
	'rebuilt: that it cannot be is said') or diag(sql('SELECT * ' . round_of('rebuilt')));
is(sql('SELECT reindexed_at IS NULL AND scrubbed_at IS NULL ' . round_of('rebuilt')), 't', 'rebuilt: it is not said to be');
cmp_ok(sql('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '>', 0, 'rebuilt: something is left of it');
is(RetentionHorizon::lies($node, $bytes, checkpoint => 0), '', 'rebuilt: nothing is said that is not so');
free();
gets_on('rebuilt');

# ---- what somebody else's REINDEX and CREATE INDEX CONCURRENTLY leave: VACUUM passes by ----
set('privacy_retention.enabled = off');
RetentionHorizon::create($node, $bytes, 'unfinished', 3000);
sql('CREATE INDEX unfinished_v ON unfinished (v)');
foreach ([ 'REINDEX INDEX CONCURRENTLY unfinished_v', 'unfinished_v_ccnew' ], [ 'CREATE INDEX CONCURRENTLY unfinished_new ON unfinished (v, id)', 'unfinished_new' ])
{
	my ($statement, $left) = @$_;

	fill(96 * 1024);
	(undef, undef, $error) = $node->psql('postgres', $statement);
	like($error, qr/No space left on device/, "unfinished: $statement does not get through");
	free();
	is(sql("SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = '$left'::regclass"), 'f|f', "unfinished: $left is left");
	cmp_ok($bytes->search_flushed($node)->{$left}{unfinished} // 0, '>', 0, "unfinished: with values in it");
}
set('privacy_retention.enabled = on');
ok(poll('SELECT count(*) FROM unfinished', '20'), 'unfinished: the rows go');
ok(poll(q{SELECT held_by LIKE '%unfinished_new%' } . round_of('unfinished')), 'unfinished: the index holds it') or diag(sql('SELECT * ' . round_of('unfinished')));
is(RetentionHorizon::lies($node, $bytes), '', 'unfinished: nothing is said that is not so');
is(sql(q{SELECT remedy FROM retention.residue('unfinished', exact => true) WHERE relation = 'unfinished_new'::regclass AND place = 'unfinished index'}),
	'DROP INDEX CONCURRENTLY public.unfinished_new', 'unfinished: residue() tells of it');
is(sql(q{SELECT to_regclass('unfinished_v_ccnew') IS NULL}), 't', 'unfinished: what REINDEX left is removed');
sql('DROP INDEX CONCURRENTLY unfinished_new');
gets_on('unfinished');
$node->stop;
PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', "$small/space", "$small/keys");

# ---- pg_wal: the server goes down, and comes back ----
my $down = RetentionNode->make('down', initdb => [ '--wal-segsize=1', '--waldir', "$small/wal" ],
	conf => "autovacuum = off\nwal_keep_size = 0\nmin_wal_size = 4MB\nmax_wal_size = 8MB\ncheckpoint_timeout = 1h\nprivacy_retention.scrub_pages = 0\nprivacy_retention.scrub_wal = 0\n");
RetentionHorizon::create($down, $bytes, 'panic', 400);
$down->safe_psql('postgres', q{INSERT INTO panic SELECT n, 'infinity', repeat('x', 1500) FROM generate_series(1001, 13000) n});
$down->safe_psql('postgres', $_) foreach q{CALL retention.enforce('panic')}, 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) panic', 'CHECKPOINT', 'CHECKPOINT';
$balance = q{SELECT 400 + 20 + 12000 - (SELECT count(*) FROM panic) - (SELECT sum(rows) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.panic')};
fill();
$log = RetentionNode::log_size($down);
# each page as a whole
$down->psql('postgres', q{CALL retention.scrub('panic', force => true)});
ok(RetentionNode::until_true(sub { RetentionNode::log_since($down, $log) =~ /PANIC:.*No space left on device/ }), 'panic: the disk of pg_wal is full');
$down->stop('immediate', fail_ok => 1);
free();
ok(RetentionNode::start_again($down), 'panic: the server starts');
is(RetentionHorizon::lies($down, $bytes), '', 'panic: nothing is said that is not so');
isnt(RetentionHorizon::levels($down)->{'public.panic'}, 'scrubbed', 'panic: nor is it said to be scrubbed');
is($down->safe_psql('postgres', $balance), '0', 'panic: change and evidence agree');
is($down->safe_psql('postgres', 'SELECT ok FROM retention.verify_ledger()'), 't', 'panic: the ledger holds');
$down->safe_psql('postgres', q{CALL retention.scrub('panic')});
isnt(RetentionHorizon::follow($down, 'public.panic'), -1, 'panic: it can be brought to the end');
is(RetentionHorizon::lies($down, $bytes), '', 'panic: and that is so');
is($down->safe_psql('postgres', 'SET enable_seqscan = off; SELECT count(*) FROM panic WHERE id > 400'), '12020', 'panic: what stays is there');
$down->stop;

done_testing();
