# Changes of state are told: a line in the log, a notification; and what a worker
# that cannot come, or a locked table, makes of the state.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('alarm', preload => 1, conf => "privacy_retention.naptime = 1\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub poll_sql { return RetentionNode::poll($node, @_); }

# Somebody who listens
my $listener = $node->background_psql('postgres');
my @heard;

sub ask_listener
{
	my ($statement) = @_;
	my $out = $listener->query($statement);
	push @heard, map { JSON::PP::decode_json($_) } $out =~ /notification "privacy_retention" with payload "(.*)" received/g;
	return;
}

# Waits until a table's rule is told to be in a state.
sub hears
{
	my ($relation, $state) = @_;
	# what was told is in the table as soon as it is heard
	poll_sql("SELECT coalesce((SELECT state FROM retention.told_state WHERE relation = '$relation'), 'gone')", $state);
	ask_listener('SELECT 1');
	my ($message) = grep { $_->{relation} eq $relation && $_->{state} eq $state } @heard;
	return $message if $message;
	fail("nobody told that $relation is $state");
	return {};
}

ask_listener('LISTEN privacy_retention');
sql(q{SELECT retention.set_category('visits', '1 hour', 'the visit');
	CREATE TABLE visit (id int PRIMARY KEY, email text, at timestamptz);
	CREATE INDEX ON visit (at);
	CREATE TABLE invoice (visit int CONSTRAINT invoice_visit REFERENCES visit);
	CREATE TABLE "o""dd" (at timestamptz);
	CREATE INDEX ON "o""dd" (at);
	SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'visits, from at, then delete';
	SECURITY LABEL FOR privacy_retention ON TABLE "o""dd" IS 'visits, from at, then delete';
	SELECT retention.protect('visit'), retention.protect('"o""dd"')});
poll_sql(q{SELECT count(*) FROM retention.told_state WHERE state = 'ok'}, '2');
ask_listener('SELECT 1');
is(scalar(@heard), 0, 'what is well from the beginning is not worth a word');

# Blocked, and well again
my $offset = RetentionNode::log_size($node);
sql(q{BEGIN; INSERT INTO visit VALUES (1, 'somebody@example.org', now() - interval '90 minutes'); INSERT INTO invoice VALUES (1); COMMIT;
	SELECT retention.wake()});
my $told = hears('public.visit', 'blocked');
is($told->{was}, 'ok', 'what it was');
is($told->{column}, undef, 'the row');
is($told->{database}, 'postgres', 'where');
like($told->{reason}, qr/SQLSTATE 23503, constraint invoice_visit/, 'why');
is($told->{remedy}, q{CALL retention.enforce('public.visit')}, 'and what helps');
like($told->{since}, qr/^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d$/, 'since when');
poll_sql(q{SELECT state FROM retention.told_state WHERE relation = 'public.visit'}, 'blocked');
my $log = RetentionNode::log_since($node, $offset);
is(() = $log =~ /the rule of public\.visit is blocked, was ok/g, 1, 'a line in the log, once');
unlike($log . JSON::PP::encode_json(\@heard), qr/somebody/, 'no value of a row');

sql(q{DELETE FROM invoice; SELECT retention.wake()});
# it is tried again after a while by the worker, at once by a person
sql(q{CALL retention.enforce('visit')});
is(hears('public.visit', 'ok')->{was}, 'blocked', 'well again, told by the CALL');
@heard = ();

# Late: nobody may work
sql('ALTER DATABASE postgres SET privacy_retention.time_window = \'' . sql(q{SELECT to_char(now() + interval '3 hours', 'HH24:MI-') || to_char(now() + interval '4 hours', 'HH24:MI')}) . q{'});
sql('SELECT retention.wake()');
poll_sql(q{SELECT state FROM retention.worker WHERE datname = current_database()}, 'closed');
sql(q{INSERT INTO "o""dd" VALUES (now() - interval '3 hours')});
$told = hears('public."o""dd"', 'late');
like($told->{reason}, qr/rows have been due for \d+ s.*may not work before .*time_window/, 'late, and why');
sql($told->{remedy});
is(hears('public."o""dd"', 'ok')->{was}, 'late', 'the remedy that was told helps');
sql('ALTER DATABASE postgres RESET privacy_retention.time_window');

# A label that goes while its rule is not well
sql(q{BEGIN; INSERT INTO visit VALUES (1, NULL, now() - interval '90 minutes'); INSERT INTO invoice VALUES (1); COMMIT; SELECT retention.wake()});
hears('public.visit', 'blocked');
sql(q{SELECT retention.unprotect('visit'); SELECT retention.label('visit', NULL); SELECT retention.wake()});
is(hears('public.visit', 'gone')->{was}, 'blocked', 'gone');
is(sql(q{SELECT count(*) FROM retention.told_state WHERE relation = 'public.visit'}), '0', 'and forgotten');

# A table that is renamed, then dropped, meanwhile
@heard = ();
sql(q{SELECT retention.label('visit', 'visits, from at, then delete'); SELECT retention.protect('visit', at_most => 1); SELECT retention.wake()});
hears('public.visit', 'blocked');
@heard = ();
sql(q{ALTER TABLE visit RENAME TO visited; SELECT retention.wake()});
is(sql(q{SELECT state FROM retention.told_state WHERE relation = 'public.visited'}), 'blocked', 'what was told follows a rename');
sql(q{DROP TABLE visited CASCADE; SELECT retention.wake()});
is(hears('public.visited', 'gone')->{was}, 'blocked', 'a dropped table is gone');
is(scalar(@heard), 1, 'and that is all');

# A table that is locked: no answer, no alarm for a moment, and nobody hangs
my $locker = $node->background_psql('postgres');
$locker->query_safe(q{BEGIN; LOCK TABLE "o""dd"});
my $pid = $locker->query_safe('SELECT pg_backend_pid()');
my $remedy = sql(q{SELECT remedy FROM retention.status WHERE state = 'blocked' AND reason ~ 'has locked the table'});
like(sql($remedy), qr/^$pid\|/, 'the remedy names who has locked the table');
$locker->quit;
is(sql('SELECT state FROM retention.status'), 'ok', 'then it is well again');

# Erasure that is late: told once, with what holds it, and when it is well again
sql(q{ALTER SYSTEM SET privacy_retention.erase_within = 1; SELECT pg_reload_conf();
	CREATE TABLE leaver (email text, at timestamptz);
	CREATE INDEX ON leaver (at);
	INSERT INTO leaver VALUES ('somebody@example.org', now() - interval '30 minutes');
	SECURITY LABEL FOR privacy_retention ON TABLE leaver IS 'visits, from at, then delete';
	SELECT retention.protect('leaver')});
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM leaver');
my $reader_pid = $reader->query_safe('SELECT pg_backend_pid()');
$offset = RetentionNode::log_size($node);
@heard = ();
sql(q{UPDATE leaver SET at = now() - interval '90 minutes'});
poll_sql(q{SELECT count(*) FROM retention.told_state WHERE relation = 'public.leaver' AND stage = -1}, '1');
ask_listener('SELECT 1');
my $of_leaver = sub { return grep { $_->{what} eq 'erasure' && $_->{relation} eq 'public.leaver' } @heard };
($told) = $of_leaver->();
is("$told->{relation} $told->{state}", 'public.leaver late', 'erasure that is late is told');
is($told->{stage}, undef, 'it is no stage of a rule');
poll_sql(q{SELECT count(*) FROM retention.erasure_horizon WHERE relation = 'public.leaver' AND held_by ~ '}. $reader_pid . q{'}, '1');
$reader->quit;
# as it would be with the next checkpoint
poll_sql(q{CHECKPOINT; SELECT count(*) FROM retention.told_state WHERE relation = 'public.leaver' AND stage = -1}, '0');
ask_listener('SELECT 1');
is(join(' ', map { $_->{state} } $of_leaver->()), 'late ok', 'once, and when it is well again');
$log = RetentionNode::log_since($node, $offset);
is(() = $log =~ /the erasure of public\.leaver is late/g, 1, 'a line in the log, once');
like($log, qr/the erasure of public\.leaver is ok, was late/, 'and another');
unlike($log . JSON::PP::encode_json(\@heard), qr/somebody/, 'no value of a row');
sql(q{ALTER SYSTEM RESET privacy_retention.erase_within; SELECT pg_reload_conf(); DROP TABLE leaver});

# No free slot
$listener->quit;
sql('ALTER SYSTEM SET max_worker_processes = 2');
$node->restart;
poll_sql(q{SELECT state FROM retention.worker WHERE datname = current_database()}, 'no slot');
is(sql(q{SELECT state || regexp_replace(reason, 'since \S+ \S+ ?\S*;', 'since ...;') FROM retention.status}),
	'waitingthere has been no free slot for a worker since ...; a changed max_worker_processes counts after a restart',
	'rules wait for a worker');
$remedy = sql('SELECT remedy FROM retention.status');
is($remedy, 'ALTER SYSTEM SET max_worker_processes = 6', 'and what helps');
sql($remedy);
$node->restart;
poll_sql(q{SELECT state FROM retention.worker WHERE datname = current_database()}, 'idle');
poll_sql('SELECT state FROM retention.status', 'ok');

$node->stop;
done_testing();
