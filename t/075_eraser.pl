# The worker erases by itself: each step follows the deletion within its time, once,
# in nobody's way, whatever ends it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('eraser', preload => 1,
	conf => "privacy_retention.naptime = 1\nprivacy_retention.erase_within = 2\nautovacuum = off\ndeadlock_timeout = 200ms\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub poll_sql { return RetentionNode::poll($node, @_); }

sub rounds { return sql("SELECT count(*) FROM retention.erasure_round WHERE relation = '$_[0]'"); }

# A protected table with rows that are due.
sub table
{
	my ($name, $more, $db) = @_;
	my $sql = sub { $node->safe_psql($db // 'postgres', $_[0]) };

	$sql->("CREATE TABLE $name (id int PRIMARY KEY, at timestamptz, who text$more);
		CREATE INDEX ON $name (at);
		INSERT INTO $name SELECT n, now() - interval '2 years', 'marked person ' || n FROM generate_series(1, 500) n;
		INSERT INTO $name SELECT n, now(), 'other person ' || n FROM generate_series(501, 1000) n;
		ANALYZE $name");
	$sql->("SECURITY LABEL FOR privacy_retention ON TABLE $name IS 'visits, from at, then delete';
		SELECT retention.protect('$name', at_most => 500)");
	return;
}

sub reached { return "SELECT " . join(' AND ', map { "${_}_at IS NOT NULL" } @_) . " FROM retention.erasure_round WHERE relation = 'public.visit'"; }

sql(q{SELECT retention.set_category('visits', '1 year', 'the visit')});
sql(q{ALTER SYSTEM SET privacy_retention.largest_share = 100; SELECT pg_reload_conf()});
table('visit', '');
ok(poll_sql(reached(qw(removable vacuumed reindexed analyzed scrubbed)), 't', seconds => 20), 'each step follows a deletion');
is(sql(q{SELECT count(*) FROM pg_stats WHERE tablename = 'visit' AND most_common_vals::text || histogram_bounds::text LIKE '%marked%'}),
	0, 'the statistics know of it no more');

is(sql(q{SELECT string_agg(erasure_level, ' ' ORDER BY id) FROM retention.ledger WHERE event = 'erasure' AND relation = 'public.visit'
		AND erasure_level NOT IN ('durable', 'replicas', 'wal_clear')}),
	'removable vacuumed reindexed analyzed scrubbed', 'the ledger has each, once');
is(rounds('public.visit'), 1, 'one round for all deletions');
is(sql(q{SELECT first_entry <= last_entry AND first_deleted_at <= deleted_at AND deleted_at <= begun_at FROM retention.erasure_round}),
	't', 'which says what it covers');

# The bytes are gone from all files of the database.
sub files_with
{
	my ($marker) = @_;
	sql('CHECKPOINT');
	my $dir = $node->data_dir . '/base/' . sql(q{SELECT oid FROM pg_database WHERE datname = 'postgres'});
	return join ' ', grep { slurp_file($_) =~ /$marker/ } glob("$dir/[0-9]*");
}
is(files_with('marked person'), '', 'no file of the database holds a value');
isnt(files_with('other person'), '', 'others are there');

# Who still sees the rows holds the round, and is named.
my $reader = $node->background_psql('postgres');
$reader->query_safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM visit});
table('seen', '');
ok(poll_sql(q{SELECT held_by LIKE '%session%' OR held_by LIKE '%pid%' FROM retention.erasure_round WHERE relation = 'public.seen'}, 't', seconds => 20),
	'an open transaction holds it');
is(sql(q{SELECT removable_at IS NULL AND vacuumed_at IS NULL FROM retention.erasure_round WHERE relation = 'public.seen'}), 't', 'nothing is done in vain');
$reader->query_safe('COMMIT');
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.seen'}, 't', seconds => 20), 'then it goes on');

# Tables that lose rows to it, an empty one, an index that only REINDEX cleans.
sql(q{ALTER SYSTEM SET privacy_retention.reindex = off; SELECT pg_reload_conf()});
sql(q{CREATE TABLE parent (id int PRIMARY KEY, at timestamptz); CREATE INDEX ON parent (at);
	INSERT INTO parent SELECT n, now() - interval '2 years' FROM generate_series(1, 300) n;
	CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE, who text);
	INSERT INTO child SELECT n, 'cascaded person ' || n % 20 FROM generate_series(1, 300) n;
	CREATE INDEX child_parent ON child (parent);
	CREATE INDEX child_words ON child USING gin (to_tsvector('simple', who));
	ANALYZE child;
	SECURITY LABEL FOR privacy_retention ON TABLE parent IS 'visits, from at, then delete';
	SELECT retention.protect('parent', at_most => 300)});
ok(poll_sql(q{SELECT held_by LIKE 'index public.child_words, which%privacy_retention.reindex is off' FROM retention.erasure_round WHERE relation = 'public.parent'}, 't', seconds => 20),
	'an index that may not be rebuilt holds it');
is(sql(q{SELECT remedy, reindexed_at IS NULL, scrubbed_at IS NULL FROM retention.erasure_round WHERE relation = 'public.parent'}),
	'REINDEX INDEX CONCURRENTLY public.child_words|t|t', 'and nothing is claimed');
is(sql(q{SELECT count(*) FROM pg_stats WHERE tablename = 'child'}), 0, 'an empty table has no statistics left');

# A partition that another server stores: what is here is erased, what is there nobody claims.
SKIP:
{
	skip 'no postgres_fdw', 5 unless sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'});
	my $far = sub { $node->safe_psql('far', $_[0]) };

	sql('CREATE DATABASE far');
	$far->(q{CREATE TABLE far (id int, at timestamptz, who text); INSERT INTO far VALUES (1000, now() - interval '2 years', 'distant person')});
	sql('CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname \'far\', host \'' . $node->host . '\', port \'' . $node->port . '\');
		CREATE USER MAPPING FOR CURRENT_USER SERVER far;
		CREATE TABLE spread (id int, at timestamptz, who text) PARTITION BY RANGE (id);
		CREATE TABLE spread_near PARTITION OF spread FOR VALUES FROM (0) TO (1000);
		CREATE FOREIGN TABLE spread_far PARTITION OF spread FOR VALUES FROM (1000) TO (2000) SERVER far OPTIONS (table_name \'far\');
		INSERT INTO spread SELECT n, now() - interval \'2 years\', \'nearby person \' || n FROM generate_series(1, 300) n');
	sql(q{SECURITY LABEL FOR privacy_retention ON TABLE spread IS 'visits, from at, then delete';
		SELECT retention.protect('spread', at_most => 400)});
	ok(poll_sql(q{SELECT held_by FROM retention.erasure_round WHERE relation = 'public.spread' AND analyzed_at IS NOT NULL AND scrubbed_at IS NULL},
			'what could not be scrubbed: spread_far: a foreign table, whose rows another server stores', seconds => 20), 'what another server stores holds the round');
	is($far->('SELECT count(*) FROM far'), 0, 'its rows are deleted');
	is(files_with('nearby person'), '', 'what is stored here is erased');
	sql(q{DELETE FROM pg_statistic WHERE starelid = 'spread_far'::regclass; ALTER TABLE spread DETACH PARTITION spread_far});
	ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.spread'}, 't', seconds => 20), 'without it, it goes on');
	sql('DROP EXTENSION postgres_fdw CASCADE');
	sql('DROP DATABASE far WITH (FORCE)');
	ok(poll_sql('SELECT count(*) FROM retention.worker', 1, seconds => 20), 'its database is forgotten');
}

# A step that fails in a transaction: what its end has unlocked is not unlocked again.
my $log = RetentionNode::log_size($node);
my $keeper = $node->background_psql('postgres');
$keeper->query_safe(q{BEGIN; SELECT id FROM retention.erasure_round WHERE relation = 'public.parent' FOR UPDATE});
ok(RetentionNode::until_true(sub { RetentionNode::log_since($node, $log) =~ /worker failed in database "postgres": .*lock timeout/ }, seconds => 20), 'a step fails');
ok(RetentionNode::until_true(sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'privacy_retention eraser'}) == 0 }, seconds => 20), 'and the eraser ends');
unlike(RetentionNode::log_since($node, $log), qr/you don't own a lock/, 'it unlocks nothing that it does not own');
$keeper->query_safe('COMMIT');
sql(q{ALTER SYSTEM RESET privacy_retention.reindex; SELECT pg_reload_conf()});
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.parent'}, 't', seconds => 20), 'once it may, it is');
is(files_with('cascaded'), '', 'no file holds what went with a row');
is(sql(q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), 0, 'no index is left unfinished');

# A table with heirs: ANALYZE of it goes through none of them.
sql(q{CREATE TABLE trunk (id int, at timestamptz, who text);
	CREATE TABLE bough () INHERITS (trunk);
	CREATE TABLE leaf () INHERITS (bough);
	CREATE TABLE bare () INHERITS (trunk);
	INSERT INTO bough SELECT n, now() - interval '2 years' * (n % 2), CASE n % 2 WHEN 1 THEN 'inherited person ' ELSE 'staying person ' END || n % 7 FROM generate_series(1, 300) n;
	INSERT INTO leaf SELECT n, now() - interval '2 years' * (n % 2), CASE n % 2 WHEN 1 THEN 'inherited person ' ELSE 'staying person ' END || n % 7 FROM generate_series(1, 300) n;
	INSERT INTO bare SELECT n, now() - interval '2 years', 'inherited person ' || n % 7 FROM generate_series(1, 300) n;
	CREATE STATISTICS bough_together (mcv) ON id, who FROM bough});
sql(q{ANALYZE trunk, bough, leaf, bare});
sql(q{SECURITY LABEL FOR privacy_retention ON TABLE trunk IS 'visits, from at, then delete';
	SELECT retention.protect('trunk', at_most => 600)});
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.trunk'}, 't', seconds => 30), 'a table with heirs is erased');
is(sql(q{SELECT string_agg(DISTINCT tablename || ' ' || inherited, ', ' ORDER BY tablename || ' ' || inherited) FROM pg_stats
		WHERE tablename IN ('trunk', 'bough', 'leaf', 'bare') AND attname = 'who' AND most_common_vals::text LIKE '%staying%'}),
	'bough false, bough true, leaf false, trunk true', 'its heirs have statistics of the rows that stay');
is(sql(q{SELECT count(*) FROM pg_stats WHERE tablename = 'bare'}), 0, 'one that is empty has none');
is(sql(q{SELECT count(*) FROM pg_stats_ext WHERE statistics_name = 'bough_together'}), 2, 'extended ones, too');
is(files_with('inherited person'), '', 'none holds a value that went');


# What an interrupted REINDEX left, and VACUUM leaves out: it is dropped before anything is claimed.
sql(q{BEGIN; CREATE INDEX trunk_at ON trunk (at); CREATE INDEX trunk_at_ccold1 ON trunk (at); CREATE INDEX trunk_ccnew_mine ON trunk (at);
	UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'trunk_ccnew_mine'::regclass;
	UPDATE pg_index SET indisvalid = false, indisready = false, indislive = false WHERE indexrelid = 'trunk_at_ccold1'::regclass;
	INSERT INTO trunk VALUES (1, now() - interval '2 years', 'inherited person'); COMMIT});
ok(poll_sql(q{SELECT count(*) FROM retention.erasure_round WHERE relation = 'public.trunk' AND scrubbed_at IS NOT NULL}, 2, seconds => 30), 'a table with an unfinished index is erased');
is(sql(q{SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'trunk'::regclass}), 'trunk_at trunk_ccnew_mine',
	'without it, but with one of a user\'s that is only called like it');

# A database, or a superuser, that is set to act as somebody else: the worker acts as itself.
sql(q{CREATE ROLE nobody});
my $superuser = sql('SELECT rolname FROM pg_roles WHERE oid = 10');
my $acted = 0;
foreach my $whom ('DATABASE postgres', qq{ROLE "$superuser"})
{
	foreach my $setting ('session_authorization', 'role')
	{
		my $name = 'acted_' . $acted++;
		my $itself = qq{SET SESSION AUTHORIZATION "$superuser"; SET ROLE none};

		table($name, '');
		sql("ALTER $whom SET $setting = nobody");
		ok(poll_sql(qq{$itself; SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.$name'}, 't', seconds => 20),
			"$whom is set to act as somebody else, by $setting: what the worker deletes is erased");
		sql("$itself; ALTER $whom RESET $setting");
	}
}

# Off and paused: nothing.
sql(q{ALTER DATABASE postgres SET privacy_retention.erase_within = 0});
table('off', '');
ok(poll_sql(q{SELECT count(*) FROM off}, 500, seconds => 20), 'rows go');
my $visits = sql('SELECT passes FROM retention.worker');
poll_sql(qq{SELECT passes > $visits + 4 FROM retention.worker}, 't', seconds => 20);
is(rounds('public.off'), 0, 'where it is off no round begins');
sql(q{SELECT retention.pause('off', now() + interval '1 hour', 'test'); ALTER DATABASE postgres RESET privacy_retention.erase_within});
$visits = sql('SELECT passes FROM retention.worker');
poll_sql(qq{SELECT passes > $visits + 4 FROM retention.worker}, 't', seconds => 20);
is(rounds('public.off'), 0, 'nor of a table that is paused');
sql(q{SELECT retention.unpause('off'); ALTER TABLE off RENAME TO moved});
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.off'}, 't', seconds => 20), 'then it does');
is(sql(q{SELECT table_id = 'moved'::regclass FROM retention.erasure_round WHERE relation = 'public.off'}), 't', 'of the table, whatever it is called');
is(files_with('marked person'), '', 'no file holds a value');

# A page that somebody has pinned is left out by VACUUM; a table that is paused.
$reader->query_safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM visit});
table('pinned', '');
table('paused', '');
ok(poll_sql(q{SELECT count(*) FROM retention.erasure_round WHERE relation IN ('public.pinned', 'public.paused')}, 2, seconds => 20), 'rounds begin');
my $pinner = $node->background_psql('postgres');
$pinner->query_safe(q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM pinned; FETCH 1 FROM c});
sql(q{SELECT retention.pause('paused', now() + interval '1 hour', 'test')});
table('after', '');
$reader->query_safe('COMMIT');
ok(poll_sql(q{SELECT held_by LIKE '% deleted rows of public.pinned that VACUUM could not remove%' FROM retention.erasure_round WHERE relation = 'public.pinned'}, 't', seconds => 30),
	'what VACUUM left is seen');
is(sql(q{SELECT removable_at IS NOT NULL AND vacuumed_at IS NULL AND reindexed_at IS NULL AND scrubbed_at IS NULL FROM retention.erasure_round WHERE relation = 'public.pinned'}),
	't', 'and no level is claimed');
$pinner->query_safe('COMMIT');
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.pinned'}, 't', seconds => 30), 'it is removed once nobody pins it');
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.after'}, 't', seconds => 30), 'a table that is paused stops no others');
is(sql(q{SELECT vacuumed_at IS NULL FROM retention.erasure_round WHERE relation = 'public.paused'}), 't', 'it waits itself');
sql(q{SELECT retention.unpause('paused')});
ok(poll_sql(q{SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.paused'}, 't', seconds => 30), 'until it may');

# Switched off in the middle: it stops before the next step, or the next pages, and goes on once it may.
sub erases { return "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'privacy_retention eraser'"; }
my %switch = (
	enabled => [ q{ALTER SYSTEM SET privacy_retention.enabled = off}, q{ALTER SYSTEM RESET privacy_retention.enabled} ],
	database => [ q{ALTER DATABASE postgres SET privacy_retention.enabled = off}, q{ALTER DATABASE postgres RESET privacy_retention.enabled} ],
	window => [ q{ALTER SYSTEM SET privacy_retention.time_window = '} . sql(q{SELECT to_char(now() + interval '6 hours', 'HH24:MI-') || to_char(now() + interval '7 hours', 'HH24:MI')}) . q{'},
		q{ALTER SYSTEM RESET privacy_retention.time_window} ],
	pause => [ q{SELECT retention.pause('stopped_pause', now() + interval '1 hour', 'test')}, q{SELECT retention.unpause('stopped_pause')} ]);
foreach my $way (sort keys %switch)
{
	my $name = "stopped_$way";
	my $scrubbed = "FROM retention.scrubbed WHERE relation = 'public.$name'";

	sql('ALTER SYSTEM SET privacy_retention.scrub_pages = 100');
	sql('SELECT pg_reload_conf()');
	table($name, ", filler text DEFAULT repeat('x', 1900)");
	sql("CREATE TABLE ${name}_more (id int REFERENCES $name ON DELETE CASCADE); CREATE INDEX ON ${name}_more (id);
		INSERT INTO $name SELECT n, now(), 'other person' FROM generate_series(1001, 4000) n");
	ok(poll_sql("SELECT running AND pages_done > 0 $scrubbed", 't', seconds => 30), "$way: a scrub that takes long");
	sql($switch{$way}[0]);
	sql('SELECT pg_reload_conf()');
	ok(poll_sql(erases(), 0, seconds => 20), 'it ends');
	is(sql("SELECT scrubbed_at IS NULL FROM retention.erasure_round WHERE relation = 'public.$name'"), 't', 'and claims nothing');
	is(sql("SELECT running, skipped $scrubbed"), "f|public.$name: it was stopped before its end", 'it says that it was stopped') unless $way eq 'pause';
	is(sql("SELECT count(*) FROM retention.scrubbed WHERE relation = 'public.${name}_more'"), 0, 'before the next table');
	sql('ALTER SYSTEM RESET privacy_retention.scrub_pages');
	sql($switch{$way}[1]);
	sql('SELECT pg_reload_conf()');
	ok(poll_sql("SELECT scrubbed_at IS NOT NULL FROM retention.erasure_round WHERE relation = 'public.$name'", 't', seconds => 30), 'it goes on when it may');
}

# Nobody waits for a VACUUM that takes long.
sub vacuums_slowly
{
	my ($table, $db) = @_;
	return poll_sql("SELECT count(*) FROM pg_stat_progress_vacuum WHERE datname = '" . ($db // 'postgres') . "'", 1, seconds => 20);
}
sql(q{ALTER SYSTEM SET autovacuum_vacuum_cost_delay = '100ms'});
sql(q{ALTER SYSTEM SET vacuum_cost_limit = 1; SELECT pg_reload_conf()});
table('slow', ", filler text DEFAULT repeat('x', 1000)");
ok(vacuums_slowly('slow'), 'a VACUUM that takes long');
is($node->psql('postgres', q{SET statement_timeout = '5s'; ALTER TABLE slow ADD COLUMN more int}), 0, 'ALTER TABLE goes through');
ok(poll_sql(q{SELECT held_by FROM retention.erasure_round WHERE relation = 'public.slow'},
		'somebody who waited for one of its tables and was let through', seconds => 20), 'the round says who was let through');
ok(vacuums_slowly('slow'), 'it is tried again');
my $eraser = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'privacy_retention eraser'});
like($eraser, qr/^\d+$/, 'by an eraser that can be seen');

# Deletion goes on meanwhile.
sql(q{INSERT INTO visit SELECT n, now() - interval '2 years', 'marked again ' || n FROM generate_series(2001, 2010) n});
ok(poll_sql(q{SELECT count(*) FROM visit WHERE id > 2000}, 0, seconds => 10), 'rows that fall due are deleted while it works');
is(sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'privacy_retention eraser'}), $eraser, 'it still works');

# Killed: the server restarts, and the next one goes on.
$node->kill9;
kill 'KILL', $eraser;
ok(RetentionNode::start_again($node), 'it starts again');
ok(vacuums_slowly('slow'), 'after a crash the next goes on');

# Who stops the server does not wait.
my $stopping = time();
$node->stop('fast');
cmp_ok(time() - $stopping, '<', 20, 'a fast shutdown goes through');
$node->start;
ok(vacuums_slowly('slow'), 'and then it goes on again');

is($node->psql('postgres', q{SET statement_timeout = '5s'; DROP EXTENSION privacy_retention CASCADE}), 0, 'DROP EXTENSION goes through');
ok(poll_sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'privacy_retention eraser'}, 0, seconds => 60),
	'the eraser ends');

# The database of an eraser can be dropped.
sql('CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION privacy_retention');
$node->safe_psql('other', q{SELECT retention.set_category('visits', '1 year', 'the visit')});
table('slow', ", filler text DEFAULT repeat('x', 1000)", 'other');
ok(vacuums_slowly('slow', 'other'), 'it is at work in another database');
is($node->psql('postgres', 'DROP DATABASE other'), 0, 'DROP DATABASE goes through');

done_testing();
