# Point-in-time recovery goes on by itself: the server is the one that made the
# promise, on another timeline. What was deleted after the point is back, due, and
# goes again, with evidence; what was changed after it holds no more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $conf = "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\n";
my $primary = RetentionNode->make('primary', archiving => 1, streaming => 1, conf => $conf);
$primary->backup('base');

$primary->safe_psql('postgres', <<'EOS');
SELECT retention.create_key();
SELECT retention.set_category('visits', '1 mon', 'the visit'), retention.set_category('names', '7 days', 'the visit');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON visit (seen);
CREATE TABLE halted (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON halted (seen);
INSERT INTO visit SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day', 'name' FROM generate_series(1, 30) n;
INSERT INTO visit VALUES (31, 'infinity', 'kept');
INSERT INTO halted SELECT n, timestamptz '2024-01-01 00:00:00+00' FROM generate_series(1, 3) n;
SELECT retention.label('visit', 'from seen; visits, then delete'), retention.label('visit', 'names, then pseudonymise', '{name}'),
	retention.label('halted', 'visits, from seen, then delete');
SELECT retention.protect('visit', at_most => 100), retention.protect('halted', at_most => 3);
SELECT retention.pause('halted', now() + interval '1 day', 'a complaint');
SELECT retention.suspend('visit', 'id = 31', 'a trial', current_date + 90, 'counsel');
CALL retention.enforce('visit', '2024-02-05 00:00:00+00');
SELECT pg_create_restore_point('here');
EOS
my %same = (
	rows => 'SELECT * FROM visit ORDER BY id',
	labels => q{SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'privacy_retention' ORDER BY 1, 2},
	rules => 'SELECT relation, column_name, category, period, start, condition, action, valid, problem FROM retention.rule ORDER BY 1, 2',
	categories => 'SELECT * FROM retention.data_category ORDER BY 1',
	suspensions => 'SELECT id, relation, condition, lifted_at, in_force, problem FROM retention.suspension',
	ledger => 'SELECT * FROM retention.ledger ORDER BY id');
my %before = map { $_ => $primary->safe_psql('postgres', $same{$_}) } keys %same;
my $rows = $primary->safe_psql('postgres', 'SELECT count(*) FROM visit');
is($rows, '27', 'the point is after some rows have gone');
unlike($before{rows}, qr/^28\|.*name$/m, 'and names have changed');

# afterwards: all rows go, protection is taken away, a period is shortened
$primary->safe_psql('postgres', <<'EOS');
CALL retention.enforce('visit');
SELECT retention.lift_suspension(id, 'over') FROM retention.suspension;
SELECT retention.unprotect('visit'), retention.set_category('visits', '1 day');
UPDATE visit SET name = 'changed' WHERE id = 31;
SELECT pg_switch_wal();
EOS
is($primary->safe_psql('postgres', 'SELECT count(*) FROM visit'), '1', 'then all have gone');
$primary->stop;

# Recovered on a server without the worker: nothing goes by itself, all is there
sub recovered
{
	my ($name, $more) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "recovery_target_name = 'here'\nrecovery_target_action = 'promote'\n"
		  . "privacy_retention.key_directory = '" . RetentionNode::keys('primary') . "'\n$more");
	$node->start;
	ok(RetentionNode::poll($node, 'SELECT pg_is_in_recovery()', 'f'), "$name: recovery ends");
	is($node->safe_psql('postgres', 'SELECT timeline_id > 1 FROM pg_control_checkpoint()'), 't', "$name: on another timeline")
	  if $node->safe_psql('postgres', 'CHECKPOINT; SELECT 1');
	return $node;
}

my $quiet = recovered('quiet', '');
is($quiet->safe_psql('postgres', $same{$_}), $before{$_}, "$_ are those of the point") foreach sort keys %same;
is($quiet->safe_psql('postgres', q{SELECT count(*) FROM retention.status WHERE state IN ('waiting', 'invalid')}), '0',
	'nothing waits to be adopted');
is($quiet->safe_psql('postgres', 'SELECT ok, problem FROM retention.verify_ledger()'), 't|', 'the ledger is whole');
$quiet->safe_psql('postgres', 'CALL retention.enforce()');
is($quiet->safe_psql('postgres', 'SELECT id, retention.is_pseudonym(name) FROM visit'), '31|f', 'a pass does what is due, again');
is($quiet->safe_psql('postgres', q{SELECT relation, sum(rows) FROM retention.ledger WHERE event = 'batch' AND action = 'delete' GROUP BY 1}),
	'public.visit|30', 'with evidence');
is($quiet->safe_psql('postgres', 'SELECT count(*) FROM halted'), '3', 'what is paused stays');
my (undef, undef, $refused) = $quiet->psql('postgres', q{UPDATE visit SET name = 'changed' WHERE id = 31});
like($refused, qr/ERROR:.*suspension/, 'what was held is held again');
is($quiet->safe_psql('postgres', 'SELECT ok, unsealed FROM retention.verify_ledger()'), 't|0', 'and the chain goes on');
$quiet->stop;

my $busy = recovered('busy', "shared_preload_libraries = 'privacy_retention'\n");
ok(RetentionNode::poll($busy, 'SELECT count(*) FROM visit', '1'), 'with the worker: by itself');
is($busy->safe_psql('postgres', 'SELECT count(*) FROM halted'), '3', 'what is paused stays here, too');
ok(RetentionNode::poll($busy, 'SELECT ok AND unsealed = 0 FROM retention.verify_ledger()'), 'and the chain goes on');

# A clone that shall keep its rows: the documented switch
my $clone = recovered('clone', "shared_preload_libraries = 'privacy_retention'\nprivacy_retention.enabled = off\n");
ok(RetentionNode::poll($clone, q{SELECT state = 'off' FROM retention.worker WHERE datname = 'postgres'}), 'privacy_retention.enabled = off');
is($clone->safe_psql('postgres', $same{rows}), $before{rows}, 'keeps the rows');
$_->stop foreach $busy, $clone;
done_testing();
