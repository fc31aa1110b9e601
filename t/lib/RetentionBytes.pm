# The oracle of bytes: values that can be recognised in any file, and a search for
# them in all files of a server.
#
# A mark is a number; it is written as a text, a bigint, a uuid or an inet, each of
# which holds a tag, which is random and the same for all marks of an oracle, and
# the number.  So one search for four tags finds any number of marks.  They survive
# what access methods do to values: an SP-GiST index cuts a prefix off (the text has
# the number before and after its tag), pglz puts a byte between each eight.
#
# It knows nothing of the extension: a page is bytes.
package RetentionBytes;

use strict;
use warnings;

use Digest::MD5 qw(md5_base64);
use File::Find;
use RetentionNode;
use Test::More;

# As much of a file is looked at at once, and as much twice.
use constant PIECE => 16 * 1024 * 1024;
use constant OVERLAP => 64;

# A number is written as a multiple, so that what is beside a tag by chance is none.
use constant SPREAD => { 4 => 8191, 8 => 68_719_476_731 };

# A new oracle.
sub new
{
	my ($class) = @_;
	my @letters = ('q' .. 'z', 'A' .. 'Z');
	my $tag = join '', map { $letters[ int(rand(@letters)) ] } 1 .. 8;
	# positive, and no zero byte
	my $half = join '', chr(1 + int(rand(126))), map { chr(1 + int(rand(255))) } 1 .. 3;
	# as an address, neither mapped nor multicast; as a uuid, anything
	my $whole = join '', "\x2a", map { chr(1 + int(rand(255))) } 1 .. 7;

	return bless {
		tag => $tag,
		half => $half,
		whole => $whole,
		seed => int(rand(1 << 30)),
		next => 1,
		name => {},
		number => {}
	}, $class;
}

# The number in the text: nearly 48 bits of a hash, so that of some 100,000 marks no two
# are alike.
sub short_text
{
	my ($bytes, $number) = @_;
	my $digits = substr(md5_base64("$bytes->{seed} $number"), 0, 8);

	$digits =~ tr{+/}{ab};
	return $digits;
}

# New marks, told by these names.  Returns the number of the first.
sub population
{
	my ($bytes, @names) = @_;
	my $first = $bytes->{next};

	foreach my $name (@names)
	{
		$bytes->{number}{ $bytes->short_text($bytes->{next}) } = $bytes->{next};
		$bytes->{name}{ $bytes->{next}++ } = $name;
	}
	return $first;
}

# Expressions in SQL that write the mark whose number is the expression's.
sub text
{
	my ($bytes, $number) = @_;
	my $digits = "substr(translate(encode(decode(md5('$bytes->{seed} ' || ($number)), 'hex'), 'base64'), '+/', 'ab'), 1, 8)";

	return "($digits || '$bytes->{tag}' || $digits)";
}

sub bigint
{
	my ($bytes, $number) = @_;

	return '(' . (unpack('N', $bytes->{half}) * (1 << 32)) . "::bigint + ($number) * " . SPREAD->{4} . ')';
}

sub uuid
{
	my ($bytes, $number) = @_;

	return "('" . unpack('H16', $bytes->{whole}) . "' || lpad(to_hex(($number) * " . SPREAD->{8} . " * 256 + 165), 16, '0'))::uuid";
}

# A network of such addresses is no mark: it lacks the last bit.
sub inet
{
	my ($bytes, $number) = @_;

	return "('" . join(':', unpack('(H4)4', $bytes->{whole})) . "::a5'::inet + ($number) * " . SPREAD->{8} . ' * 256)';
}

# Which marks are in this string of bytes: adds their numbers to the set.
sub look
{
	my ($bytes, $string, $set) = @_;
	my $number = $bytes->{number};
	my $name = $bytes->{name};
	my $at;

	for ($at = index($$string, $bytes->{tag}); $at >= 0; $at = index($$string, $bytes->{tag}, $at + 1))
	{
		foreach my $from ($at + 8, $at + 9, $at - 8, $at - 9)
		{
			next if $from < 0 || $from + 8 > length($$string);
			my $found = $number->{ substr($$string, $from, 8) };
			$set->{$found} = 1 if defined $found;
		}
	}
	for ($at = index($$string, $bytes->{whole}); $at >= 0; $at = index($$string, $bytes->{whole}, $at + 1))
	{
		next if $at + 16 > length($$string);
		my $found = unpack('Q>', substr($$string, $at + 8, 8));
		my $from = ($found >> 8) / SPREAD->{8};
		$set->{$from} = 1 if ($found & 255) == 0xa5 && ($found >> 8) % SPREAD->{8} == 0 && exists $name->{$from};
	}
	# As this machine writes it: the number is beside the tag, on either side.
	my $native = pack('L', unpack('N', $bytes->{half}));
	my $little = pack('L', 1) eq pack('V', 1);
	for ($at = index($$string, $native); $at >= 0; $at = index($$string, $native, $at + 1))
	{
		my $from = $little ? $at - 4 : $at + 4;
		next if $from < 0 || $from + 4 > length($$string);
		my $found = unpack('L', substr($$string, $from, 4));
		$set->{ $found / SPREAD->{4} } = 1 if $found % SPREAD->{4} == 0 && exists $name->{ $found / SPREAD->{4} };
	}
}

# The numbers of the marks in a file; none in one that has just gone.
sub in_file
{
	my ($bytes, $path, $set) = @_;
	my ($piece, $rest) = ('', '');

	$set //= {};
	open(my $file, '<:raw', $path) or return $set;
	while (read($file, $piece, PIECE))
	{
		my $string = $rest . $piece;

		$bytes->look(\$string, $set);
		$rest = length($string) > OVERLAP ? substr($string, -OVERLAP) : $string;
	}
	close($file);
	return $set;
}

# Paths of relations, below the data directory, and what they are: tables of users
# by name ("visit", "visit_seen_idx", "toast of visit"), catalogs ("pg_statistic").
sub relations
{
	my ($node) = @_;
	my %name;

	foreach my $database (split /\n/, $node->safe_psql('postgres', 'SELECT datname FROM pg_database WHERE datallowconn'))
	{
		foreach (split /\n/, $node->safe_psql($database, <<'EOS'))
SELECT pg_catalog.pg_relation_filepath(c.oid), coalesce(
	(SELECT 'toast of ' || t.oid::regclass FROM pg_catalog.pg_class t WHERE t.reltoastrelid = c.oid),
	(SELECT 'toast index of ' || t.oid::regclass FROM pg_catalog.pg_class t, pg_catalog.pg_index i
		WHERE i.indexrelid = c.oid AND t.reltoastrelid = i.indrelid),
	c.oid::regclass::text)
FROM pg_catalog.pg_class c WHERE pg_catalog.pg_relation_filepath(c.oid) IS NOT NULL
EOS
		{
			my ($path, $name) = split /\|/, $_, 2;
			$name{$path} = $name;
		}
	}
	return \%name;
}

# Where a file is: the name of the relation, or the folder.
sub place
{
	my ($relations, $path) = @_;
	my $main = $path =~ s/(?:_(?:fsm|vm|init))?(?:\.[0-9]+)?$//r;

	return $relations->{$main} if exists $relations->{$main};
	return 'pgsql_tmp' if $path =~ m{/pgsql_tmp};
	return $1 if $path =~ m{^(pg_[a-z]+)/} && $1 ne 'pg_tblspc';
	return 'files of no relation' if $path =~ m{^(?:base|global|pg_tblspc)/};
	return $path;
}

# Searches all files of a server, which may be stopped if it is told its relations.
# Returns, by place, the set of the numbers that are there; the server's log is the
# place "log".
#
#	relations => relations($node)
sub numbers
{
	my ($bytes, $node, %option) = @_;
	my $relations = $option{relations} // relations($node);
	my $data = $node->data_dir;
	my %numbers;

	find({
			follow_fast => 1,
			follow_skip => 2,
			no_chdir => 1,
			# files come and go
			wanted => sub {
				return unless -f $_;
				my $place = place($relations, substr($_, length($data) + 1));
				$bytes->in_file($_, $numbers{$place} //= {});
			}
		}, $data);
	$bytes->in_file($node->logfile, $numbers{log} //= {});
	return \%numbers;
}

# The same, but how many of each population are there.
sub search
{
	my ($bytes, $node, %option) = @_;
	my $numbers = $bytes->numbers($node, %option);
	my %found;

	foreach my $place (keys %$numbers)
	{
		$found{$place}{ $bytes->{name}{$_} }++ foreach keys %{ $numbers->{$place} };
	}
	return \%found;
}

# Searches after a checkpoint of a server that runs: what its buffers hold is in its
# files then.
sub search_flushed
{
	my ($bytes, $node, %option) = @_;

	$node->safe_psql('postgres', 'CHECKPOINT');
	return $bytes->search($node, %option);
}

# The WAL keeps what was written into it until it is recycled, and that is told by
# retention.erasure_horizon, not by the files of relations.
sub outside_wal
{
	my ($found) = @_;

	return { map { $_ => $found->{$_} } grep { $_ ne 'pg_wal' } keys %$found };
}

# "place: population count, ...", a line each, sorted.
sub tell
{
	my ($found) = @_;

	return join "\n", map {
		my $here = $found->{$_};
		"$_: " . join ', ', map { "$_ $here->{$_}" } sort keys %$here
	} sort keys %$found;
}

# The hash codes of values that a hash index keeps in place of the values: how many
# of them there are in index tuples of this file, live or not.
sub hash_codes
{
	my ($path, @codes) = @_;
	my %wanted = map { ($_ & 0xffffffff) => 1 } @codes;
	my %found;
	my $page;

	open(my $file, '<:raw', $path) or die "could not open $path: $!";
	while (read($file, $page, 8192) == 8192)
	{
		# 8 bytes of place in the heap and length (16), 8 of code and padding
		my @words = unpack('L*', $page);
		for (my $at = 6; $at + 3 < @words; $at += 2)
		{
			$found{ $words[ $at + 2 ] } = 1
			  if exists $wanted{ $words[ $at + 2 ] } && (($words[ $at + 1 ] >> 16) & 0x1fff) == 16 && $words[ $at + 3 ] == 0;
		}
	}
	close($file);
	return scalar keys %found;
}

# The path of a relation's file.
sub path
{
	my ($node, $relation, %option) = @_;

	return $node->data_dir . '/' . $node->safe_psql($option{db} // 'postgres', "SELECT pg_relation_filepath('$relation')");
}

1;
