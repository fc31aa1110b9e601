# pg_upgrade, by copies and by links, from and to a server with the worker: labels,
# rules, guards, ledger and keys stay, and everything goes on without adopt(),
# because databases and tables keep their numbers.

use strict;
use warnings;

use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

# The worker of the old one has no time to act: it is off until the upgrade.
my $old = RetentionNode->make('old', preload => 1, extension => 0,
	conf => "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nprivacy_retention.enabled = off\n");
my $db = 'the "shop"';
$old->safe_psql('postgres', 'CREATE DATABASE "the ""shop"""; CREATE DATABASE watched');
$old->safe_psql('watched', 'CREATE EXTENSION privacy_retention');
$old->safe_psql($db, <<'EOS');
CREATE EXTENSION privacy_retention;
SET privacy_retention.enabled = on;
SELECT retention.create_key();
SELECT retention.set_category('visits', '1 mon', 'the visit'), retention.set_category('names', '7 days', 'the visit');
CREATE TABLE dropped (id int);
DROP TABLE dropped;
CREATE TABLE visit (gone int, id int PRIMARY KEY, seen timestamptz, name text);
ALTER TABLE visit DROP COLUMN gone;
CREATE INDEX ON visit (seen);
CREATE TABLE months (id int, seen timestamptz) PARTITION BY RANGE (seen);
CREATE TABLE months_old PARTITION OF months FOR VALUES FROM (MINVALUE) TO ('2100-01-01');
CREATE TABLE months_new PARTITION OF months DEFAULT;
CREATE INDEX ON months (seen);
CREATE TABLE "then, ""delete""" ("from" timestamptz);
CREATE INDEX ON "then, ""delete""" ("from");
INSERT INTO visit SELECT n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day', 'name' FROM generate_series(1, 30) n;
INSERT INTO visit VALUES (31, 'infinity', 'kept');
INSERT INTO months SELECT n, timestamptz '2024-01-01 00:00:00+00' FROM generate_series(1, 3) n;
INSERT INTO months VALUES (4, 'infinity');
INSERT INTO "then, ""delete""" VALUES ('2024-01-01 00:00:00+00');
SELECT retention.label('visit', 'from seen; visits, then delete'), retention.label('visit', 'names, then pseudonymise', '{name}'),
	retention.label('months', 'visits, from seen, then delete'), retention.label('"then, ""delete"""', 'visits, from "from", then delete');
SELECT retention.protect('visit', at_most => 100), retention.protect('months', at_most => 3);
SELECT retention.suspend('months', 'id = 2', 'a trial', current_date + 90, 'counsel');
CALL retention.enforce('visit', '2024-02-05 00:00:00+00');
EOS
my %same = (
	rows => 'SELECT * FROM visit ORDER BY id',
	partitions => 'SELECT tableoid::regclass, * FROM months ORDER BY id',
	labels => q{SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'privacy_retention' ORDER BY 1, 2},
	rules => 'SELECT relation, column_name, category, period, start, condition, action, valid, problem FROM retention.rule ORDER BY 1, 2',
	categories => 'SELECT * FROM retention.data_category ORDER BY 1',
	triggers => q{SELECT tgrelid::regclass, tgname, tgenabled, tgargs FROM pg_trigger WHERE tgname LIKE 'zz\_%' ORDER BY 1, 2},
	'event triggers' => q{SELECT evtname, evtevent, evtenabled, evttags FROM pg_event_trigger WHERE evtname LIKE 'privacy%' ORDER BY 1},
	members => q{SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		WHERE e.extname = 'privacy_retention' AND deptype = 'e' ORDER BY 1},
	'dumped tables' => q{SELECT c::regclass::text, i FROM pg_extension e, unnest(extconfig, extcondition) AS u(c, i) WHERE extname = 'privacy_retention' ORDER BY 1},
	suspensions => 'SELECT * FROM retention.suspension',
	ledger => 'SELECT * FROM retention.ledger ORDER BY id',
	key => 'SELECT epoch, state FROM retention.key ORDER BY 1',
	state => q{SELECT relation, column_name, stage, digest, rows_done FROM retention.rule_state ORDER BY 1, 2, 3});
my %before = map { $_ => $old->safe_psql($db, $same{$_}) } keys %same;
like($before{triggers}, qr/months_new\|zz_privacy_retention\|A/, 'there is something to keep');
like($before{ledger}, qr/batch/, 'and evidence');
my $pseudonym = $old->safe_psql($db, q{SELECT retention.pseudonym('name'::text, 'names')});
$old->stop;

my $work = "${PostgreSQL::Test::Utils::tmp_check}/pg_upgrade";
mkdir $work;
foreach my $mode ('copy', 'link')
{
	my $new = RetentionNode->make("new_$mode", preload => 1, start => 0, keys => 'old',
		conf => "privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nprivacy_retention.enabled = off\n");
	my $back = getcwd();
	my $bindir = $new->config_data('--bindir');
	chdir $work or die;
	# with its worker on: while it upgrades, nothing may happen
	$new->append_conf('postgresql.conf', "privacy_retention.enabled = on\n");
	command_ok([ 'pg_upgrade', '--no-sync', $mode eq 'link' ? '--link' : (), '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
			'-s', $new->host, '-p', $old->port, '-P', $new->port ], "pg_upgrade $mode");
	chdir $back or die;
	$new->append_conf('postgresql.conf', "privacy_retention.enabled = off\n");
	$new->start;
	is($new->safe_psql($db, $same{$_}), $before{$_}, "$mode: $_ are the same") foreach sort keys %same;
	is($new->safe_psql($db, q{SELECT retention.pseudonym('name'::text, 'names')}), $pseudonym, "$mode: so are tokens");
	is($new->safe_psql($db, q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM retention.status}),
		$new->safe_psql($db, q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM retention.status WHERE state NOT IN ('waiting', 'invalid')}),
		"$mode: nothing waits to be adopted, nothing is invalid");
	is($new->safe_psql($db, 'SELECT ok, problem FROM retention.verify_ledger()'), 't|', "$mode: the ledger is whole");
	$new->append_conf('postgresql.conf', "privacy_retention.enabled = on\n");
	$new->reload;
	ok(RetentionNode::poll($new, 'SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM months), (SELECT count(*) FROM "then, ""delete""")', '1|2|1', db => $db),
		"$mode: the worker goes on by itself, and leaves what is watched");
	ok(RetentionNode::poll($new, 'SELECT ok AND unsealed = 0 FROM retention.verify_ledger()', 't', db => $db), "$mode: so does the chain");
	is($new->safe_psql($db, q{SELECT count(*) - count(DISTINCT id) FROM retention.ledger}), '0', "$mode: and the entries' numbers");
	my (undef, undef, $refused) = $new->psql($db, 'DELETE FROM months');
	like($refused, qr/ERROR:.*suspension/, "$mode: what is held stays");
	$new->safe_psql($db, q{SELECT retention.lift_suspension(id, 'over') FROM retention.suspension});
	ok(RetentionNode::poll($new, 'SELECT count(*) FROM months', '1', db => $db), "$mode: until it is lifted");
	is($new->safe_psql($db, q{SELECT retention.unprotect('visit'), retention.unprotect('months'), retention.uninstall()}), '||', "$mode: protection can be ended");
	is($new->safe_psql($db, q{DROP EXTENSION privacy_retention; SELECT count(*) FROM pg_event_trigger}), '0', "$mode: and the extension dropped");
	$new->stop;
}
done_testing();
