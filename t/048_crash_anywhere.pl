# Killed at any moment, with the worker, users and a suspension at work: what is
# gone is what the ledger tells of, held and live rows are there, and the worker
# goes on by itself.
#
#	RETENTION_CRASHES	how many times (default 4); half of them kill -9 of
#						all processes, half an immediate shutdown
#	RETENTION_SEED		of the moments (default: the process)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $crashes = $ENV{RETENTION_CRASHES} // 4;
my $seed = $ENV{RETENTION_SEED} // $$;
srand($seed);
note("RETENTION_SEED=$seed");

my $node = RetentionNode->make('anywhere', preload => 1, conf => <<'EOC');
privacy_retention.naptime = 1
privacy_retention.largest_share = 100
privacy_retention.batch_rows = 10
privacy_retention.batch_time = 1
privacy_retention.duty_cycle = 100
restart_after_crash = on
wal_writer_delay = 10ms
EOC

# Of the visits that fall due, every tenth is held; the pages of a visit go with it.
$node->safe_psql('postgres', <<'EOS');
CREATE TABLE visit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, seen timestamptz NOT NULL, kind text NOT NULL);
CREATE INDEX ON visit (seen);
CREATE TABLE page (visit_id bigint NOT NULL REFERENCES visit ON DELETE CASCADE, url text);
CREATE INDEX ON page (visit_id);
CREATE TABLE host (id bigint GENERATED ALWAYS AS IDENTITY, seen timestamptz NOT NULL, name text);
CREATE INDEX ON host (seen);
CREATE TABLE written (kind text, visits bigint, hosts bigint);
SELECT retention.set_category('visits', '1 hour', 'the visit');
SELECT retention.label('visit', 'visits, from seen, then delete');
SELECT retention.label('host', 'no personal data', ARRAY['id', 'seen']::name[]);
SELECT retention.label('host', 'visits, from seen, then set null', ARRAY['name']::name[]);
SELECT retention.protect('visit'), retention.protect('host');
SELECT retention.suspend('visit', 'kind = ''held''', 'a claim', current_date + 30, 'counsel');
EOS

# Writes visits that fall due within a second, some of them held, and live ones,
# and takes live ones away again: what it wrote is in the same transaction.
my $load = <<'EOS';
DO $$BEGIN
	FOR i IN 1 .. 100000 LOOP
		WITH v AS (
			INSERT INTO visit (seen, kind)
				SELECT CASE WHEN n % 10 < 7 THEN now() - interval '1 hour' + random() * interval '1 s' ELSE now() END,
					CASE WHEN n % 10 = 0 THEN 'held' WHEN n % 10 < 7 THEN 'due' ELSE 'live' END
				FROM generate_series(1, 10) n RETURNING id, kind),
		p AS (INSERT INTO page SELECT id, 'url' FROM v)
		INSERT INTO written SELECT kind, count(*), 0 FROM v GROUP BY kind;
		-- none of them due at once: the guard would change it as it is written, without an entry
		INSERT INTO host (seen, name) SELECT now() - interval '1 hour' + interval '1 ms' + random() * interval '1 s', 'name' FROM generate_series(1, 5);
		INSERT INTO written VALUES ('host', 0, 5);
		WITH d AS (DELETE FROM visit WHERE id IN (SELECT id FROM visit WHERE kind = 'live' ORDER BY id LIMIT 1) RETURNING 1)
		INSERT INTO written SELECT 'live', -count(*), 0 FROM d;
		COMMIT;
	END LOOP;
END$$;
EOS

# Differences, all of them zero if change and evidence agree and nothing wrong is gone.
my $audit = <<'EOS';
SELECT (SELECT coalesce(sum(visits), 0) FROM written) - (SELECT count(*) FROM visit)
	- (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.visit'),
	(SELECT count(*) FROM host WHERE name IS NULL)
	- (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.host'),
	(SELECT coalesce(sum(visits), 0) FROM written WHERE kind = 'held') - (SELECT count(*) FROM visit WHERE kind = 'held'),
	(SELECT coalesce(sum(visits), 0) FROM written WHERE kind = 'live') - (SELECT count(*) FROM visit WHERE kind = 'live'),
	(SELECT coalesce(sum(hosts), 0) FROM written) - (SELECT count(*) FROM host),
	(SELECT count(*) FROM page p WHERE NOT EXISTS (SELECT FROM visit v WHERE v.id = p.visit_id)),
	(SELECT count(*) FROM visit v WHERE NOT EXISTS (SELECT FROM page p WHERE v.id = p.visit_id))
EOS

sub start_load
{
	my ($in, $out, $err) = ($load, '', '');
	my $run = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', '-' ],
		'<', \$in, '>', \$out, '2>', \$err);
	$run->pump_nb;
	return $run;
}

my $gone = q{SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch'};

foreach my $n (1 .. $crashes)
{
	my $load_run = start_load();
	my $before = $node->safe_psql('postgres', $gone);
	my $least = $before + 1 + int(rand(300));

	ok(RetentionNode::poll($node, "SELECT ($gone) >= $least"), "kill $n: the worker is at work");
	if ($n % 2)
	{
		my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
		$node->kill9;
		kill 'KILL', @children;
	}
	else
	{
		$node->stop('immediate');
	}
	eval { $load_run->finish };
	ok(RetentionNode::start_again($node), "kill $n: the server starts");

	# One snapshot, in which the worker has done whole batches.
	is($node->safe_psql('postgres', $audit), '0|0|0|0|0|0|0', "kill $n: change and evidence agree");
	is($node->safe_psql('postgres', 'SELECT ok FROM retention.verify_ledger()'), 't', "kill $n: the chain holds");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.suspension WHERE in_force'), '1', "kill $n: the suspension holds");
	like(($node->psql('postgres', q{DELETE FROM visit WHERE kind = 'held'}))[2], qr/suspen/, "kill $n: for users, too");
}

ok(RetentionNode::poll($node, q{SELECT NOT EXISTS (SELECT FROM visit WHERE kind = 'due')
	AND NOT EXISTS (SELECT FROM host WHERE name IS NOT NULL)}), 'in the end all that was due is gone');
is($node->safe_psql('postgres', $audit), '0|0|0|0|0|0|0', 'and told');
$node->safe_psql('postgres', q{SELECT retention.lift_suspension(id, 'settled') FROM retention.suspension WHERE in_force});
ok(RetentionNode::poll($node, q{SELECT NOT EXISTS (SELECT FROM visit WHERE kind = 'held')}), 'and what was held, afterwards');
ok(RetentionNode::poll($node, 'SELECT ok AND unsealed = 0 FROM retention.verify_ledger()'), 'the chain holds and is sealed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.blocked'), '0', 'nothing is blocked');

$node->stop;
done_testing();
