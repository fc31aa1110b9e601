
# Nothing happens on a standby: it is read, and that works.  A promoted one goes
# on by itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $conf = "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nhot_standby = on\n";
# the primary has no worker at first: it does what it is told
my $primary = RetentionNode->make('primary', streaming => 1, conf => $conf);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "shared_preload_libraries = 'privacy_retention'\n");
$standby->start;

$primary->safe_psql('postgres', <<'EOS');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, name text);
CREATE INDEX ON visit (seen);
INSERT INTO visit SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day', 'name' FROM generate_series(1, 30) n;
INSERT INTO visit VALUES (31, 'infinity', 'name');
SELECT retention.set_category('visits', '1 mon', 'the event'), retention.set_category('names', '7 days', 'the event');
SELECT retention.label('visit', 'from seen; visits, then delete');
SELECT retention.label('visit', 'names, then set null', ARRAY['name']::name[]);
SELECT retention.protect('visit', at_most => 60);
CREATE TABLE held (id int, seen timestamptz);
INSERT INTO held VALUES (1, 'infinity'), (2, 'infinity');
SELECT retention.suspend('held', 'id = 1', 'a trial', current_date + 90, 'counsel');
EOS
$primary->wait_for_catchup($standby);

my $count = q{SELECT count(*), count(name) FROM visit};
is($standby->safe_psql('postgres', $count), '31|31', 'the standby has the rows');
# what it is asked, it answers
my %answers = (
	status => q{SELECT count(*), bool_and(due > 0) FROM retention.status},
	rule => q{SELECT count(*), bool_and(valid) FROM retention.rule},
	preview => q{SELECT count(*), bool_and(due > 0) FROM retention.preview()},
	'exact preview' => q{SELECT count(*), bool_and(due > 0) FROM retention.preview('visit', exact => true)},
	explain => q{SELECT count(*), bool_and(e.state = 'due') FROM visit v, retention.explain(v) e WHERE v.id = 1},
	category => q{SELECT count(*), count(*) = 2 FROM retention.data_category});
foreach my $what (sort keys %answers)
{
	is($standby->safe_psql('postgres', $answers{$what}), '2|t', "$what on a standby");
}
is($standby->safe_psql('postgres', 'SELECT ok FROM retention.verify_ledger()'), 't', 'verify_ledger() on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM retention.blocked'), '0', 'blocked on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM retention.suspension WHERE in_force'), '1', 'suspension on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) > 0 FROM retention.check()'), 't', 'check() on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) >= 0 FROM retention.progress'), 't', 'progress on a standby');

# what would change something, it refuses
my %orders = (
	enforce => q{CALL retention.enforce()},
	'enforce one table' => q{CALL retention.enforce('visit')},
	protect => q{SELECT retention.protect('visit')},
	unprotect => q{SELECT retention.unprotect('visit')},
	adopt => q{SELECT retention.adopt('visit')},
	label => q{SELECT retention.label('visit', NULL)},
	'set_category' => q{SELECT retention.set_category('visits', '1 day')});
foreach my $what (sort keys %orders)
{
	my ($status, $out, $err) = $standby->psql('postgres', $orders{$what});
	isnt($status, 0, "$what on a standby fails");
	like($err, qr/ERROR:.*(?:recovery|read-only|standby)/s, "$what on a standby says why");
}
is($standby->safe_psql('postgres', $count), '31|31', 'nothing has happened');

# a pass on the primary arrives, with its evidence
$primary->safe_psql('postgres', q{CALL retention.enforce(as_of => '2024-02-10 00:00:00+00')});
$primary->wait_for_catchup($standby);
is($primary->safe_psql('postgres', $count), '22|1', 'the primary has done what was due');
is($standby->safe_psql('postgres', $count), '22|1', 'the standby has it');
my $ledger = q{SELECT relation, column_name, sum(rows) FROM retention.ledger WHERE event = 'batch' GROUP BY 1, 2 ORDER BY 2};
is($standby->safe_psql('postgres', $ledger), $primary->safe_psql('postgres', $ledger), 'and the evidence');

# the worker of the standby has looked several times by now, if it looks at all
my $offset = RetentionNode::log_size($standby);
$primary->stop;
is($standby->safe_psql('postgres', $count), '22|1', 'a standby without its primary still waits');
$standby->promote;
ok(RetentionNode::poll($standby, $count, '1|1'), 'once promoted, its worker does what is due');
my (undef, undef, $refused) = $standby->psql('postgres', 'DELETE FROM held');
like($refused, qr/ERROR:.*suspension/, 'what is held stays held');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM retention.status WHERE state = 'waiting'}), '0', 'it waits for nobody');
ok(RetentionNode::poll($standby, q{SELECT ok AND unsealed = 0 FROM retention.verify_ledger()}), 'and the chain goes on');
unlike(RetentionNode::log_since($standby, $offset), qr/PANIC|FATAL: .*privacy_retention|terminated by signal/, 'without a stumble');

$standby->stop;
done_testing();
