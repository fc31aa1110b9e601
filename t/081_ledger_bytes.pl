# A shortened ledger: what its old entries said is in no file any more, once VACUUM, the
# scrub, and what residue() asks for, were there; what stays is there, and holds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionNode;
use Test::More;

my $entries = 3000;
my $bytes = RetentionBytes->new;
my $node = RetentionNode->make('ledger', conf => "autovacuum = off\nprivacy_retention.ledger_origin = 'example.com/bytes'\n");

sub sql { return $node->safe_psql('postgres', $_[0]); }

# Names of relations and categories, details short and long, of old entries and of others
my %mark;
foreach my $age ('old', 'new')
{
	$mark{$age}{$_} = $bytes->text($bytes->population(("$age $_") x $entries) . ' + n - 1') foreach 'relation', 'category', 'detail';
}
foreach my $age ('old', 'new')
{
	my $at = $age eq 'old' ? '2020-01-01' : '2022-01-01';

	# of tables that are gone: nothing waits for their erasure
	sql(<<"EOS");
INSERT INTO retention.ledger (recorded_at, event, relation, category, action, policy_digest, cutoff, rows, lateness, erasure_level, detail)
SELECT timestamptz '$at' + n * interval '1 s', 'batch', 'public.' || $mark{$age}{relation}, $mark{$age}{category}, 'delete', sha256('x'), '$at', 7, '1 hour', 'deleted',
	$mark{$age}{detail} || CASE WHEN n % 10 = 0 THEN (SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, 300) m) ELSE '' END
FROM generate_series(1, $entries) n
EOS
}
is(sql('SELECT ok, unsealed FROM retention.verify_ledger()'), 't|0', 'a ledger, sealed');
sql('ANALYZE retention.ledger');
my $checkpoint = sql('SELECT retention.checkpoint()');

# What of old entries is found, and where; the WAL is another matter.
sub old
{
	my $found = RetentionBytes::outside_wal($bytes->search_flushed($node));

	foreach my $place (keys %$found)
	{
		delete $found->{$place}{$_} foreach grep { /^new / } keys %{ $found->{$place} };
		delete $found->{$place} unless %{ $found->{$place} };
	}
	return $found;
}

# Statistics are mostly compressed, where a mark may not be whole.
my @places = ('retention.ledger', 'retention.ledger_batch', 'toast of retention.ledger');
is(join(', ', grep { my $place = $_; grep { $place eq $_ } @places } sort keys %{ old() }), join(', ', @places), 'what entries say is in the table, TOAST, an index');
is(sql(q{SELECT retention.shorten_ledger('2021-01-01')}), $entries, 'old entries are shortened');
cmp_ok(old()->{'retention.ledger'}{'old relation'} // 0, '>', 0, 'what they said is still in the files');

# As the documentation says: VACUUM and scrub, and what residue() tells.
my $vacuum = 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, ANALYZE) retention.ledger';
my $scrub = q{CALL retention.scrub('retention.ledger')};
my $ask = q{SELECT remedy FROM retention.residue('retention.ledger', exact => true) WHERE remedy LIKE 'REINDEX %' ORDER BY 1};

sql($_) foreach $vacuum, $scrub;
note(RetentionBytes::tell(old()));
my @reindex = split /\n/, sql($ask);
is_deeply([ sort grep { $_ ne 'pg_statistic' } keys %{ old() } ], [ map { /CONCURRENTLY (.*)/ } @reindex ], 'after VACUUM and scrub: left only where residue() asks for REINDEX');
sql($_) foreach @reindex, $vacuum, 'VACUUM (INDEX_CLEANUP ON) pg_catalog.pg_statistic', $scrub;
is(RetentionBytes::tell(old()), '', 'then nothing is left in any file');
is(sql(q{SELECT count(*) FROM retention.residue('retention.ledger', exact => true)}), '0', 'nor does residue() tell of anything');

is(sql('SELECT ok, entries FROM retention.verify_ledger()'), 't|' . (2 * $entries + 1), 'the chain holds');
is(sql(qq{SELECT ok FROM retention.verify_checkpoint('$checkpoint')}), 't', 'and what was kept of it elsewhere');
my $found = $bytes->search_flushed($node);
is($found->{'retention.ledger'}{'new relation'}, $entries, 'what stays is there');
is(sql(qq{SELECT count(*) FROM generate_series(1, $entries) n JOIN retention.ledger ON relation = 'public.' || $mark{new}{relation} AND category = $mark{new}{category} AND detail LIKE $mark{new}{detail} || '%'}),
	$entries, 'and can be read');
$node->stop;

done_testing();
