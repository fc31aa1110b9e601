# A database that did not see the clock jump, because it is new, destroys no key by it
# either: keys are the server's. A library before the C library's makes the clock jump.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $jump = PostgreSQL::Test::Utils::tempdir_short() . '/jump';
my $node = RetentionNode->make('clock', start => 0, preload => 1, conf => "privacy_retention.enabled = off\n");
my $why = RetentionNode::start_with_library($node, <<'EOS', JUMP => $jump);
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The clock, and how far it jumped: so many seconds are in a file, if there is one. */
int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec time;
	char		text[32] = "";
	int			fd = open(getenv("JUMP"), O_RDONLY);

	if (fd >= 0)
	{
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = '\0';
		close(fd);
	}
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &time);
	now->tv_sec = time.tv_sec + atol(text);
	now->tv_usec = time.tv_nsec / 1000;
	return 0;
}
EOS
plan(skip_all => $why) if defined $why;

sub in
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "SET privacy_retention.enabled = on; $sql");
}

sub make_database
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	return $node->safe_psql($database, 'CREATE EXTENSION privacy_retention');
}

my $state = 'SELECT epoch, state FROM retention.key ORDER BY 1';
my $said = q{SELECT hint FROM retention.check() WHERE object = 'key epoch 1'};
make_database('old');
in('old', q{CALL retention.enforce(); SELECT retention.create_key(clock_timestamp() + interval '1 day'); SELECT retention.create_key()});
is(in('old', 'SELECT ahead FROM retention.pass_clock'), '0', 'a clock that has not jumped');

append_to_file($jump, 3 * 86400);
is(in('old', q{SELECT now() > destroy_on FROM retention.key WHERE epoch = 1}), 't', 'the clock jumps past the date');
in('old', 'CALL retention.enforce()');
is(in('old', $state), "1|retired\n2|current", 'the database that saw it keeps the key');
make_database('new');
in('new', 'CALL retention.enforce()') foreach 1 .. 2;
is(in('new', $state), "1|retired\n2|current", 'so does one that was made afterwards');
is(in('new', $said), "SELECT retention.accept_clock(), if the server's clock is right", 'and says what it waits for');

# Whoever accepts the clock does it for the databases that are made then.
in('new', 'BEGIN; SELECT retention.accept_clock(); ROLLBACK');
make_database('third');
in('third', 'CALL retention.enforce()');
is(in('third', $state), "1|retired\n2|current", 'what was rolled back accepts nothing');
in('old', 'SELECT retention.accept_clock()');
in('new', 'CALL retention.enforce()');
is(in('new', $state), "1|retired\n2|current", 'one database does not speak for another that saw it');
make_database('fourth');
in('fourth', 'CALL retention.enforce()');
is(in('fourth', $state), "1|destroyed\n2|current", 'one that was made after it was accepted destroys the key');

done_testing();
