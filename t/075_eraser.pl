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
