# How far erasure has got: what holds each level is named, and wal_clear is only said
# where no file of pg_wal holds what was before the scrub.  The oracle of the latter are
# marks, written into the WAL and searched for byte by byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionHorizon;
use RetentionNode;
use Test::More;

my $seed = $ENV{RETENTION_SEED} // time() % 100_000;
my $steps = $ENV{RETENTION_STEPS} // 40;
srand($seed);
note("RETENTION_SEED=$seed RETENTION_STEPS=$steps");

my $conf = "privacy_retention.naptime = 1h\nhot_standby = on\nwal_keep_size = 0\nmin_wal_size = 4MB\nmax_wal_size = 8MB\n"
  . "checkpoint_timeout = 1h\nwal_receiver_status_interval = 1s\n";
my $node = RetentionNode->make('primary', streaming => 1, archiving => 1, conf => $conf, initdb => ['--wal-segsize=1']);
# archives nothing at first, and keeps nothing therefore
$node->append_conf('postgresql.conf', "archive_command = 'exit 0'\n");
$node->restart;

# A scrub of now: a round that waits for what comes after it.
sub scrub
{
	my ($server, $name) = @_;
	return $server->safe_psql('postgres', <<EOS);
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon,
	removable_at, vacuumed_at, scrubbed_at, scrub_lsn, timeline)
SELECT '$name', 0, 1, 1, now(), now(), '3', now(), now(), now(), pg_current_wal_insert_lsn(),
	('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
EOS
}

# In how many files of pg_wal a mark lies.
sub found
{
	my ($server, $mark) = @_;
	my $directory = $server->data_dir . '/pg_wal';
	my $count = 0;

	opendir(my $handle, $directory) or die;
	foreach my $name (readdir($handle))
	{
		next unless -f "$directory/$name";
		$count++ if index(slurp_file("$directory/$name"), $mark) >= 0;
	}
	return $count;
}

sub advance { return RetentionHorizon::advance(@_); }

sub reached { return RetentionHorizon::reached(@_); }

sub held { return RetentionHorizon::held(@_); }

sub follow_remedies { return RetentionHorizon::follow(@_); }

sub emit
{
	my ($server, $text, $kb) = @_;
	$server->safe_psql('postgres', "SELECT count(pg_logical_emit_message(false, 'x', repeat('$text ', 1024 / " . (length($text) + 1) . "))) FROM generate_series(1, $kb)");
	return;
}

# ---- random states of pg_wal ----
my %open;
my %claimed;
my $unclaimed_clean = 0;
foreach my $step (1 .. $steps)
{
	my $mark = sprintf('mark<%d.%d>', $seed, $step);
	my $what = int(rand(12));

	emit($node, $mark, 1 + int(rand(300)));
	scrub($node, "round.$step");
	$open{$step} = $mark;
	if ($what == 0) { $node->safe_psql('postgres', 'SELECT pg_switch_wal()') }
	elsif ($what <= 2) { $node->safe_psql('postgres', 'CHECKPOINT') }
	elsif ($what == 3) { $node->restart }
	elsif ($what == 4) { $node->stop('immediate'); RetentionNode::start_again($node) }
	elsif ($what == 5)
	{
		my $setting = ('wal_recycle = on', 'wal_recycle = off', 'wal_keep_size = 3', 'wal_keep_size = 0',
			'min_wal_size = 2', 'min_wal_size = 8', 'wal_compression = on')[int(rand(7))];
		$node->safe_psql('postgres', $_) foreach ("ALTER SYSTEM SET $setting", 'SELECT pg_reload_conf()');
	}
	elsif ($what == 6) { emit($node, 'filler', 1500) }
	elsif ($what <= 8) { emit($node, 'filler', int(rand(400))) }
	elsif ($what == 9)
	{
		$node->safe_psql('postgres', "SELECT pg_logical_emit_message(false, 'x', ''), pg_switch_wal()") foreach (1 .. 1 + int(rand(4)));
	}
	advance($node);
	foreach my $number (sort { $a <=> $b } keys %open)
	{
		if (reached($node, "round.$number") eq 'wal_clear')
		{
			$claimed{$number} = delete $open{$number};
		}
		elsif (found($node, $open{$number}) == 0) { $unclaimed_clean++ }
	}
	# a mark never comes back either
	my @left = grep { found($node, $claimed{$_}) > 0 } sort { $a <=> $b } keys %claimed;
	is("@left", '', "step $step: no file of pg_wal holds a mark that is said to have gone");
	last if @left;
}
cmp_ok(scalar(keys %claimed), '>', 0, 'some WAL was said to be clear on the way');
note("$unclaimed_clean times a mark had gone before that was said; " . keys(%open) . ' rounds are open');

# what is said to help, helps: in the end all is clear
$node->safe_psql('postgres', $_) foreach ('ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()');
emit($node, "last mark $seed", 100);
scrub($node, 'last.round');
cmp_ok(follow_remedies($node, 'last.round'), '>', 0, 'following what is said to help clears the WAL');
is(found($node, "last mark $seed"), 0, 'and the mark has gone');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.erasure_round WHERE wal_clear_at IS NULL'), '0', 'so have those of all rounds before');
is($node->safe_psql('postgres', q{SELECT string_agg(erasure_level, ' ' ORDER BY id) FROM retention.ledger WHERE relation = 'last.round'}),
	'durable replicas wal_clear', 'the ledger has each level');

# ---- a table, from its deletion to the end ----
my $person = "person<$seed>";
$node->safe_psql('postgres', $_) foreach (split /;\n/, <<EOS);
CREATE TABLE guest (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON guest (seen);
CREATE INDEX ON guest (name);
INSERT INTO guest SELECT n, CASE WHEN n % 3 = 0 THEN 'infinity' ELSE timestamptz '2024-01-01 00:00:00+00' END,
	CASE WHEN n % 3 = 0 THEN 'stays' ELSE '$person ' || n END FROM generate_series(1, 3000) n;
SELECT retention.set_category('guests', '1 mon', 'the event'), retention.label('guest', 'guests, from seen, then delete');
SELECT retention.protect('guest', at_most => 3000);
CALL retention.enforce('guest');
CALL retention.scrub('guest')
EOS
my $level = q{SELECT level FROM retention.erasure_horizon WHERE relation = 'public.guest' ORDER BY entry LIMIT 1};
my $round = q{SELECT wal_clear_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.guest'};
is($node->safe_psql('postgres', $level), 'removable', 'a scrub without VACUUM proves nothing');
$node->safe_psql('postgres', $_) foreach ('VACUUM (INDEX_CLEANUP ON, ANALYZE) guest', 'REINDEX TABLE CONCURRENTLY guest', q{CALL retention.scrub('guest')});
is($node->safe_psql('postgres', $level), 'scrubbed', 'after VACUUM it does');
isnt(follow_remedies($node, 'public.guest'), -1, 'and the rest can be had');
is(found($node, $person), 0, 'the WAL holds nobody any more');
# images of all pages go into the WAL again
$node->safe_psql('postgres', $_) foreach ('CHECKPOINT', q{UPDATE guest SET name = 'stays still'}, q{INSERT INTO guest SELECT n, 'infinity', 'new' FROM generate_series(4000, 6000) n}, 'VACUUM guest');
is(found($node, $person), 0, 'nor do pages that are changed bring anybody back');

# ---- what holds WAL is named ----
sub held_case
{
	my ($name, $pattern, $cure, $left) = @_;

	scrub($node, $name);
	emit($node, 'filler', 2500);
	$node->safe_psql('postgres', 'CHECKPOINT');
	advance($node);
	like(held($node, $name), $pattern, "$name: is named");
	$node->safe_psql('postgres', $_) foreach @$cure;
	ok(RetentionNode::poll($node, $left, '0'), "$name: it gets on") if $left;
	isnt(follow_remedies($node, $name), -1, "$name: is all that held it");
	return;
}

$node->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('receiver', true)});
scrub($node, 'slot');
advance($node);
$node->safe_psql('postgres', 'CHECKPOINT');
advance($node);
like(held($node, 'slot'), qr/^replication slot receiver, whose standby is away$/, 'a standby that is away holds replicas');
is(reached($node, 'slot'), 'durable', 'and nothing behind it is reached');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('receiver')});
isnt(follow_remedies($node, 'slot'), -1, 'a slot that is dropped holds nothing');

$node->safe_psql('postgres', $_) foreach (q{ALTER SYSTEM SET wal_keep_size = '64MB'}, 'SELECT pg_reload_conf()');
held_case('keep', qr/^wal_keep_size$/, [ 'ALTER SYSTEM RESET wal_keep_size', 'SELECT pg_reload_conf()' ]);

$node->safe_psql('postgres', $_) foreach (q{ALTER SYSTEM SET archive_command = 'exit 1'}, 'SELECT pg_reload_conf()');
held_case('archive', qr/^the archiver, which has not archived [0-9A-F]{24}$/,
	# which a new file wakes
	[ 'ALTER SYSTEM RESET archive_command', 'SELECT pg_reload_conf()', q{SELECT pg_logical_emit_message(false, 'x', ''), pg_switch_wal()} ],
	q{SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'});

# a file that nobody knows holds what nobody can tell
append_to_file($node->data_dir . '/pg_wal/stray', 'something of a person');
scrub($node, 'stray');
$node->safe_psql('postgres', 'CHECKPOINT');
advance($node);
$node->safe_psql('postgres', q{DO 'BEGIN FOR i IN 1..20 LOOP PERFORM pg_logical_emit_message(false, ''x'', ''''), pg_switch_wal(); END LOOP; END'});
$node->safe_psql('postgres', 'CHECKPOINT');
advance($node);
like(held($node, 'stray'), qr/^file stray in pg_wal/, 'a stray file is named');
unlink($node->data_dir . '/pg_wal/stray');
isnt(follow_remedies($node, 'stray'), -1, 'and holds nothing once it is gone');

# ---- standbys ----
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_slot_name = 'standby'\nhot_standby_feedback = on\nwal_keep_size = '64MB'\n");
$node->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('standby')});
$standby->start;
$node->wait_for_catchup($standby);

$node->safe_psql('postgres', 'CREATE TABLE visit (id int)');
$node->wait_for_catchup($standby);
my $removable = q{SELECT coalesce(removable_at::text, held_by) FROM retention.erasure_round WHERE relation = 'public.visit'};
my $query = $standby->background_psql('postgres');
$query->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$query->query_safe('SELECT count(*) FROM visit');
# until the primary has heard of it
ok(RetentionNode::poll($node, q{SELECT xmin IS NOT NULL FROM pg_replication_slots WHERE slot_name = 'standby'}), 'a standby sends feedback');
$node->safe_psql('postgres', <<'EOS');
INSERT INTO visit VALUES (1);
DELETE FROM visit;
INSERT INTO retention.erasure_round (relation, table_id, first_entry, last_entry, first_deleted_at, deleted_at, horizon)
SELECT 'public.visit', 'visit'::regclass, 1, 1, now(), now(), pg_snapshot_xmax(pg_current_snapshot());
EOS
advance($node);
like($node->safe_psql('postgres', $removable), qr/^replication slot standby, by a query on its standby \(hot_standby_feedback\)$/,
	'a query on the standby keeps it from being removed');
$query->query_safe('COMMIT');
$query->quit;
ok(RetentionNode::poll($node, qq{CALL retention.enforce(); SELECT removable_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.visit'}),
	'until it ends');

# a standby that does not replay
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
ok(RetentionNode::poll($standby, 'SELECT pg_get_wal_replay_pause_state()', 'paused'), 'a standby does not replay');
emit($node, 'filler', 1);
scrub($node, 'replay');
$node->safe_psql('postgres', 'CHECKPOINT');
advance($node);
like(held($node, 'replay'), qr/^the standby of walsender \d+, which has not replayed the scrub$/, 'a standby that lags is named');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
ok(RetentionNode::poll($node, q{CALL retention.enforce(); SELECT replicas_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'replay'}),
	'and holds nothing once it has replayed');

# readable on the standby, as the primary noted it
scrub($node, 'noted');
advance($node);
my $holder = q{SELECT h.held_by FROM retention.erasure_holders() h JOIN retention.erasure_round r ON r.id = h.round WHERE r.relation = 'noted'};
ok(RetentionNode::poll($standby, $holder, held($node, 'noted')), 'a standby shows what the primary noted');
is($standby->safe_psql('postgres', 'SELECT count(*) >= 0 FROM retention.erasure_horizon'), 't', 'the view can be read there');

# ---- a promoted standby has files of its own ----
emit($node, "carried $seed", 100);
scrub($node, 'carried');
isnt(follow_remedies($node, 'carried'), -1, 'the primary is clear');
is(found($node, "carried $seed"), 0, 'so it is');
$node->wait_for_catchup($standby);
cmp_ok(found($standby, "carried $seed"), '>', 0, 'the standby still has the WAL');
$node->stop('immediate');
$standby->promote;
is(reached($standby, 'carried'), 'wal_clear', 'what was said of the primary');
advance($standby);
cmp_ok(found($standby, "carried $seed"), '>', 0, 'the promoted standby has it, too');
isnt(reached($standby, 'carried'), 'wal_clear', 'is not said of the promoted standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM retention.erasure_round WHERE timeline = 1}), '0', 'each round was judged anew');
$standby->safe_psql('postgres', $_) foreach ('ALTER SYSTEM SET wal_keep_size = 0', 'SELECT pg_reload_conf()');
isnt(follow_remedies($standby, 'carried'), -1, 'it can be cleared there');
is(found($standby, "carried $seed"), 0, 'and then is');

$standby->stop;
done_testing();
