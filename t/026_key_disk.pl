# What is done to key files is on disk when it is said to be done, in the right order,
# whatever the setting fsync says. A library before the C library's writes down what is
# synced and removed, and interrupts a call when it is asked to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Utils;
use RetentionNode;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $heard = "$directory/heard";
my $library = <<'EOS';
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
note(const char *what, const char *path)
{
	char		line[8192];
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int			log = open(getenv("HEARD"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	snprintf(line, sizeof(line), "%s %s\n", what, name);
	if (log < 0 || write(log, line, strlen(line)) < 0)
		abort();
	close(log);
}

/* Does the file have a key, as far as anybody can read it? */
static int
has_key(const char *path)
{
	char		text[1024] = "";
	int			fd = open(path, O_RDONLY);
	ssize_t		length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	return length > 0 && memmem(text, length, "\nkey ", 5) != NULL;
}

int
fsync(int fd)
{
	char		link[64];
	char		path[4096];
	char		wish[4096];
	ssize_t		length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	if (strstr(path, ".keys") == NULL)
		return syscall(SYS_fsync, fd);
	snprintf(wish, sizeof(wish), "%s.interrupt", getenv("HEARD"));
	if (unlink(wish) == 0)
	{
		note("interrupted", path);
		errno = EINTR;
		return -1;
	}
	note(has_key(path) ? "sync key" : "sync", path);
	return syscall(SYS_fsync, fd);
}

int
unlinkat(int directory, const char *name, int flags)
{
	int			result = syscall(SYS_unlinkat, directory, name, flags);

	if (result == 0 && strstr(name, "epoch-") == name)
		note("remove", name);
	return result;
}
EOS

my $node = RetentionNode->make('disk', start => 0, conf => "fsync = off\n");
my $why = RetentionNode::start_with_library($node, $library, HEARD => $heard);
plan(skip_all => $why) if defined $why;
$node->safe_psql('postgres', 'CREATE EXTENSION privacy_retention');

sub after
{
	my ($sql) = @_;
	unlink $heard;
	$node->safe_psql('postgres', $sql);
	return -e $heard ? slurp_file($heard) : '';
}

is(after('SELECT retention.create_key()'), <<'EOS', 'a key is on disk before it has its name, and its name then');
sync key mark.key.new
sync disk.keys
sync key epoch-1.key.new
sync disk.keys
EOS
is(after('SELECT retention.destroy_key(1)'), <<'EOS', 'a key that is destroyed: first the note, then the overwritten file, then that it is gone');
sync epoch-1.destroyed.new
sync disk.keys
sync epoch-1.key
remove epoch-1.key
sync disk.keys
EOS
$node->safe_psql('postgres', 'SELECT retention.create_key()');
append_to_file("$heard.interrupt", '');
is(after("SELECT retention.destroy_key(2)"), <<'EOS', 'what was interrupted is done again');
interrupted epoch-2.destroyed.new
sync epoch-2.destroyed.new
sync disk.keys
sync epoch-2.key
remove epoch-2.key
sync disk.keys
EOS

# By a CALL, on its date: the same.
$node->safe_psql('postgres', q{SELECT retention.create_key(clock_timestamp() + interval '20 ms')});
ok(RetentionNode::poll($node, 'SELECT destroy_on < clock_timestamp() FROM retention.key WHERE epoch = 3', 't'), 'a date comes');
like(after('CALL retention.enforce()'), qr/sync key epoch-4\.key\.new\nsync disk\.keys\nsync epoch-3\.destroyed\.new\nsync disk\.keys\nsync epoch-3\.key\nremove epoch-3\.key\nsync disk\.keys\n/, 'the next key is on disk before this one goes');

done_testing();
