# Servers for TAP tests: PostgreSQL::Test::Cluster with the settings of .ci/test.conf
# and a key directory.
package RetentionNode;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

# The key directory of a node, made if it is missing: mode 0700, outside the data
# directory.  Two nodes share keys where both name the same.
sub keys
{
	my ($name) = @_;
	my $directory = "${PostgreSQL::Test::Utils::tmp_check}/$name.keys";

	if (!-d $directory)
	{
		mkdir($directory, 0700) or die "could not make $directory: $!";
	}
	return abs_path($directory);
}

# Lines of postgresql.conf for a node of that name.
sub settings
{
	my ($name) = @_;
	my $file = $ENV{RETENTION_CONF} // dirname(__FILE__) . '/../../.ci/test.conf';

	return slurp_file($file) . "privacy_retention.key_directory = '" . RetentionNode::keys($name) . "'\n";
}

# A new node.
#
#	preload		=> 1	with the worker (default 0)
#	conf		=> ''	more lines of postgresql.conf, which win
#	extension	=> 0	do not create the extension in database postgres (default 1)
#	start		=> 0	only initialise it; implies extension => 0
#	streaming	=> 1	can have standbys
#	archiving	=> 1	archives its WAL
#	initdb		=> []	more options of initdb
#	keys		=> name	use that node's key directory
sub make
{
	my ($class, $name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => $option{streaming} ? 1 : 0,
		has_archiving => $option{archiving} ? 1 : 0,
		extra => [ '--no-locale', '--encoding=UTF8', @{ $option{initdb} // [] } ]);
	$node->append_conf('postgresql.conf', settings($option{keys} // $name));
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'privacy_retention'\n")
	  if $option{preload};
	$node->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	return $node if exists $option{start} && !$option{start};

	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION privacy_retention')
	  unless exists $option{extension} && !$option{extension};
	return $node;
}

# Starts a node with a library before the C library's, made of that source, which stands
# in for what is hard to have: a disk that is interrupted, another time.  Where that cannot be
# it does not start it, and returns why.
sub start_with_library
{
	my ($node, $source, %environment) = @_;
	my $library = "${PostgreSQL::Test::Utils::tmp_check}/" . $node->name . '_library';

	return 'the library is for Linux' if $^O ne 'linux';
	return 'the sanitizers bring libraries of their own' if defined $ENV{RETENTION_ASAN};
	append_to_file("$library.c", $source);
	return 'there is no C compiler'
	  if system("cc -shared -fPIC -o '$library.so' '$library.c' > '$library.log' 2>&1") != 0;
	local %ENV = (%ENV, %environment, LD_PRELOAD => "$library.so");
	$node->start;
	return;
}

# Was the server built with that value of a setting?
sub offers
{
	my ($node, $setting, $value) = @_;

	return $node->safe_psql('postgres', "SELECT '$value' = ANY (enumvals) FROM pg_settings WHERE name = '$setting'") eq 't';
}

# Asks until the answer is the expected one.  Bounded: after so many seconds the
# test fails, with the last answer.
sub poll
{
	my ($node, $query, $expected, %option) = @_;
	my $end = time() + ($option{seconds} // 60);
	my ($status, $answer, $error);

	$expected = 't' unless defined $expected;
	do
	{
		($status, $answer, $error) = $node->psql($option{db} // 'postgres', $query);
		return 1 if $status == 0 && $answer eq $expected;
		usleep(50_000);
	} while (time() < $end);

	diag("polled: $query\nexpected: $expected\nlast answer: " . ($answer // '') . "\n" . ($error // ''));
	return 0;
}

# Tries until the code answers true.  Bounded, like poll; returns what it answered.
sub until_true
{
	my ($code, %option) = @_;
	my $end = time() + ($option{seconds} // 60);
	my $answer;

	until ($answer = $code->())
	{
		last if time() >= $end;
		usleep(50_000);
	}
	return $answer;
}

# Starts a server that was killed.  Its last processes may hold the shared memory
# for a moment.
sub start_again
{
	my ($node) = @_;

	foreach (1 .. 600)
	{
		return 1 if $node->start(fail_ok => 1);
		$node->stop('fast', fail_ok => 1);
	}
	return 0;
}

# How long the server's log is, and what it says from there.
sub log_size
{
	my ($node) = @_;
	return -s $node->logfile || 0;
}

sub log_since
{
	my ($node, $offset) = @_;
	return slurp_file($node->logfile, $offset // 0);
}

1;
