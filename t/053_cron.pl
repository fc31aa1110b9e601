# pg_cron makes passes: jobs are made, changed, shown and removed; worker, jobs and
# sessions never do the same table at once.
#
# pg_cron begins jobs at full minutes only: one such minute is waited for, and all
# that must happen in it is prepared before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

# The worker comes when it is woken; whoever waits for a row waits as long as we want.
my $node = RetentionNode->make('cron', start => 0, preload => 1,
	conf => "shared_preload_libraries = 'privacy_retention'\nprivacy_retention.naptime = 3600\nprivacy_retention.lock_timeout = 0\n");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'privacy_retention, pg_cron'\n"
	  . "cron.database_name = 'postgres'\ncron.use_background_workers = on\ncron.max_running_jobs = 5\n");
if (!$node->start(fail_ok => 1))
{
	die 'the server does not start' unless slurp_file($node->logfile) =~ /could not access file "pg_cron"/;
	plan(skip_all => 'pg_cron is not installed');
}

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub poll { return RetentionNode::poll($node, @_); }

sub error_of
{
	my ($statement, $db, @more) = @_;
	my (undef, undef, $error) = $node->psql($db // 'postgres', $statement, @more);
	return $error;
}

# Not yet there
sql('CREATE EXTENSION privacy_retention');
like(error_of(q{SELECT retention.schedule('* * * * *')}), qr/not installed in this database\n.*HINT:  CREATE EXTENSION pg_cron;/,
	'the hint is to create it');
sql('CREATE EXTENSION pg_cron; CREATE DATABASE "O\'Hara\'s shop"');

my $odd = q{"O'Hara ""said"" \\ odd"};
my @long = map { '"' . ('s' x 63) . '"."' . ('t' x 62) . qq{$_"} } qw(a b);
my $setup = <<"EOS";
SELECT retention.set_category('visits', '1 day', 'the visit');
CREATE SCHEMA "@{[ 's' x 63 ]}";
CREATE FUNCTION make(name text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	EXECUTE format('CREATE TABLE %s (id int PRIMARY KEY, seen timestamptz)', name);
	EXECUTE format('CREATE INDEX ON %s (seen)', name);
	PERFORM retention.label(name::regclass, 'visits, from seen, then delete'), retention.protect(name::regclass);
	RETURN name;
END \$\$;
EOS
sql($setup . join('', map { "SELECT make(\$x\$$_\$x\$);\n" } $odd, @long, qw(held many renamed gone given)));
$node->safe_psql("O'Hara's shop", 'CREATE EXTENSION privacy_retention;' . $setup . q{SELECT make('visit')});
poll(q{SELECT bool_and(state = 'idle' AND pid IS NULL AND next_wake > now() + interval '30 min') FROM retention.worker});

# Jobs
my $all = sql(q{SELECT retention.schedule('*/5 * * * *')});
is(sql(q{SELECT job_id, job_name, schedule, relation, database, role, active, problem FROM retention.scheduled}),
	"$all|privacy_retention: all tables|*/5 * * * *||postgres|postgres|t|", 'a job over all tables');
is(sql(q{SELECT retention.schedule('0 * * * *')}), $all, 'made again, it is changed');
is(sql(q{SELECT schedule FROM retention.scheduled}), '0 * * * *', 'to the new time');
sql(qq{SELECT retention.schedule('* * * * *', \$x\$$_\$x\$)}) foreach $odd, @long, qw(held many renamed gone);
is(sql(q{SELECT count(*), count(DISTINCT job_name), count(DISTINCT relation) FROM retention.scheduled}), '8|8|7', 'one a table');
is(sql(q{SELECT relation FROM retention.scheduled WHERE job_name LIKE '%odd%'}), "public.$odd", 'names with quotes');
is(sql(q{SELECT command FROM cron.job WHERE jobname LIKE '%odd%'}),
	q{CALL retention.enforce(E'public."O''Hara ""said"" \\\\ odd"'::pg_catalog.regclass)}, 'one CALL, quoted');
is(sql(q{SELECT string_agg(relation, ' ' ORDER BY relation) FROM retention.scheduled WHERE relation LIKE 's%' OR relation LIKE '"s%'}) =~ s/"//gr,
	join(' ', @long) =~ s/"//gr, 'long names that begin alike');
like(error_of(q{SELECT retention.schedule('never')}), qr/invalid schedule: never/, 'what pg_cron does not take is its error');

# Erasure: jobs that vacuum and scrub each table in which deletions leave bytes
is(sql(q{SELECT retention.schedule('* * * * *', 'many', '30 2 * * *') = (SELECT job_id FROM retention.scheduled WHERE job_name = 'privacy_retention: public.many')}),
	't', 'with a time to erase');
sql('CREATE TABLE note (of int REFERENCES many ON DELETE CASCADE)');
sql(q{SELECT retention.schedule('* * * * *', 'many', '30 2 * * *')});
is(sql(q{SELECT job_name, schedule, relation, problem FROM retention.scheduled WHERE job_name LIKE '%: public.many%' ORDER BY job_name COLLATE "C"}), join("\n",
		'privacy_retention: public.many|* * * * *|public.many|',
		'privacy_retention: public.many: scrub public.many|30 2 * * *|public.many|',
		'privacy_retention: public.many: scrub public.note|30 2 * * *|public.note|',
		'privacy_retention: public.many: vacuum public.many|30 2 * * *|public.many|',
		'privacy_retention: public.many: vacuum public.note|30 2 * * *|public.note|'), 'a job each');
is(sql(q{SELECT command FROM cron.job WHERE jobname LIKE '%public.note' ORDER BY command COLLATE "C"}), join("\n",
		q{CALL retention.scrub('public.note'::pg_catalog.regclass)},
		q{VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) public.note}), 'that does one thing');
is($node->psql('postgres', sql(q{SELECT string_agg(command, E';\n' ORDER BY command DESC) FROM cron.job WHERE jobname LIKE '%public.note'})), 0, 'and can');
like(error_of(q{SELECT retention.schedule('* * * * *', NULL, '30 2 * * *')}), qr/erase_expression needs a relation/, 'not for all tables at once');
is(sql(q{SELECT retention.unschedule('many')}), 't', 'all of them go');
is(sql(q{SELECT count(*) FROM retention.scheduled WHERE job_name LIKE '%: public.many%'}), 0, 'together');
sql(q{DROP TABLE note; SELECT retention.schedule('* * * * *', 'many')});

# Roles: as the caller, and no more
sql(<<'EOS');
CREATE ROLE maker LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
GRANT EXECUTE ON FUNCTION retention.schedule, retention.unschedule TO maker;
GRANT EXECUTE ON PROCEDURE retention.enforce TO maker;
EOS
like(error_of(q{SELECT retention.schedule('* * * * *', 'given')}, 'postgres', extra_params => [ '-U', 'maker' ]),
	qr/permission denied for schema cron/, 'no right to pg_cron comes with it');
sql('GRANT USAGE ON SCHEMA cron TO maker');
$node->safe_psql('postgres', q{SELECT retention.schedule('* * * * *', 'given')}, extra_params => [ '-U', 'maker' ]);
is(sql(q{SELECT role, problem FROM retention.scheduled WHERE relation = 'public.given'}), 'maker|', 'the job is the caller\'s');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.scheduled', extra_params => [ '-U', 'watcher' ]), '9',
	'pg_monitor sees all');

# Another database: the hint is the statement
my $hint = error_of(q{SELECT retention.schedule('* * * * *', 'visit')}, "O'Hara's shop");
like($hint, qr/pg_cron keeps its jobs in database postgres/, 'the error names the database');
my ($statement) = $hint =~ /HINT:  There: (.*)$/m;
sql($statement);
is(sql(q{SELECT relation, database, active, problem FROM retention.scheduled WHERE database <> 'postgres'}), "public.visit|O'Hara's shop|t|",
	'the hint is the statement that makes the job');
is($node->safe_psql("O'Hara's shop", 'SELECT count(*) FROM retention.scheduled'), '0', 'seen where pg_cron is');

# All that the minute needs.  The job of table held will wait for a row.  Rows that
# are due as they are written wake the worker, whose hours are others for now.
my $hours = sql(q{SELECT to_char(now() AT TIME ZONE 'UTC' + interval '11 h', 'HH24:MI-') || to_char(now() AT TIME ZONE 'UTC' + interval '12 h', 'HH24:MI')});
sql("ALTER DATABASE postgres SET privacy_retention.time_window = '$hours'");
my $day = q{now() - interval '2 days'};
sql(q{ALTER DATABASE postgres SET privacy_retention.largest_share = 100});
sql("INSERT INTO many SELECT n, $day FROM generate_series(1, 20000) n");
sql("INSERT INTO $_ VALUES (1, $day)") foreach $odd, 'held', 'given';
sql(q{ALTER TABLE renamed RENAME TO other_name; DROP TABLE gone});
$node->safe_psql("O'Hara's shop", "INSERT INTO visit VALUES (1, $day)");
sql(q{BEGIN; SELECT FROM held FOR UPDATE; PREPARE TRANSACTION 'hold'});
is(sql("SELECT (SELECT count(*) FROM $odd), (SELECT count(*) FROM held)"), '1|1', 'rows are due');
my $advisory = q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 'held'::regclass::oid AND granted};
ok(poll("$advisory AND EXISTS (SELECT FROM pg_locks w WHERE NOT w.granted AND w.pid = pg_locks.pid)", '1', seconds => 150),
	'the minute: a job is at work on a table, and waits');
my $before = sql('SELECT clock_timestamp()');
like(error_of(q{CALL retention.enforce('held')}), qr/WARNING:  another pass is at work on table public\.held/, 'a session leaves it alone');
is(error_of(q{CALL retention.enforce()}), '', 'so does one over all tables');
sql('ALTER DATABASE postgres RESET privacy_retention.time_window; SELECT retention.wake()');
ok(poll("SELECT last_start > '$before' AND last_success > last_start FROM retention.worker WHERE datname = 'postgres'"), 'and the worker');
is(sql($advisory), '1', 'the job is still at work');
is(sql(q{SELECT count(*) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.held'}), '0', 'nothing is done twice');
sql(q{ROLLBACK PREPARED 'hold'});
ok(poll('SELECT count(*) FROM held', '0'), 'then its row goes');

ok(poll("SELECT count(*) FROM $odd", '0', seconds => 90), 'so does that of the table with quotes');
ok(poll('SELECT count(*) FROM many', '0', seconds => 90), 'so do many, by whoever came first');
ok(poll('SELECT count(*) FROM given', '0', seconds => 90), 'so does that of the job of a role without rights on the table');
ok(poll('SELECT count(*) FROM visit', '0', seconds => 90, db => "O'Hara's shop"), 'so does that in the other database');
is(sql(q{SELECT relation, sum(rows) FROM retention.ledger WHERE event = 'batch' GROUP BY 1 ORDER BY relation COLLATE "C"}),
	qq{public."O'Hara ""said"" \\ odd"|1\npublic.given|1\npublic.held|1\npublic.many|20000}, 'the ledger has each row once');
ok(poll(q{SELECT last_status FROM retention.scheduled WHERE relation = 'public.held'}, 'succeeded'), 'the job has succeeded');
is(sql(q{SELECT ok FROM retention.verify_ledger()}), 't', 'the ledger is whole');

# Broken jobs
ok(poll(q{SELECT last_status FROM retention.scheduled WHERE relation = 'public.renamed'}, 'failed'), 'a renamed table\'s job fails');
is(sql(q{SELECT relation, problem, remedy = format('SELECT cron.unschedule(%s)', job_id) FROM retention.scheduled
	WHERE relation IN ('public.renamed', 'public.gone') ORDER BY 1}),
	"public.gone|there is no table of that name (any more)|t\npublic.renamed|there is no table of that name (any more)|t", 'and is shown');
sql(q{SELECT cron.unschedule(job_id) FROM retention.scheduled WHERE problem IS NOT NULL});
sql(q{SELECT retention.unprotect('many'); REVOKE EXECUTE ON PROCEDURE retention.enforce FROM maker});
sql(qq{SELECT cron.alter_job(job_id, active => false) FROM retention.scheduled WHERE relation = 'public.held'});
sql(qq{SELECT cron.alter_job(job_id, command => 'SELECT 1') FROM retention.scheduled WHERE job_name = 'privacy_retention: all tables'});
is(sql(q{SELECT job_name, problem FROM retention.scheduled WHERE problem IS NOT NULL ORDER BY job_name}),
	join("\n", 'privacy_retention: all tables|its command is not the one that retention.schedule() makes',
		'privacy_retention: public.given|its role may not call retention.enforce()',
		'privacy_retention: public.held|the job is not active',
		'privacy_retention: public.many|the table is not protected'), 'each trouble is shown');
is(sql(q{SELECT count(*) FROM retention.check() WHERE object LIKE 'job %' AND hint <> ''}), '4', 'by check(), too');
is(sql(q{SELECT retention.schedule('* * * * *') = (SELECT job_id FROM retention.scheduled WHERE relation IS NULL AND database = 'postgres')}),
	't', 'made again, a job is well');

# Removing them
is(sql(q{SELECT retention.unschedule('held'), retention.unschedule()}), 't|t', 'unschedule says that there was one');
like(error_of('SELECT retention.unschedule()'), qr/NOTICE:  there is no such job: privacy_retention: all tables/, 'and that there was none');
my ($gone) = error_of('SELECT retention.unschedule(\'visit\')', "O'Hara's shop") =~ /HINT:  There: (.*)$/m;
is(sql($gone), 't', 'of another database: the hint is the statement');
is($node->safe_psql('postgres', q{SELECT retention.unschedule('many')}, extra_params => [ '-U', 'maker' ]), 'f', 'not the job of somebody else');
sql('SELECT retention.unschedule(relation::regclass) FROM retention.scheduled');
is(sql('SELECT count(*) FROM retention.scheduled'), '0', 'all of them');

# A fake beside the real one is not called
sql(q{DROP EXTENSION pg_cron; CREATE SCHEMA cron});
sql(q{CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'});
like(error_of(q{SELECT retention.schedule('* * * * *')}), qr/schema cron is not the one of extension pg_cron/, 'a planted fake is refused');

$node->stop;
done_testing();
