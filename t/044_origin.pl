# What retention changes carries a replication origin, so that whoever decodes the
# WAL can tell it from what the application did: test_decoding, wal2json and
# pgoutput. Nothing else of a session carries it, and where none can be had the
# rows go all the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('origin', conf => "max_replication_slots = 10\nprivacy_retention.lock_timeout = 0\n");

sub sql { return $node->safe_psql('postgres', @_); }

sql(<<'EOS');
SELECT retention.set_category('visits', '1 day', 'the visit');
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, name text);
CREATE TABLE other (id int PRIMARY KEY, seen timestamptz);
CREATE INDEX ON visit (seen);
CREATE INDEX ON other (seen);
SELECT retention.label('visit', 'visits, from seen, then delete'), retention.label('other', 'visits, from seen, then delete');
SELECT retention.protect('visit'), retention.protect('other');
INSERT INTO visit VALUES (1, now() - interval '2 days', 'name');
CALL retention.enforce('visit');
EOS
is(sql('SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM pg_replication_origin)'), '0|0',
	'where nothing is decoded, no origin is made');

$node->append_conf('postgresql.conf', "wal_level = logical\ntrack_commit_timestamp = on\n");
$node->restart;

# What comes from another server bears the time of its clock, which may be ahead.
sql(<<'EOS');
CALL retention.enforce();
SELECT pg_replication_origin_create('elsewhere'), pg_replication_origin_session_setup('elsewhere');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/1', now() + interval '1 hour');
CREATE TABLE elsewhere ();
COMMIT;
EOS
sql('CALL retention.enforce()');
is(sql('SELECT back_since IS NULL FROM retention.pass_clock'), 't',
	'commits that came from elsewhere say nothing about the clock here');
sql(q{SELECT pg_replication_origin_drop('elsewhere')});

sql('CREATE PUBLICATION visits FOR TABLE visit, other');
my $began = sql('SELECT now()');
sql("SELECT pg_create_logical_replication_slot('$_', '$_')") foreach qw(test_decoding pgoutput);
# newer minors want to hear that others are trusted
if (sql(q{SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'}) eq '1')
{
	sql(q{ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding, wal2json});
	$node->reload;
}
my ($missing) = $node->psql('postgres', q{SELECT pg_create_logical_replication_slot('wal2json', 'wal2json')});

# What the plugin says, lines of one slot, consumed.
sub decoded
{
	my ($options, $peek) = @_;
	my $function = $peek ? 'pg_logical_slot_peek_changes' : 'pg_logical_slot_get_changes';
	return sql("SELECT data FROM $function('test_decoding', NULL, NULL, 'include-xids', '0'$options)");
}

# A user's statements before and after the pass are the user's
sql(<<'EOS');
INSERT INTO visit SELECT n, now() - interval '2 days', 'due' FROM generate_series(1, 5) n;
CALL retention.enforce('visit');
INSERT INTO visit VALUES (6, now(), 'after');
EOS
my $all = decoded(", 'include-timestamp', '1'", 1);
is(() = $all =~ /public\.visit: DELETE/g, 5, 'test_decoding: five rows go');
cmp_ok(() = $all =~ /retention\.ledger: INSERT/g, '>', 0, 'with evidence');
my @times = $all =~ /^COMMIT \(at (.*)\)$/mg;
is(sql("SELECT bool_and(t::timestamptz BETWEEN '$began' AND now()) FROM unnest(ARRAY[" . join(',', map { "'$_'" } @times) . ']) t'),
	't', 'each transaction has a commit time of its own');
is(sql("SELECT count(*) > 3 AND bool_and(t >= lag) FROM (SELECT t, lag(t) OVER () FROM (SELECT t::timestamptz FROM unnest(ARRAY["
		  . join(',', map { "'$_'" } @times) . ']) t) t) t'), 't', 'in their order');
my $local = decoded(", 'only-local', '1'");
unlike($local, qr/DELETE|retention\.ledger|rule_state/, 'only-local: without the retention');
is(() = $local =~ /public\.visit: INSERT/g, 6, 'and with all that the user wrote');
is(sql('SELECT roname FROM pg_replication_origin'), 'privacy_retention', 'by one origin');

my $messages = sql(<<'EOS');
SELECT count(*) FILTER (WHERE get_byte(data, 0) = ascii('O') AND position('\x707269766163795f726574656e74696f6e00'::bytea IN data) > 0),
	count(*) FILTER (WHERE get_byte(data, 0) = ascii('D')), count(*) FILTER (WHERE get_byte(data, 0) = ascii('I'))
FROM pg_logical_slot_get_binary_changes('pgoutput', NULL, NULL, 'proto_version', '1', 'publication_names', 'visits')
EOS
is($messages, '1|5|6', 'pgoutput: the transaction with the deletions names the origin');

SKIP:
{
	skip 'wal2json is not installed', 3 if $missing;
	my $id = sql('SELECT roident FROM pg_replication_origin');
	my $peek = q{FROM pg_logical_slot_peek_changes('wal2json', NULL, NULL, 'format-version', '2', 'filter-tables', 'retention.*'};
	is(sql("SELECT string_agg(DISTINCT (data::json) ->> 'action', ' ') $peek, 'include-origin', '1') WHERE (data::json) ->> 'origin' = '$id'"),
		'B C D', 'wal2json: include-origin names it, and the transaction');
	is(sql("SELECT count(*) $peek, 'include-origin', '1') WHERE (data::json) ->> 'action' = 'I' AND (data::json) ->> 'origin' IS DISTINCT FROM '0'"
			. " AND (data::json) ->> 'origin' IS NOT NULL"), '0', 'none of the user');
	is(sql("SELECT string_agg(DISTINCT (data::json) ->> 'action', ' ') $peek, 'filter-origins', '$id')"), 'B C I', 'filter-origins leaves it out');
}

# A pass that fails leaves nothing behind
my (undef, undef, $error) = $node->psql('postgres', <<'EOS', on_error_stop => 0);
INSERT INTO visit VALUES (7, now() - interval '2 days', 'due');
ALTER TABLE retention.ledger RENAME TO elsewhere;
CALL retention.enforce('visit');
INSERT INTO visit VALUES (8, now(), 'after the error');
ALTER TABLE retention.elsewhere RENAME TO ledger;
EOS
like($error, qr/relation "?retention\.ledger"? does not exist/, 'a pass fails');
like(decoded(", 'only-local', '1'"), qr/after the error/, 'what comes after it is the user\'s');
is(sql(q{SELECT pg_replication_origin_session_setup('privacy_retention')}), '', 'and the origin is free');

# Switched off
sql(q{INSERT INTO visit VALUES (30, now() - interval '2 days', 'due')});
sql(q{SET privacy_retention.replication_origin = off; CALL retention.enforce('visit')});
like(decoded(", 'only-local', '1'"), qr/public\.visit: DELETE/, 'replication_origin = off: not marked');

# An origin that somebody has set stays
is(sql(<<'EOS'), "\n\nt", 'a session\'s own origin stays set');
SELECT pg_replication_origin_create('mine') \gset
SELECT pg_replication_origin_session_setup('mine');
CALL retention.enforce('visit');
SELECT pg_replication_origin_session_reset();
SELECT pg_replication_origin_session_setup('mine') IS NOT NULL;
EOS
unlike(decoded(", 'only-local', '1'"), qr/DELETE/, 'and marks the pass');
sql(q{SELECT pg_replication_origin_drop('mine')});

# Published without a replica identity: said, and not silently kept
sql(q{CREATE TABLE bare (seen timestamptz); CREATE INDEX ON bare (seen); SELECT retention.label('bare', 'visits, from seen, then delete');
	SELECT retention.protect('bare'); INSERT INTO bare VALUES (now() - interval '2 days'); CREATE PUBLICATION bare FOR TABLE bare});
sql('CALL retention.enforce()');
is(sql(q{SELECT b.sqlstate, s.state FROM retention.blocked b, retention.status s WHERE s.relation = 'bare'::regclass}), '55000|blocked',
	'rows that the server does not let go are blocked');
sql('DROP TABLE bare');

# Two passes at once: each has one
sql(q{INSERT INTO visit VALUES (9, now() - interval '2 days', 'locked'); INSERT INTO other VALUES (1, now() - interval '2 days')});
sql(q{BEGIN; SELECT FROM visit WHERE id = 9 FOR UPDATE; PREPARE TRANSACTION 'hold'});
my $pass = $node->background_psql('postgres');
$pass->query_until(qr/begun/, "\\echo begun\nCALL retention.enforce('visit');\n");
RetentionNode::poll($node, q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CALL%'});
decoded('');
sql(q{CALL retention.enforce('other')});
unlike(decoded(", 'only-local', '1'", 1), qr/DELETE/, 'a second pass at the same time is marked');
like(decoded(''), qr/public\.other: DELETE/, 'and removes its rows');
is(sql('SELECT string_agg(roname, \' \' ORDER BY roname) FROM pg_replication_origin'), 'privacy_retention privacy_retention_2',
	'by an origin of its own');
sql(q{ROLLBACK PREPARED 'hold'});
$pass->quit;
RetentionNode::poll($node, 'SELECT count(*) = 0 FROM visit WHERE id = 9');
unlike(decoded(", 'only-local', '1'"), qr/DELETE/, 'so is the first');

# What counts the places for origins, from 18 on apart from those for slots
my $places = $node->pg_version < 18 ? 'max_replication_slots' : 'max_active_replication_origins';

# No place is free: rows go, the log says it once, for all sessions and workers
sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
sql('SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin');
sql(q{SELECT pg_replication_origin_create('taken')});
sql(q{SELECT pg_replication_origin_advance('taken', '0/1')});
$node->stop;
$node->append_conf('postgresql.conf', "$places = 1\nshared_preload_libraries = 'privacy_retention'\nprivacy_retention.naptime = 1\n");
my $offset = RetentionNode::log_size($node);
$node->start;
foreach my $n (10 .. 12)
{
	sql("INSERT INTO visit VALUES ($n, now() - interval '2 days', 'due')");
	sql('CALL retention.enforce()');
	ok(RetentionNode::poll($node, "SELECT count(*) = 0 FROM visit WHERE id = $n"), "no origin is free: row $n goes");
}
my $log = RetentionNode::log_since($node, $offset);
is(() = $log =~ /go out without a replication origin/g, 1, 'the log says so once');
like($log, qr/HINT:  Raise $places, or/, 'and what helps');
my $finding = q{SELECT count(*) FROM retention.check() WHERE object = 'replication origins' AND finding ~ 'without a replication origin'};
is(sql($finding), '1', 'check() finds it');

# The worker's changes are marked
sql(q{SELECT pg_replication_origin_drop('taken')});
$node->stop;
$node->append_conf('postgresql.conf', "$places = 10\n");
$node->start;
sql(q{SELECT pg_create_logical_replication_slot('test_decoding', 'test_decoding')});
sql(q{INSERT INTO visit VALUES (20, now() - interval '2 days', 'due'); SELECT retention.wake()});
ok(RetentionNode::poll($node, 'SELECT count(*) = 0 FROM visit WHERE id = 20'), 'the worker removes a row');
is(sql($finding), '0', 'check() is content');
like(decoded('', 1), qr/public\.visit: DELETE/, 'which is decoded');
unlike(decoded(", 'only-local', '1'"), qr/DELETE/, 'and marked');

$node->stop;
done_testing();
