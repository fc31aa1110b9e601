# What others of this kind got wrong, tried here: each subtest is named after a
# failure that was reported of a peer, or found in one, and ends with the right rows
# gone and the rest explained.
#
# Failures that have tests of their own:
#
#	code run as another owner, masking rules as text	sql/hostile, sql/identity
#	who may call what, functions found by search_path	sql/privileges, sql/install
#	DROP DATABASE, TEMPLATE, DROP EXTENSION beside a worker	t/051, specs/pairs
#	no free slot, restarts, settings that leak in		t/050, t/054
#	pg_upgrade with the library preloaded				t/046
#	locked rows and tables, rows changed under a pass	specs/locked_row, specs/pairs
#	kills in mid-batch, and anywhere					t/040, t/048
#	a clock that jumps, a rule that was widened			sql/jump, sql/brake
#	failovers, point-in-time recovery					t/042, t/045
#	a queue that falls behind where nobody looks		t/054, sql/health
#	restores: half loaded, in parallel, without preload	t/021, t/041
#	subscribers that delete twice, changes that cannot be told	t/043, t/044
#	labels that partitions and copies do not inherit	sql/ddl_attach, sql/ddl_unlabelled
#	forks of the ledger's chain							specs/seal
#	updates that differ from a fresh installation		t/047

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $node = RetentionNode->make('pitfalls', preload => 1, extension => 0,
	conf => "privacy_retention.naptime = 1\nprivacy_retention.enabled = off\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

# The message of a statement that fails, or '' if it did not.
sub error_of
{
	my ($statement, @options) = @_;
	my ($status, undef, $error) = $node->psql('postgres', $statement, @options);
	return $status == 0 ? '' : $error;
}

sub enforce
{
	my ($relation) = @_;
	return sql('SET privacy_retention.enabled = on; CALL retention.enforce(' . ($relation ? "'$relation'" : '') . ')');
}

sub visits
{
	my ($table, $label) = @_;
	return sql("SELECT retention.label('$table', '" . ($label // 'visits, from at, then delete') . "')");
}

# --- The install script

subtest 'the schema was there before, in the hands of an attacker' => sub {
	sql('CREATE ROLE mallory LOGIN; CREATE SCHEMA retention AUTHORIZATION mallory');
	like(error_of('CREATE EXTENSION privacy_retention'), qr/schema "retention" already exists/,
		'it is not adopted');
	sql('DROP SCHEMA retention');
};

subtest 'functions and operators planted in public (CVE-2020-14350)' => sub {
	sql(q{GRANT CREATE ON SCHEMA public TO mallory;
		SET ROLE mallory;
		CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''1999-01-01''::timestamptz';
		CREATE FUNCTION public.nullif(text, text) RETURNS text LANGUAGE plpgsql AS
			$$BEGIN ALTER ROLE mallory SUPERUSER; RETURN $1; END$$;
		CREATE FUNCTION public.same(text, name) RETURNS boolean LANGUAGE plpgsql AS
			$$BEGIN ALTER ROLE mallory SUPERUSER; RETURN true; END$$;
		CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = name, FUNCTION = public.same)});
	is(error_of('SET search_path = public, pg_catalog; CREATE EXTENSION privacy_retention'), '', 'it installs');
	sql(q{SET search_path = public, pg_catalog;
		SELECT retention.set_category('visits', '30 days', 'the visit');
		SELECT count(*) FROM retention.status; SELECT count(*) FROM retention.rule});
	is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'and nobody gained by it');
	sql('DROP OWNED BY mallory');
};

# --- Whose code runs

subtest 'triggers and index expressions run as superuser (CVE-2022-1552, pg_ttl_index)' => sub {
	sql(q{CREATE ROLE olga LOGIN; CREATE SCHEMA olga AUTHORIZATION olga;
		CREATE TABLE olga.visit (id int PRIMARY KEY, at timestamptz, note text); ALTER TABLE olga.visit OWNER TO olga;
		INSERT INTO olga.visit SELECT n, now() - interval '40 days', 'x' FROM generate_series(1, 3) n;
		SET ROLE olga;
		CREATE TABLE olga.seen (who name, event text);
		CREATE FUNCTION olga.tell() RETURNS trigger LANGUAGE plpgsql AS
			$$BEGIN INSERT INTO olga.seen VALUES (current_user, TG_NAME); RETURN OLD; END$$;
		CREATE TRIGGER before_it BEFORE DELETE ON olga.visit FOR EACH ROW EXECUTE FUNCTION olga.tell();
		CREATE CONSTRAINT TRIGGER deferred_it AFTER DELETE ON olga.visit DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION olga.tell();
		SECURITY LABEL FOR privacy_retention ON TABLE olga.visit IS 'visits, from at, then delete';
		SELECT retention.protect('olga.visit', at_most => 3);
		RESET ROLE;
		SET privacy_retention.enabled = on; });
	enforce('olga.visit');
	is(sql('SELECT count(*) FROM olga.visit'), '0', 'the rows are gone');
	is(sql('SELECT DISTINCT who FROM olga.seen'), 'olga', 'triggers ran as the owner');
	is(sql('SELECT count(*) FROM olga.seen'), '6', 'deferred ones, too');
};

subtest 'a trigger that returns NULL keeps the row without an error: counted as deleted' => sub {
	sql(q{CREATE TABLE keeps (id int PRIMARY KEY, at timestamptz);
		INSERT INTO keeps SELECT n, now() - interval '40 days' FROM generate_series(1, 5) n;
		CREATE FUNCTION keep_two() RETURNS trigger LANGUAGE plpgsql AS
			$$BEGIN RETURN CASE WHEN OLD.id = 2 THEN NULL ELSE OLD END; END$$;
		CREATE TRIGGER keep_two BEFORE DELETE ON keeps FOR EACH ROW EXECUTE FUNCTION keep_two()});
	visits('keeps');
	sql(q{SELECT retention.protect('keeps', at_most => 5)});
	enforce('keeps');
	is(sql('SELECT string_agg(id::text, \' \') FROM keeps'), '2', 'the others are gone');
	is(sql(q{SELECT sum(rows) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.keeps'}), '4',
		'what went is what is told');
	is(sql(q{SELECT state, blocked FROM retention.status WHERE relation = 'keeps'::regclass}), 'blocked|1',
		'what stays is told, too');
};

subtest 'row security hides rows from who is not exempt' => sub {
	sql(q{CREATE TABLE olga.hidden (id int, at timestamptz); ALTER TABLE olga.hidden OWNER TO olga;
		INSERT INTO olga.hidden VALUES (1, now() - interval '40 days'), (2, now());
		ALTER TABLE olga.hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE olga.hidden FORCE ROW LEVEL SECURITY;
		CREATE POLICY nobody ON olga.hidden USING (false)});
	visits('olga.hidden');
	sql(q{SELECT retention.protect('olga.hidden', at_most => 1)});
	enforce('olga.hidden');
	is(sql('SELECT string_agg(id::text, \' \') FROM olga.hidden'), '2', 'they go all the same');
};

# --- Batches

subtest 'ctid is not unique across partitions: live rows deleted (pg_ttl_index)' => sub {
	sql(q{CREATE TABLE part (id int, at timestamptz) PARTITION BY LIST (id);
		CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
		CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
		CREATE TABLE part_rest PARTITION OF part DEFAULT;
		INSERT INTO part SELECT 1, now() - interval '40 days' FROM generate_series(1, 5);
		INSERT INTO part SELECT 2, now() FROM generate_series(1, 10);
		INSERT INTO part SELECT 2, now() - interval '40 days' FROM generate_series(1, 5);
		INSERT INTO part SELECT 9, CASE WHEN n > 2 THEN now() ELSE now() - interval '40 days' END FROM generate_series(1, 5) n});
	visits('part');
	sql(q{SELECT retention.protect('part', at_most => 12)});
	enforce('part');
	is(sql('SELECT id, count(*), bool_and(at = (SELECT max(at) FROM part p WHERE p.id = part.id)) FROM part GROUP BY 1 ORDER BY 1'),
		"2|10|t\n9|3|t", 'only those that were due are gone, in the default partition, too (pg_partman 777)');
};

subtest 'one row that a foreign key protects rolls the table back for ever (cockroach 101372, timescaledb 498)' => sub {
	sql(q{CREATE TABLE booking (id int PRIMARY KEY, at timestamptz);
		CREATE TABLE invoice (booking_id int REFERENCES booking);
		INSERT INTO booking SELECT n, now() - interval '40 days' FROM generate_series(1, 1000) n;
		INSERT INTO invoice VALUES (500)});
	visits('booking');
	sql(q{SELECT retention.protect('booking', at_most => 1000)});
	enforce('booking');
	is(sql('SELECT string_agg(id::text, \' \') FROM booking'), '500', 'the 999 others are gone');
	is(sql(q{SELECT sqlstate, constraint_name FROM retention.blocked WHERE relation = 'public.booking'}),
		'23503|invoice_booking_id_fkey', 'that one is told, with its reason');
};

subtest 'sentinels: epoch 0, 1900-01-01, -infinity would delete live rows at once' => sub {
	sql(q{CREATE TABLE epochs (id int, ms bigint);
		INSERT INTO epochs VALUES (1, 0), (2, -2208988800000), (3, extract(epoch FROM now() - interval '40 days') * 1000), (4, NULL);
		CREATE TABLE sentinel (id int, at timestamptz DEFAULT '-infinity');
		INSERT INTO sentinel VALUES (1, '1900-01-01'), (2, '1970-01-01'), (3, DEFAULT), (4, 'infinity'), (5, now() - interval '40 days')});
	visits('epochs', 'visits, from (to_timestamp(ms / 1000.0)), then delete');
	visits('sentinel');
	sql(q{SELECT retention.protect('epochs', at_most => 1), retention.protect('sentinel', at_most => 1)});
	enforce('epochs');
	enforce('sentinel');
	is(sql('SELECT string_agg(id::text, \' \' ORDER BY id) FROM epochs'), '1 2 4', 'epochs: the one that was due is gone');
	is(sql('SELECT string_agg(id::text, \' \' ORDER BY id) FROM sentinel'), '1 2 3 4', 'timestamps: likewise');
	is(sql(q{SELECT implausible, not_started FROM retention.status WHERE relation = 'epochs'::regclass}), '2|1', 'the others are counted');
	is(sql(q{SELECT implausible FROM retention.status WHERE relation = 'sentinel'::regclass}), '3', 'here, too');
};

subtest 'NaN became 0 (SERVER-68477)' => sub {
	sql(q{CREATE TABLE nan (id int, s double precision);
		INSERT INTO nan VALUES (1, 'NaN'), (2, 'infinity'), (3, extract(epoch FROM now() - interval '40 days')), (4, 'NaN')});
	visits('nan', 'visits, from (to_timestamp(s)), then delete');
	sql(q{SELECT retention.protect('nan', at_most => 4)});
	enforce('nan');
	is(sql('SELECT string_agg(id::text, \' \' ORDER BY id) FROM nan'), '1 2 4', 'what is no time is not deleted');
	is(sql(q{SELECT sqlstate, count(*) FROM retention.blocked WHERE relation = 'public.nan' GROUP BY 1}), '22008|2',
		'and told: the function refuses NaN');
	is(sql(q{SELECT state FROM retention.status WHERE relation = 'nan'::regclass}), 'blocked', 'in the status, too');
};

subtest 'a batch inside one function is one transaction: others wait for all of it' => sub {
	like(error_of("BEGIN; CALL retention.enforce(); COMMIT"), qr/cannot run inside a transaction block/, 'refused in a block');
	like(error_of('CREATE FUNCTION inside() RETURNS void LANGUAGE plpgsql AS $$BEGIN CALL retention.enforce(); END$$; SELECT inside()'),
		qr/cannot run inside a transaction block/, 'and in a function');
	sql(q{CREATE TABLE many (id int, at timestamptz); CREATE INDEX ON many (at);
		INSERT INTO many SELECT n, now() - interval '40 days' FROM generate_series(1, 5000) n});
	visits('many');
	sql(q{SELECT retention.protect('many', at_most => 5000)});
	sql('SET privacy_retention.enabled = on; SET privacy_retention.batch_rows = 500; SET privacy_retention.batch_time = 1; CALL retention.enforce(\'many\')');
	cmp_ok(sql(q{SELECT count(*) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.many'}), '>', 4, 'a transaction a batch');
	is(sql(q{SELECT sum(rows) FROM retention.ledger WHERE event = 'batch' AND relation = 'public.many'}), '5000', 'and all of them');
};

subtest 'choosing rows behind many held ones' => sub {
	sql(q{CREATE TABLE claims (id int PRIMARY KEY, at timestamptz); CREATE INDEX ON claims (at);
		INSERT INTO claims SELECT n, now() - interval '90 days' + n * interval '1 s' FROM generate_series(1, 20000) n});
	visits('claims');
	sql(q{SELECT retention.protect('claims', at_most => 20000);
		SELECT retention.suspend('claims', 'id <= 19000', 'a claim', current_date + 30, 'counsel')});
	enforce('claims');
	is(sql('SELECT count(*), max(id) FROM claims'), '19000|19000', 'those behind them are gone');
	is(sql(q{SELECT due, held, blocked FROM retention.status WHERE relation = 'claims'::regclass}), '0|10000|0',
		'the held ones are told as such (counts end at 10,000), not as blocked');
	sql(q{SELECT retention.lift_suspension(id, 'settled') FROM retention.suspension WHERE relation = 'public.claims'});
	enforce('claims');
	is(sql('SELECT count(*) FROM claims'), '0', 'and go when the claim is settled');
};

subtest 'a clock on a parent row is forbidden (cockroach), parents of foreign keys are refused (TiDB)' => sub {
	sql(q{CREATE TABLE meeting (id int PRIMARY KEY, ended timestamptz); CREATE INDEX ON meeting (ended);
		CREATE TABLE guest (id int PRIMARY KEY, meeting_id int REFERENCES meeting, name text); CREATE INDEX ON guest (meeting_id);
		INSERT INTO meeting VALUES (1, now() - interval '40 days'), (2, now() - interval '1 day'), (3, NULL);
		INSERT INTO guest SELECT n, 1 + n % 3, 'anna' FROM generate_series(0, 8) n});
	visits('guest', 'visits, from meeting_id -> ended, then delete');
	visits('meeting', 'visits, from ended, then delete');
	sql(q{SELECT retention.protect('guest', at_most => 3), retention.protect('meeting', at_most => 1)});
	enforce();
	is(sql(q{SELECT string_agg(DISTINCT meeting_id::text, ' ') FROM guest}), '2 3', 'the guests of the meeting that ended are gone');
	is(sql(q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM meeting}), '2 3', 'and then the meeting');
};

subtest 'rules are not inherited by partitions, nor by columns added later (PostgreSQL Anonymizer)' => sub {
	sql(q{CREATE TABLE log (at timestamptz, ip inet) PARTITION BY RANGE (at);
		CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2000-01-01') TO ('2100-01-01')});
	visits('log');
	sql(q{SELECT retention.protect('log');
		ALTER TABLE log ADD COLUMN email text;
		CREATE TABLE log_2 PARTITION OF log DEFAULT;
		INSERT INTO log VALUES (now() - interval '40 days', '192.0.2.1', 'a@example.com'), ('1999-12-31', '192.0.2.1', 'old'), (now(), NULL, NULL)});
	enforce('log');
	is(sql('SELECT count(*) FROM log WHERE email IS NOT NULL'), '1', 'the row is gone with the new column; what is implausible stays, and is told');
	like(error_of('TRUNCATE log_1; ALTER TABLE log_2 DISABLE TRIGGER ALL'), qr/cannot be dropped, disabled/, 'the new partition has its guards');
};

subtest 'a partition is detached, and its rows never go (pg_partman)' => sub {
	sql(q{INSERT INTO log VALUES (now() - interval '29 days', '192.0.2.1', 'b@example.com'); ALTER TABLE log DETACH PARTITION log_1});
	sql(q{SET privacy_retention.enabled = on; CALL retention.enforce('log_1', now() + interval '2 days')});
	is(sql('SELECT count(*) FROM log_1 WHERE email IS NOT NULL'), '0', 'its rule went along');
};

subtest 'a clear value is written back after it was replaced' => sub {
	sql(q{SELECT retention.create_key();
		CREATE TABLE account (id int PRIMARY KEY, closed timestamptz, email text);
		INSERT INTO account VALUES (1, now() - interval '40 days', 'anna@example.com');
		SELECT retention.label('account', 'no personal data', ARRAY['id', 'closed']::name[]);
		SELECT retention.label('account', 'visits, from closed, then pseudonymise', ARRAY['email']::name[]);
		SELECT retention.protect('account', at_most => 1)});
	enforce('account');
	my $token = sql('SELECT email FROM account');
	sql(q{UPDATE account SET email = 'anna@example.com'});
	is(sql('SELECT email FROM account'), $token, 'it becomes the same token again as it is written');
	sql(q{INSERT INTO account VALUES (2, now() - interval '40 days', 'anna@example.com')});
	is(sql('SELECT email FROM account WHERE id = 2'), $token, 'also in a new row that is late');
};

subtest 'who wants to keep a row moves its clock' => sub {
	sql(q{CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE ON account, meeting, guest TO writer});
	my @writer = (extra_params => [ '-U', 'writer' ]);
	sql(q{SET privacy_retention.late_rows = 'accept'; INSERT INTO account VALUES (3, now() - interval '40 days', 'anna@example.com')});
	like(error_of(q{UPDATE account SET closed = now() WHERE id = 3}, @writer), qr/starting point/, 'not of a row that is due');
	like(error_of(q{UPDATE account SET closed = NULL WHERE id = 1}, @writer), qr/starting point/, 'nor to NULL');
	like(error_of(q{UPDATE meeting SET ended = now() + interval '1 year' WHERE id = 2}, @writer), qr/starting point/,
		'nor of the event that its guests wait for');
	is(error_of(q{UPDATE meeting SET ended = now() - interval '2 days' WHERE id = 2}, @writer), '', 'an earlier time is taken');
	is(error_of(q{UPDATE meeting SET ended = now() WHERE id = 3}, @writer), '', 'and an event may end');
};

# --- The worker

subtest 'now() stands still in a worker (pg_net 80), and the dead rows stay unseen by autovacuum' => sub {
	sql(q{CREATE TABLE later (id int, at timestamptz); CREATE INDEX ON later (at);
		INSERT INTO later SELECT n, now() - interval '31 days' FROM generate_series(1, 100) n});
	visits('later');
	sql(q{SELECT retention.protect('later', at_most => 100)});
	$node->append_conf('postgresql.conf', "privacy_retention.enabled = on\n");
	$node->reload;
	RetentionNode::poll($node, 'SELECT count(*) = 0 FROM later');
	sql(q{INSERT INTO later VALUES (1, now() - interval '30 days' + interval '1 s')});
	ok(RetentionNode::poll($node, 'SELECT count(*) = 0 FROM later'), 'a row that falls due later goes later');
	ok(RetentionNode::poll($node, q{SELECT n_dead_tup + n_tup_del >= 101 FROM pg_stat_user_tables WHERE relname = 'later'}),
		'the statistics know of it');
};

subtest 'a table that is locked, or fails, starves the others (TiDB 57137)' => sub {
	sql(q{CREATE TABLE stuck (id int, at timestamptz); CREATE TABLE free (id int, at timestamptz);
		INSERT INTO stuck VALUES (1, now() - interval '40 days'); INSERT INTO free VALUES (1, now() - interval '40 days')});
	visits('stuck');
	visits('free');
	sql(q{BEGIN; LOCK TABLE stuck; PREPARE TRANSACTION 'stuck'});
	sql(q{SELECT retention.protect('free', at_most => 1)});
	ok(RetentionNode::poll($node, 'SELECT count(*) = 0 FROM free'), 'the other goes on');
	sql(q{ROLLBACK PREPARED 'stuck'});
	sql(q{SELECT retention.protect('stuck', at_most => 1)});
	ok(RetentionNode::poll($node, 'SELECT count(*) = 0 FROM stuck'), 'the locked one follows');
};

subtest 'a worker that is gone after a restart (pg_ttl_index), a job stuck after a crash (timescaledb 9360)' => sub {
	$node->stop('immediate');
	$node->start;
	sql(q{INSERT INTO later VALUES (2, now() - interval '40 days')});
	ok(RetentionNode::poll($node, 'SELECT count(*) = 0 FROM later'), 'it goes on by itself');
};

subtest 'a long transaction of the worker holds xmin' => sub {
	ok(RetentionNode::poll($node, q{SELECT count(*) = 0 FROM pg_stat_activity
		WHERE backend_type LIKE 'privacy_retention%' AND backend_xmin IS NOT NULL}), 'between its visits it holds none');
};

# --- The ledger

subtest 'guard triggers of the ledger that replication skips (E-Maj 42)' => sub {
	like(error_of('SET session_replication_role = replica; DELETE FROM retention.ledger'), qr/append-only|only ever added|cannot/i,
		'they fire always');
	is(sql('SELECT ok FROM retention.verify_ledger()'), 't', 'nothing was changed');
};

# --- Silence

subtest 'errors without a line in the log (pg_ttl_index), or with a row\'s value in it' => sub {
	my $offset = RetentionNode::log_size($node);
	sql(q{CREATE TABLE speaks (id int, at timestamptz, email text);
		CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'cannot delete %', OLD.email; END$$;
		CREATE TRIGGER speak BEFORE DELETE ON speaks FOR EACH ROW EXECUTE FUNCTION speak();
		INSERT INTO speaks VALUES (1, now() - interval '40 days', 'anna@example.com')});
	visits('speaks');
	sql(q{SELECT retention.protect('speaks', at_most => 1)});
	ok(RetentionNode::poll($node, q{SELECT count(*) = 1 FROM retention.blocked WHERE relation = 'public.speaks'}), 'it is told');
	my $log = RetentionNode::log_since($node, $offset);
	my @lines = grep { /anna\@example/ && !/INSERT INTO speaks/ } split /\n/, $log;
	is(scalar(@lines), 0, 'without the value') or diag(join("\n", @lines));
	is(sql(q{SELECT count(*) FROM retention.blocked b WHERE b::text LIKE '%anna%'}), '0', 'nor is it in the view');
};

$node->stop;
done_testing();
