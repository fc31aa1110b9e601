# Guards where rows do not come from a session of the same database: a publisher's
# rows pass, prepared transactions tell passes what they wrote, a copy of the
# database waits, and a worker is woken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $tables = <<'EOS';
SELECT retention.set_category('visits', '1 mon', 'the visit'), retention.set_category('addresses', '7 days', 'the visit');
CREATE TABLE event (id int PRIMARY KEY, ended timestamptz);
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, address text, event_id int REFERENCES event);
CREATE INDEX ON visit (seen);
SELECT retention.label('visit', 'visits, from seen, then delete');
SELECT retention.label('visit', 'addresses, from seen, then set null', '{address}');
SELECT retention.label('visit', 'visits, from event_id -> ended, then set null', '{event_id}');
SELECT retention.protect('visit');
EOS
my $publisher = RetentionNode->make('publisher', streaming => 1, conf => "wal_level = logical\n");
my $subscriber = RetentionNode->make('subscriber', preload => 1,
	conf => "privacy_retention.naptime = 3600\nwal_retrieve_retry_interval = 200ms\nmax_prepared_transactions = 5\n");
sub ask { return $subscriber->safe_psql('postgres', @_); }
sub poll { return RetentionNode::poll($subscriber, @_); }

# What a publisher sends has been judged there.
$publisher->safe_psql('postgres', <<'EOS');
CREATE TABLE event (id int PRIMARY KEY, ended timestamptz);
CREATE TABLE visit (id int PRIMARY KEY, seen timestamptz, address text, event_id int);
CREATE PUBLICATION all_of_it FOR TABLE visit, event;
INSERT INTO event VALUES (1, now() - interval '1 day');
INSERT INTO visit VALUES (1, now() - interval '8 days', 'copied');
EOS
ask($tables);
my $connection = $publisher->connstr('postgres') =~ s/'/''/gr;
ask("CREATE SUBSCRIPTION incoming CONNECTION '$connection' PUBLICATION all_of_it");
ok(poll('SELECT count(*) FROM visit', 1), 'rows are copied');
$publisher->safe_psql('postgres', <<'EOS');
INSERT INTO visit VALUES (2, now() - interval '8 days', 'applied');
UPDATE visit SET address = 'written back' WHERE id = 1;
UPDATE visit SET seen = NULL WHERE id = 2;
UPDATE event SET ended = NULL;
INSERT INTO visit VALUES (3, now(), 'the last');
EOS
ok(poll('SELECT count(*) FROM visit', 3), 'rows are applied');
is(ask('SELECT id, address, seen IS NULL FROM visit ORDER BY id'), "1|written back|f\n2|applied|t\n3|the last|f",
	'late rows and moved clocks of the publisher pass');
is(ask('SELECT ended IS NULL FROM event'), 't', 'also in a parent');
is(ask(q{SELECT count(*) FROM retention.ledger WHERE event = 'clock'}), 0, 'which is nobody\'s decision here');
ask('ALTER SUBSCRIPTION incoming DISABLE; ALTER SUBSCRIPTION incoming SET (slot_name = NONE); DROP SUBSCRIPTION incoming');

# A session writes what the applied rows may not have been.
is(ask(q{UPDATE visit SET address = 'again' WHERE id = 1 RETURNING address IS NULL}), 't', 'sessions are judged');

# Prepared transactions: the record is there when they are committed.
ask('TRUNCATE visit');
ask(q{CALL retention.enforce()});
ask(q{UPDATE retention.rule_state SET swept_at = clock_timestamp() + interval '1 hour', sweep_cost = 1000000});
ask(q{BEGIN; INSERT INTO visit VALUES (4, now() - interval '60 days', 'prepared'); PREPARE TRANSACTION 'late'});
is(ask('SELECT count(*) FROM retention.late_write'), 0, 'nothing is told before');
ask(q{CALL retention.enforce()});
ask(q{COMMIT PREPARED 'late'});
is(ask('SELECT count(*) FROM retention.late_write'), 1, 'and at COMMIT PREPARED it is');
ask(q{CALL retention.enforce()});
is(ask('SELECT count(*) FROM visit'), 0, 'so the next pass finds the row');
ask(q{BEGIN; INSERT INTO visit VALUES (5, now() - interval '60 days', 'prepared'); PREPARE TRANSACTION 'late'});
ask(q{ROLLBACK PREPARED 'late'});
is(ask('SELECT count(*) FROM retention.late_write'), 0, 'ROLLBACK PREPARED tells nothing');

# The worker, which would come in an hour, is woken by a row that is late.
ask(q{INSERT INTO visit VALUES (6, now() - interval '60 days', 'late')});
ok(poll('SELECT count(*) FROM visit', 0), 'the worker is woken');

# A copy: its guards look at nothing until it is adopted.
ask(q{INSERT INTO visit VALUES (7, now() - interval '1 day', 'address')});
$subscriber->stop;
$subscriber->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$subscriber->start;
$subscriber->safe_psql('template1', 'CREATE DATABASE copied TEMPLATE postgres');
is($subscriber->safe_psql('copied', q{INSERT INTO visit VALUES (8, now() - interval '8 days', 'clear') RETURNING address}),
	'clear', 'the guard of a copy waits');
is($subscriber->safe_psql('copied', <<'EOS'), 't', 'and works once it is adopted');
SET client_min_messages = error;
DO $$BEGIN PERFORM retention.adopt('visit'); END$$;
INSERT INTO visit VALUES (9, now() - interval '8 days', 'clear') RETURNING address IS NULL;
EOS
is($subscriber->safe_psql('copied', q{SELECT split_part(encode(tgargs, 'escape'), '\000', 1) = oid_of.now
	FROM pg_trigger, (SELECT oid::text AS now FROM pg_database WHERE datname = current_database()) AS oid_of
	WHERE tgname = 'zz_privacy_retention_clock'}), 't', 'in parents, too');

done_testing();
