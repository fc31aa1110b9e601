# The worker keeps its hours, and leaves alone what is paused; both end by themselves.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('pause', preload => 1, conf => "privacy_retention.naptime = 3600\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub poll_sql { return RetentionNode::poll($node, @_); }

my $state = 'SELECT state FROM retention.worker WHERE datname = current_database()';

# A visit by the worker, from begin to end.
sub visit
{
	my $before = sql('SELECT clock_timestamp()');

	sql('SELECT retention.wake()');
	poll_sql(qq{SELECT last_start > '$before' AND last_end > last_start FROM retention.worker
		WHERE datname = current_database()});
	return;
}

sql(q{SELECT retention.set_category('visits', '1 hour', 'the visit');
	CREATE TABLE visit (at timestamptz);
	CREATE INDEX ON visit (at);
	SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'visits, from at, then delete';
	SELECT retention.protect('visit');
	CREATE TABLE other (LIKE visit INCLUDING ALL);
	SECURITY LABEL FOR privacy_retention ON TABLE other IS 'visits, from at, then delete';
	SELECT retention.protect('other')});
my $due = q{INSERT INTO visit VALUES (now() - interval '2 hours'); INSERT INTO other VALUES (now() - interval '2 hours')};

# Pause: one table stays, the other goes, and it ends by itself
sql(q{SELECT retention.pause('visit', now() + interval '4 s', 'test')});
sql($due);
sql('SELECT retention.wake()');
poll_sql('SELECT count(*) = 0 FROM other');
is(sql(q{SELECT count(*) = 0 OR now() > (SELECT min(until) FROM retention.paused_table) FROM retention.ledger
	WHERE event = 'batch' AND relation = 'public.visit'}), 't', 'nothing went from the paused table');
poll_sql('SELECT count(*) = 0 FROM visit');
is(sql('SELECT count(*) FROM retention.pause'), '0', 'with the end of the pause, by itself, its rows go');

# Hours: closed now, and open in some
sql(q{DO $$BEGIN EXECUTE format('ALTER DATABASE postgres SET privacy_retention.time_window = %L',
	to_char(now() + interval '3 hours', 'HH24:MI-') || to_char(now() + interval '5 hours', 'HH24:MI')); END$$});
sql($due);
visit();
is(sql($state), 'closed', 'the worker says that it is closed');
is(sql('SELECT count(*) FROM visit'), '1', 'nothing goes meanwhile');
is( sql(q{SELECT next_wake BETWEEN now() + interval '50 min' AND now() + interval '1 hour' FROM retention.worker
	WHERE datname = current_database()}), 't', 'it looks again after a naptime: the hours may change');
$node->safe_psql('postgres', q{CALL retention.enforce('other')});
is(sql('SELECT count(*) FROM other'), '0', q{a person's CALL has no hours});
sql(q{DO $$BEGIN EXECUTE format('ALTER DATABASE postgres SET privacy_retention.time_window = %L',
	to_char(now() - interval '1 hours', 'HH24:MI-') || to_char(now() + interval '1 hours', 'HH24:MI')); END$$});
sql('SELECT retention.wake()');
poll_sql('SELECT count(*) = 0 FROM visit');
poll_sql($state, 'idle');

# A wrong text is refused where it is set, and cannot be there by then
my (undef, undef, $error) = $node->psql('postgres', q{ALTER DATABASE postgres SET privacy_retention.time_window = 'nights'});
like($error, qr/Times of day are expected/, 'a wrong text is refused');
$node->stop;

done_testing();
