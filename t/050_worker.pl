# The worker does its work by itself, says what it does, and survives what can
# happen to it inside a database.
#
# A prepared transaction that has locked the ledger holds a worker at a known
# point: no sleeps.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

# lock_timeout = 0: the worker waits for the lock as long as we want it to.
my $node = RetentionNode->make('worker', preload => 1,
	conf => "privacy_retention.naptime = 5\nprivacy_retention.lock_timeout = 0\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub poll_sql { return RetentionNode::poll($node, @_); }

# A row that falls due in so many seconds.
sub row_due_in
{
	my ($seconds) = @_;
	return sql("INSERT INTO visit VALUES (now() - interval '1 hour' + interval '$seconds s')");
}

my $state = 'SELECT state FROM retention.worker WHERE datname = current_database()';
my $waits = q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'privacy_retention worker' AND wait_event_type = 'Lock'};

# Who is there
poll_sql($state, 'idle');
is( sql(q{SELECT backend_type, datname IS NULL, usename IS NULL OR usename = 'postgres'
		FROM pg_stat_activity WHERE backend_type LIKE 'privacy_retention%'}),
	'privacy_retention launcher|t|t',
	'the launcher sits on no database');
is( sql('SELECT launcher_pid = (SELECT pid FROM pg_stat_activity'
		  . " WHERE backend_type = 'privacy_retention launcher') FROM retention.worker"),
	't', 'the view names it');

# Rows that fall due go by themselves
sql(q{CREATE TABLE visit (at timestamptz);
	SELECT retention.set_category('visits', '1 hour', 'the visit', 'consent', 'none', 'visitors', 'the visitor')});
row_due_in(2);
row_due_in(3600);
sql(q{SECURITY LABEL FOR privacy_retention ON TABLE visit IS 'visits, from at, then delete'});
sql(q{SELECT retention.protect('visit', at_most => 1)});
poll_sql('SELECT count(*) = 1 FROM visit');
is(sql('SELECT sum(rows) FROM retention.ledger WHERE event = ' . "'batch'"), '1',
	'one row went, with evidence');
poll_sql('SELECT seq IS NOT NULL FROM retention.ledger ORDER BY id DESC LIMIT 1');
is(sql('SELECT ok, unsealed, problem IS NULL FROM retention.verify_ledger()'), 't|0|t',
	'the worker sealed the ledger');
is(sql('SELECT rows FROM retention.worker WHERE datname = current_database()'), '1',
	'the view counts the rows');
is( sql(q{SELECT count(*) FROM visit WHERE at < now() - interval '1 hour'}), '0', 'none is late');

# Switched off for one database, and on again
sql('ALTER DATABASE postgres SET privacy_retention.enabled = off; SELECT retention.wake()');
poll_sql($state, 'off');
row_due_in(1);
my $passes = sql('SELECT passes FROM retention.worker WHERE datname = current_database()');
my $visited = sql('SELECT last_end FROM retention.worker WHERE datname = current_database()');
poll_sql(qq{SELECT last_end > '$visited'::timestamptz + interval '2 s' FROM retention.worker
	WHERE datname = current_database()});
is(sql('SELECT count(*) FROM visit'), '2', 'nothing goes while it is off');
is( sql('SELECT passes FROM retention.worker WHERE datname = current_database()'),
	$passes, 'no pass was made');
sql('ALTER DATABASE postgres RESET privacy_retention.enabled');
poll_sql('SELECT count(*) = 1 FROM visit');

# Settings of the database do not leak into the worker
sql(q{ALTER DATABASE postgres SET default_transaction_read_only = on;
	ALTER DATABASE postgres SET default_transaction_isolation = 'serializable';
	ALTER DATABASE postgres SET statement_timeout = '1ms';
	ALTER ROLE postgres SET search_path = 'nowhere'});
$node->safe_psql('postgres', q{SET default_transaction_read_only = off; SET statement_timeout = 0;
	INSERT INTO public.visit VALUES (now() - interval '1 hour' + interval '1 s'); SELECT retention.wake()});
poll_sql('SET statement_timeout = 0; SELECT count(*) = 1 FROM public.visit');
$node->safe_psql('template1', q{ALTER DATABASE postgres RESET ALL; ALTER ROLE postgres RESET ALL});

# An error is seen, retried, and over when its cause is
my $offset = RetentionNode::log_size($node);
sql('ALTER TABLE retention.ledger RENAME TO elsewhere; SELECT retention.wake()');
poll_sql($state, 'failed');
like( sql('SELECT last_error FROM retention.worker WHERE datname = current_database()'),
	qr/retention\.ledger.*42P01/, 'the view has the error');
like(RetentionNode::log_since($node, $offset), qr/privacy_retention worker failed in database "postgres": .*42P01/,
	'so has the log');
my $found = q{SELECT severity || ': ' || finding FROM retention.check() WHERE object = 'the worker'};
like(sql($found), qr/^error: the last visit failed: .*42P01/, 'and so has check()');
sql('ALTER TABLE retention.elsewhere RENAME TO ledger');
poll_sql($state, 'idle');
is(sql($found), '', 'check() has nothing to say of a worker that is well');
is( sql('SELECT failures, last_error IS NOT NULL, last_error_at < last_success FROM retention.worker WHERE datname = current_database()'),
	'0|t|t', 'it tried again by itself, and the view remembers');

# A worker that is terminated
sql(q{BEGIN; LOCK TABLE retention.ledger; PREPARE TRANSACTION 'hold'});
sql('SELECT retention.wake()');
poll_sql($waits);
is(sql($state), 'running', 'a worker that runs is seen');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'privacy_retention worker'});
poll_sql($state, 'failed');
is( sql('SELECT last_error FROM retention.worker WHERE datname = current_database()'),
	'the worker ended before it was done',
	'a worker that was terminated has failed');
sql(q{ROLLBACK PREPARED 'hold'});
poll_sql($state, 'idle');
is( sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_extension'::regclass}),
	'0', 'none left its lock on the extension behind');

# A launcher that is terminated
my $launcher = sql('SELECT launcher_pid FROM retention.worker WHERE datname = current_database()');
sql("SELECT pg_terminate_backend($launcher)");
poll_sql("SELECT launcher_pid <> $launcher FROM retention.worker WHERE datname = current_database()");
row_due_in(1);
poll_sql('SELECT count(*) = 1 FROM visit');

# A crash of the server
$node->stop('immediate');
$node->start;
row_due_in(1);
poll_sql('SELECT count(*) = 1 FROM visit');
is(sql('SELECT ok FROM retention.verify_ledger()'), 't', 'the ledger is whole');

# Who may look
sql('CREATE ROLE watcher LOGIN IN ROLE pg_monitor; CREATE ROLE nobody LOGIN');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM retention.worker', extra_params => [ '-U', 'watcher' ]),
	't', 'pg_monitor sees the worker');
my ($status, undef, $error) =
  $node->psql('postgres', 'SELECT * FROM retention.worker', extra_params => [ '-U', 'nobody' ]);
like($error, qr/permission denied/, 'others do not');
(undef, undef, $error) =
  $node->psql('postgres', 'SELECT retention.wake()', extra_params => [ '-U', 'watcher' ]);
like($error, qr/permission denied/, 'to look is not to wake');

# Quick to stop, also while the worker waits
sql(q{BEGIN; LOCK TABLE retention.ledger; PREPARE TRANSACTION 'hold'});
sql('SELECT retention.wake()');
poll_sql($waits);
my $began = time();
$node->stop('fast');
cmp_ok(time() - $began, '<', 10, 'a fast shutdown is fast');

# No free slot: one for logical replication, one for the launcher
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$offset = RetentionNode::log_size($node);
$node->start;
sql(q{ROLLBACK PREPARED 'hold'});
poll_sql($state, 'no slot');
like(RetentionNode::log_since($node, $offset), qr/finds no free slot for its worker/, 'the log says so');
is(sql($found), 'error: there has been no free slot for a worker', 'and check()');
$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
$node->restart;
poll_sql($state, 'idle');

# Without preload
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
is(sql('SELECT datname, state FROM retention.worker'), 'postgres|not preloaded',
	'the view says why there is no worker');
is(sql($found), 'info: the library is not preloaded: no worker enforces the rules', 'and check()');
is(sql('SELECT retention.wake()'), '', 'waking nobody is no error');
$node->stop;

done_testing();
