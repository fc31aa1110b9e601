#!/usr/bin/perl
# The ledger outlives its server: a dump and checkpoints are verified without one, by
# the stand-alone verifier, and what was done to the dump is found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $directory = "${PostgreSQL::Test::Utils::tmp_check}/verifier";
mkdir $directory;

sub spill
{
	my ($name, $text) = @_;
	open(my $out, '>:raw', "$directory/$name") or die "$name: $!";
	print $out $text;
	close $out;
	return "$directory/$name";
}

sub slurp
{
	my ($name) = @_;
	open(my $in, '<:raw', $name) or die "$name: $!";
	local $/;
	return scalar <$in>;
}

# (exit status, what it said)
sub verify
{
	my (@arguments) = @_;
	my ($out, $error);
	IPC::Run::run([ 'privacy_retention_verify', @arguments ], '>', \$out, '2>', \$error);
	return ($? & 127 ? "signal $?" : $? >> 8, $out . $error);
}

sub good
{
	my ($what, @arguments) = @_;
	my ($status, $said) = verify(@arguments);
	is($status, 0, "$what: all is well") or diag($said);
	return $said;
}

sub bad
{
	my ($what, $pattern, @arguments) = @_;
	my ($status, $said) = verify(@arguments);
	is($status, 1, "$what: is a problem") or diag($said);
	like($said, $pattern, "$what: is named");
	return;
}

# The head of the shortened ledger whose entries end before the one that tells of it.
my %head;
sub headless
{
	my ($line) = @_;
	return $line . "$head{seq}\t\\\\x$head{hash}";
}

my $node = RetentionNode->make('evidence');
$node->append_conf('postgresql.conf', "privacy_retention.ledger_origin = 'example.com/evidence'\n");
$node->reload;
my $sql = sub { return $node->safe_psql('postgres', $_[0]) };
my $none = $sql->('SELECT retention.checkpoint()') . "\n";

# Every kind of value, in a database whose settings are all odd.
$sql->(<<'EOS');
ALTER DATABASE postgres SET TimeZone = 'Asia/Kathmandu';
ALTER DATABASE postgres SET DateStyle = 'German';
ALTER DATABASE postgres SET IntervalStyle = 'sql_standard';
CREATE TABLE "a	tab \ ""and"" ünïcode" (id int, at timestamptz DEFAULT '2024-01-01');
CREATE INDEX ON "a	tab \ ""and"" ünïcode" (at);
INSERT INTO "a	tab \ ""and"" ünïcode" SELECT generate_series(1, 10);
SELECT retention.set_category('personal data', '1 year', 'collection');
SECURITY LABEL FOR privacy_retention ON TABLE "a	tab \ ""and"" ünïcode" IS 'personal data, from at, then delete';
SELECT retention.protect('"a	tab \ ""and"" ünïcode"', at_most => 10);
CALL retention.enforce();
INSERT INTO retention.ledger (recorded_at, event, relation, column_name, category, detail)
	VALUES (now(), E'a\b\f\n\r\t\v\\N\\.', '', '\N', '\x41', E'\u20AC \U0001F5D1');
INSERT INTO retention.ledger (recorded_at, event, cutoff, rows, lateness) SELECT t, 'times', t, n, l FROM (VALUES
	(timestamptz '2024-02-29 23:59:59.999999+00', 0, interval '0'), ('1999-12-31 00:00:00.5-11', -1, '-00:00:00.000001'),
	('1970-01-01 00:00:00+00', 9223372036854775807, '2000000000:59:59.9'), ('1969-12-31 23:59:59.123+14', -9223372036854775808, '-838:00:00'),
	('1900-03-01 00:00:00+00', 1, '00:00:01'), ('0001-01-01 00:00:00+00 BC', 1, NULL), ('4713-12-01 00:00:00+00 BC', 1, NULL), ('99999-12-31 00:00:00+00', 1, NULL),
	('294276-12-31 23:59:59.999999+00', 1, '2562047788:00:54.775807'), ('4714-11-24 00:00:00+00 BC', 1, '-2562047788:00:54.775807'),
	('infinity', 1, NULL), ('-infinity', NULL, NULL)) AS v (t, n, l);
INSERT INTO retention.ledger (recorded_at, event, cutoff) SELECT now(), 'days', timestamptz '0800-01-01 00:00:00+00' + n * interval '397 days 5:07:11.000003' FROM generate_series(1, 1500) AS n;
CREATE TABLE look_alike (line text);
INSERT INTO look_alike VALUES ('COPY retention.ledger (id) FROM stdin;'), ('SET client_encoding = ''LATIN1'';');
CREATE TABLE a_look_alike (LIKE look_alike);
INSERT INTO a_look_alike SELECT * FROM look_alike;
EOS
my $first = $sql->('SELECT retention.checkpoint()') . "\n";
my $entries = $sql->('SELECT max(seq) FROM retention.ledger');
$sql->(q{SELECT retention.unprotect(c.oid) FROM pg_class c WHERE relname LIKE 'a%tab%' AND relkind = 'r'});
my $second = $sql->('SELECT retention.checkpoint()') . "\n";
is($sql->('SELECT ok FROM retention.verify_ledger()'), 't', 'the server says that the chain holds');
my $key = $sql->('SELECT retention.checkpoint_key()');
my $proof = spill('proof', $sql->("SELECT retention.ledger_inclusion(3)") . "\n");
$sql->(q{INSERT INTO retention.ledger (recorded_at, event) VALUES (now(), 'unsealed')});

$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', "$directory/dump.sql" ], 'a dump');
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', "$directory/dump.custom" ], 'a dump in another format');
command_ok([ 'pg_restore', '--file', "$directory/dump.text", "$directory/dump.custom" ], 'made into text');
$node->command_ok([ 'pg_dump', '--table=retention.ledger*', '--extension=privacy_retention', '-d', $node->connstr('postgres'), '-f', "$directory/part.sql" ], 'a dump of the ledger alone');
$node->command_ok([ 'pg_dump', '--quote-all-identifiers', '-d', $node->connstr('postgres'), '-f', "$directory/quoted.sql" ], 'a dump with quoted names');
my ($last) = ($sql->('SELECT max(seq) FROM retention.ledger'));
$node->stop;
my $dump = "$directory/dump.sql";
my $one = spill('one', $first);
my $two = spill('two', $second);

like(good('the dump', $dump), qr/: ok, $last entries, 0 of them shortened, and 1 that are not sealed$/m, 'it is counted');
good('the other format', "$directory/dump.text");
like(good('the ledger alone', "$directory/part.sql"), qr/ok, $last entries/, 'it is the same');
good('with quoted names', "$directory/quoted.sql");
like(good('with checkpoints', '--key', $key, $dump, $one, $two, spill('none', $none)),
	qr/one: ok, $entries entries, signed\n.*two: ok, $last entries, signed\n.*none: ok, 0 entries, signed\n/s, 'each is judged');
like(good('without a key', $dump, $two), qr/its signature not judged/, 'and it says that no signature was');
like(good('a proof', '--key', $key, '--proof', $proof, $dump), qr/entry 3 is one of the $last of the checkpoint \(signed\)/, 'an entry');

# Other checkpoints
my ($body) = split /\n\n/, $second;
bad('not signed', qr/is not signed/, '--key', $key, $dump, spill('c1', "$body\n"));
good('not signed, without a key', $dump, "$directory/c1");
bad('another origin', qr/not signed by a key/, '--key', $key, $dump, spill('c2', $second =~ s/evidence/evidenze/gr));
bad('a signature of another', qr/the signature is not of this/, '--key', $key, $dump, spill('c3', "$body\n\n" . (split /\n\n/, $first)[1] . "\n"));
bad('a root of another', qr/the first $last entries are not those/, $dump, spill('c4', $first =~ s/\n\d+\n/\n$last\n/r =~ s/\n\n.*/\n/sr));
bad('of more entries', qr/of 999999 entries, and the ledger has $last/, $dump, spill('c5', $first =~ s/\n\d+\n/\n999999\n/r));
bad('two ledgers', qr/another ledger than the first/, $dump, $one, spill('c6', $second =~ s/evidence/evidenze/gr));
bad('no checkpoint', qr/has no origin|does not end|not a number/, $dump, spill('c7', "hello\nworld\n"));

# A checkpoint of the Go project's checksum database, from the specification: its signature is good, though
# it is of another ledger.
my $others = "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" .
	"\xe2\x80\x94 sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
my $others_key = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
bad('known to be signed', qr/another ledger: its origin is not the key's name/, '--key', $others_key, $dump, spill('g1', $others));
bad('known to be signed, changed', qr/the signature is not of this checkpoint/, '--key', $others_key, $dump, spill('g2', $others =~ s/20852163/20852164/r));

# What was done to the dump
my $text = slurp($dump);
my ($copy, $rows, $rest) = $text =~ /\A(.*?COPY retention\.ledger \(id, [^)]*\) FROM stdin;\n)(.*?)(\n\\\.\n.*)\z/s or die 'no ledger';
my @rows = split /\n/, $rows;
my ($third) = grep { (split /\t/, $rows[$_])[1] eq '3' } 0 .. $#rows;
my ($unsealed) = grep { (split /\t/, $rows[$_])[1] eq '\N' } 0 .. $#rows;
sub tampered
{
	my ($name, @changed) = @_;
	return spill($name, $copy . join("\n", @changed) . $rest);
}
good('the rows in another order', tampered('t0', reverse @rows), $one, $two);
my @columns = split /\t/, $rows[$third];
# Another text for the same value would be another value that has the same hash.
my ($timed) = grep { (split /\t/, $rows[$_])[11] eq '00:00:01' } 0 .. $#rows;
foreach my $other ([ 2, '1900-02-29 00:00:00+00' ], [ 2, '1900-02-28 24:00:00+00' ], [ 2, '1900-03-01 00:00:00.0000001+00' ], [ 2, '1900-3-01 00:00:00+00' ], [ 2, ' 1900-03-01 00:00:00+00' ],
	[ 2, '586442-11-19 08:01:49.551616+00' ], [ 9, '586442-11-19 08:01:49.551616+00' ], [ 11, '5124095576:01:50.551616' ], [ 11, '9999999999:00:00' ], [ 11, '0:00:01' ], [ 11, '00:00:1' ], [ 11, '00:00:61' ], [ 10, '01' ], [ 10, ' 1' ], [ 10, '18446744073709551617' ])
{
	my ($column, $text) = @$other;
	my @changed = @rows;
	my @fields = split /\t/, $rows[$timed];
	$fields[$column] = $text;
	$changed[$timed] = join "\t", @fields;
	bad("column $column is $text", qr/has been changed/, tampered('other', @changed));
}
foreach my $column (0, 2 .. $#columns)
{
	my @other = @columns;
	$other[$column] = $other[$column] eq '\N' ? ($column == 9 || $column == 11 ? '1' : 'x') : $other[$column] =~ /^\d+$/ ? $other[$column] + 1 : '\N';
	my @changed = @rows;
	$changed[$third] = join "\t", @other;
	bad("column $column", qr/entry 3 (?:has been changed|does not follow)/, tampered("column$column", @changed));
}
bad('an entry less', qr/entry 3 is missing/, tampered('t1', @rows[grep { $_ != $third } 0 .. $#rows]));
bad('an entry twice', qr/entry 4 is missing/, tampered('t2', @rows, $rows[$third]));
bad('the last one less', qr/entry $last, the last one, is missing/, tampered('t3', grep { (split /\t/)[1] ne $last } @rows));
bad('no entry', qr/entries 1 to $last, the last ones, are missing/, tampered('t4', $rows[$unsealed]));
bad('no head', qr/the head of the ledger is missing/, spill('t5', $text =~ s/(COPY retention\.ledger_head[^\n]*\n)[^\n]*\n/$1/r));
bad('another head', qr/the head of the ledger has been changed/, spill('t6', $text =~ s/(COPY retention\.ledger_head[^\n]*\n\d+\t\\\\x)../$1AA/r));
{
	my @changed = @rows;
	$changed[$third] = join "\t", @columns[0, 1, 2], 'shortened', ('\N') x ($#columns - 5), @columns[-2, -1];
	bad('emptied', qr/entry 3 has been changed/, tampered('t7', @changed));
	bad('a proof of an entry that was changed', qr/not in the ledger|has been changed/, '--proof', $proof, tampered('t8', map { $_ == $third ? $rows[$_] =~ s/\t\\N\t/\tx\t/r : $rows[$_] } 0 .. $#rows));
	bad('a proof of an entry that is not there', qr/does not have the entry/, '--proof', $proof, "$directory/t1");
	bad('a proof with another hash', qr/not in the ledger/, '--proof', spill('p1', slurp($proof) =~ s/(index \d+\n)./$1z/r =~ s/\Az/y/r), $dump);
	bad('a proof of another place', qr/not in the ledger/, '--proof', spill('p2', slurp($proof) =~ s/index 2/index 3/r), $dump);
}

# What is nothing of the kind
my ($status, $said) = verify();
is($status, 2, 'without arguments: the usage');
like((verify('--help'))[1], qr/Usage:/, '--help');
foreach my $not ([ 'no file', "$directory/nothing" ], [ 'no dump', $one ], [ 'another format', "$directory/dump.custom" ],
	[ 'half a dump', spill('h', substr($text, 0, length($copy) + 3000)) ], [ 'another encoding', spill('l', $text =~ s/SET client_encoding = 'UTF8'/SET client_encoding = 'LATIN1'/r) ],
	[ 'two ledgers', spill('two_ledgers', $copy . "\\.\n" . $text) ], [ 'two heads', spill('two_heads', $text . (split /\n(?=COPY retention\.ledger_head)/, $text)[1]) ],
	[ 'a directory', $directory ], [ 'no key', '--key', 'x+y', $dump ], [ 'a key that was changed', '--key', $key =~ s/evidence/evidenze/r, $dump ], [ 'no such option', '--yes', $dump ])
{
	my ($what, @arguments) = @$not;
	($status, $said) = verify(@arguments);
	is($status, 2, "$what: nothing is judged") or diag($said);
	isnt($said, '', "$what: and it says why");
}
# Bytes that are changed anywhere among the entries of a small dump: never "ok", never a crash
my $small = $copy . $rows[$third] . "\n\\.\n";
my $wrong = 0;
foreach my $at (map { $_ * 7 % length($rows[$third]) } 0 .. 149)
{
	foreach my $byte ("\0", "\t", "\\", "\xff")
	{
		my $changed = $small;
		substr($changed, length($copy) + $at, 1) = $byte;
		next if $changed eq $small;
		($status, $said) = verify('--proof', $proof, spill('fuzz', $changed));
		$wrong++, diag("$at: $status $said") unless $status =~ /^[12]$/;
	}
}
is($wrong, 0, 'no byte of an entry can be changed');
good('the entry alone', '--proof', $proof, spill('alone', $small));

# Entries that are older than the ledger's own period: the worker removes what they say, and
# everything that was kept of the ledger holds, here, in the dump and where it is restored.
my $worker = RetentionNode->make('worker', preload => 1, conf =>
	"privacy_retention.naptime = 1\nprivacy_retention.duty_cycle = 100\nprivacy_retention.erase_within = 0\nprivacy_retention.ledger_origin = 'example.com/worker'\n");
$sql = sub { return $worker->safe_psql($_[1] // 'postgres', $_[0]) };
$sql->(q{INSERT INTO retention.ledger (recorded_at, event, detail) SELECT now() - interval '100 days' + n * interval '10 days', 'past', 'word ' || n FROM generate_series(0, 9) AS n});
$sql->(<<'EOS');
SELECT retention.set_category('personal data', '1 year', 'collection');
CREATE TABLE person (at timestamptz);
CREATE INDEX ON person (at);
SECURITY LABEL FOR privacy_retention ON TABLE person IS 'personal data, from at, then delete';
EOS
$sql->(q{SELECT retention.protect('person')});
ok(RetentionNode::poll($worker, 'SELECT count(*) FROM retention.ledger WHERE seq IS NULL', '0'), 'all is sealed');
my $kept = spill('kept', $sql->('SELECT retention.checkpoint()') . "\n");
my $places = $sql->(q{SELECT string_agg(seq || ' ' || hash::text, ' ' ORDER BY seq) FROM retention.ledger WHERE event = 'past'});
$sql->(q{ALTER SYSTEM SET privacy_retention.ledger_period = '55d'});
$worker->reload;
ok(RetentionNode::poll($worker, q{SELECT count(*) FILTER (WHERE event = 'shortened'), count(*) FILTER (WHERE event = 'shorten'), count(*) FILTER (WHERE event = 'past') FROM retention.ledger}, '5|1|5'),
	'the worker shortens what is older, and says so once');
is($sql->(q{SELECT string_agg(seq || ' ' || hash::text, ' ' ORDER BY seq) FROM retention.ledger WHERE event IN ('past', 'shortened')}), $places, 'places and hashes stay');
is($sql->(q{SELECT ok, problem FROM retention.verify_ledger()}), 't|', 'the chain holds');
@head{qw(seq hash)} = split /\|/, $sql->(q{SELECT seq, encode(hash, 'hex') FROM retention.ledger WHERE seq = (SELECT seq - 1 FROM retention.ledger WHERE event = 'shorten')});
$worker->command_ok([ 'pg_dump', '-d', $worker->connstr('postgres'), '-f', "$directory/shortened.sql" ], 'a dump');
unlike(slurp("$directory/shortened.sql"), qr/word 0/, 'what was said is not in it');
like(good('shortened', '--key', $sql->('SELECT retention.checkpoint_key()'), "$directory/shortened.sql", $kept), qr/5 of them shortened/, 'they are counted');
bad('shortened without saying so', qr/were shortened, and no entry says so/, spill('s1', slurp("$directory/shortened.sql") =~ s/entries 1 to 5, root/entries 1 to 4, root/r =~ s/\n[^\n]*\tshorten\t.*?\n(?=\\\.)/\n/sr =~ s/(ledger_head[^\n]*stdin;\n)[^\n]*/headless($1)/er));
$sql->('CREATE DATABASE restored');
$worker->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $worker->connstr('restored'), '-f', "$directory/shortened.sql" ], 'restored');
is($sql->(q{SELECT ok, problem FROM retention.verify_ledger()}, 'restored'), 't|', 'and the chain holds there');
is($sql->(q{SELECT ok, signature, problem FROM retention.verify_checkpoint(pg_read_file('} . $kept . q{'))}, 'restored'), 't|valid|', 'and it is an extension of what was kept');
$worker->stop;

done_testing();
