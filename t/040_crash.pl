
# No change without evidence and no evidence without change: in a pass that is
# killed in the middle of a batch, under load, the rows that are gone are exactly
# those that the ledger tells of.  The next pass goes on where it was.
#
#	RETENTION_CRASHES	how many kills (default 4)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $crashes = $ENV{RETENTION_CRASHES} // 4;
# enough that the last kill, too, comes in the middle
my $due = $crashes > 4 ? 1000 * $crashes : 4000;
my $live = 500;

my $node = RetentionNode->make('crash', conf => <<'EOC');
privacy_retention.batch_rows = 40
privacy_retention.batch_time = 1
privacy_retention.lock_timeout = 0
restart_after_crash = on
EOC

# The triggers stop a pass in the middle of a batch, at row "stop.id": they wait
# for an advisory lock that a session of the test holds.
$node->safe_psql('postgres', <<"EOS");
CREATE TABLE visit (id bigint PRIMARY KEY, seen timestamptz NOT NULL, note text);
CREATE INDEX ON visit (seen);
CREATE TABLE page (visit_id bigint NOT NULL REFERENCES visit ON DELETE CASCADE, url text);
CREATE INDEX ON page (visit_id);
CREATE TABLE host (id bigint, seen timestamptz, name text);
CREATE INDEX ON host (seen);
CREATE TABLE stop (id bigint);
CREATE TABLE loaded (visits bigint);
INSERT INTO visit SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second', 'due'
	FROM generate_series(1, $due) n;
INSERT INTO visit SELECT -n, '2099-06-01 00:00:00+00', 'live' FROM generate_series(1, $live) n;
INSERT INTO page SELECT id, 'url' FROM visit;
INSERT INTO host SELECT id, seen, 'name' FROM visit;
CREATE FUNCTION wait_at_stop() RETURNS trigger LANGUAGE plpgsql AS
	\$\$BEGIN
		IF OLD.id = (SELECT id FROM public.stop) THEN PERFORM pg_advisory_xact_lock_shared(1); END IF;
		IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
		RETURN OLD;
	END\$\$;
CREATE TRIGGER wait_at_stop BEFORE DELETE ON visit FOR EACH ROW EXECUTE FUNCTION wait_at_stop();
CREATE TRIGGER wait_at_stop BEFORE UPDATE ON host FOR EACH ROW EXECUTE FUNCTION wait_at_stop();
SELECT retention.set_category('visits', '1 mon', 'the event');
SELECT retention.label('visit', 'visits, from seen, then delete');
SELECT retention.label('host', 'no personal data', ARRAY['id', 'seen']::name[]);
SELECT retention.label('host', 'visits, from seen, then set null', ARRAY['name']::name[]);
SELECT retention.protect('visit', at_most => $due);
SELECT retention.protect('host', at_most => $due);
EOS

my $as_of = '2024-06-01 00:00:00+00';

# One row of differences, all of them zero if change and evidence agree.
my $audit = <<"EOS";
SELECT $due + $live + (SELECT coalesce(sum(visits), 0) FROM loaded) - (SELECT count(*) FROM visit)
	- (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.visit'),
	(SELECT count(*) FROM host WHERE name IS NULL)
	- (SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.host'),
	(SELECT count(*) FROM page p WHERE NOT EXISTS (SELECT FROM visit v WHERE v.id = p.visit_id)),
	(SELECT count(*) FROM visit WHERE note = 'live') - $live
	- (SELECT coalesce(sum(visits), 0) FROM loaded)
EOS

sub evidence_is_even
{
	my ($name) = @_;
	is($node->safe_psql('postgres', $audit), '0|0|0|0', "$name: change and evidence agree");
	return;
}

# psql in the background, which stays connected until it is finished; its errors
# are of no interest.
sub background
{
	my ($sql) = @_;
	my ($in, $out, $err) = ("$sql;\n", '', '');
	my $run = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', '-' ],
		'<', \$in, '>', \$out, '2>', \$err);
	$run->pump_nb;
	return $run;
}

# A load that inserts and updates live rows and writes down how many, in the same
# transaction.
my $load = <<'EOS';
DO $$DECLARE n bigint := (SELECT min(id) - 1 FROM visit);
BEGIN
	LOOP
		INSERT INTO visit VALUES (n, '2099-06-01 00:00:00+00', 'live');
		INSERT INTO loaded VALUES (1);
		UPDATE page SET url = 'new' WHERE visit_id = n + 5;
		n := n - 1;
		COMMIT;
		EXIT WHEN n < -20000;
	END LOOP;
END$$
EOS

evidence_is_even('before');
my $told = 0;
foreach my $n (1 .. $crashes)
{
	# an odd kill stops in the rows, an even one in the column
	my ($table, $step) = $n % 2 ? ('visit', 211) : ('host', 173);
	my $stop = $n * $step;
	$node->safe_psql('postgres', "DELETE FROM stop; INSERT INTO stop VALUES ($stop)");
	my $holder = background('SELECT pg_advisory_lock(1)');
	ok(RetentionNode::poll($node,
			"SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND objid = 1"),
		"kill $n: the gate is shut");
	my $loader = background($load);
	my $pass = background("CALL retention.enforce('$table', as_of => '$as_of')");
	ok(RetentionNode::poll($node,
			"SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 1"),
		"kill $n: the pass is in the middle of a batch of $table");
	my $pid = $node->safe_psql('postgres',
		"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 1");
	# batches commit asynchronously: those before it are on disk once this is
	$node->safe_psql('postgres', q{SELECT pg_logical_emit_message(true, 'flush', '')});
	if ($n % 4 < 2)
	{
		# the pass must not see that the gate opens as its holder dies
		kill 'STOP', $pid;
		$node->kill9;
	}
	kill 'KILL', $pid;
	eval { $_->finish } foreach $holder, $loader, $pass;
	if ($n % 4 < 2)
	{
		ok(RetentionNode::start_again($node), "kill $n: the server starts");
	}
	else
	{
		ok(RetentionNode::poll($node, 'SELECT true'), "kill $n: the server is back");
	}
	evidence_is_even("kill $n");
	my $now = $node->safe_psql('postgres', "SELECT coalesce(sum(rows), 0) FROM retention.ledger WHERE event = 'batch'");
	cmp_ok($now, '>', $told, "kill $n: the batches before it stay done");
	$told = $now;
	is($node->safe_psql('postgres', "SELECT count(*) FROM $table WHERE id = $stop"), '1',
		"kill $n: the row that was in the open batch is there");
	is($node->safe_psql('postgres', 'SELECT ok FROM retention.verify_ledger()'), 't', "kill $n: the chain holds");
}

$node->safe_psql('postgres', 'DELETE FROM stop');
$node->safe_psql('postgres', "CALL retention.enforce(as_of => '$as_of')");
evidence_is_even('after');
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE note = 'due') FROM visit"), '0', 'all that was due is gone');
is($node->safe_psql('postgres', 'SELECT count(*) FROM host WHERE id > 0 AND name IS NOT NULL'), '0', 'all values, too');
is($node->safe_psql('postgres', 'SELECT count(*) FROM host WHERE id < 0 AND name IS NULL'), '0', 'and no other');
is($node->safe_psql('postgres', 'SELECT ok, unsealed FROM retention.verify_ledger()'), 't|0', 'the chain holds and is sealed');
my $entries = $node->safe_psql('postgres', "SELECT count(*) FROM retention.ledger WHERE event = 'batch'");
$node->safe_psql('postgres', "CALL retention.enforce(as_of => '$as_of')");
is($node->safe_psql('postgres', "SELECT count(*) FROM retention.ledger WHERE event = 'batch'"), $entries, 'a second pass does nothing');
is($node->safe_psql('postgres', 'SELECT count(*) FROM retention.blocked'), '0', 'nothing is blocked');

$node->stop;
done_testing();
