/*
 * wal.c
 *		What content of earlier WAL still lies in this server's pg_wal.
 *
 * Invariant: judged by the address that each page of the files carries, never by
 * the files' names: a recycled file has a name of the future and content of the
 * past.  What cannot be told counts as old.
 *
 * A file is overwritten from its beginning.  Below the place that has been written
 * each page is its own; from there on each is what was there before, which may be of
 * several pasts where a file was left half-way.  So of a file that was written to
 * its end the first page is enough, of all others every page is looked at.  A page
 * of zeros holds nothing: new files are made of them, and a switch fills the rest of
 * a segment with them.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/timeline.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogarchive.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "base/identity.h"
#include "erase/wal.h"

/* Files that came or went meanwhile: so often it is looked anew. */
#define TRIES 5

typedef enum Kind
{
	PASSED,						/* written to its end */
	CURRENT,					/* being written */
	AHEAD,						/* recycled, or new: will be written */
	OTHER						/* of another timeline, or no segment */
} Kind;

typedef struct WalFile
{
	char	   *name;
	Kind		kind;
	XLogSegNo	segno;			/* but for OTHER */
	XLogRecPtr	oldest;			/* PG_UINT64_MAX: holds nothing */
	XLogRecPtr	oldest_known;	/* the same, but for what cannot be told */
} WalFile;

struct RetentionWal
{
	TimeLineID	timeline;
	XLogRecPtr	start;			/* of the timeline */
	XLogRecPtr	flushed;
	XLogSegNo	current;
	WalFile    *files;
	int			count;
};

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* The names of all files that may hold WAL, in order. */
static List *
list_files(void)
{
	DIR		   *dir = AllocateDir(XLOGDIR);
	struct dirent *entry;
	List	   *names = NIL;

	while ((entry = ReadDir(dir, XLOGDIR)) != NULL)
	{
		char		path[MAXPGPATH];
		struct stat st;

		CHECK_FOR_INTERRUPTS();
		if (IsTLHistoryFileName(entry->d_name) || IsBackupHistoryFileName(entry->d_name))
			continue;
		snprintf(path, sizeof(path), XLOGDIR "/%s", entry->d_name);
		/* one that has gone is in the list, and so it is looked anew */
		if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
			continue;
		names = lappend(names, pstrdup(entry->d_name));
	}
	FreeDir(dir);
	list_sort(names, compare_names);
	return names;
}

static bool
same_names(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
		if (strcmp(lfirst(la), lfirst(lb)) != 0)
		return false;
	return true;
}

static void
classify(const RetentionWal *wal, WalFile *file)
{
	TimeLineID	timeline;

	file->kind = OTHER;
	if (!IsXLogFileName(file->name))
		return;
	XLogFromFileName(file->name, &timeline, &file->segno, wal_segment_size);
	if (timeline == wal->timeline)
		file->kind = file->segno < wal->current ? PASSED :
			file->segno == wal->current ? CURRENT : AHEAD;
}

/*
 * The address of what a page holds: PG_UINT64_MAX for nothing, invalid where it
 * cannot be told.  On a timeline that was left, places behind the fork are another
 * server's, of whatever age.  On this one, a page that lies ahead of what has been
 * written was left by a crash, and may be torn.
 */
static XLogRecPtr
judge_page(const RetentionWal *wal, const XLogPageHeaderData *header)
{
	static const XLogPageHeaderData empty = {0};

	if (memcmp(header, &empty, SizeOfXLogShortPHD) == 0)
		return PG_UINT64_MAX;
	if (header->xlp_magic != XLOG_PAGE_MAGIC)
		return InvalidXLogRecPtr;
	if (header->xlp_tli == wal->timeline)
		return header->xlp_pageaddr < GetXLogInsertRecPtr() ? header->xlp_pageaddr : InvalidXLogRecPtr;
	return header->xlp_pageaddr < wal->start ? header->xlp_pageaddr : InvalidXLogRecPtr;
}

/* False if the file is gone. */
static bool
look_at(const RetentionWal *wal, WalFile *file)
{
	char		path[MAXPGPATH];
	int			fd;
	bool		whole = file->kind != PASSED;
	off_t		offset = 0;

	snprintf(path, sizeof(path), XLOGDIR "/%s", file->name);
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
	{
		if (errno == ENOENT)
			return false;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	}
	file->oldest = file->oldest_known = PG_UINT64_MAX;
	do
	{
		XLogPageHeaderData header = {0};
		ssize_t		got = pg_pread(fd, &header, SizeOfXLogShortPHD, offset);
		XLogRecPtr	held;

		CHECK_FOR_INTERRUPTS();
		if (got < 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", path)));
		if (got == 0)
			break;
		held = judge_page(wal, &header);
		file->oldest = Min(file->oldest, held);
		if (held != InvalidXLogRecPtr)
			file->oldest_known = Min(file->oldest_known, held);

		/*
		 * A segment that does not begin with itself is not what we think it
		 * is.
		 */
		if (offset == 0 && !whole)
		{
			XLogRecPtr	own;

			XLogSegNoOffsetToRecPtr(file->segno, 0, wal_segment_size, own);
			whole = held != own;
		}
		offset += XLOG_BLCKSZ;
	} while (whole);
	CloseTransientFile(fd);
	return true;
}

/* Where the current timeline began. */
static XLogRecPtr
timeline_start(TimeLineID *timeline)
{
	List	   *history;

	*timeline = GetWALInsertionTimeLine();
	if (*timeline == 1)
		return InvalidXLogRecPtr;
	history = readTimeLineHistory(*timeline);
	return ((TimeLineHistoryEntry *) linitial(history))->begin;
}

RetentionWal *
retention_wal_look(void)
{
	RetentionWal *wal = palloc0(sizeof(RetentionWal));

	wal->start = timeline_start(&wal->timeline);
	for (int try = 0; try < TRIES; try++)
	{
		List	   *names = list_files();
		ListCell   *lc;
		bool		gone = false;

		wal->flushed = GetFlushRecPtr(NULL);
		XLByteToSeg(wal->flushed, wal->current, wal_segment_size);
		wal->files = palloc0_array(WalFile, list_length(names));
		wal->count = 0;
		foreach(lc, names)
		{
			WalFile    *file = &wal->files[wal->count++];

			file->name = lfirst(lc);
			classify(wal, file);
			if (!look_at(wal, file))
			{
				gone = true;
				break;
			}
		}

		/*
		 * A file that was renamed during the look may not have been looked
		 * at.
		 */
		if (!gone && same_names(names, list_files()))
			return wal;
	}
	return NULL;
}

XLogRecPtr
retention_wal_oldest(const RetentionWal *wal)
{
	XLogRecPtr	oldest = PG_UINT64_MAX;

	for (int i = 0; i < wal->count; i++)
		oldest = Min(oldest, wal->files[i].oldest);
	return oldest;
}

XLogRecPtr
retention_wal_oldest_known(const RetentionWal *wal)
{
	XLogRecPtr	oldest = PG_UINT64_MAX;

	for (int i = 0; i < wal->count; i++)
		oldest = Min(oldest, wal->files[i].oldest_known);
	return oldest;
}

/* Who needs a segment that was written to its end.  False: the next checkpoint takes it. */
static bool
find_keeper(const WalFile *file, const RetentionWal *wal, char **holder, char **remedy)
{
	MemoryContext context = CurrentMemoryContext;
	RetentionIdentity saved;
	XLogRecPtr	end;
	char		path[MAXPGPATH];
	struct stat st;
	bool		found;

	XLogSegNoOffsetToRecPtr(file->segno + 1, 0, wal_segment_size, end);
	SPI_connect();
	retention_identity_become_extension(&saved);
	if (SPI_execute(psprintf("SELECT format('replication slot %%I, which has not read all of it', slot_name),"
							 " CASE WHEN active THEN 'Let its consumer catch up.'"
							 " ELSE format('SELECT pg_drop_replication_slot(%%L); or start its consumer', slot_name) END"
							 " FROM pg_replication_slots WHERE restart_lsn < '%X/%X'"
							 " ORDER BY restart_lsn, slot_name", LSN_FORMAT_ARGS(end)),
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look at the replication slots");
	found = SPI_processed > 0;
	if (found)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*holder = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		*remedy = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		MemoryContextSwitchTo(old);
	}
	retention_identity_restore(&saved);
	SPI_finish();
	if (found)
		return true;

	StatusFilePath(path, file->name, ".ready");
	if (XLogArchivingActive() && stat(path, &st) == 0)
	{
		*holder = psprintf("the archiver, which has not archived %s", file->name);
		*remedy = pstrdup("SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver; the server's log says why archive_command or archive_library fails");
		return true;
	}
	if (wal_keep_size_mb > 0 &&
		(wal->current - file->segno) * wal_segment_size <= (uint64) wal_keep_size_mb * 1024 * 1024)
	{
		*holder = pstrdup("wal_keep_size");
		*remedy = pstrdup("ALTER SYSTEM SET wal_keep_size = 0; SELECT pg_reload_conf(); CHECKPOINT");
		return true;
	}
	return false;
}

/* Writes so many segments to their end; then a checkpoint takes what is before them. */
static char *
move_on(uint64 switches)
{
	return psprintf("DO 'BEGIN FOR i IN 1.." UINT64_FORMAT " LOOP"
					" PERFORM pg_logical_emit_message(false, ''privacy_retention'', ''''), pg_switch_wal();"
					" END LOOP; END'; CHECKPOINT", switches);
}

bool
retention_wal_clear(const RetentionWal *wal, XLogRecPtr lsn, char **holder, char **remedy)
{
	const WalFile *passed = NULL;
	const WalFile *other = NULL;
	int			recycled = 0;
	XLogSegNo	furthest = wal->current;
	bool		old = false;

	*holder = *remedy = NULL;
	for (int i = 0; i < wal->count; i++)
	{
		const WalFile *file = &wal->files[i];

		if (file->oldest >= lsn)
			continue;
		old = true;
		if (file->kind == PASSED && (passed == NULL || file->segno < passed->segno))
			passed = file;
		else if (file->kind == OTHER && other == NULL)
			other = file;
		else if (file->kind == AHEAD)
		{
			recycled++;
			furthest = Max(furthest, file->segno);
		}
	}
	if (!old)
		return true;

	if (passed != NULL)
	{
		if (!find_keeper(passed, wal, holder, remedy))
		{
			*holder = psprintf("WAL file %s, which no checkpoint has taken yet", passed->name);
			*remedy = pstrdup("CHECKPOINT");
		}
	}
	else if (other != NULL)
	{
		*holder = psprintf("file %s in pg_wal, of another timeline or none", other->name);

		/*
		 * Of the timeline that was left, the last segment is there while this
		 * one writes its namesake.
		 */
		*remedy = psprintf("%s; where the file stays after that and the server does not need it, remove it",
						   move_on(1));
	}
	else
	{
		*holder = recycled == 0 ?
			pstrdup("the WAL file that is being written") :
			psprintf("%d recycled WAL files, which will be overwritten as WAL is written", recycled);
		*remedy = move_on(furthest - wal->current + 1);
	}
	return false;
}
