# What README.md and the guides show can be done as shown: their ```sql blocks
# run in order, one file a fresh database, and where a ```text block follows it is
# what psql says to them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $root = "$FindBin::RealBin/..";
my $node = RetentionNode->make('readme', extension => 0);

# The blocks of a file: statements, what psql answers (or undef), and the line.
sub blocks
{
	my ($file) = @_;
	my @lines = split /\n/, slurp_file("$root/$file");
	my @blocks;
	my $language;

	for my $number (1 .. @lines)
	{
		my $line = $lines[ $number - 1 ];

		if (!defined $language)
		{
			next unless $line =~ /^```(\S*)$/;
			$language = $1;
			push @blocks, { line => $number, sql => '' } if $language eq 'sql';
			die "$file, line $number: output without statements\n" if $language eq 'text' && !@blocks;
			$blocks[-1]{answer} = '' if $language eq 'text';
		}
		elsif ($line eq '```')
		{
			$language = undef;
		}
		elsif ($language eq 'sql') { $blocks[-1]{sql} .= "$line\n"; }
		elsif ($language eq 'text') { $blocks[-1]{answer} .= "$line\n"; }
	}
	die "$file: a block does not end\n" if defined $language;
	return @blocks;
}

sub tidy
{
	my ($text) = @_;

	$text =~ s/[ \t]+$//mg;
	$text =~ s/^ \w+\n-+\n\n(\n|\z)//mg;	# a function that returns void
	$text =~ s/\n+\z//;
	return $text;
}

sub run_file
{
	my ($file, $least) = @_;
	my $db = $file =~ s/\W+/_/gr;
	my @blocks = blocks($file);
	my $environment = $node->connstr($db);

	cmp_ok(scalar @blocks, '>=', $least, "$file has at least $least blocks");
	$node->safe_psql('postgres', qq{CREATE DATABASE "$db"});
	foreach my $block (@blocks)
	{
		my ($out, $error) = ('', '');
		my $sql = $block->{sql};
		my $ok = IPC::Run::run(
			[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-P', 'pager=off',
				'-d', $environment, '-f', '-' ],
			'<', \$sql, '>', \$out, '2>', \$error,
			IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

		ok($ok, "$file, line $block->{line}") or do { diag($error); last };
		is(tidy($out), tidy($block->{answer}), "$file, line $block->{line}: the answer")
		  if defined $block->{answer};
	}
	return;
}

run_file('README.md', 8);
run_file('docs/guides.md', 8);
run_file('docs/operations.md', 1);
run_file('docs/erasure.md', 4);

# The reference has all that there is, by name.
my $reference = slurp_file("$root/docs/reference.md");
foreach my $name (split /\n/, $node->safe_psql('README_md', <<'EOS'))
SELECT DISTINCT 'retention.' || proname FROM pg_proc WHERE pronamespace = 'retention'::regnamespace
UNION SELECT 'retention.' || relname FROM pg_class WHERE relnamespace = 'retention'::regnamespace AND relkind IN ('r', 'v')
UNION SELECT name FROM pg_settings WHERE name LIKE 'privacy_retention.%'
UNION SELECT evtname FROM pg_event_trigger ORDER BY 1
EOS
{
	like($reference, qr/\b\Q$name\E\b/, "the reference has $name");
}

# Links within the documentation lead somewhere.
foreach my $file ('README.md', 'CHANGELOG.md', map { s/^\Q$root\E\///r } glob("$root/docs/*.md"))
{
	my ($folder) = $file =~ m{^(.*/)?};
	my $text = -e "$root/$file" ? slurp_file("$root/$file") : '';

	while ($text =~ /\]\(([^)#:]*)(?:#([^)]*))?\)/g)
	{
		my ($target, $anchor) = ($1 ne '' ? ($folder // '') . $1 : $file, $2);

		$target =~ s{[^/]+/\.\./}{};
		next unless $target =~ /\.md$/;
		ok(-e "$root/$target", "$file: $target is there") or next;
		next unless defined $anchor;
		my @anchors = map { lc =~ s/[^\w\- ]//gr =~ s/ /-/gr }
		  slurp_file("$root/$target") =~ /^#+ (.*)$/mg;
		ok((grep { $_ eq $anchor } @anchors), "$file: $target#$anchor is there");
	}
}

done_testing();
