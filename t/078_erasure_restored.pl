# What retention.erasure_horizon says of a server is true of its files, wherever these
# come from: a base backup of a moment between VACUUM and scrub, recovery to a time
# before and after the scrub, a copy that goes on on the same timeline, a standby that
# was promoted.  At once, and not only when somebody has looked.

use strict;
use warnings;

use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use RetentionBytes;
use RetentionHorizon;
use RetentionNode;
use Test::More;

my $rows = 300;
my $bytes = RetentionBytes->new;
my $primary = RetentionNode->make('primary', streaming => 1, archiving => 1, initdb => ['--wal-segsize=1'],
	conf => "autovacuum = off\nhot_standby = on\nwal_keep_size = 0\nmin_wal_size = 4MB\nmax_wal_size = 8MB\ncheckpoint_timeout = 1h\n");

sub sql
{
	my ($sql, $node) = @_;
	return ($node // $primary)->safe_psql('postgres', $sql);
}

# Statements that are no transaction of one string.
sub each_sql
{
	my ($node, @statements) = @_;

	$node->safe_psql('postgres', $_) foreach @statements;
}

my @erase = ('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $t', 'CALL retention.scrub(\'$t\')');

sub erase
{
	my ($name, $node) = @_;
	each_sql($node // $primary, map { s/\$t/$name/gr } @erase);
}

# ---- a table, from its deletion to the end, and backups in between ----
RetentionHorizon::create($primary, $bytes, 'later', $rows);
each_sql($primary, q{CALL retention.enforce('later')}, q{CALL retention.scrub('later')});
is(RetentionHorizon::levels($primary)->{'public.later'}, 'removable', 'a table of which rows were deleted');
$primary->backup('base');
sql('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) later');
$primary->backup('between');
sql(q{SELECT pg_create_restore_point('vacuumed')});
sql(q{CALL retention.scrub('later')});
sql(q{SELECT pg_create_restore_point('scrubbed')});
cmp_ok(RetentionHorizon::follow($primary, 'public.later'), '>', 0, 'its WAL becomes clear');
is(RetentionHorizon::lies($primary, $bytes), '', 'and that is so');
sql(q{SELECT pg_create_restore_point('clear')});
# one that stays where VACUUM has been, one that is only deleted
RetentionHorizon::create($primary, $bytes, $_, $rows) foreach 'vacuumed', 'deleted', 'during';
each_sql($primary, q{CALL retention.enforce('vacuumed')}, q{CALL retention.scrub('vacuumed')}, 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) vacuumed', q{CALL retention.enforce('deleted')});

# ---- a base backup during which rows are deleted, erased, and the WAL recycled ----
# As pg_basebackup does it, with all of its WAL.
sub backup_during
{
	my ($name, $what) = @_;
	my $path = $primary->backup_dir . "/$name";
	my $session = $primary->background_psql('postgres');

	mkdir $primary->backup_dir;
	$session->query_safe('SET client_min_messages = warning');
	$session->query_safe("SELECT pg_backup_start('$name', true)");
	my $first = sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	PostgreSQL::Test::RecursiveCopy::copypath($primary->data_dir, $path,
		filterfn => sub { return $_[0] !~ m{^(?:pg_wal/.*|pg_replslot/.*|postmaster\.(?:pid|opts)|log)$} });
	$what->();
	# waits until all of its WAL is archived
	my ($last, $label) = split /\n/, $session->query_safe(q{SELECT pg_walfile_name(lsn) || E'\n' || labelfile FROM pg_backup_stop(wait_for_archive => true)}), 2;
	$session->quit;
	append_to_file("$path/backup_label", "$label\n");
	mkdir "$path/pg_wal";
	foreach my $file (glob($primary->archive_dir . '/*'))
	{
		my $segment = (split m{/}, $file)[-1];

		copy($file, "$path/pg_wal/$segment") if $segment =~ /^[0-9A-F]{24}$/ && $segment ge $first && $segment le $last;
	}
}

backup_during('while', sub {
	sql(q{CALL retention.enforce('during')});
	erase('during');
	isnt(RetentionHorizon::follow($primary, 'public.during'), -1, 'while a backup is taken, WAL becomes clear');
});
is(RetentionHorizon::lies($primary, $bytes), '', 'and that is so');

# ---- restored ----
sub restored
{
	my ($name, $backup, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init_from_backup($primary, $backup, has_restoring => $option{target} ? 1 : 0, standby => 0);
	$node->append_conf('postgresql.conf', "archive_mode = off\n" . ($option{conf} // ''));
	$node->append_conf('postgresql.conf', "recovery_target_name = '$option{target}'\nrecovery_target_action = 'promote'\n") if $option{target};
	$node->start;
	ok(RetentionNode::poll($node, 'SELECT pg_is_in_recovery()', 'f'), "$name: is there");
	return $node;
}

# Nothing is false, neither at once nor once somebody has looked, nor to the end.
sub judge
{
	my ($node, $expected, @erase) = @_;
	my $name = $node->name;
	my $levels = RetentionHorizon::levels($node);

	is(join(' ', map { s/^public\.//r . '=' . $levels->{$_} } sort keys %$levels), $expected, "$name: what is said");
	is(RetentionHorizon::lies($node, $bytes), '', "$name: is so");
	is(sql(q{SELECT count(*) FROM retention.erasure_horizon WHERE level <> 'backup_clear' AND held_by IS NULL}, $node), '0', "$name: and what holds it is named");
	RetentionHorizon::advance($node);
	is(RetentionHorizon::lies($node, $bytes), '', "$name: so is it once somebody has looked");
	foreach my $table (@erase)
	{
		erase($table, $node);
		isnt(RetentionHorizon::follow($node, "public.$table"), -1, "$name: $table can be brought to the end");
	}
	$levels = RetentionHorizon::levels($node);
	is($levels->{"public.$_"}, 'wal_clear', "$name: $_ is") foreach @erase;
	is(RetentionHorizon::lies($node, $bytes), '', "$name: and that is so");
	$node->stop;
}

# Recovery to a time at which the bytes were there: nothing is said to be gone.
judge(restored('early', 'base', target => 'vacuumed'), 'later=removable', 'later');
# From between VACUUM and scrub, to behind the scrub: the WAL is of another server.
judge(restored('middle', 'between', target => 'scrubbed'), 'later=scrubbed', 'later');
judge(restored('late', 'between', target => 'clear'), 'later=scrubbed');
# A copy that goes on on the same timeline, of that moment
judge(restored('copied', 'between'), 'later=removable', 'later');
# and one whose WAL has what was cleared on its origin while it was copied.
my $copy = restored('meanwhile', 'while', conf => "wal_keep_size = '64MB'\n");
is(sql('SELECT timeline_id FROM pg_control_checkpoint()', $copy), '1', 'meanwhile: on the same timeline');
cmp_ok($bytes->search($copy)->{pg_wal}{during} // 0, '>', 0, 'meanwhile: its WAL has what was there');
is(RetentionHorizon::reached($copy, 'public.during'), 'wal_clear', 'meanwhile: its origin noted that it was clear');
judge($copy, 'deleted=deleted during=replicas later=wal_clear vacuumed=removable', 'during', 'vacuumed', 'deleted');

# ---- a standby that is promoted ----
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1, has_restoring => 1);
$standby->append_conf('postgresql.conf', "wal_keep_size = '64MB'\narchive_mode = off\n");
$standby->start;
$primary->wait_for_catchup($standby);
sql('CHECKPOINT');
$primary->stop('immediate');
$standby->promote;
cmp_ok($bytes->search($standby)->{pg_wal}{during} // 0, '>', 0, 'standby: its WAL has what is no more in that of its primary');
judge($standby, 'deleted=deleted during=scrubbed later=scrubbed vacuumed=removable');
$standby->start;
each_sql($standby, 'ALTER SYSTEM SET wal_keep_size = 0', 'SELECT pg_reload_conf()');
isnt(RetentionHorizon::follow($standby, 'public.during'), -1, 'standby: its WAL can be cleared');
is(RetentionHorizon::lies($standby, $bytes), '', 'standby: and is');
$standby->stop;

done_testing();
